/** When a destination that gathers gets its next batch. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toCollectWait, toLateSince } from '../../src/send/collect.ts'
import { runs } from '../support/runs.ts'

const NOW = 1_800_000_000_000
const gathering = { collectMs: 300_000, batchEvents: 2_000, waiting: 10, oldestAt: NOW - 100_000 }

test('[FI15] a batch leaves when its oldest event has waited for long enough', () => {
  expect(toCollectWait(gathering, NOW)).toBe(200_000)
  expect(toCollectWait(gathering, NOW + 199_999)).toBe(1)
  expect(toCollectWait(gathering, NOW + 200_000)).toBe(0)
  expect(toCollectWait(gathering, NOW + 900_000)).toBe(0)
})

test('[FI15] a full batch leaves at once, and where nothing waits there is nothing to wait for', () => {
  expect(toCollectWait({ ...gathering, waiting: 1_999 }, NOW)).toBe(200_000)
  expect(toCollectWait({ ...gathering, waiting: 2_000 }, NOW)).toBe(0)
  expect(toCollectWait({ ...gathering, waiting: 0, oldestAt: undefined }, NOW)).toBe(0)
})

test('[FI15] deliver now lets all leave that was received by then, and nothing later', () => {
  const askedAt = NOW - 50_000
  expect(toCollectWait({ ...gathering, askedAt }, NOW)).toBe(0)
  expect(toCollectWait({ ...gathering, askedAt, oldestAt: askedAt }, NOW)).toBe(0)
  expect(toCollectWait({ ...gathering, askedAt, oldestAt: askedAt + 1 }, NOW)).toBe(250_001)
})

test('[FI15] whatever the clock does, no event waits for longer than collectMs, and who waits as told is not told to wait again', {
  tags: 'property',
}, () => {
  const input = fc.record({
    collectMs: fc.integer({ min: 10_000, max: 3_600_000 }),
    batchEvents: fc.constant(2_000),
    waiting: fc.integer({ min: 1, max: 1_999 }),
    oldestAt: fc.integer({ min: NOW - 10_000_000, max: NOW + 10_000_000 }),
  })
  fc.assert(
    fc.property(input, one => {
      const wait = toCollectWait(one, NOW)
      expect(wait).toBeGreaterThanOrEqual(0)
      expect(wait).toBeLessThanOrEqual(one.collectMs)
      if (one.oldestAt <= NOW) expect(toCollectWait(one, NOW + wait)).toBe(0)
    }),
    { numRuns: runs(500) },
  )
})

test('[FI16] an event that only waits for its batch is not late', () => {
  expect(toLateSince(gathering, NOW)).toBeUndefined()
  expect(toLateSince(gathering, NOW + 200_001)).toBe(NOW + 200_000)
  expect(toLateSince({ oldestAt: NOW - 5 }, NOW)).toBe(NOW - 5)
  expect(toLateSince({ oldestAt: undefined }, NOW)).toBeUndefined()
})
