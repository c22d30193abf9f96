/** The burst rules, by a clock that the test holds. */
import { describe, expect, it } from 'vitest'
import { type Crowd, createCrowd } from '../../../src/hosts/node/crowd.ts'

const START = 1_000_000

const BUSY = 0.95
const CORES = 2

const usual = { do: 'deliver', events: 250 }
const small = { do: 'deliver', events: 50 }

/** A crowd after `ms` of so many events a second, in a commit every 10 ms, while `busy` of both cores is used. */
function crowdAfter(ms: number, eventsPerSecond: number, busy = BUSY) {
  const crowd = createCrowd(CORES)
  for (let at = START; at <= START + ms; at += 10) {
    crowd.came(eventsPerSecond / 100, at, () => (at - START) * busy * CORES)
  }
  return { crowd, now: START + ms }
}

/** What goes out in `ms`, each lane asking as soon as it may. */
function turnsIn(ms: number, crowd: Crowd, from: number, busy = BUSY): number {
  let turns = 0
  const before = (from - START) * BUSY * CORES
  for (let now = from; now < from + ms; now += 10) {
    crowd.came(100, now, () => before + (now - from) * busy * CORES)
    if (crowd.next(true, now).do !== 'wait') turns += 1
  }
  return turns
}

describe('a burst', () => {
  it.each([
    { what: 'slow intakes', eventsPerSecond: 950, busy: 1 },
    { what: 'a processor with time to spare', eventsPerSecond: 20_000, busy: 0.75 },
  ])('[BU1] nothing waits for $what', ({ eventsPerSecond, busy }) => {
    const { crowd, now } = crowdAfter(3_000, eventsPerSecond, busy)
    for (const ms of [0, 1, 2]) expect(crowd.next(true, now + ms)).toEqual(usual)
  })

  it('[BU1] one large request after silence is no burst', () => {
    const crowd = createCrowd(CORES)
    crowd.came(10_000, START, () => 5_000)
    expect(crowd.next(true, START)).toEqual(usual)
    expect(crowd.next(true, START)).toEqual(usual)
  })

  it('[BU2] one small batch goes out each 2 seconds; in between it is asked whether that is over', () => {
    const { crowd, now } = crowdAfter(600, 10_000)
    expect(crowd.next(true, now)).toEqual(small)
    expect(crowd.next(true, now + 100)).toEqual({ do: 'wait', ms: 300 })
    expect(turnsIn(11_800, crowd, now + 110)).toBe(5)
    expect(crowd.next(true, now + 11_910)).toEqual({ do: 'wait', ms: 90 })
  })

  it('[BU2] lasts while the processor is a third busy, and no longer', () => {
    const { crowd, now } = crowdAfter(600, 10_000)
    expect(turnsIn(4_000, crowd, now, 0.35)).toBe(2)
    const { crowd: other } = crowdAfter(600, 10_000)
    expect(turnsIn(2_000, other, now, 0.25)).toBeGreaterThan(150)
  })

  it('[BU2] counts no more cores than there are threads, and no more than there are', () => {
    for (const [cores, used] of [
      [64, 1.9],
      [1, 0.95],
    ] as const) {
      const crowd = createCrowd(cores)
      for (let ms = 0; ms <= 600; ms += 10) crowd.came(100, START + ms, () => ms * used)
      crowd.next(true, START + 600)
      expect(crowd.next(true, START + 600)).toEqual({ do: 'wait', ms: 300 })
    }
  })

  it('[BU3] is over 300 ms after the last intake', () => {
    const { crowd, now } = crowdAfter(600, 10_000)
    crowd.next(true, now)
    expect(crowd.next(true, now + 310)).toEqual(usual)
  })

  it('[BU3] holds nothing back once it has lasted 30 s', () => {
    const { crowd, now } = crowdAfter(600, 10_000)
    turnsIn(31_000, crowd, now)
    expect(turnsIn(1_000, crowd, now + 31_000)).toBe(100)
  })

  it('[BU8] between slices others have three times as long, in a burst', () => {
    const { crowd, now } = crowdAfter(600, 10_000)
    expect(crowd.breath(2, now)).toBe(6)
    // It waited for the processor itself.
    expect(crowd.breath(1_000, now)).toBe(30)
    expect(crowd.breath(2, now + 310)).toBe(0)
  })

  it.each([
    { cores: 1, eventsPerSecond: 1_500, ms: 6 },
    { cores: 1, eventsPerSecond: 900, ms: 0 },
    { cores: 2, eventsPerSecond: 1_500, ms: 0 },
  ])(
    '[BU8] with $cores processors and time to spare, $eventsPerSecond events a second get $ms ms',
    ({ cores, eventsPerSecond, ms }) => {
      const crowd = createCrowd(cores)
      expect(crowd.breath(2, START)).toBe(0)
      for (let at = START; at <= START + 600; at += 10) crowd.came(eventsPerSecond / 100, at, () => 0)
      expect(crowd.breath(2, START + 600)).toBe(ms)
      expect(crowd.breath(2, START + 910)).toBe(0)
      expect(crowd.breath(2, START - 3_600_000)).toBe(0)
    },
  )

  it('[BU7] what comes alone goes at once; what comes close behind it waits for 20 ms, unless it is a full batch', () => {
    const crowd = createCrowd(CORES)
    expect(crowd.next(false, START)).toEqual(usual)
    expect(crowd.next(false, START + 5)).toEqual({ do: 'wait', ms: 15 })
    expect(crowd.next(true, START + 5)).toEqual(usual)
    expect(crowd.next(false, START + 24)).toEqual({ do: 'wait', ms: 1 })
    expect(crowd.next(false, START + 25)).toEqual(usual)
    expect(crowd.next(false, START - 3_600_000)).toEqual(usual)
  })

  it('[BU5] a clock set back or forward holds nothing up for longer than 300 ms', () => {
    for (const jump of [-3_600_000, 3_600_000]) {
      const { crowd, now } = crowdAfter(600, 10_000)
      crowd.next(true, now)
      const turn = crowd.next(true, now + jump)
      expect(turn.do === 'wait' ? turn.ms : 0).toBeLessThanOrEqual(300)
      crowd.came(100, now + jump, () => 2_000)
      expect(crowd.next(true, now + jump + 300)).toEqual(usual)
    }
  })
})
