/** Reads for a page that watches: what came since a place, and what became of the events it shows. Never changes a row. */
import type { State } from '../../reasons.ts'
import { createBodyReader } from './body.ts'
import { createViewer, type EventView, type Row, toKey, toPlace } from './list.ts'
import type { Place } from './place.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

/** What changes of an event once it is kept. */
export type EventState = Pick<
  EventView,
  'key' | 'state' | 'reason' | 'settledAt' | 'triedAt' | 'attemptCount'
>

/** Requests after `after`, up to `upTo` itself. */
export type Span = { readonly after: number; readonly upTo: number }

export type ChangeReader = {
  /** The newest first, at most `limit`; `missed`: how many more there are, counted up to 10,000. */
  since(span: Span, limit: number): { events: EventView[]; missed: number }
  statesOf(keys: readonly string[]): EventState[]
  /** Of the newest events up to a request, newest first. */
  statesUpTo(request: number, limit: number): EventState[]
}

const COUNTED = 10_000
/** One reading comes every second, and the outbox does nothing else meanwhile. */
const CHARACTERS_A_READING = 500_000

type StateRow = Place & {
  readonly state: State
  readonly reason: string | null
  readonly settled_at: number | null
  readonly tried_at: number | null
  readonly attempts: number
}

export function createChangeReader(sql: Sql): ChangeReader {
  const readBody = createBodyReader(sql)

  return {
    since({ after, upTo }, limit) {
      if (after >= upTo) return { events: [], missed: 0 }
      const { view, characters } = createViewer(readBody)
      const events: EventView[] = []
      for (const row of sql.all<Row>(statements.eventsSince, after, upTo, limit)) {
        if (characters() > CHARACTERS_A_READING) break
        events.push(view(row))
      }
      const [{ n } = { n: 0 }] = sql.all<{ n: number }>(statements.countSince, after, upTo, COUNTED)
      return { events, missed: Math.max(0, n - events.length) }
    },

    statesOf(keys) {
      const places = keys.flatMap(key => toPlace(key) ?? [])
      if (places.length === 0) return []
      const asked = JSON.stringify(places.map(({ request, position }) => [request, position]))
      return sql.all<StateRow>(statements.statesAmong, asked).map(toState)
    },

    statesUpTo: (request, limit) => sql.all<StateRow>(statements.statesUpTo, request, limit).map(toState),
  }
}

function toState({ request, position, settled_at, tried_at, attempts, state, reason }: StateRow): EventState {
  return {
    key: toKey({ request, position }),
    ...{ state, reason, settledAt: settled_at, triedAt: tried_at, attemptCount: attempts },
  }
}
