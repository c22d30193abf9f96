import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRateLimiter } from '../../src/send/rate-limiter.ts'

type Grant = { readonly at: number; readonly n: number }

const perSecond = fc.integer({ min: 1, max: 5_000 })
/** What lanes do: wait a while, ask for some, give back what they did not find. */
const asks = fc.array(
  fc.record({
    wait: fc.integer({ min: 0, max: 700 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    unused: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { minLength: 1, maxLength: 120 },
)

describe('the rate', () => {
  it('[RA1] no window sees more than its share and one bucket', () => {
    fc.assert(
      fc.property(perSecond, asks, (limit, steps) => {
        const rate = createRateLimiter(limit)
        const grants: Grant[] = []
        let at = 1_000_000
        for (const { wait, share, unused } of steps) {
          at += wait
          const wanted = Math.max(1, Math.floor(share * rate.most))
          if (rate.take(wanted, at) > 0) continue
          const back = Math.floor(unused * wanted)
          rate.giveBack(back)
          grants.push({ at, n: wanted - back })
        }
        grants.forEach((first, index) => {
          let sum = 0
          for (const { at: until, n } of grants.slice(index)) {
            sum += n
            const most = (limit * (until - first.at)) / 1_000 + rate.most
            expect(sum).toBeLessThanOrEqual(most + 1e-6)
          }
        })
      }),
    )
  })

  it('[RA2] who waits as long as told gets what was asked for, nearly at the full rate', () => {
    fc.assert(
      fc.property(perSecond, fc.integer({ min: 1, max: 5_000 }), (limit, wish) => {
        const rate = createRateLimiter(limit)
        const wanted = Math.min(wish, rate.most)
        const start = 1_000_000
        let now = start
        let sent = 0
        for (let grants = 0; grants < 40; ) {
          const wait = rate.take(wanted, now)
          expect(wait).toBeLessThanOrEqual(Math.ceil((wanted * 1_000) / limit))
          if (wait === 0) {
            sent += wanted
            grants++
          }
          now += wait
        }
        const due = (limit * (now - start)) / 1_000
        // A whole millisecond is waited where a part of one would do.
        expect(sent).toBeGreaterThanOrEqual(due * 0.5 - wanted)
      }),
    )
  })

  it('[RA3] a clock that stands, or jumps back, neither frees nor blocks anything for long', () => {
    const rate = createRateLimiter(100)
    expect(rate.take(25, 10_000)).toBe(0)
    expect(rate.take(1, 10_000)).toBe(10)
    expect(rate.take(1, 5_000)).toBe(10)
    expect(rate.take(1, 5_010)).toBe(0)
  })

  it('[RA4] 0 is no limit', () => {
    const rate = createRateLimiter(0)
    expect(rate.most).toBe(Number.POSITIVE_INFINITY)
    for (let at = 0; at < 1_000; at++) expect(rate.take(500, 0)).toBe(0)
  })
})
