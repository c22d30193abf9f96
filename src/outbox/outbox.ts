/**
 * The outbox: where the webhook's answer is decided and every event's state is kept. One owner, synchronous, over any
 * SQLite that fits the port; both hosts call this very code. Its verbs are the files beside it.
 */
import { type Book, createBook } from './book.ts'
import { createHours, type Hours } from './hours.ts'
import { createKnown, type Known } from './known.ts'
import { createLeases, type Leases, type Place } from './lease.ts'
import { createLook, type Look } from './look.ts'
import { migrate } from './migrations.ts'
import { move, type Target } from './move.ts'
import { createNoticeBook, type NoticeBook } from './notice-book.ts'
import { createPruner, type Pruner, type Pruning } from './prune.ts'
import { type Parcel, putAll } from './put.ts'
import { createSorter, type Sorter } from './sort.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'
import { createWalk, type Walk } from './walk.ts'
import { createWatch, type Watch } from './watch.ts'

export type OutboxStore = Leases &
  Look &
  Pruner &
  Walk &
  Watch &
  Known &
  NoticeBook &
  Pick<Sorter, 'sort' | 'replaced' | 'sortedUpTo'> &
  Pick<Hours, 'kindHours' | 'kindTotals'> &
  Pick<Book, 'counts' | 'total' | 'held'> & {
    /** Keeps all parcels in one commit that is on disk when this returns. Throws when it is not. */
    put(parcels: readonly Parcel[], now?: number): void
    /** Kept but not yet sorted into events. */
    unsorted(): number
    /** The newest request that is kept, sorted or not. */
    keptUpTo(): number
    /** By a person: a dead letter back to pending, or out. False when the event is in none of the states `from`. */
    change(place: Place, from: Parameters<typeof move>[3], to: Target, now: number): boolean
    /** The same for many, in one commit; gives how many were changed. */
    changeAll(places: readonly Place[], from: Parameters<typeof move>[3], to: Target, now: number): number
  }

export function createOutbox(sql: Sql, pruning: Pruning): OutboxStore {
  migrate(sql)
  const book = createBook(sql)
  const hours = createHours(sql)
  const sorter = createSorter(sql, book, hours)
  let unsorted = countUnsorted()
  // Given here and not by SQLite, which would begin at 1 again once every request is pruned.
  let nextId =
    Math.max(sorter.sortedUpTo(), sql.all<{ id: number }>(statements.newestRequest)[0]?.id ?? 0) + 1

  function countUnsorted(): number {
    const [row] = sql.all<{ n: number }>(statements.countEntriesAfter, sorter.sortedUpTo())
    return row?.n ?? 0
  }

  function sort(events?: number): number {
    const sorted = sorter.sort(events)
    unsorted -= sorted
    return sorted
  }

  return {
    ...createLeases(sql, book),
    ...createLook(sql),
    ...createWalk(sql),
    ...createWatch(sql),
    ...createNoticeBook(sql),
    ...createKnown(sql, () => {
      while (sort() > 0);
    }),
    ...createPruner(sql, book, hours, sorter.sortedUpTo, pruning),
    kindHours: hours.kindHours,
    kindTotals: hours.kindTotals,
    counts: book.counts,
    total: book.total,
    held: book.held,

    put(parcels, now) {
      putAll(sql, nextId, parcels, now ?? null)
      nextId += parcels.length
      for (const { events } of parcels) unsorted += events
    },
    sort,
    unsorted: () => unsorted,
    keptUpTo: () => nextId - 1,
    replaced: sorter.replaced,
    sortedUpTo: sorter.sortedUpTo,

    change: (place, from, to, now) =>
      book.transaction('on-disk', () => move(sql, book, place, from, to, now)),
    changeAll(places, from, to, now) {
      const moved = (place: Place) => move(sql, book, place, from, to, now)
      return book.transaction('on-disk', () => places.filter(moved).length)
    },
  }
}
