/**
 * In a burst intakes go first: commits are shared by more of them, and deliveries and sorting hold back, for what is kept is
 * safe and both cost less an event when they catch up in large turns. A burst that lasts is no burst: then nothing holds back.
 */

/** Twice as fast as Segment recommends to send: what comes now must wait anyway. */
const BURST_EVENTS_A_SECOND = 2_000
const WINDOW_MS = 250
/** Without an intake for so long, it is over. */
const OVER_MS = 300
/** The longest time that deliveries hold back at a stretch. */
const LONGEST_MS = 30_000
/** Meanwhile one batch in that time goes out all the same, and one turn is sorted. */
const PACE_MS = 500
/** A commit waits so long for company: each costs a sync of the disk, however many it holds. */
const GATHER_MS = 2
/** More than this is not left unsorted: whoever asks for the figures waits until all is, some 10 µs an event. */
const MOST_UNSORTED = 30_000

export type Crowd = {
  /** So many events were kept. */
  came(events: number, now: number): void
  /** How long the next commit is to wait for others to share it, ms. */
  gather(now: number): number
  /** How long the next turn of delivery is to wait, ms; 0: it goes now. */
  hold(unsorted: number, now: number): number
}

export function createCrowd(): Crowd {
  let window = { from: Number.NEGATIVE_INFINITY, events: 0 }
  let burst: { since: number; seen: number } | undefined
  let wentAt = Number.NEGATIVE_INFINITY

  /** A clock set back or forward ends it. */
  function isOn(now: number): boolean {
    return burst !== undefined && now >= burst.seen && now - burst.seen < OVER_MS
  }

  return {
    came(events, now) {
      window.events += events
      const passedMs = now - window.from
      if (passedMs >= 0 && passedMs < WINDOW_MS) return
      const isBurst = window.events >= (BURST_EVENTS_A_SECOND / 1_000) * passedMs
      if (!isBurst || passedMs < 0) burst = undefined
      else burst = { since: isOn(now) ? (burst?.since ?? now) : now, seen: now }
      window = { from: now, events: 0 }
    },
    gather: now => (isOn(now) ? GATHER_MS : 0),
    hold(unsorted, now) {
      const isShort = isOn(now) && burst !== undefined && now - burst.since < LONGEST_MS
      const rest = now < wentAt ? 0 : wentAt + PACE_MS - now
      if (isShort && rest > 0 && unsorted < MOST_UNSORTED) return rest
      wentAt = now
      return 0
    },
  }
}
