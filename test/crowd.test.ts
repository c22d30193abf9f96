/** The burst rules, by a clock that the test holds. */
import { describe, expect, it } from 'vitest'
import { createCrowd } from '../src/hosts/node/crowd.ts'

const START = 1_000_000

/** A crowd after `ms` of so many events a second, in a commit every 10 ms. */
function crowdAfter(ms: number, eventsPerSecond: number) {
  const crowd = createCrowd()
  for (let at = START; at <= START + ms; at += 10) crowd.came(eventsPerSecond / 100, at)
  return { crowd, now: START + ms }
}

/** How many turns go out in `ms`, each lane asking as soon as it may. */
function turnsIn(ms: number, crowd: ReturnType<typeof createCrowd>, from: number, unsorted = 0): number {
  let turns = 0
  for (let now = from; now < from + ms; now += 10) {
    crowd.came(100, now)
    if (crowd.hold(unsorted, now) === 0) turns += 1
  }
  return turns
}

describe('a burst', () => {
  it('[BU1] below 2,000 events a second nothing waits', () => {
    const { crowd, now } = crowdAfter(3_000, 1_900)
    expect(crowd.gather(now)).toBe(0)
    for (const ms of [0, 1, 2]) expect(crowd.hold(0, now + ms)).toBe(0)
  })

  it('[BU1] one large request after silence is no burst', () => {
    const crowd = createCrowd()
    crowd.came(10_000, START)
    expect(crowd.gather(START)).toBe(0)
    expect(crowd.hold(0, START)).toBe(0)
    expect(crowd.hold(0, START)).toBe(0)
  })

  it('[BU2] commits wait 2 ms for company, and one turn of delivery goes out each half second', () => {
    const { crowd, now } = crowdAfter(600, 10_000)
    expect(crowd.gather(now)).toBe(2)
    expect(crowd.hold(0, now)).toBe(0)
    expect(crowd.hold(0, now + 100)).toBe(400)
    expect(turnsIn(5_000, crowd, now + 110)).toBe(10)
  })

  it('[BU3] is over 300 ms after the last intake', () => {
    const { crowd, now } = crowdAfter(600, 10_000)
    crowd.hold(0, now)
    expect(crowd.hold(0, now + 310)).toBe(0)
    expect(crowd.gather(now + 310)).toBe(0)
  })

  it('[BU3] holds nothing back once it has lasted 30 s', () => {
    const { crowd, now } = crowdAfter(600, 10_000)
    turnsIn(31_000, crowd, now)
    expect(turnsIn(1_000, crowd, now + 31_000)).toBe(100)
    expect(crowd.gather(now + 32_000)).toBe(2)
  })

  it('[BU4] never leaves more than 30,000 events unsorted', () => {
    const { crowd, now } = crowdAfter(600, 10_000)
    expect(turnsIn(1_000, crowd, now, 30_000)).toBe(100)
  })

  it('[BU5] a clock set back or forward holds nothing up for longer than half a second', () => {
    for (const jump of [-3_600_000, 3_600_000]) {
      const { crowd, now } = crowdAfter(600, 10_000)
      crowd.hold(0, now)
      expect(crowd.hold(0, now + jump)).toBeLessThanOrEqual(500)
      crowd.came(100, now + jump)
      expect(crowd.hold(0, now + jump + 500)).toBe(0)
    }
  })
})
