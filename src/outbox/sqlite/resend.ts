/**
 * Accepted events made pending again, page by page: for when a destination answered 200 and kept nothing. An event keeps its
 * id, so that a destination that does remember it drops the copy.
 */
import { isObject } from '../../event/event.ts'
import { type Place, toKey, toPlace } from '../place.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import { createBodyReader } from './body.ts'
import type { Counters } from './counters.ts'
import { isOfType } from './list.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'
import { transitionAll } from './transition.ts'

export type Resender = Synchronous<Pick<OutboxStore, 'resendPage'>>

/** A few milliseconds of work, because nothing else uses the outbox meanwhile. */
const ROWS_A_PAGE = 500

type Row = Place & { state: string; settled_at: number | null; type: string; kept: number | null }

export function createResender(sql: Sql, book: Counters): Resender {
  const readBody = createBodyReader(sql)

  /** What cannot be read would become a dead letter, of an event that was accepted. */
  function readable(rows: readonly Row[]): Row[] {
    let last: { readonly request: number; readonly elements: readonly unknown[] } | undefined
    return rows.filter(({ request, position }) => {
      if (last?.request !== request) last = { request, elements: readBody(request).body?.elements ?? [] }
      return isObject(last.elements[position])
    })
  }

  return {
    resendPage({ since, until, type, preview = false, after }, now, most = ROWS_A_PAGE) {
      const limit = Math.min(most, ROWS_A_PAGE)
      const from = (after && toPlace(after)) || { request: 0, position: -1 }
      const rows = sql.all<Row>(statements.eventsToResend, from.request, from.position, limit)
      const matched = rows.filter(row => {
        const at = row.settled_at ?? 0
        return row.state === 'accepted' && at >= since && at < until && (!type || isOfType(row.type, type))
      })
      const places = readable(matched.filter(({ kept }) => kept !== null))
      if (!preview && places.length > 0) {
        book.transaction('on-disk', () =>
          transitionAll(sql, book, places, 'accepted', { state: 'pending' }, now),
        )
      }
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
