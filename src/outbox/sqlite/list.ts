/** Reads for people: the list of events, one event with the attempts at it. Never changes a row. */
import * as z from 'zod'
import { isObject } from '../../event/event.ts'
import { waitReasons } from '../../reasons.ts'
import { parseJson } from '../kept-state.ts'
import { type Place, toKey, toPlace } from '../place.ts'
import type { Attempt, DeliveryView, EventQuery, EventView } from '../queries.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import { type Body, createBodyReader } from './body.ts'
import type { Counters } from './counters.ts'
import { OTHER_TYPE } from './kinds.ts'
import { holds, toNeedles, toText } from './search.ts'
import type { DeliveryRow, Gathered, SharedEvents } from './shared-events.ts'
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

/** An event with its first delivery. */
export type Row = DeliveryRow & {
  readonly received_at: number
  readonly type: string
  readonly version: number
}

const Headers = z.record(z.string(), z.string())

function newestFirst(a: Place, b: Place): number {
  return b.request - a.request || b.position - a.position
}

export type Lists = Synchronous<Pick<OutboxStore, 'list' | 'get'>>

/** Neighbours in a list mostly share a request: its body, which may hold thousands of events, is read once for all. */
export type Viewer = { view(row: Row): EventView; characters(): number }

export function createViewer(read: ReturnType<typeof createBodyReader>): Viewer {
  let last: { request: number; body: Body | undefined } | undefined
  let characters = 0
  return {
    view({ request, position, received_at, settled_at, tried_at, attempts, ...rest }) {
      const { type, version, state, reason, detail } = rest
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
        ...{ version, state, reason, detail },
        type: toType(type, body?.elements[position]),
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

export function createLists(sql: Sql, book: Pick<Counters, 'destinations'>, shared: SharedEvents): Lists {
  const readBody = createBodyReader(sql)

  /** None at all when no request ever held it, though requests held those around it. */
  function attemptsAt({ received_at }: Row, delivery: DeliveryRow): Attempt[] {
    const { request, position, destination, tried_at, attempts } = delivery
    if (attempts === 0 || tried_at === null) return []
    const place = [request, position]
    const newestFirst = sql.all<
      { at: number; took_ms: number; headers: string } & Omit<Attempt, 'tookMs' | 'headers'>
    >(
      statements.deliveriesOf,
      ...[received_at, tried_at, DELIVERIES_READ, destination, ...place, ...place],
      ...[Math.min(attempts, ATTEMPTS_SHOWN)],
    )
    return newestFirst.reverse().map(({ took_ms, headers, ...attempt }) => ({
      ...attempt,
      tookMs: took_ms,
      headers: Headers.safeParse(parseJson(headers)).data ?? {},
    }))
  }

  /** The rows before a place, a slice of them, by the index that fits best. Those of several deliveries may be of other states. */
  function toReader({ state, reason, destination }: EventQuery): (from: Place) => Row[] {
    const isShared = shared.tables().length > 1
    if (state === 'pending') {
      const asked = book.destinations().flatMap(one => one.destination || [])
      const destinations = asked.filter(one => destination === undefined || one === destination)
      const whys = [null, ...Object.keys(waitReasons)].filter(why => !reason || why === reason)
      const queries = [
        statements.eventsBefore.pending,
        ...(isShared ? [statements.furtherBefore.pending] : []),
      ]
      return ({ request, position }) =>
        newest(
          queries.flatMap(query =>
            destinations.flatMap(one =>
              whys.flatMap(why => sql.all<Row>(query, one, why, request, position, SLICE)),
            ),
          ),
        )
    }
    if (state === 'rejected' || state === 'refused') {
      const first = reason
        ? ({ request, position }: Place) =>
            sql.all<Row>(statements.deadLettersBefore, state, reason, request, position, SLICE)
        : ({ request, position }: Place) =>
            sql.all<Row>(statements.eventsBefore[state], request, position, SLICE)
      if (!isShared) return first
      const { dead } = statements.furtherBefore
      return from =>
        newest([...first(from), ...sql.all<Row>(dead, state, from.request, from.position, SLICE)])
    }
    // All its deliveries are skipped, the first as well.
    const name = state === 'skipped' && !(isShared && destination !== undefined) ? 'skipped' : 'any'
    return ({ request, position }) => sql.all(statements.eventsBefore[name], request, position, SLICE)
  }

  /** An event as the query asks for it, with what may fit its state and reason; `undefined`: it has no delivery there. */
  function toAsked(
    row: Gathered<Row>,
    { destination, state }: EventQuery,
  ): { row: Row; reasons: readonly (string | null)[] } | undefined {
    if (destination === undefined)
      return {
        row,
        reasons: row.deliveries.filter(one => one.state === (state ?? row.state)).map(one => one.reason),
      }
    const there = row.deliveries.find(one => one.destination === destination)
    return there && { row: { ...row, ...there }, reasons: [there.reason] }
  }

  return {
    list(query) {
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
        for (const gathered of shared.gather(rows)) {
          from = gathered
          reachedAt = gathered.received_at
          const asked = toAsked(gathered, query)
          if (!asked) continue
          const { row, reasons } = asked
          if ((state && row.state !== state) || !mayBe(row.type, type)) continue
          if (reason && !reasons.includes(reason)) continue
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

    get({ request, position }) {
      const [row] = shared.gather(sql.all<Row>(statements.eventRow, request, position))
      if (!row) return undefined
      const deliveries = row.deliveries.map((one): DeliveryView => {
        const { destination, state, reason, detail, settled_at, tried_at, attempts } = one
        return {
          ...{ destination, state, reason, detail, settledAt: settled_at, triedAt: tried_at },
          ...{ attemptCount: attempts, attempts: attemptsAt(row, one) },
        }
      })
      const attempts = deliveries.flatMap(one => one.attempts)
      if (deliveries.length > 1) attempts.sort((a, b) => a.at - b.at)
      return { ...createViewer(readBody).view(row), attempts, deliveries }
    },
  }
}

/** A slice of several, each event once. */
function newest(rows: readonly Row[]): Row[] {
  const once = new Map(rows.map(row => [toKey(row), row]))
  return [...once.values()].sort(newestFirst).slice(0, SLICE)
}

/** `wanted`: a type, or what several begin with and a `*`. */
export function isOfType(type: string, wanted: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted
}
