/** The ways an event changes its state; to be called inside `book.transaction`. */

import type { State } from '../../reasons.ts'
import type { From } from '../held.ts'
import { isAmong } from '../held.ts'
import type { Place } from '../place.ts'
import type { Target } from '../store.ts'
import type { Counters } from './counters.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

/** False, and nothing changed, when the event is in none of the states `from`. */
export function transition(
  sql: Sql,
  book: Counters,
  place: Place,
  from: readonly From[],
  to: Target,
  now: number,
): boolean {
  const { request, position } = place
  const [event] = sql.all<{ kind: number; state: State; reason: string | null }>(
    statements.eventAt,
    request,
    position,
  )
  if (!event || !isAmong(event, from)) return false
  book.add(event.kind, event.state, event.reason, -1)
  book.add(event.kind, to.state, to.reason ?? null, 1)
  const settledAt = to.state === 'pending' ? null : now
  sql.all(
    statements.settleEvent,
    to.state,
    to.reason ?? null,
    settledAt,
    to.detail ?? null,
    to.tries?.attempts ?? 0,
    to.tries?.triedAt ?? null,
    to.hold?.until ?? null,
    to.hold?.times ?? 0,
    request,
    position,
  )
  return true
}

/**
 * Many at once, in two statements. Those in another state than `from` stay as they are, so that a settling repeated (its
 * commit went through, but was reported as failed) counts once.
 */
export function transitionAll(
  sql: Sql,
  book: Counters,
  places: readonly Place[],
  from: State,
  to: Target,
  now: number,
): void {
  const list = JSON.stringify(places.map(({ request, position }) => [request, position]))
  const found = sql.all<{ kind: number; reason: string | null }>(statements.kindsAmong, list, from)
  for (const { kind, reason } of found) {
    book.add(kind, from, reason, -1)
    book.add(kind, to.state, to.reason ?? null, 1)
  }
  const settledAt = to.state === 'pending' ? null : now
  const { attempts, triedAt } = to.tries ?? { attempts: 0, triedAt: null }
  const { until, times } = to.hold ?? { until: null, times: 0 }
  const outcome = [to.state, to.reason ?? null, settledAt, to.detail ?? null, attempts, triedAt, until, times]
  sql.all(statements.settleEvents, ...outcome, list, from)
}
