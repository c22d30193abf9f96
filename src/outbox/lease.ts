/**
 * Pending events → leased to one delivery → settled, or released to be tried again.
 *
 * A lease lives in memory: an outbox has one owner (the data folder's lock, the Durable Object), so a lease must end with
 * its process and never later. A crash between Segment's 2xx and the settling costs a second copy with the same messageId.
 */
import type { EventReason, State } from '../reasons.ts'
import { type Body, readBody } from './body.ts'
import type { Book } from './book.ts'
import { moveAll, type Target } from './move.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type Place = { readonly request: number; readonly position: number }
/** An event under lease. `element` is the JSON value as Twilio sent it. */
export type Leased = Place & {
  readonly receivedAt: number
  readonly element: unknown
  /** The same for printing, with its numbers as they were written; undefined where that is no other. */
  readonly exact?: unknown
}

/** Requests that held an event, and when the last of them began (ms since 1970). */
export type Tries = { readonly attempts: number; readonly triedAt: number }
export type Tried = Tries & { readonly event: Place }

export type Settlement = {
  readonly event: Leased
  readonly state: Exclude<State, 'pending'>
  readonly reason?: EventReason | undefined
  readonly detail?: string | undefined
  readonly tries?: Tries | undefined
}

/** One HTTP attempt at a run of events, as the debugger shows it. `reason` is null when Segment accepted. */
export type Delivery = {
  readonly at: number
  readonly tookMs: number
  readonly events: number
  readonly first: Place
  readonly last: Place
  /** An event that went with the run, but is none of it. */
  readonly canary?: Place | undefined
  readonly reason: string | null
  readonly status: number | null
  readonly answer: string
  /** The answer's headers worth seeing. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export type Leases = {
  /** The oldest pending events that are not leased, at most `limit`, and no more than about `bytes` of them at a time. */
  claim(limit: number, bytes: number): Leased[]
  /** The newest pending event that is not leased, or none. */
  claimNewest(): Leased[]
  release(places: readonly Place[]): void
  /** Settles and releases in one transaction. `tried`: those that stay pending, but were in a request. */
  settle(settlements: readonly Settlement[], now: number, tried?: readonly Tried[]): void
  note(delivery: Delivery): void
}

export function createLeases(sql: Sql, book: Book): Leases {
  const leased = new Set<string>()
  const toKey = ({ request, position }: Place) => `${request}-${position}`

  function claim(pending: string, limit: number, bytes: number): Leased[] {
    const open = sql
      .all<{ request: number; position: number; received_at: number }>(pending, limit + leased.size)
      .filter(row => !leased.has(toKey(row)))
      .slice(0, limit)
    const claimed: Leased[] = []
    let read = 0
    let body: Body | undefined
    for (const { request, position, received_at } of open) {
      if (body?.request !== request) {
        if (read >= bytes) break
        body = readBody(sql, request)
        read += body?.characters ?? 0
      }
      const [element, exact] = [body?.elements[position], body?.exact(position)]
      claimed.push({ request, position, receivedAt: received_at, element, exact })
    }
    for (const event of claimed) leased.add(toKey(event))
    return claimed
  }

  return {
    claim: (limit, bytes) => claim(statements.pendingEvents, limit, bytes),
    claimNewest: () => claim(statements.newestPending, 1, 1),

    release(places) {
      for (const place of places) leased.delete(toKey(place))
    },

    settle(settlements, now, tried = []) {
      book.transaction('relaxed', () => {
        for (const [to, places] of byTarget(settlements)) moveAll(sql, book, places, 'pending', to, now)
        if (tried.length === 0) return
        const rows = tried.map(({ event, attempts, triedAt }) => [
          event.request,
          event.position,
          attempts,
          triedAt,
        ])
        sql.all(statements.countAttempts, JSON.stringify(rows))
      })
      for (const { event } of settlements) leased.delete(toKey(event))
    },

    note({ at, tookMs, events, first, last, canary, reason, status, answer, headers = {} }) {
      const runs = canary ? [[canary, canary] as const, [first, last] as const] : [[first, last] as const]
      sql.transaction(() => {
        for (const [from, to] of runs) {
          const places = [from.request, from.position, to.request, to.position]
          const outcome = [reason, status, answer, JSON.stringify(headers)]
          sql.all(statements.insertDelivery, at, tookMs, events, ...places, ...outcome)
        }
      }, 'relaxed')
    },
  }
}

/** Nearly always one: all of a batch were accepted at once. */
function byTarget(settlements: readonly Settlement[]): Iterable<[Target, Place[]]> {
  const groups = new Map<string, [Target, Place[]]>()
  for (const { event, ...target } of settlements) {
    const name = JSON.stringify(target)
    const group = groups.get(name)
    if (group) group[1].push(event)
    else groups.set(name, [target, [event]])
  }
  return groups.values()
}
