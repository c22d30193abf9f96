/** Deliveries added to events that are stored already: for a destination that came later, or whose filter was widened. */
import { isObject } from '../../event/event.ts'
import { NO_DESTINATION } from '../deliveries.ts'
import { type Place, toKey, toPlace } from '../place.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import { createBodyReader } from './body.ts'
import { deliveriesIn, insertFurther, rerouteEvent } from './delivery-statements.ts'
import { type Row as EventRow, isOfType } from './list.ts'
import type { Routing } from './routing.ts'
import type { CountedRow } from './shared-events.ts'
import * as statements from './statements.ts'
import { isVerdict, type TransitionParts, transitionAll } from './transition.ts'

export type Backfiller = Synchronous<Pick<OutboxStore, 'backfillPage'>>

/** A few milliseconds of work, because nothing else uses the outbox meanwhile. */
const ROWS_A_PAGE = 200

type Row = CountedRow & { readonly received_at: number }

/** In the caller's transaction. `undefined`, and nothing changed: it has a delivery there, or the webhook turned it away. */
export function addDelivery(
  parts: TransitionParts,
  place: Place,
  destination: number,
  now: number,
): { readonly waited: boolean } | undefined {
  const { sql, book, shared } = parts
  const { request, position } = place
  const rows = deliveriesAt(parts, place)
  const [first, ...others] = rows
  if (!first || !hasRoom(rows, destination)) return undefined
  const { kind, state, reason, received_at } = first
  if (first.destination === NO_DESTINATION) {
    book.add(NO_DESTINATION, kind, state, reason, -1)
    book.add(destination, kind, state, reason, 1)
    sql.all(rerouteEvent, destination, request, position)
    transitionAll(parts, [place], destination, state, { state: 'pending' }, now)
    return { waited: false }
  }
  shared.begin()
  const row = [request, position, destination, received_at, kind, 'pending', null, null]
  sql.all(insertFurther, JSON.stringify([row]))
  book.add(destination, kind, 'pending', null, 1)
  book.addShared(kind, rows, -1)
  book.addShared(kind, [first, ...others, { state: 'pending', reason: null }], 1)
  return { waited: rows.some(one => one.state === 'pending') }
}

function deliveriesAt({ sql, shared }: TransitionParts, { request, position }: Place): Row[] {
  return shared.tables().flatMap(table => sql.all<Row>(deliveriesIn[table].at, request, position))
}

function hasRoom(rows: readonly Row[], destination: number): boolean {
  const [first] = rows
  if (!first || rows.some(one => one.destination === destination)) return false
  return !isVerdict(first) || first.reason === 'no_destination'
}

export function createBackfiller(parts: TransitionParts, routing: Routing): Backfiller {
  const { sql, book } = parts
  const readBody = createBodyReader(sql)

  return {
    backfillPage({ destination, since, until, type, preview = false, after }, now, most = ROWS_A_PAGE) {
      const limit = Math.min(most, ROWS_A_PAGE)
      const from = (after && toPlace(after)) || { request: 0, position: -1 }
      const rows = sql.all<EventRow>(statements.eventsToResend, from.request, from.position, limit)
      const lacking = rows.filter(
        row =>
          row.received_at >= since &&
          row.received_at < until &&
          (!type || isOfType(row.type, type)) &&
          hasRoom(deliveriesAt(parts, row), destination),
      )
      let pruned = 0
      const places = lacking.filter(({ request, position, received_at: receivedAt }) => {
        const { body } = readBody(request)
        const element = body?.elements[position]
        if (!isObject(element)) pruned += 1
        const event = () => ({ element, exact: body?.exact(position), receivedAt })
        return isObject(element) && routing.takes(destination, event)
      })
      const add = () => places.filter(place => addDelivery(parts, place, destination, now)).length
      const last = rows.at(-1)
      return {
        matched: places.length + pruned,
        pruned,
        done: preview || places.length === 0 ? 0 : book.transaction('on-disk', add),
        next: last && rows.length === limit ? toKey(last) : undefined,
      }
    },
  }
}
