import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DeliveryReason, deliveryReasons } from '../src/reasons.ts'
import { afterFailure, type Line, openLine, toRest, toWaitMs } from '../src/send/retry.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const NOW = Date.UTC(2026, 9, 5, 2, 14)
const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const pauses: readonly DeliveryReason[] = ['segment_unauthorized', 'segment_misrouted', 'segment_refuses_all']
const backoffs = (Object.keys(deliveryReasons) as DeliveryReason[]).filter(word => !pauses.includes(word))

function told(headers: Record<string, string>): number {
  return toWaitMs(new Headers(headers), NOW)
}

function failTimes(times: number, random: number, reason: DeliveryReason = 'segment_failing'): Line {
  let line = openLine
  for (let failure = 0; failure < times; failure++) {
    line = afterFailure({ ...line, notBefore: 0 }, reason, 0, NOW, random)
  }
  return line
}

describe('how long the line waits after a failure', () => {
  it('[RT1] anything from nothing to a ceiling that doubles from 1 s to 5 min, and never more', () => {
    const ceilings = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map(seconds => seconds * SECOND)
    ceilings.forEach((ceiling, failures) => {
      expect(toRest(failTimes(failures + 1, 0), NOW)).toBe(0)
      expect(toRest(failTimes(failures + 1, 0.999_999), NOW)).toBe(ceiling)
      expect(toRest(failTimes(failures + 1, 0.5), NOW)).toBe(ceiling / 2)
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), dice, (times, random) => {
        const rest = toRest(failTimes(times, random), NOW)
        expect(rest).toBeGreaterThanOrEqual(0)
        expect(rest).toBeLessThanOrEqual(5 * MINUTE)
      }),
      { numRuns: 50 },
    )
  })

  it('[RT1] two bridges that fail together do not come back together', () => {
    const rests = Array.from({ length: 100 }, (_, at) => toRest(failTimes(9, at / 100), NOW))
    expect(new Set(rests).size).toBe(100)
  })

  it.each(backoffs)('[RT1] %s backs off', reason => {
    expect(toRest(failTimes(1, 0.5, reason), NOW)).toBe(500)
  })

  it.each(pauses)('[RT2] %s pauses for 5 minutes, whatever the dice', reason => {
    for (const random of [0, 0.5, 0.99]) expect(toRest(failTimes(1, random, reason), NOW)).toBe(5 * MINUTE)
  })

  it('[RT3] a wait that was told is waited out whole', () => {
    const line = afterFailure(openLine, 'segment_throttled', 90 * SECOND, NOW, 0)
    expect(toRest(line, NOW)).toBe(90 * SECOND)
    // A failure of the other lane, a moment later, shortens nothing.
    const later = afterFailure(line, 'segment_timeout', 0, NOW + SECOND, 0)
    expect(toRest(later, NOW + SECOND)).toBe(89 * SECOND)
    expect(later).toMatchObject({ failures: 2, reason: 'segment_timeout' })
  })

  it('[RT4] a clock set back silences the line for no longer than a receiver may', () => {
    const line = afterFailure(openLine, 'segment_unauthorized', 0, NOW, 0)
    const hoursAgo = NOW - 3 * 60 * MINUTE
    expect(toRest(line, hoursAgo)).toBe(0)
    expect(toRest(afterFailure(line, 'segment_failing', 0, hoursAgo, 0.5), hoursAgo)).toBe(SECOND)
    expect(toRest(line, NOW - 30 * MINUTE)).toBe(35 * MINUTE)
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
    expect(told(headers)).toBe(expected)
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
        const wait = told({ 'retry-after': after, 'x-ratelimit-reset': reset })
        expect(wait).toBeGreaterThanOrEqual(0)
        expect(wait).toBeLessThanOrEqual(60 * MINUTE)
      }),
    )
  })
})
