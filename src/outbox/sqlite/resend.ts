/**
 * Accepted events made pending again, page by page: for when a destination answered 200 and kept nothing. An event keeps its
 * id, so that a destination that does remember it drops the copy.
 */
import { isObject } from '../../event/event.ts'
import type { DeliveryPlace } from '../deliveries.ts'
import { type Place, toKey, toPlace } from '../place.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import { createBodyReader } from './body.ts'
import { type Row as EventRow, isOfType } from './list.ts'
import type { Gathered } from './shared-events.ts'
import * as statements from './statements.ts'
import { recount, type TransitionParts, transitionAll } from './transition.ts'

export type Resender = Synchronous<Pick<OutboxStore, 'resendPage'>>

/** A few milliseconds of work, because nothing else uses the outbox meanwhile. */
const ROWS_A_PAGE = 500

type Row = EventRow & { readonly kept: number | null }

export function createResender(parts: TransitionParts): Resender {
  const { sql, book, shared } = parts
  const readBody = createBodyReader(sql)

  /** What cannot be read would become a dead letter, of an event that was accepted. */
  function readable<Of extends Place>(rows: readonly Of[]): Of[] {
    let last: { readonly request: number; readonly elements: readonly unknown[] } | undefined
    return rows.filter(({ request, position }) => {
      if (last?.request !== request) last = { request, elements: readBody(request).body?.elements ?? [] }
      return isObject(last.elements[position])
    })
  }

  function send(deliveries: readonly DeliveryPlace[], now: number): void {
    const destinations = new Set(deliveries.map(({ destination }) => destination))
    const work = () => {
      for (const one of destinations) {
        const places = deliveries.filter(({ destination }) => destination === one)
        transitionAll(parts, places, one, 'accepted', { state: 'pending' }, now)
      }
    }
    book.transaction('on-disk', () => recount(parts, deliveries, work))
  }

  return {
    resendPage({ since, until, type, destination, preview = false, after }, now, most = ROWS_A_PAGE) {
      const limit = Math.min(most, ROWS_A_PAGE)
      const from = (after && toPlace(after)) || { request: 0, position: -1 }
      const rows = sql.all<Row>(statements.eventsToResend, from.request, from.position, limit)
      const accepted = ({ deliveries }: Gathered<Row>) =>
        deliveries.filter(({ state, settled_at, ...one }) => {
          const at = settled_at ?? 0
          const isAsked = destination === undefined || one.destination === destination
          return isAsked && state === 'accepted' && at >= since && at < until
        })
      const matched = shared
        .gather(rows)
        .filter(row => (!type || isOfType(row.type, type)) && accepted(row).length > 0)
      const places = readable(matched.filter(({ kept }) => kept !== null))
      if (!preview && places.length > 0) send(places.flatMap(accepted), now)
      const last = rows.at(-1)
      return {
        matched: matched.length,
        pruned: matched.length - places.length,
        done: preview ? 0 : places.length,
        next: last && rows.length === limit ? toKey(last) : undefined,
      }
    },
  }
}
