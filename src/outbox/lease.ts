/**
 * Pending events → leased to one delivery → settled, or released to be tried again.
 *
 * A lease lives in memory: an outbox has one owner (the data folder's lock, the Durable Object), so a lease must end with
 * its process and never later. A crash between Segment's 2xx and the settling costs a second copy with the same messageId.
 */
import { isObject } from '../event.ts'
import type { EventReason, State } from '../reasons.ts'
import { type Body, readBody } from './body.ts'
import type { Book } from './book.ts'
import type { DamageLog } from './damage.ts'
import { moveAll, type Target } from './move.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'
import { toFaults, toName } from './unreadable.ts'

export type Place = { readonly request: number; readonly position: number }
/** An event under lease. `element` is the JSON value as Twilio sent it. */
export type Leased = Place & {
  readonly receivedAt: number
  readonly element: unknown
  /** The same for printing, with its numbers as they were written. */
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
  /**
   * The oldest pending events that are not leased, at most `limit`, and no more than about `bytes` of them at a time. Those
   * that it cannot read become dead letters on the way, `rejected: unreadable`.
   */
  claim(limit: number, bytes: number, now?: number): Leased[]
  /** The newest pending event that is not leased, or none. */
  claimNewest(now?: number): Leased[]
  /** How many could be claimed, counted up to `limit` from the rows themselves: sums kept beside them may be wrong. */
  claimable(limit: number): number
  release(places: readonly Place[]): void
  /** Settles and releases in one transaction. `tried`: those that stay pending, but were in a request. */
  settle(settlements: readonly Settlement[], now: number, tried?: readonly Tried[]): void
  note(delivery: Delivery): void
}

type Open = Place & { readonly received_at: number }

export function createLeases(sql: Sql, book: Book, damage: Pick<DamageLog, 'found'>): Leases {
  const leased = new Set<string>()
  const toKey = ({ request, position }: Place) => `${request}-${position}`

  function claim(pending: string, limit: number, bytes: number, now: number | undefined): Leased[] {
    for (;;) {
      const open = sql
        .all<Open>(pending, limit + leased.size)
        .filter(row => !leased.has(toKey(row)))
        .slice(0, limit)
      const { claimed, lost } = readAll(open, bytes)
      for (const [request, { cause, events }] of lost) giveUp(request, cause, events, now)
      for (const event of claimed) leased.add(toKey(event))
      // Behind so many that cannot be read there may be others.
      if (claimed.length > 0 || lost.size === 0) return claimed
    }
  }

  function readAll(open: readonly Open[], bytes: number): { claimed: Leased[]; lost: Map<number, Lost> } {
    const claimed: Leased[] = []
    const lost = new Map<number, Lost>()
    let read = 0
    let last: { readonly request: number; readonly body: Body | undefined } | undefined
    for (const { request, position, received_at } of open) {
      if (last?.request !== request) {
        if (read >= bytes) break
        last = { request, body: readBody(sql, request) }
        read += last.body?.characters ?? 0
      }
      const { body } = last
      const element = body?.elements[position]
      // Whatever waits was an object when it was stored.
      if (isObject(element)) {
        claimed.push({ request, position, receivedAt: received_at, element, exact: body?.exact(position) })
        continue
      }
      const cause = body ? (body.unreadable?.cause ?? 'its text is damaged') : 'it is missing'
      const { events } = lost.get(request) ?? { events: [] }
      lost.set(request, { cause, events: [...events, { request, position, received_at }] })
    }
    return { claimed, lost }
  }

  function giveUp(request: number, cause: string, events: readonly Open[], now: number | undefined): void {
    const to = { state: 'rejected', reason: 'unreadable', detail: toFaults(cause) } as const
    const at = now ?? events[0]?.received_at ?? 0
    book.transaction('relaxed', () => moveAll(sql, book, events, 'pending', to, at))
    damage.found('unreadable', toName(request, cause), events.length)
  }

  return {
    claim: (limit, bytes, now) => claim(statements.pendingEvents, limit, bytes, now),
    claimNewest: now => claim(statements.newestPending, 1, 1, now),
    claimable(limit) {
      const [row] = sql.all<{ n: number }>(statements.countPending, limit + leased.size)
      return Math.max(0, (row?.n ?? 0) - leased.size)
    },

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

type Lost = { readonly cause: string; readonly events: readonly Open[] }

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
