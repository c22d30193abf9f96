import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DeliveryReason, deliveryReasons } from '../../src/reasons.ts'
import {
  afterFailure,
  afterLateFailure,
  afterSuccess,
  toHoldMs,
  toNextTry,
  toProbe,
} from '../../src/send/circuit-breaker.ts'
import { type Line, openLine, restoreLine, toRest, toWaitMs } from '../../src/send/retry.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const NOW = Date.UTC(2026, 9, 5, 2, 14)
const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const pauses: readonly DeliveryReason[] = [
  'segment_unauthorized',
  'segment_misrouted',
  'segment_refuses_all',
  'bucket_unauthorized',
  'bucket_clock_wrong',
  'bucket_missing',
  'bucket_region_wrong',
  'bucket_misrouted',
  'folder_forbidden',
]
const everyReason = Object.keys(deliveryReasons) as DeliveryReason[]
const backoffs = everyReason.filter(word => !pauses.includes(word))

function readWait(headers: Record<string, string>): number {
  return toWaitMs(new Headers(headers), NOW)
}

const batch = 'batch' as const
const told = (reason: DeliveryReason, waitToldMs = 0) => ({ reason, waitToldMs })

function failTimes(times: number, random: number, reason: DeliveryReason = 'segment_failing'): Line {
  let line = openLine
  for (let failure = 0; failure < times; failure++) {
    line = afterFailure({ ...line, notBefore: 0 }, told(reason), toNextTry(line, NOW), NOW, random)
  }
  return line
}

describe('how long the line waits after a failure', () => {
  it.each(everyReason)('[RT50] %s: the first two failures wait 1 s and 2 s, whatever the dice', reason => {
    for (const random of [0, 0.5, 0.99]) {
      expect(toRest(failTimes(1, random, reason), NOW)).toBe(SECOND)
      expect(toRest(failTimes(2, random, reason), NOW)).toBe(2 * SECOND)
    }
    expect([1, 2, 3, 9].map(times => toNextTry(failTimes(times, 0, reason), NOW))).toEqual([
      batch,
      'probe',
      'probe',
      'probe',
    ])
  })

  it('[RT1] from the first failed probe on anything from nothing to a ceiling that doubles up to 60 s', () => {
    const ceilings = [4, 8, 16, 32, 60, 60, 60].map(seconds => seconds * SECOND)
    ceilings.forEach((ceiling, probes) => {
      expect(toRest(failTimes(probes + 3, 0), NOW)).toBe(0)
      expect(toRest(failTimes(probes + 3, 0.999_999), NOW)).toBe(ceiling)
      expect(toRest(failTimes(probes + 3, 0.5), NOW)).toBe(ceiling / 2)
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), dice, (times, random) => {
        const rest = toRest(failTimes(times, random), NOW)
        expect(rest).toBeGreaterThanOrEqual(0)
        expect(rest).toBeLessThanOrEqual(MINUTE)
      }),
      { numRuns: 50 },
    )
  })

  it('[RT1] two bridges that fail together do not come back together', () => {
    const rests = Array.from({ length: 100 }, (_, at) => toRest(failTimes(9, at / 100), NOW))
    expect(new Set(rests).size).toBe(100)
  })

  it.each(backoffs)('[RT1] %s backs off', reason => {
    expect(toRest(failTimes(5, 0.5, reason), NOW)).toBe(8 * SECOND)
  })

  it.each(pauses)('[RT2] %s pauses for 5 minutes once two probes have failed, whatever the dice', reason => {
    for (const random of [0, 0.5, 0.99]) {
      expect(toRest(failTimes(3, random, reason), NOW)).toBeLessThanOrEqual(4 * SECOND)
      expect(toRest(failTimes(4, random, reason), NOW)).toBe(5 * MINUTE)
      expect(toRest(failTimes(40, random, reason), NOW)).toBe(5 * MINUTE)
    }
  })

  it('[RT3] a wait that was told is waited out whole', () => {
    const line = afterFailure(openLine, told('segment_throttled', 90 * SECOND), batch, NOW, 0)
    expect(toRest(line, NOW)).toBe(90 * SECOND)
    // A failure of the other lane, a moment later, shortens nothing.
    const later = afterFailure(line, told('segment_timeout'), batch, NOW + SECOND, 0)
    expect(toRest(later, NOW + SECOND)).toBe(89 * SECOND)
    expect(later).toMatchObject({ failures: 2, reason: 'segment_timeout' })
    expect(toRest(afterLateFailure(line, told('segment_failing'), NOW), NOW)).toBe(90 * SECOND)
    expect(toRest(afterLateFailure(line, told('segment_failing', 99 * SECOND), NOW), NOW)).toBe(99 * SECOND)
  })

  it('[RT51] a 429 that names its wait asks for no probe, however often it comes; one without does', () => {
    let line = openLine
    for (let failure = 0; failure < 9; failure++)
      line = afterFailure(line, told('segment_throttled', SECOND), batch, NOW, 0)
    expect([line.failures, toNextTry(line, NOW)]).toEqual([9, batch])
    expect(toNextTry(failTimes(2, 0, 'segment_throttled'), NOW)).toBe('probe')
  })

  it('[RT4] a clock set back silences the line for no longer than a receiver may', () => {
    const line = failTimes(4, 0, 'segment_unauthorized')
    const hoursAgo = NOW - 3 * 60 * MINUTE
    expect(toRest(line, hoursAgo)).toBe(0)
    expect(toRest(afterFailure(openLine, told('segment_failing'), batch, hoursAgo, 0.5), hoursAgo)).toBe(
      SECOND,
    )
    expect(toRest(line, NOW - 30 * MINUTE)).toBe(35 * MINUTE)
  })
})

