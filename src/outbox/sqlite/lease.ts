/**
 * Pending events → leased to one delivery → settled, or released to be tried again.
 *
 * A lease lives in memory: an outbox has one owner (the data folder's lock, the Durable Object), so a lease must end with
 * its process and never later. A crash between Segment's 2xx and the settling costs a second copy with the same messageId.
 */

import { isObject } from '../../event/event.ts'
import { type Place, toKey } from '../place.ts'
import type { Leased, OutboxStore, Settlement, Synchronous, Target } from '../store.ts'
import { type Body, readBody } from './body.ts'
import type { Counters } from './counters.ts'
import type { DamageLog } from './damage.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'
import { transitionAll } from './transition.ts'
import { toFaults, toName } from './unreadable.ts'

/** How far from the newest event a probe is looked for: some milliseconds of work. */
const PROBES_REACH = 100_000
const HOLDS_ENDED = 10_000
export type Leases = Synchronous<
  Pick<
    OutboxStore,
    | 'claim'
    | 'claimable'
    | 'claimNewest'
    | 'claimHeld'
    | 'nextHeldAt'
    | 'endHolds'
    | 'release'
    | 'settle'
    | 'note'
  >
>

type Open = Place & { readonly received_at: number; readonly holds?: number }

export function createLeases(sql: Sql, book: Counters, damage: Pick<DamageLog, 'found'>): Leases {
  const leased = new Set<string>()
  let leasedHeld: string | undefined

  const isFree = (row: Open) => !leased.has(toKey(row))

  function claimFrom(find: () => readonly Open[], bytes: number, now: number | undefined): Leased[] {
    for (;;) {
      const { claimed, lost } = readAll(find(), bytes)
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
    for (const { request, position, received_at, holds } of open) {
      if (last?.request !== request) {
        if (read >= bytes) break
        last = { request, body: readBody(sql, request) }
        read += last.body?.characters ?? 0
      }
      const { body } = last
      const element = body?.elements[position]
      // Whatever waits was an object when it was stored.
      if (isObject(element)) {
        const event = { request, position, receivedAt: received_at, element, exact: body?.exact(position) }
        claimed.push(holds === undefined ? event : { ...event, holds })
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
    book.transaction('relaxed', () => transitionAll(sql, book, events, 'pending', to, at))
    damage.found('unreadable', toName(request, cause), events.length)
  }

  function countDue(limit: number): number {
    return sql.all<{ n: number }>(statements.countPending, limit)[0]?.n ?? 0
  }

  function newest(offset: number, except: Place | undefined): Open[] {
    const rows = sql.all<Open>(statements.newestPending, leased.size + 2, offset).filter(isFree)
    const others = rows.filter(row => except === undefined || toKey(row) !== toKey(except))
    return others.slice(0, 1)
  }

  function free(place: Place): void {
    const key = toKey(place)
    leased.delete(key)
    if (leasedHeld === key) leasedHeld = undefined
  }

  return {
    claim(limit, bytes, now) {
      const oldest = () => sql.all<Open>(statements.pendingEvents, limit + leased.size)
      return claimFrom(() => oldest().filter(isFree).slice(0, limit), bytes, now)
    },
    claimable(limit) {
      const isHeldLeased = leasedHeld === undefined ? 0 : 1
      const open = leased.size - isHeldLeased
      return Math.max(0, countDue(limit + open) - open)
    },
    claimNewest(share = 0, except, now) {
      const find = () => {
        const offset = Math.floor(share * countDue(PROBES_REACH))
        return [newest(offset, except), newest(0, except), newest(0, undefined)].flat().slice(0, 1)
      }
      return claimFrom(find, 1, now)
    },

    claimHeld(now, latest) {
      if (leasedHeld !== undefined) return []
      const spans = [[-1, now] as const, [latest, Number.MAX_SAFE_INTEGER] as const]
      const find = () =>
        spans.flatMap(([from, to]) => sql.all<Open>(statements.heldEvents, from, to, 1)).slice(0, 1)
      const claimed = claimFrom(find, 1, now)
      leasedHeld = claimed[0] && toKey(claimed[0])
      return claimed
    },
    nextHeldAt() {
      if (leasedHeld !== undefined) return undefined
      return sql.all<{ held_until: number }>(statements.nextHeld)[0]?.held_until
    },
    endHolds() {
      sql.all(statements.endHolds, HOLDS_ENDED)
    },

    release(places) {
      for (const place of places) free(place)
    },

    settle(settlements, now, tried = []) {
      book.transaction('relaxed', () => {
        for (const [to, places] of byTarget(settlements)) transitionAll(sql, book, places, 'pending', to, now)
        if (tried.length === 0) return
        const rows = tried.map(({ event, attempts, triedAt }) => [
          event.request,
          event.position,
          attempts,
          triedAt,
        ])
        sql.all(statements.countAttempts, JSON.stringify(rows))
      })
      for (const { event } of settlements) free(event)
    },

    note({ at, tookMs, events, first, last, reason, status, answer, headers = {} }) {
      const places = [first.request, first.position, last.request, last.position]
      const outcome = [reason, status, answer, JSON.stringify(headers)]
      sql.transaction(
        () => void sql.all(statements.insertDelivery, at, tookMs, events, ...places, ...outcome),
        'relaxed',
      )
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
