/**
 * What may go, goes: the bytes of accepted and skipped events after `retentionMs`, their ids after `dedupeMs` too.
 * Pending deliveries and dead letters stay for ever, and so do the bytes of a request that holds one of them. What came by the
 * hour, for data quality, goes into one sum a kind.
 * Works in slices from the oldest on, so that one turn is a few milliseconds.
 */
import type { OutboxStore, Pruning, Synchronous } from '../store.ts'
import type { Counters } from './counters.ts'
import { deleteFurther } from './delivery-statements.ts'
import type { Hours } from './hours.ts'
import type { DeliveryRow, SharedEvents } from './shared-events.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

const ROWS_A_TURN = 500
const NOTICES_KEPT = 1_000
/** Attempts are shown with their events; but one forgotten dead letter must not keep those of a year. */
const DELIVERIES_KEPT_MS = 30 * 24 * 3_600_000

export type Pruner = Synchronous<Pick<OutboxStore, 'prune'>>

type EventRow = DeliveryRow & { readonly received_at: number; readonly identity: number | null }

export function createPruner(
  sql: Sql,
  book: Counters,
  shared: SharedEvents,
  hours: Hours,
  indexedUpTo: () => number,
  { retentionMs, dedupeMs }: Pruning,
): Pruner {
  const start = { request: 0, event: { request: 0, position: -1 } }
  let from = start

  function pruneRequests(now: number): boolean {
    const before = now - retentionMs
    const rows = sql.all<{ id: number; received_at: number }>(
      statements.requestAges,
      from.request,
      ROWS_A_TURN,
    )
    for (const { id, received_at } of rows) {
      if (isYoung(received_at, before, now) || id > indexedUpTo()) return false
      const used = shared
        .tables()
        .some(table => sql.all(statements.requestInUse[table], id, before).length > 0)
      if (!used) sql.all(statements.deleteRequest, id)
      from = { ...from, request: id }
    }
    return rows.length === ROWS_A_TURN
  }

  function pruneEvents(now: number): boolean {
    const before = now - Math.max(retentionMs, dedupeMs)
    const { request, position } = from.event
    const rows = sql.all<EventRow>(statements.eventsAfter, request, position, ROWS_A_TURN)
    for (const row of shared.gather(rows)) {
      if (isYoung(row.received_at, before, now)) return false
      const finished = row.state === 'accepted' || row.state === 'skipped'
      if (finished && (row.settled_at ?? before) <= before) {
        if (row.identity !== null) sql.all(statements.deleteSeen, row.identity, row.request, row.position)
        sql.all(statements.deleteEvent, row.request, row.position)
        if (row.deliveries.length > 1) sql.all(deleteFurther, row.request, row.position)
      }
      from = { ...from, event: row }
    }
    return rows.length === ROWS_A_TURN
  }

  function pruneDeliveries(now: number): boolean {
    const oldest = sql.all<{ at: number | null }>(statements.oldestKept)[0]?.at ?? now
    const before = Math.max(
      Math.min(oldest, now - retentionMs),
      now - Math.max(retentionMs, DELIVERIES_KEPT_MS),
    )
    return sql.all(statements.deleteDeliveriesBefore, before, ROWS_A_TURN).length === ROWS_A_TURN
  }

  return {
    prune(now) {
      const began = from
      try {
        const more = book.transaction('relaxed', () => {
          sql.all(statements.deleteOldNotices, NOTICES_KEPT)
          return [pruneRequests(now), pruneEvents(now), pruneDeliveries(now), hours.foldHours(now)].includes(
            true,
          )
        })
        if (!more) from = start
        return more
      } catch (error) {
        from = began
        throw error
      }
    },
  }
}

/**
 * The first young row ends a pass, for rows come in the order of time. A time that is still to come was given by a clock
 * that was wrong, and must not keep all that came after it.
 */
function isYoung(receivedAt: number, before: number, now: number): boolean {
  return receivedAt > before && receivedAt <= now
}
