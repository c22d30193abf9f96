/** The one way an event changes its state; to be called inside `book.transaction`. */
import type { EventReason, State } from '../reasons.ts'
import type { Book } from './book.ts'
import type { Place, Tries } from './lease.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type Target = {
  readonly state: State
  readonly reason?: EventReason | undefined
  readonly detail?: string | undefined
  readonly tries?: Tries | undefined
}

/** False, and nothing changed, when the event is in none of the states `from`. */
export function move(
  sql: Sql,
  book: Book,
  place: Place,
  from: readonly State[],
  to: Target,
  now: number,
): boolean {
  const { request, position } = place
  const [event] = sql.all<{ kind: number; state: State; reason: string | null }>(
    statements.eventAt,
    request,
    position,
  )
  if (!event || !from.includes(event.state)) return false
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
    request,
    position,
  )
  return true
}
