/**
 * The outbox: where the webhook's answer is decided and every event's state is kept. One owner, synchronous, over any
 * SQLite that fits the port; both hosts call this very code. Its verbs are the files beside it.
 */

import type { Place } from '../place.ts'
import type { Figures } from '../queries.ts'
import type { RequestRow } from '../request-row.ts'
import type { OutboxAtHand, Pruning } from '../store.ts'
import { appendAll } from './append.ts'
import { createBackfiller } from './backfill.ts'
import { createChangeReader, toCursor } from './changes.ts'
import { createComparison } from './compare-counts.ts'
import { type Counters, createCounters } from './counters.ts'
import { createDamageLog } from './damage.ts'
import { createDestinationList } from './destinations.ts'
import { createHours } from './hours.ts'
import { createIndexer, type Indexer } from './index-events.ts'
import { createLeases } from './lease.ts'
import { createLists } from './list.ts'
import { migrate } from './migrations.ts'
import { createNoticeStore } from './notices.ts'
import { createPruner } from './prune.ts'
import { createResender } from './resend.ts'
import { createRouting } from './routing.ts'
import { createScan } from './scan.ts'
import { createSeenReader } from './seen.ts'
import { createSharedEvents } from './shared-events.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'
import { transition } from './transition.ts'

/** The port, answered at once; and what only the owner of a file needs to know. */
export type SqliteOutbox = OutboxAtHand &
  Pick<Indexer, 'again' | 'indexedUpTo'> &
  Pick<Counters, 'total' | 'held' | 'deliveries'> & {
    /** Events that are stored and not indexed yet. */
    unsorted(): number
    /** The newest request that is stored, indexed or not. */
    keptUpTo(): number
    /** The same as it was found when the outbox was opened; 0: none. */
    readonly newestAtStart: number
  }

/** `givenUpTo`: request numbers up to here were given, also if their requests are gone. */
export function createOutbox(sql: Sql, pruning: Pruning, givenUpTo = 0): SqliteOutbox {
  migrate(sql)
  const damage = createDamageLog()
  const notices = createNoticeStore(sql, damage)
  const book = createCounters(sql, damage)
  const shared = createSharedEvents(sql)
  const routing = createRouting(book)
  const parts = { sql, book, shared }
  const hours = createHours(sql, damage)
  const indexer = createIndexer(sql, book, shared, routing, hours, notices, damage)
  let unsorted = countUnsorted()
  // Given here and not by SQLite, which would begin at 1 again once every request is pruned.
  const newestId = sql.all<{ id: number }>(statements.newestRequest)[0]?.id ?? 0
  const newestAtStart = Math.max(indexer.indexedUpTo(), newestId)
  let nextId = Math.max(newestAtStart, givenUpTo) + 1

  function countUnsorted(): number {
    const [row] = sql.all<{ n: number }>(statements.countEntriesAfter, indexer.indexedUpTo())
    return row?.n ?? 0
  }

  function index(events?: number): number {
    const indexed = indexer.index(events)
    // The sum of what was stored, of which a damaged row may have told wrong.
    unsorted = indexer.indexedUpTo() >= nextId - 1 ? 0 : Math.max(0, unsorted - indexed)
    return indexed
  }

  function indexAll(): void {
    while (index() > 0);
  }

  function append(rows: readonly RequestRow[], now?: number): void {
    nextId += appendAll(sql, nextId, rows, now ?? null)
    for (const { events } of rows) unsorted += events
  }

  function figures(): Figures {
    const { total } = book
    return {
      ...{ received: total('received'), duplicate: total('duplicate'), pending: total('pending') },
      ...{ accepted: total('accepted'), rejected: total('rejected'), refused: total('refused') },
      ...{ skipped: total('skipped'), held: book.held(), unsorted },
      isIndexed: indexer.indexedUpTo() >= nextId - 1,
      cursor: toCursor(indexer.indexedUpTo()),
      destinations: book.destinations(),
    }
  }

  return {
    ...createLeases(parts, damage),
    ...createLists(sql, book, shared),
    ...createDestinationList(sql),
    ...createScan(sql, shared),
    ...createChangeReader(sql, shared, indexer.indexedUpTo),
    ...notices,
    ...createResender(parts),
    ...createBackfiller(parts, routing),
    ...createComparison(sql, book, shared, notices, damage),
    ...createSeenReader(sql, () => {
      indexAll()
    }),
    ...createPruner(sql, book, shared, hours, indexer.indexedUpTo, pruning),
    kindHours: hours.kindHours,
    kindTotals: hours.kindTotals,
    counts: book.counts,
    eventCounts: book.eventCounts,
    total: book.total,
    held: book.held,
    deliveries: book.deliveries,

    append,
    index,
    routeTo: routing.routeTo,
    import(rows, now) {
      indexAll()
      const before = { ...figures(), ...indexer.again() }
      append(rows, now)
      indexAll()
      const after = { ...figures(), ...indexer.again() }
      const again = after.events - before.events
      return {
        stored: after.received - before.received,
        pending: after.pending - before.pending - (after.pendingAgain - before.pendingAgain),
        // One that gives its place to another is skipped no more.
        skipped: Math.max(0, after.skipped - before.skipped),
        duplicates: after.duplicate - before.duplicate - again,
        again,
      }
    },
    figures,
    unsorted: () => unsorted,
    oldestUnsortedAt: () => sql.all<{ at: number }>(statements.oldestUnsorted, indexer.indexedUpTo())[0]?.at,
    keptUpTo: () => nextId - 1,
    newestAtStart,
    again: indexer.again,
    indexedUpTo: indexer.indexedUpTo,

    transition(places, from, to, now, destination) {
      const changed = (place: Place) => transition(parts, routing, place, from, to, now, destination)
      return book.transaction('on-disk', () => places.filter(changed).length)
    },
  }
}
