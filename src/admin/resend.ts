/** Accepted events sent again in bulk, or stored ones sent to one destination more, in bounded slices: an intake waits behind one page, a caller behind one slice. */

import type { ResendQuery } from '../outbox/queries.ts'
import type { OutboxAtHand } from '../outbox/store.ts'

/**
 * What one call came to. `pruned`: of the matched events, those whose bytes are gone or cannot be read. `next`: where the next call goes on;
 * undefined when the whole outbox has been read. Nothing done, and the same `next` once more: as many wait as may; ask again later.
 */
export type Resent = {
  readonly matched: number
  readonly pruned: number
  readonly done: number
  readonly next: string | undefined
}

/** 50,000 events: a fraction of a second, and well within what a Durable Object may spend on one call. */
const PAGES_A_CALL = 100

export async function resendMany(
  page: OutboxAtHand['resendPage'],
  query: ResendQuery,
  now: () => number,
  room: () => number,
): Promise<Resent> {
  const sum = { matched: 0, pruned: 0, done: 0 }
  let after = query.after
  for (let pages = 0; pages < PAGES_A_CALL; pages++) {
    const rows = query.preview ? undefined : room()
    // Before the first event, if it was to begin there.
    if (rows === 0) return { ...sum, next: after ?? '0-0' }
    const { next, matched, pruned, done } = page({ ...query, after }, now(), rows)
    sum.matched += matched
    sum.pruned += pruned
    sum.done += done
    after = next
    if (next === undefined) break
    // Intakes go first.
    await new Promise(resolve => setTimeout(resolve, 0))
  }
  return { ...sum, next: after }
}
