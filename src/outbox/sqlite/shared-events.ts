/**
 * Events that have several deliveries: what they are, by event, and how they are counted. As long as there is none, all of this
 * costs nothing.
 */

import type { State } from '../../reasons.ts'
import { type DeliveryPlace, toDeciding } from '../deliveries.ts'
import { type Place, toKey } from '../place.ts'
import { toJsonLists } from './byte-limits.ts'
import * as statements from './delivery-statements.ts'
import type { Sql } from './sql.ts'

export type DeliveryRow = DeliveryPlace & {
  readonly state: State
  readonly reason: string | null
  readonly settled_at: number | null
  readonly detail: string | null
  readonly attempts: number
  readonly tried_at: number | null
}
export type CountedRow = DeliveryRow & { readonly kind: number }

export type SharedEvents = {
  /** The tables that deliveries stand in. */
  tables(): readonly statements.DeliveryTable[]
  /** A second delivery of an event is about to be inserted. */
  begin(): void
  /** All deliveries, by the keys of the events; only of those that have several. */
  among(places: readonly Place[]): Map<string, readonly [CountedRow, ...CountedRow[]]>
  /** Each event as its deliveries make it, with all of them. */
  gather<Row extends DeliveryRow>(rows: readonly Row[]): Gathered<Row>[]
}
export type Gathered<Row extends DeliveryRow> = Row & { readonly deliveries: readonly DeliveryRow[] }

export function createSharedEvents(sql: Sql): SharedEvents {
  let areThere = isAny(sql)

  function among(places: readonly Place[]): ReturnType<SharedEvents['among']> {
    const found = new Map<string, [CountedRow, ...CountedRow[]]>()
    if (!areThere || places.length === 0) return found
    // Two deliveries of one event are asked for once.
    const once = new Map(places.map(place => [toKey(place), [place.request, place.position]]))
    for (const list of toJsonLists([...once.values()])) {
      for (const first of sql.all<CountedRow>(statements.sharedAmong, list)) found.set(toKey(first), [first])
      for (const other of sql.all<CountedRow>(statements.furtherAmong, list))
        found.get(toKey(other))?.push(other)
    }
    return found
  }

  return {
    tables: () => (areThere ? ['events', 'further'] : ['events']),
    begin() {
      areThere = true
    },
    among,
    gather(rows) {
      const shared = among(rows)
      return rows.map(row => {
        const deliveries = shared.get(toKey(row))
        return deliveries ? { ...row, ...toEvent(deliveries), deliveries } : { ...row, deliveries: [row] }
      })
    },
  }
}

/** Of a damaged file the scan reads what it can. */
function isAny(sql: Sql): boolean {
  try {
    return sql.all(statements.anyFurther).length > 0
  } catch {
    return true
  }
}

/** What is said of the event. */
function toEvent(
  deliveries: readonly [DeliveryRow, ...DeliveryRow[]],
): Omit<DeliveryRow, keyof DeliveryPlace> {
  const { state, reason, detail } = toDeciding(...deliveries)
  const tried = deliveries.flatMap(({ tried_at }) => tried_at ?? [])
  const settled = deliveries.flatMap(({ settled_at }) => settled_at ?? [])
  return {
    ...{ state, reason, detail },
    settled_at: state === 'pending' || settled.length === 0 ? null : Math.max(...settled),
    attempts: deliveries.reduce((sum, { attempts }) => sum + attempts, 0),
    tried_at: tried.length === 0 ? null : Math.max(...tried),
  }
}
