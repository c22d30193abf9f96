/** Reads for a page that watches: what came since a place, and what became of the events it shows. Never changes a row. */
import { toKey, toPlace } from '../place.ts'
import type { Changes, EventState, EventView } from '../queries.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import { createBodyReader } from './body.ts'
import { createViewer, type Row } from './list.ts'
import type { DeliveryRow, SharedEvents } from './shared-events.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type ChangeReader = Synchronous<Pick<OutboxStore, 'changes'>>

const COUNTED = 10_000
/** One reading comes every second, and the outbox does nothing else meanwhile. */
const CHARACTERS_A_READING = 500_000

/** The number of a request up to which everything is indexed. */
export const toCursor = (request: number): string => String(request)

function fromCursor(cursor: string | undefined): number | undefined {
  return cursor !== undefined && /^\d{1,15}$/.test(cursor) ? Number(cursor) : undefined
}

export function createChangeReader(sql: Sql, shared: SharedEvents, indexedUpTo: () => number): ChangeReader {
  const readBody = createBodyReader(sql)

  /** The newest first. `missed`: how many more there are. */
  function since(after: number, upTo: number, limit: number): Pick<Changes, 'events' | 'missed'> {
    if (after >= upTo) return { events: [], missed: 0 }
    const { view, characters } = createViewer(readBody)
    const events: EventView[] = []
    for (const row of shared.gather(sql.all<Row>(statements.eventsSince, after, upTo, limit))) {
      if (characters() > CHARACTERS_A_READING) break
      events.push(view(row))
    }
    const [{ n } = { n: 0 }] = sql.all<{ n: number }>(statements.countSince, after, upTo, COUNTED)
    return { events, missed: Math.max(0, n - events.length) }
  }

  function statesOf(keys: readonly string[]): EventState[] {
    const places = keys.flatMap(key => toPlace(key) ?? [])
    if (places.length === 0) return []
    const asked = JSON.stringify(places.map(({ request, position }) => [request, position]))
    return shared.gather(sql.all<DeliveryRow>(statements.statesAmong, asked)).map(toState)
  }

  const statesUpTo = (request: number, limit: number): EventState[] =>
    limit > 0 ? shared.gather(sql.all<DeliveryRow>(statements.statesUpTo, request, limit)).map(toState) : []

  return {
    changes({ after, upTo, keys, recent, limit }) {
      const newest = indexedUpTo()
      const from = fromCursor(after) ?? newest
      const to = Math.min(newest, fromCursor(upTo) ?? newest)
      return {
        ...since(from, to, limit),
        states: [...statesUpTo(from, recent), ...statesOf(keys)],
        cursor: toCursor(to),
      }
    },
  }
}

function toState({
  request,
  position,
  settled_at,
  tried_at,
  attempts,
  state,
  reason,
}: DeliveryRow): EventState {
  return {
    key: toKey({ request, position }),
    ...{ state, reason, settledAt: settled_at, triedAt: tried_at, attemptCount: attempts },
  }
}
