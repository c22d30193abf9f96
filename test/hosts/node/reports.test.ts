/** What a stranger's knocks cost the outbox's thread. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Failure } from '../../../src/alerts/throttle.ts'
import { gatherReports } from '../../../src/hosts/node/reports.ts'

const forged = (at: number): Failure => ({ reason: 'signature_mismatch', at, count: 1, answer: `at ${at}` })

describe('reports of the door', () => {
  let sent: Failure[]
  beforeEach(() => {
    vi.useFakeTimers()
    sent = []
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('[DR18] go at once when they are rare', () => {
    const { report } = gatherReports(failure => sent.push(failure))
    for (const at of [1, 2, 3]) {
      report(forged(at))
      vi.advanceTimersByTime(1_000)
    }
    expect(sent).toEqual([forged(1), forged(2), forged(3)])
  })

  it('[DR18] go as one a second and reason when they are many; none is uncounted, the latest is told', () => {
    const { report } = gatherReports(failure => sent.push(failure))
    for (let at = 0; at < 10_000; at++) {
      report(forged(at))
      if (at % 1_000 === 0) report({ reason: 'body_too_large', at, count: 1 })
      vi.advanceTimersByTime(1)
    }
    vi.advanceTimersByTime(5_000)
    expect(sent.length).toBeLessThan(30)
    const mismatches = sent.filter(({ reason }) => reason === 'signature_mismatch')
    expect(mismatches.reduce((total, { count }) => total + count, 0)).toBe(10_000)
    expect(mismatches.at(-1)?.answer).toBe('at 9999')
    expect(sent.filter(({ reason }) => reason === 'body_too_large').length).toBe(10)
  })

  it('[DR18] wait for no timer when the bridge stops', () => {
    const { report, flush } = gatherReports(failure => sent.push(failure))
    for (let at = 0; at < 10; at++) report(forged(at))
    flush()
    expect(sent.reduce((total, { count }) => total + count, 0)).toBe(10)
    vi.advanceTimersByTime(5_000)
    expect(sent).toHaveLength(2)
  })
})
