/** Reads for people: the list of events, one event with the attempts at it. Never changes a row. */
import * as z from 'zod'
import type { State, WaitReason } from '../../reasons.ts'
import { type Body, createBodyReader } from './body.ts'
import { parseJson } from './kept-state.ts'
import type { Place } from './place.ts'
import { holds, toNeedles, toText } from './search.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

/** An event as the debugger lists it. `key` names it in URLs; opaque to everybody else. Times are ms since 1970. */
export type EventView = {
  readonly key: string
  readonly receivedAt: number
  /** When the commit that keeps it began; null once its bytes are pruned. */
  readonly storedAt: number | null
  /** When the last request that held it began. */
  readonly triedAt: number | null
  readonly settledAt: number | null
  /** How many requests held it. */
  readonly attemptCount: number
  readonly type: string
  readonly version: number
  readonly state: State
  readonly reason: string | null
  /** Faults as JSON, or Segment's answer, when it is a dead letter. */
  readonly detail: string | null
  /** The event as Twilio sent it; undefined once its bytes are pruned, or when they cannot be read. */
  readonly element: unknown
  /** The same for printing, with its numbers as they were written; undefined where that is no other. */
  readonly exact?: unknown
  /** Why its bytes, which are there, cannot be read. */
  readonly unreadable?: string
}

export type Attempt = {
  readonly at: number
  readonly tookMs: number
  readonly events: number
  readonly reason: string | null
  readonly status: number | null
  readonly answer: string
  readonly headers: Readonly<Record<string, string>>
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

/** `next` is the key to go on before, when there may be more; `reachedAt` when the last event that was read came. */
export type EventPage = {
  readonly events: EventView[]
  readonly next: string | undefined
  readonly reachedAt: number | undefined
}

/** What one page reads at most, for the outbox does nothing else meanwhile; what lies beyond is reached with `before`. */
const ROWS_A_PAGE = 5_000
const CHARACTERS_A_PAGE = 2_000_000
const SLICE = 200
const ATTEMPTS_SHOWN = 200
const DELIVERIES_READ = 20_000

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

export const toKey = ({ request, position }: Place): string => `${request}-${position}`

export function toPlace(key: string): Place | undefined {
  const match = /^(\d{1,15})-(\d{1,9})$/.exec(key)
  return match ? { request: Number(match[1]), position: Number(match[2]) } : undefined
}

function newestFirst(a: Place, b: Place): number {
  return b.request - a.request || b.position - a.position
}

export type Lists = {
  /** Newest first. */
  events(query: EventQuery): EventPage
  event(place: Place): (EventView & { attempts: Attempt[] }) | undefined
  oldestPendingAt(): number | undefined
}

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
        element: body?.elements[position],
        exact: body?.exact(position),
        ...(body?.unreadable && { unreadable: body.unreadable.cause }),
      }
    },
    characters: () => characters,
  }
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
          if ((state && row.state !== state) || (type && !isOfType(row.type, type))) continue
          if (reason && row.reason !== reason) continue
          const event = view(row)
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
function isOfType(type: string, wanted: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted
}
