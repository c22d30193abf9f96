/**
 * The outbox: where the webhook's answer is decided and every event's state is kept. One owner, synchronous, over any
 * SQLite that fits the port; both hosts call this very code. Its verbs are the files beside it.
 */

import type { RequestRow } from '../request-row.ts'
import { appendAll } from './append.ts'
import { type ChangeReader, createChangeReader } from './changes.ts'
import { type Comparison, createComparison } from './compare-counts.ts'
import { type Counters, createCounters } from './counters.ts'
import { createDamageLog } from './damage.ts'
import { createHours, type Hours } from './hours.ts'
import { createIndexer, type Indexer } from './index-events.ts'
import { createLeases, type Leases } from './lease.ts'
import { createLists, type Lists } from './list.ts'
import { migrate } from './migrations.ts'
import { createNoticeStore, type NoticeStore } from './notices.ts'
import type { Place } from './place.ts'
import { createPruner, type Pruner, type Pruning } from './prune.ts'
import { createResender, type Resender } from './resend.ts'
import { createScan, type Scan } from './scan.ts'
import { createSeenReader, type SeenReader } from './seen.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'
import { type Target, transition } from './transition.ts'

export type OutboxStore = Leases &
  Lists &
  Pruner &
  Scan &
  ChangeReader &
  SeenReader &
  NoticeStore &
  Resender &
  Comparison &
  Pick<Indexer, 'sort' | 'replaced' | 'sortedUpTo'> &
  Pick<Hours, 'kindHours' | 'kindTotals'> &
  Pick<Counters, 'counts' | 'total' | 'held'> & {
    /** Keeps all parcels in one commit that is on disk when this returns. Throws when it is not. */
    put(parcels: readonly RequestRow[], now?: number): void
    /** Kept but not yet sorted into events. */
    unsorted(): number
    /** When the oldest of those was stored, ms since 1970. */
    oldestUnsortedAt(): number | undefined
    /** The newest request that is kept, sorted or not. */
    keptUpTo(): number
    /** The same as it was found when the outbox was opened; 0: none. */
    readonly newestAtStart: number
    /** By a person: a dead letter back to pending, or out. False when the event is in none of the states `from`. */
    change(place: Place, from: Parameters<typeof transition>[3], to: Target, now: number): boolean
    /** The same for many, in one commit; gives how many were changed. */
    changeAll(
      places: readonly Place[],
      from: Parameters<typeof transition>[3],
      to: Target,
      now: number,
    ): number
  }

/** `givenUpTo`: request numbers up to here were given, also if their requests are gone. */
export function createOutbox(sql: Sql, pruning: Pruning, givenUpTo = 0): OutboxStore {
  migrate(sql)
  const damage = createDamageLog()
  const notices = createNoticeStore(sql, damage)
  const book = createCounters(sql, damage)
  const hours = createHours(sql, damage)
  const sorter = createIndexer(sql, book, hours, notices, damage)
  let unsorted = countUnsorted()
  // Given here and not by SQLite, which would begin at 1 again once every request is pruned.
  const newestId = sql.all<{ id: number }>(statements.newestRequest)[0]?.id ?? 0
  const newestAtStart = Math.max(sorter.sortedUpTo(), newestId)
  let nextId = Math.max(newestAtStart, givenUpTo) + 1

  function countUnsorted(): number {
    const [row] = sql.all<{ n: number }>(statements.countEntriesAfter, sorter.sortedUpTo())
    return row?.n ?? 0
  }

  function sort(events?: number): number {
    const sorted = sorter.sort(events)
    // The sum of what was stored, of which a damaged row may have told wrong.
    unsorted = sorter.sortedUpTo() >= nextId - 1 ? 0 : Math.max(0, unsorted - sorted)
    return sorted
  }

  return {
    ...createLeases(sql, book, damage),
    ...createLists(sql),
    ...createScan(sql),
    ...createChangeReader(sql),
    ...notices,
    ...createResender(sql, book),
    ...createComparison(sql, book, notices, damage),
    ...createSeenReader(sql, () => {
      while (sort() > 0);
    }),
    ...createPruner(sql, book, hours, sorter.sortedUpTo, pruning),
    kindHours: hours.kindHours,
    kindTotals: hours.kindTotals,
    counts: book.counts,
    total: book.total,
    held: book.held,

    put(parcels, now) {
      nextId += appendAll(sql, nextId, parcels, now ?? null)
      for (const { events } of parcels) unsorted += events
    },
    sort,
    unsorted: () => unsorted,
    oldestUnsortedAt: () => sql.all<{ at: number }>(statements.oldestUnsorted, sorter.sortedUpTo())[0]?.at,
    keptUpTo: () => nextId - 1,
    newestAtStart,
    replaced: sorter.replaced,
    sortedUpTo: sorter.sortedUpTo,

    change: (place, from, to, now) =>
      book.transaction('on-disk', () => transition(sql, book, place, from, to, now)),
    changeAll(places, from, to, now) {
      const moved = (place: Place) => transition(sql, book, place, from, to, now)
      return book.transaction('on-disk', () => places.filter(moved).length)
    },
  }
}
