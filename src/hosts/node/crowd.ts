/**
 * When the outbox's thread delivers. What comes close together goes together, for a batch of one costs as much as one of fifty.
 *
 * In a burst intakes go first and deliveries hold back, for what is kept is safe. It is a burst when intakes come and the
 * processor has no time left for both. One that lasts is no burst: then nothing holds back.
 */

import { CLAIM_EVENTS } from '../../send/next-batch.ts'

/** So long after the last one the next batch goes, unless it is a full one. */
const LINGER_MS = 20

/** What comes more slowly than this never makes deliveries wait. */
const BURST_EVENTS_A_SECOND = 1_000
/**
 * Of the processor's time that the two threads can use: from here on it is short; below the other there is enough again.
 * Intakes at half the highest rate use 0.4 of it: with deliveries beside them one in a hundred waits for 60 to 140 ms, not 30.
 */
const SHORT = 0.8
const ENOUGH = 0.3
const THREADS = 2
const WINDOW_MS = 250
/** Without an intake for so long, it is over. */
const OVER_MS = 300
/** The longest time that deliveries hold back at a stretch. */
const LONGEST_MS = 30_000
/** Meanwhile one small batch in that time goes out all the same, and shows whether Segment answers; more of them cost a twentieth. */
const PACE_MS = 2_000
/** A fifth of a usual batch, so that an intake waits a fifth as long behind it. */
const PROBE_EVENTS = 50
/** A delivery then takes a quarter of the time, so that an answer waits for a slice of it and not for all. */
const OTHERS_SHARE = 3
/** What took longer waited itself. */
const LONG_SLICE_MS = 10

/** What a lane of delivery does next; `events`: so many at most. */
export type Turn =
  | { readonly do: 'deliver'; readonly events: number }
  | { readonly do: 'wait'; readonly ms: number }

export type Crowd = {
  /** Intakes go before all else. */
  isBurst(now: number): boolean
  /** So many events were kept. `cpuMs`: what the process has used so far of all processors, ms; asked once a window. */
  came(events: number, now: number, cpuMs: () => number): void
  /** `full`: as many events wait as one delivery takes. */
  next(full: boolean, now: number): Turn
  /** For how long others go first, after a slice of a delivery that took so long; ms. */
  breath(sliceMs: number, now: number): number
}

/** `cores`: processors that this process may use. */
export function createCrowd(cores: number): Crowd {
  let window = { from: Number.NEGATIVE_INFINITY, events: 0, cpuMs: 0 }
  let burst: { since: number; seen: number } | undefined
  let wentAt = Number.NEGATIVE_INFINITY
  /** When they last came faster than that. */
  let manyAt = Number.NEGATIVE_INFINITY

  /** A clock set back or forward ends it. */
  function isOn(now: number): boolean {
    return burst !== undefined && now >= burst.seen && now - burst.seen < OVER_MS
  }

  /** Callers wait, and the thread that answers them has no processor of its own. */
  function isShared(now: number): boolean {
    return isOn(now) || (cores < THREADS && now >= manyAt && now - manyAt < OVER_MS)
  }

  return {
    isBurst: isOn,
    breath: (sliceMs, now) => (isShared(now) ? Math.min(sliceMs, LONG_SLICE_MS) * OTHERS_SHARE : 0),
    came(events, now, cpuMs) {
      window.events += events
      const passedMs = now - window.from
      if (passedMs >= 0 && passedMs < WINDOW_MS) return
      const usedMs = cpuMs()
      const used = (usedMs - window.cpuMs) / passedMs / Math.min(cores, THREADS)
      const areMany = passedMs > 0 && window.events >= (BURST_EVENTS_A_SECOND / 1_000) * passedMs
      if (areMany) manyAt = now
      const isBurst = areMany && used >= (isOn(now) ? ENOUGH : SHORT)
      burst = isBurst ? { since: isOn(now) ? (burst?.since ?? now) : now, seen: now } : undefined
      window = { from: now, events: 0, cpuMs: usedMs }
    },
    next(full, now) {
      const holdsBack = isOn(now) && burst !== undefined && now - burst.since < LONGEST_MS
      const pauseMs = holdsBack ? PACE_MS : full ? 0 : LINGER_MS
      const ms = now < wentAt ? 0 : wentAt + pauseMs - now
      // A burst may be over before.
      if (ms > 0) return { do: 'wait', ms: holdsBack ? Math.min(ms, OVER_MS) : ms }
      wentAt = now
      return { do: 'deliver', events: holdsBack ? PROBE_EVENTS : CLAIM_EVENTS }
    },
  }
}