describe('a probe', () => {
  it('[RT52] that passes makes the next batches isolate for a minute, renewed by each culprit found', () => {
    const proven = afterSuccess(failTimes(2, 0), 'probe', false, NOW)
    expect(proven).toMatchObject({ failures: 0, notBefore: 0, reason: undefined })
    expect(toNextTry(proven, NOW + MINUTE - 1)).toBe('isolate')
    expect(toNextTry(proven, NOW + MINUTE)).toBe(batch)
    // A clock set back makes it no longer.
    expect(toNextTry(proven, NOW - MINUTE)).toBe(batch)
    const renewed = afterSuccess(proven, 'isolate', true, NOW + 50 * SECOND)
    expect(toNextTry(renewed, NOW + 100 * SECOND)).toBe('isolate')
    expect(afterSuccess(proven, 'isolate', false, NOW)).toEqual(openLine)
    expect(toNextTry(afterFailure(proven, told('segment_failing'), 'isolate', NOW, 0), NOW)).toBe('probe')
  })

  it.each([1, 2, 3, 5, 8, 13, 100])(
    '[RT53] is the newest event first, and soon every other of %i',
    events => {
      const probes = Array.from({ length: 400 }, (_, failed) =>
        Math.floor(toProbe(failTimes(failed + 2, 0)) * events),
      )
      expect(probes[0]).toBe(0)
      if (events > 1) expect(probes[1]).not.toBe(0)
      expect(new Set(probes.slice(0, 2 * events)).size).toBe(events)
    },
  )
})

describe('an event that is held back', () => {
  it('[RT54] is tried again after half a minute to a minute, then twice as long, up to an hour', () => {
    expect([0, 1, 2, 5, 6, 60].map(holds => toHoldMs(holds, 0.999_999_99) / MINUTE)).toEqual([
      1, 2, 4, 32, 60, 60,
    ])
    expect([0, 1, 60].map(holds => toHoldMs(holds, 0) / MINUTE)).toEqual([0.5, 1, 30])
  })
})

