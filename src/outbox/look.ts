/** Reads for people: the list of events, one event with its attempts, the newest notices. Never changes a row. */
import { type EventReason, type State, states } from '../reasons.ts'
import { type Body, readBody } from './body.ts'
import type { Place } from './lease.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

/** An event as the debugger lists it. `key` names it in URLs; opaque to everybody else. */
export type EventView = {
  readonly key: string
  readonly receivedAt: number
  readonly type: string
  readonly version: number
  readonly state: State
  readonly reason: string | null
  readonly settledAt: number | null
  /** Faults as JSON, or Segment's answer, when it is a dead letter. */
  readonly detail: string | null
  /** The event as Twilio sent it; undefined once its bytes are pruned. */
  readonly element: unknown
}

export type Attempt = {
  readonly at: number
  readonly tookMs: number
  readonly events: number
  readonly reason: string | null
  readonly status: number | null
  readonly answer: string
}

export type EventQuery = {
  readonly state?: State | undefined
  readonly type?: string | undefined
  readonly reason?: string | undefined
  /** Text anywhere in the event. */
  readonly q?: string | undefined
  /** The key to list before (older than). */
  readonly before?: string | undefined
  readonly limit: number
}

/** What one search reads at most, for the outbox does nothing else meanwhile; what lies beyond is reached with `before`. */
const ROWS_A_SEARCH = 5_000
const CHARACTERS_A_SEARCH = 8_000_000
const SLICE = 200
/** Found out before a request is made, so that no attempt at the events around is one at this event. */
const neverSent: readonly string[] = ['event_too_large', 'not_serializable'] satisfies EventReason[]

type Row = {
  request: number
  position: number
  received_at: number
  type: string
  version: number
  state: State
  reason: string | null
  settled_at: number | null
  detail: string | null
}

export const toKey = ({ request, position }: Place): string => `${request}-${position}`

export function toPlace(key: string): Place | undefined {
  const match = /^(\d{1,15})-(\d{1,9})$/.exec(key)
  return match ? { request: Number(match[1]), position: Number(match[2]) } : undefined
}

export type Look = {
  /** Newest first. `next` is the key to go on before, when there may be more. */
  events(query: EventQuery): { events: EventView[]; next: string | undefined }
  event(place: Place): (EventView & { attempts: Attempt[] }) | undefined
  oldestPendingAt(): number | undefined
}

export function createLook(sql: Sql): Look {
  /** Neighbours in a list mostly share a request: its body, which may hold thousands of events, is read once for all. */
  function createViewer(): { view(row: Row): EventView; characters(): number } {
    let body: Body | undefined
    let characters = 0
    return {
      view({ request, position, received_at, settled_at, ...rest }) {
        if (body?.request !== request) {
          body = readBody(sql, request)
          characters += body?.characters ?? 0
        }
        const element = body?.elements[position]
        return {
          key: toKey({ request, position }),
          receivedAt: received_at,
          settledAt: settled_at,
          ...rest,
          element,
        }
      },
      characters: () => characters,
    }
  }

  function attemptsAt({ request, position, received_at, settled_at, state, reason }: Row): Attempt[] {
    if (state === 'rejected' || neverSent.includes(reason ?? '')) return []
    const until = settled_at ?? Number.MAX_SAFE_INTEGER
    const newestFirst = sql.all<{ at: number; took_ms: number } & Omit<Attempt, 'tookMs'>>(
      statements.deliveriesOf,
      ...[received_at, until, request, position, request, position],
    )
    return newestFirst.reverse().map(({ took_ms, ...attempt }) => ({ ...attempt, tookMs: took_ms }))
  }

  return {
    events({ state, type, reason, q, before, limit }) {
      const statement = statements.eventsBefore[state && states.includes(state) ? state : 'any']
      let from = (before && toPlace(before)) || { request: Number.MAX_SAFE_INTEGER, position: 0 }
      const found: EventView[] = []
      const { view, characters } = createViewer()
      const asked = q && toNeedles(q)
      for (let read = 0; read < ROWS_A_SEARCH; read += SLICE) {
        const rows = sql.all<Row>(statement, from.request, from.position, SLICE)
        for (const row of rows) {
          from = row
          if ((type && row.type !== type) || (reason && row.reason !== reason)) continue
          const event = view(row)
          if (!asked || contains(event.element, asked)) found.push(event)
          if (found.length === limit || characters() > CHARACTERS_A_SEARCH)
            return { events: found, next: toKey(from) }
        }
        if (rows.length < SLICE) return { events: found, next: undefined }
      }
      return { events: found, next: toKey(from) }
    },

    event({ request, position }) {
      const [row] = sql.all<Row>(statements.eventRow, request, position)
      return row && { ...createViewer().view(row), attempts: attemptsAt(row) }
    },

    oldestPendingAt: () => sql.all<{ received_at: number }>(statements.oldestPending)[0]?.received_at,
  }
}

/** As a person types it, and as JSON would write it. */
function toNeedles(text: string): readonly string[] {
  return [text, JSON.stringify(text).slice(1, -1)].map(needle => needle.toLowerCase())
}

function contains(element: unknown, needles: readonly string[]): boolean {
  try {
    const text = (JSON.stringify(element) ?? '').toLowerCase()
    return needles.some(needle => text.includes(needle))
  } catch {
    // Nested too deeply to be written: found without a search only.
    return false
  }
}
