/** How fast events come and go: two counters, read now and then, and the time between. */
import { describe, expect, it } from 'vitest'
import { HOUR_MS } from '../../src/stats/quality.ts'
import { createRateMemory, toHourlyRates } from '../../src/stats/rates.ts'

const START = Date.UTC(2026, 0, 1)
const SECOND_MS = 1_000

/** Reads every `everySeconds`, while 6 events a second come in and 3 go out. */
function readFor(seconds: number, everySeconds: number) {
  let now = START
  const memory = createRateMemory(() => now)
  for (let second = 0; second <= seconds; second += everySeconds) {
    now = START + second * SECOND_MS
    memory.note({ in: 100 + second * 6, out: 50 + second * 3 })
  }
  return { memory, setNow: (at: number) => (now = at) }
}

describe('the last hour', () => {
  it.each([1, 10, 25])('[RA170] is events per second by minute, read each %i s', every => {
    const { in: came, out: went, from, ...rest } = readFor(3_700, every).memory.lastHour()
    expect(rest).toEqual({ window: '1h', stepSeconds: 60 })
    expect(Date.parse(from)).toBeLessThanOrEqual(START + 100_000)
    expect([came.length, went.length]).toEqual([60, 60])
    for (const n of came) expect(n).toBeCloseTo(6, 6)
    for (const n of went) expect(n).toBeCloseTo(3, 6)
  })

  it('[RA170] knows nothing of the time before it was read', () => {
    const { in: came } = readFor(120, 10).memory.lastHour()
    expect(came.slice(0, 58)).toEqual(Array(58).fill(null))
    expect(came.slice(58)).toEqual([expect.closeTo(6), expect.closeTo(6)])
    expect(createRateMemory(() => START).lastHour().in).toEqual(Array(60).fill(null))
  })

  it('[RA170] begins anew when a counter falls or the clock is set back', () => {
    const { memory, setNow } = readFor(600, 10)
    setNow(START + 610_000)
    memory.note({ in: 0, out: 0 })
    expect(memory.lastHour().in).toEqual(Array(60).fill(null))
    const other = readFor(600, 10)
    other.setNow(START)
    other.memory.note({ in: 10_000, out: 10_000 })
    expect(other.memory.lastHour().in).toEqual(Array(60).fill(null))
  })

  it('[RA191] goes on when accepted events are sent again', () => {
    const { memory, setNow } = readFor(600, 10)
    for (const [second, accepted] of [
      [610, 50],
      [620, 80],
      [900, 80 + 280 * 3],
    ] as const) {
      setNow(START + second * SECOND_MS)
      memory.note({ in: 100 + second * 6, out: accepted })
    }
    const { in: came, out: went } = memory.lastHour()
    expect(came.slice(-15)).toEqual(Array(15).fill(expect.closeTo(6)))
    // For ten seconds nothing was accepted.
    expect(went.slice(-15)).toEqual(
      [...Array(10).fill(3), 2.5, ...Array(4).fill(3)].map(n => expect.closeTo(n)),
    )
  })

  it('[RA170] a gap between two readings is evened out', () => {
    const { memory, setNow } = readFor(60, 10)
    setNow(START + 360_000)
    memory.note({ in: 100 + 60 * 6 + 3_000, out: 50 + 60 * 3 })
    expect(memory.lastHour().in.slice(-5)).toEqual(Array(5).fill(expect.closeTo(10)))
    expect(memory.lastHour().out.slice(-5)).toEqual(Array(5).fill(expect.closeTo(0)))
  })
})

describe('the last minute', () => {
  it('[RA200] is the mean of what was read in it, and of nothing before it', () => {
    const { memory, setNow } = readFor(600, 1)
    expect(memory.lastMinute()).toEqual({ in: expect.closeTo(6), out: expect.closeTo(3) })
    setNow(START + 630_000)
    memory.note({ in: 100 + 600 * 6, out: 50 + 600 * 3 })
    expect(memory.lastMinute()).toEqual({ in: expect.closeTo(3), out: expect.closeTo(1.5) })
  })

  it('[RA200] is null until two readings are far enough apart, and when none is recent', () => {
    expect(createRateMemory(() => START).lastMinute()).toBeNull()
    expect(readFor(2, 1).memory.lastMinute()).toBeNull()
    const { memory, setNow } = readFor(60, 10)
    setNow(START + 180_000)
    expect(memory.lastMinute()).toBeNull()
  })
})

it('[RA171] hours come from what data quality has counted, of every type and shard', () => {
  const kind = { type: 'a', version: 1, first: 0, counts: {} as never }
  const kinds = [
    {
      ...kind,
      events: [
        { hour: 10, n: 3_600 },
        { hour: 9, n: 1 },
      ],
    },
    {
      ...kind,
      events: [
        { hour: 10, n: 3_600 },
        { hour: 12, n: 36 },
        { hour: 13, n: 1 },
      ],
    },
  ]
  expect(toHourlyRates('24h', { from: 10, to: 12 }, kinds)).toEqual({
    window: '24h',
    from: new Date(10 * HOUR_MS).toISOString(),
    stepSeconds: 3_600,
    in: [2, 0, 0.01],
    out: [null, null, null],
  })
})
