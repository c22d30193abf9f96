/** The ways a delivery changes its state; to be called inside `book.transaction`. */

import type { State } from '../../reasons.ts'
import { NO_DESTINATION } from '../deliveries.ts'
import type { From } from '../held.ts'
import { isAmong } from '../held.ts'
import type { Place } from '../place.ts'
import type { Target } from '../store.ts'
import { readBody } from './body.ts'
import type { Counters } from './counters.ts'
import { deliveriesIn, insertFurther, rerouteEvent } from './delivery-statements.ts'
import type { Routing } from './routing.ts'
import type { CountedRow, SharedEvents } from './shared-events.ts'
import type { Sql } from './sql.ts'

export type TransitionParts = {
  readonly sql: Sql
  readonly book: Counters
  readonly shared: SharedEvents
}
type Row = CountedRow & { readonly received_at: number }

/** By a person. False, and nothing changed, when no delivery of the event (to that destination) is in one of the states `from`. */
export function transition(
  parts: TransitionParts,
  routing: Routing,
  place: Place,
  from: readonly From[],
  to: Target,
  now: number,
  destination?: number,
): boolean {
  const { sql, book, shared } = parts
  const { request, position } = place
  const rows = shared.tables().flatMap(table => sql.all<Row>(deliveriesIn[table].at, request, position))
  const isAsked = (row: Row) => destination === undefined || row.destination === destination
  const changed = rows.filter(row => isAsked(row) && isAmong(row, from))
  const [first] = changed
  if (!first) return false
  if (to.state === 'pending' && rows.length === 1 && isVerdict(first)) return reroute(first)
  recount(parts, [place], () => {
    for (const row of changed) transitionAll(parts, [place], row.destination, row.state, to, now)
  })
  return true

  /** No destination was ever asked for it. */
  function reroute({ kind, state, reason, destination: before, received_at: receivedAt }: Row): boolean {
    const body = routing.isParsed() ? readBody(sql, request) : undefined
    const event = () => ({ element: body?.elements[position], exact: body?.exact(position), receivedAt })
    const [next = NO_DESTINATION, ...others] = routing.destinationsOf(kind, event)
    book.add(before, kind, state, reason, -1)
    book.add(next, kind, state, reason, 1)
    sql.all(rerouteEvent, next, request, position)
    const target: Target = next === NO_DESTINATION ? { state: 'skipped', reason: 'no_destination' } : to
    transitionAll(parts, [place], next, state, target, now)
    if (others.length === 0) return true
    shared.begin()
    const further = others.map(other => [request, position, other, receivedAt, kind, 'pending', null, null])
    sql.all(insertFurther, JSON.stringify(further))
    for (const other of others) book.add(other, kind, 'pending', null, 1)
    const waiting = { state: 'pending', reason: to.reason ?? null } as const
    book.addShared(kind, [waiting, ...others.map(() => ({ state: 'pending', reason: null }) as const)], 1)
    return true
  }
}

/** Of the webhook: before there were several destinations, such a one stood under the only one there was. */
export function isVerdict({ destination, state, reason }: CountedRow): boolean {
  return destination === NO_DESTINATION || (state === 'rejected' && reason !== 'unreadable')
}

/** Counts what the change of some deliveries makes of their events. */
export function recount<T>({ book, shared }: TransitionParts, places: readonly Place[], work: () => T): T {
  const before = shared.among(places)
  const result = work()
  if (before.size === 0) return result
  const after = shared.among(places)
  for (const rows of before.values()) book.addShared(rows[0].kind, rows, -1)
  for (const rows of after.values()) book.addShared(rows[0].kind, rows, 1)
  return result
}

/**
 * Many at once, in two statements a table. Those in another state than `from` stay as they are, so that a settling repeated (its
 * commit went through, but was reported as failed) counts once. Within `recount`.
 */
export function transitionAll(
  { sql, book, shared }: TransitionParts,
  places: readonly Place[],
  destination: number,
  from: State,
  to: Target,
  now: number,
): void {
  const list = JSON.stringify(places.map(({ request, position }) => [request, position]))
  const settledAt = to.state === 'pending' ? null : now
  const { attempts, triedAt } = to.tries ?? { attempts: 0, triedAt: null }
  const { until, times } = to.hold ?? { until: null, times: 0 }
  const outcome = [to.state, to.reason ?? null, settledAt, to.detail ?? null, attempts, triedAt, until, times]
  for (const table of shared.tables()) {
    const { kindsAmong, settle } = deliveriesIn[table]
    const found = sql.all<{ kind: number; reason: string | null }>(kindsAmong, list, destination, from)
    if (found.length === 0) continue
    for (const { kind, reason } of found) {
      book.add(destination, kind, from, reason, -1)
      book.add(destination, kind, to.state, to.reason ?? null, 1)
    }
    sql.all(settle, ...outcome, list, destination, from)
  }
}