describe('a line that was kept', () => {
  const kept = { failures: 3, notBefore: NOW, reason: 'segment_failing', strikes: 3, isolatingUntil: 0 }
  it.each([
    ['itself', JSON.stringify(kept), kept],
    ['of an older version', '{"failures":9,"notBefore":7}', { failures: 9, notBefore: 7, strikes: 0 }],
    ['nothing', undefined, openLine],
    ['cut off', '{"failures":', openLine],
    ['null', 'null', openLine],
    ['another type', '{"failures":"3","notBefore":null}', openLine],
    ['an unknown reason', JSON.stringify({ ...kept, reason: 'segment_asleep' }), openLine],
  ])('[RT55] is restored: %s', (_, text, expected) => {
    expect(restoreLine(text)).toMatchObject(expected)
  })
})

describe('what an answer tells to wait', () => {
  it.each([
    ['seconds', { 'retry-after': '120' }, 120 * SECOND],
    ['zero', { 'retry-after': '0' }, 0],
    ['blanks around', { 'retry-after': ' 7 ' }, 7 * SECOND],
    ['parts of a second', { 'retry-after': '1.5' }, 1_500],
    ['a date to come', { 'retry-after': new Date(NOW + MINUTE).toUTCString() }, MINUTE],
    ['a date of the old kind', { 'retry-after': 'Monday, 05-Oct-26 02:15:00 GMT' }, MINUTE],
    ['an ISO date', { 'retry-after': new Date(NOW + MINUTE).toISOString() }, MINUTE],
    ['a date gone by', { 'retry-after': new Date(NOW - MINUTE).toUTCString() }, 0],
    ['X-RateLimit-Reset in seconds', { 'x-ratelimit-reset': '30' }, 30 * SECOND],
    ['X-RateLimit-Reset as a point in time', { 'x-ratelimit-reset': String(NOW / SECOND + 30) }, 30 * SECOND],
    [
      'f11: X-RateLimit-Reset in milliseconds since 1970',
      { 'x-ratelimit-reset': String(NOW + 2 * SECOND) },
      2 * SECOND,
    ],
    ['milliseconds gone by', { 'x-ratelimit-reset': String(NOW - 2 * SECOND) }, 0],
    ['RateLimit-Reset', { 'ratelimit-reset': '30' }, 30 * SECOND],
    ['a point in time gone by', { 'x-ratelimit-reset': String(NOW / SECOND - 30) }, 0],
    ['both: the longer one', { 'retry-after': '5', 'x-ratelimit-reset': '30' }, 30 * SECOND],
    ['one of two is garbage', { 'retry-after': 'later', 'x-ratelimit-reset': '30' }, 30 * SECOND],
    ['garbage', { 'retry-after': 'soon' }, 0],
    ['garbage that Date.parse takes', { 'retry-after': 'soon 2099' }, 0],
    ['a negative number', { 'retry-after': '-5' }, 0],
    ['an empty header', { 'retry-after': '' }, 0],
    ['nothing', {}, 0],
    ['a week: cut to an hour', { 'retry-after': '604800' }, 60 * MINUTE],
    ['a number beyond all numbers', { 'retry-after': '9'.repeat(400) }, 60 * MINUTE],
    ['the year 9999', { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }, 60 * MINUTE],
  ])('[RT5] %s', (_, headers, expected) => {
    expect(readWait(headers)).toBe(expected)
  })

  it('[RT5] whatever the headers say, it is a wait from nothing to an hour', () => {
    const text = fc.string().filter(value => {
      try {
        return Boolean(new Headers({ 'retry-after': value }))
      } catch {
        return false
      }
    })
    fc.assert(
      fc.property(text, text, (after, reset) => {
        const wait = readWait({ 'retry-after': after, 'x-ratelimit-reset': reset })
        expect(wait).toBeGreaterThanOrEqual(0)
        expect(wait).toBeLessThanOrEqual(60 * MINUTE)
      }),
    )
  })
})
