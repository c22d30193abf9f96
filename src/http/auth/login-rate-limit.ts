/**
 * How often the login may be tried: five times, then once in ten seconds, each client for itself, so that strangers lock
 * nobody else out. An attempt is counted before the token is compared, so that a hundred attempts at once are not one.
 * The memory is bounded: beyond `clients`, the one that has not tried for longest is forgotten.
 */
const BURST = 5
const REFILL_MS = 10_000
const CLIENTS = 5_000

export type LoginRateLimit = {
  /** 0: go on; else how long until this client's next try. */
  take(client: string): number | Promise<number>
  /** It knew the token: what was mistyped before counts no more. */
  forget(client: string): void | Promise<void>
}

/** Tries that are gone, and when that was so; the older, the fewer. */
export type Spent = { readonly tries: number; readonly at: number }
export const nothingSpent: Spent = { tries: 0, at: 0 }

export function spend(before: Spent, now: number): { spent: Spent; waitMs: number } {
  // A clock set back must not shut anybody out for as long.
  const passedMs = Math.max(0, now - before.at)
  const tries = Math.max(0, before.tries - passedMs / REFILL_MS)
  if (tries > BURST - 1) return { spent: { tries, at: now }, waitMs: (tries - (BURST - 1)) * REFILL_MS }
  return { spent: { tries: tries + 1, at: now }, waitMs: 0 }
}

export type LocalRateLimit = {
  take(client: string): number
  forget(client: string): void
  /** What a host may store and hand in again. */
  entries(): [client: string, spent: Spent][]
}

export function createLoginRateLimit(
  now: () => number,
  { clients = CLIENTS, stored = [] as readonly (readonly [string, Spent])[] } = {},
): LocalRateLimit {
  const all = new Map<string, Spent>(stored)
  return {
    take(client) {
      const { spent, waitMs } = spend(all.get(client) ?? nothingSpent, now())
      // At the end, where those stand that tried last.
      all.delete(client)
      all.set(client, spent)
      for (const oldest of all.keys()) {
        if (all.size <= clients) break
        all.delete(oldest)
      }
      return waitMs
    },
    forget: client => void all.delete(client),
    entries: () => [...all],
  }
}
