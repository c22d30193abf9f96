/** When stored events may be indexed, by a clock that the test holds. */
import { describe, expect, it } from 'vitest'
import { createIndexBudget } from '../../src/send/index-budget.ts'

const START = 1_000_000

/** Events indexed in `ms`, 500 a turn, while a request arrives every 10 ms. */
function indexedIn(ms: number, deliveryRate: number): number {
  const budget = createIndexBudget(deliveryRate)
  let indexed = 0
  for (let now = START; now < START + ms; now += 10) {
    budget.appended(now)
    while (budget.wait(now) === 0) {
      budget.spend(500, now)
      indexed += 500
    }
  }
  return indexed
}

describe('the index budget', () => {
  it.each([
    { rate: 1_000, most: 2_000 },
    { rate: 40, most: 80 },
    // Without a limit it counts as 5,000.
    { rate: 0, most: 10_000 },
  ])(
    '[IX110] at a delivery rate of $rate, $most events a second are indexed while requests arrive',
    ({ rate, most }) => {
      const seconds = 60
      const indexed = indexedIn(seconds * 1_000, rate)
      // A bucket of a quarter of a second, and one turn that overdraws it.
      expect(indexed).toBeLessThanOrEqual(seconds * most + most / 4 + 500)
      expect(indexed).toBeGreaterThanOrEqual(seconds * most - 500)
    },
  )

  it('[IX110] 50 ms after the last request everything may be indexed', () => {
    const budget = createIndexBudget(10)
    budget.appended(START)
    expect(budget.wait(START)).toBe(0)
    budget.spend(10_000, START)
    expect(budget.wait(START + 49)).toBe(1)
    expect(budget.wait(START + 50)).toBe(0)
    // What is indexed in a pause is no debt of the next request.
    for (let turn = 0; turn < 10; turn++) budget.spend(500, START + 50)
    budget.appended(START + 3_600_000)
    expect(budget.wait(START + 3_600_000)).toBe(0)
  })

  it('[IX110] a clock set back or forward holds nothing up', () => {
    for (const jump of [-3_600_000, 3_600_000]) {
      const budget = createIndexBudget(10)
      budget.appended(START)
      budget.spend(10_000, START)
      expect(budget.wait(START)).toBe(50)
      expect(budget.wait(START + jump)).toBe(0)
    }
  })
})
