/**
 * When a destination that gathers events (`collectMs`) is to get its next batch: when one is full, when the oldest event has
 * waited for that long, or when a person asked for it. To wait for it is neither to be late nor to fail. Pure.
 */

export type Gathering = {
  readonly collectMs: number
  /** Events in a full batch. */
  readonly batchEvents: number
  /** What waits and is neither under lease nor held back: how many, and when the oldest was received. */
  readonly waiting: number
  readonly oldestAt: number | undefined
  /** When somebody last asked to deliver now: everything received by then leaves at once, in as many batches as it needs. */
  readonly askedAt?: number | undefined
}

/** Milliseconds until the next batch may leave; 0: it leaves now, or there is nothing to wait for. */
export function toCollectWait(gathering: Gathering, now: number): number {
  const { collectMs, batchEvents, waiting, oldestAt, askedAt = Number.NEGATIVE_INFINITY } = gathering
  if (oldestAt === undefined || waiting >= batchEvents || oldestAt <= askedAt) return 0
  // A clock set back must not keep an event waiting for longer than it would have to anyway.
  return Math.min(collectMs, Math.max(0, oldestAt + collectMs - now))
}

/** Since when the oldest event is late; `undefined`: there is none, or it only waits for its batch. */
export function toLateSince(
  { collectMs, oldestAt }: { readonly collectMs?: number | undefined; readonly oldestAt: number | undefined },
  now: number,
): number | undefined {
  if (oldestAt === undefined) return undefined
  const dueAt = oldestAt + (collectMs ?? 0)
  return dueAt <= now ? dueAt : undefined
}
