/** What the clock of all shards makes of their reports, and where events live while the number of shards changes. Pure. */
import { describe, expect, it } from 'vitest'
import {
  afterFailures,
  afterRecovery,
  isFailing,
  type ShardStates,
  sumUp,
  withoutOld,
} from '../../../src/hosts/workers/shards/failing.ts'
import { afterCount, noShards, toHome } from '../../../src/hosts/workers/shards/route.ts'

const about = { waiting: 0 }
const fault = (at: number) => ({ reason: 'segment_failing' as const, at, count: 1 })
const mismatch = (at: number) => ({ reason: 'signature_mismatch' as const, at, count: 1 })

describe('shard states', () => {
  it("[WK14] one shard's success does not end another's failure", () => {
    let states: ShardStates = {}
    for (const shard of ['a', 'b']) states = afterFailures(states, shard, [fault(1)], about)
    states = afterRecovery(states, 'a', 'delivery', about)
    expect(isFailing(states, 'delivery')).toBe(true)
    states = afterRecovery(states, 'b', 'delivery', about)
    expect(isFailing(states, 'delivery')).toBe(false)
  })

  it('[WK14] a success of a shard that never failed changes nothing', () => {
    const states = afterFailures({}, 'a', [fault(1)], about)
    expect(isFailing(afterRecovery(states, 'new', 'delivery', about), 'delivery')).toBe(true)
  })

  it('[WK15] a bad signature is over when none came for as long as a notice is held back', () => {
    const states = afterFailures({}, 'door', [mismatch(1_000)], about)
    expect(isFailing(withoutOld(states, 'door', 1_000), 'webhook')).toBe(true)
    expect(isFailing(withoutOld(states, 'door', 1_001), 'webhook')).toBe(false)
    expect(isFailing(withoutOld(afterFailures({}, 'a', [fault(1)], about), 'door', 9), 'delivery')).toBe(true)
  })

  it('[WK14] a notice tells what waits in all shards, since the first and until the next', () => {
    let states = afterFailures({}, 'a', [fault(1)], { waiting: 2, waitingSince: 50, nextAttemptAt: 90 })
    states = afterFailures(states, 'b', [fault(1)], { waiting: 3, waitingSince: 40, accountSid: 'AC0' })
    expect(sumUp(JSON.parse(JSON.stringify(states)))).toEqual({
      accountSid: 'AC0',
      waiting: 5,
      waitingSince: 40,
      nextAttemptAt: 90,
    })
  })
})

describe('sharding', () => {
  it('[WK2] former numbers are remembered for as long as ids are, and the highest for ever', () => {
    const four = afterCount(noShards, 4, 0, 100)
    const one = afterCount(four, 1, 10, 100)
    expect(one).toEqual({ count: 1, highest: 4, former: [{ count: 4, until: 110 }] })
    expect(afterCount(one, 1, 50, 100)).toEqual(one)
    expect(afterCount(one, 1, 111, 100)).toEqual({ count: 1, highest: 4, former: [] })
    expect(afterCount(one, 4, 20, 100).former).toEqual([{ count: 1, until: 120 }])
  })

  it('[WK1] homes are spread, and always the same', () => {
    const homes = Array.from({ length: 4_000 }, (_, id) => toHome({ source: 's', id: `EZ${id}` }, 8))
    for (let home = 0; home < 8; home++) {
      expect(Math.abs(homes.filter(one => one === home).length - 500)).toBeLessThan(120)
    }
    expect(toHome({ source: 's', id: 'EZ1' }, 8)).toBe(homes[1])
  })
})
