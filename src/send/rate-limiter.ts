/**
 * A token bucket over events. It holds a quarter of a second's worth, so that no second sees much more than `perSecond`.
 * Pure but for its own level.
 */
export type RateLimiter = {
  /** The most that can be taken at once. */
  readonly most: number
  /** Milliseconds until `n` events may go; 0 = they may, and are taken. */
  take(n: number, now: number): number
  giveBack(n: number): void
}

/** `perSecond` 0 = no limit. */
export function createRateLimiter(perSecond: number): RateLimiter {
  if (perSecond === 0) return { most: Number.POSITIVE_INFINITY, take: () => 0, giveBack: () => undefined }
  const most = Math.max(1, Math.floor(perSecond / 4))
  let level = most
  let at: number | undefined
  return {
    most,
    take(n, now) {
      level = Math.min(most, level + (Math.max(0, now - (at ?? now)) * perSecond) / 1_000)
      at = now
      if (level < n) return Math.ceil(((n - level) * 1_000) / perSecond)
      level -= n
      return 0
    },
    giveBack(n) {
      level += n
    },
  }
}
