/**
 * How often the login may be tried: five times, then once in ten seconds. One bucket for everybody, since a guesser's next
 * address costs nothing. It is taken from before the token is looked at, so that a hundred tries at once are not one.
 * Pure but for `createTries`, which holds the bucket in memory.
 */
const BURST = 5
const REFILL_MS = 10_000

export type LoginRateLimit = {
  /** 0: go on; else how long until the next try. */
  take(): number | Promise<number>
  /** Somebody knew the token: what was mistyped before counts no more. */
  forget(): void | Promise<void>
}

/** Tries that are gone, and when that was so; the older, the fewer. */
export type Spent = { readonly tries: number; readonly at: number }
export const nothingSpent: Spent = { tries: 0, at: 0 }

export function spend(before: Spent, now: number): { spent: Spent; waitMs: number } {
  // A clock set back must not shut the door for as long.
  const passedMs = Math.max(0, now - before.at)
  const tries = Math.max(0, before.tries - passedMs / REFILL_MS)
  if (tries > BURST - 1) return { spent: { tries, at: now }, waitMs: (tries - (BURST - 1)) * REFILL_MS }
  return { spent: { tries: tries + 1, at: now }, waitMs: 0 }
}

export function createLoginRateLimit(now: () => number): LoginRateLimit {
  let kept = nothingSpent
  return {
    take() {
      const { spent, waitMs } = spend(kept, now())
      kept = spent
      return waitMs
    },
    forget() {
      kept = nothingSpent
    },
  }
}
