/** Reads for people: the list of events, one event with the attempts at it. Never changes a row. */
import * as z from 'zod'
import { isObject } from '../../event/event.ts'
import type { State, WaitReason } from '../../reasons.ts'
import { parseJson } from '../kept-state.ts'
import { type Place, toKey, toPlace } from '../place.ts'
import type { Attempt, EventQuery, EventView } from '../queries.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import { type Body, createBodyReader } from './body.ts'
import { OTHER_TYPE } from './kinds.ts'
import { holds, toNeedles, toText } from './search.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

/** What one page reads at most, for the outbox does nothing else meanwhile; what lies beyond is reached with `before`. */
const ROWS_A_PAGE = 5_000
const CHARACTERS_A_PAGE = 2_000_000
const SLICE = 200
const ATTEMPTS_SHOWN = 200
const DELIVERIES_READ = 20_000
/** As much of a type is stored with any event. */
const SHOWN_TYPE = 200

export type Row = {
  request: number
  position: number
  received_at: number
  type: string
  version: number
  state: State
  reason: string | null
  settled_at: number | null
  detail: string | null
  attempts: number
  tried_at: number | null
}

const Headers = z.record(z.string(), z.string())

function newestFirst(a: Place, b: Place): number {
  return b.request - a.request || b.position - a.position
}

export type Lists = Synchronous<Pick<OutboxStore, 'events' | 'event' | 'oldestPendingAt'>>

/** Neighbours in a list mostly share a request: its body, which may hold thousands of events, is read once for all. */
export type Viewer = { view(row: Row): EventView; characters(): number }

export function createViewer(read: ReturnType<typeof createBodyReader>): Viewer {
  let last: { request: number; body: Body | undefined } | undefined
  let characters = 0
  return {
    view({ request, position, received_at, settled_at, tried_at, attempts, ...rest }) {
      if (last?.request !== request) {
        const { body, parsed } = read(request)
        last = { request, body }
        characters += parsed
      }
      const { body } = last
      return {
        key: toKey({ request, position }),
        receivedAt: received_at,
        storedAt: body?.keptAt ?? null,
        triedAt: tried_at,
        settledAt: settled_at,
        attemptCount: attempts,
        ...rest,
        type: toType(rest.type, body?.elements[position]),
        element: body?.elements[position],
        exact: body?.exact(position),
        ...(body?.unreadable && { unreadable: body.unreadable.cause }),
      }
    },
    characters: () => characters,
  }
}

/** Many types are counted as one: which it is, the event says. */
export function toType(counted: string, element: unknown): string {
  if (counted !== OTHER_TYPE || !isObject(element) || typeof element.type !== 'string') return counted
  return element.type.slice(0, SHOWN_TYPE)
}

/** Before the event is read. */
export function mayBe(counted: string, type: string | undefined): boolean {
  return !type || isOfType(counted, type) || counted === OTHER_TYPE
}

export function createLists(sql: Sql): Lists {
  const readBody = createBodyReader(sql)

  /** None at all when no request ever held it, though requests held those around it. */
  function attemptsAt({ request, position, received_at, tried_at, attempts }: Row): Attempt[] {
    if (attempts === 0 || tried_at === null) return []
    const place = [request, position]
    const newestFirst = sql.all<
      { at: number; took_ms: number; headers: string } & Omit<Attempt, 'tookMs' | 'headers'>
    >(
      statements.deliveriesOf,
      ...[received_at, tried_at, DELIVERIES_READ, ...place, ...place, Math.min(attempts, ATTEMPTS_SHOWN)],
    )
    return newestFirst.reverse().map(({ took_ms, headers, ...attempt }) => ({
      ...attempt,
      tookMs: took_ms,
      headers: Headers.safeParse(parseJson(headers)).data ?? {},
    }))
  }

  /** The rows before a place, a slice of them, by the index that fits best. */
  function toReader({ state, reason }: EventQuery): (from: Place) => Row[] {
    if ((state === 'rejected' || state === 'refused') && reason)
      return ({ request, position }) =>
        sql.all(statements.deadLettersBefore, state, reason, request, position, SLICE)
    if (state === 'pending')
      return ({ request, position }) => {
        const apart = [null, 'held_back' satisfies WaitReason].map(why =>
          sql.all<Row>(statements.eventsBefore.pending, why, request, position, SLICE),
        )
        return apart.flat().sort(newestFirst).slice(0, SLICE)
      }
    const statement = statements.eventsBefore[state === undefined || state === 'accepted' ? 'any' : state]
    return ({ request, position }) => sql.all(statement, request, position, SLICE)
  }

  return {
    events(query) {
      const { state, type, reason, q, before, limit } = query
      const slice = toReader(query)
      const needles = q ? toNeedles(q) : undefined
      const { view, characters } = createViewer(readBody)
      const found: EventView[] = []
      let searched = 0
      let from: Place = (before && toPlace(before)) || { request: Number.MAX_SAFE_INTEGER, position: 0 }
      let reachedAt: number | undefined
      const toPage = (isLast: boolean) => ({
        events: found,
        next: isLast ? undefined : toKey(from),
        reachedAt,
      })

      for (let read = 0; read < ROWS_A_PAGE; read += SLICE) {
        const rows = slice(from)
        for (const row of rows) {
          from = row
          reachedAt = row.received_at
          if ((state && row.state !== state) || !mayBe(row.type, type)) continue
          if (reason && row.reason !== reason) continue
          const event = view(row)
          if (type && !isOfType(event.type, type)) continue
          const text = needles && toText(event.exact ?? event.element)
          // To write an element and look through it costs about what parsing it did.
          searched += text?.length ?? 0
          if (!needles || (text !== undefined && holds(text, needles))) found.push(event)
          if (found.length === limit || characters() + searched > CHARACTERS_A_PAGE) return toPage(false)
        }
        if (rows.length < SLICE) return toPage(true)
      }
      return toPage(false)
    },

    event({ request, position }) {
      const [row] = sql.all<Row>(statements.eventRow, request, position)
      return row && { ...createViewer(readBody).view(row), attempts: attemptsAt(row) }
    },

    oldestPendingAt: () => sql.all<{ received_at: number }>(statements.oldestPending)[0]?.received_at,
  }
}

/** `wanted`: a type, or what several begin with and a `*`. */
export function isOfType(type: string, wanted: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted
}
