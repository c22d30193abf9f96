/**
 * When stored events may be indexed. While requests arrive, the processor is theirs: no more events are made ready for
 * delivery than the destination accepts twice over. Once requests pause, the rest is indexed.
 */
import type { OutboxAtHand } from '../outbox/store.ts'
import { createRateLimiter } from './rate-limiter.ts'

export type IndexBudget = {
  /** To be called with each append. */
  appended(now: number): void
  /** Milliseconds until a turn of events may be indexed; 0: now. */
  wait(now: number): number
  /** So many of them are ready for delivery now. */
  spend(events: number, now: number): void
}

const TIMES_THE_RATE = 2
/** As for a destination without a rate limit: more would cost appends their share of the processor. */
const RATE_WITHOUT_LIMIT = 5_000
/** Without an append for so long, requests pause. */
const PAUSE_MS = 50

/** `deliveryRate`: events a second that the destination accepts; 0 = no limit. */
export function createIndexBudget(deliveryRate: number): IndexBudget {
  const limiter = createRateLimiter(TIMES_THE_RATE * (deliveryRate || RATE_WITHOUT_LIMIT))
  let appendedAt = Number.NEGATIVE_INFINITY
  /** A clock set back is a pause as well. */
  const pauseMs = (now: number) => (now < appendedAt ? 0 : Math.max(0, appendedAt + PAUSE_MS - now))
  return {
    appended(now) {
      appendedAt = now
    },
    // One token is enough to begin: a turn may overdraw, and the next one waits for it.
    wait: now => Math.min(pauseMs(now), limiter.take(1, now)),
    spend(events, now) {
      if (pauseMs(now) > 0) limiter.giveBack(1 - events)
    },
  }
}

/** One turn, if the budget allows. Returns when the next one is due; `undefined`: everything is indexed. Throws what the outbox throws. */
export function indexTurn(
  outbox: Pick<OutboxAtHand, 'figures' | 'index'>,
  budget: IndexBudget,
  now: number,
): number | undefined {
  const { isIndexed, pending } = outbox.figures()
  if (isIndexed) return undefined
  const wait = budget.wait(now)
  if (wait > 0) return now + wait
  const indexed = outbox.index()
  // Duplicates and what is skipped cost the destination nothing: were they counted, it could wait for want of events.
  budget.spend(outbox.figures().pending - pending, now)
  return indexed > 0 ? now : undefined
}
