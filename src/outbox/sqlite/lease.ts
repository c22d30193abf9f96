/**
 * Pending deliveries → leased to one attempt → settled, or released to be tried again.
 *
 * A lease lives in memory: an outbox has one owner (the data folder's lock, the Durable Object), so a lease must end with
 * its process and never later. A crash between Segment's 2xx and the settling costs a second copy with the same messageId.
 */

import { isObject } from '../../event/event.ts'
import type { DeliveryPlace } from '../deliveries.ts'
import { type Place, toKey } from '../place.ts'
import type { Leased, OutboxStore, Settlement, Synchronous, Target } from '../store.ts'
import { type Body, readBody } from './body.ts'
import type { DamageLog } from './damage.ts'
import { deliveriesIn } from './delivery-statements.ts'
import * as statements from './statements.ts'
import { recount, type TransitionParts, transitionAll } from './transition.ts'
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
    | 'oldestPendingAt'
    | 'release'
    | 'settle'
    | 'recordAttempt'
  >
>

type Open = DeliveryPlace & { readonly received_at: number; readonly holds?: number }
type Held = Open & { readonly held_until: number }
/** Of one destination. */
type Under = { readonly keys: Set<string>; held: string | undefined }

export function createLeases(parts: TransitionParts, damage: Pick<DamageLog, 'found'>): Leases {
  const { sql, book, shared } = parts
  const leases = new Map<number, Under>()

  function under(destination: number): Under {
    const known = leases.get(destination) ?? { keys: new Set(), held: undefined }
    leases.set(destination, known)
    return known
  }

  const isFree = (row: Open) => !under(row.destination).keys.has(toKey(row))
  const all = () => book.destinations().flatMap(({ destination }) => destination || [])

  function claimFrom(find: () => readonly Open[], characters: number, now: number | undefined): Leased[] {
    for (;;) {
      const { claimed, lost } = readAll(find(), characters)
      for (const [request, { cause, events }] of lost) giveUp(request, cause, events, now)
      for (const event of claimed) under(event.destination).keys.add(toKey(event))
      // Behind so many that cannot be read there may be others.
      if (claimed.length > 0 || lost.size === 0) return claimed
    }
  }

  function readAll(
    open: readonly Open[],
    characters: number,
  ): { claimed: Leased[]; lost: Map<number, Lost> } {
    const claimed: Leased[] = []
    const lost = new Map<number, Lost>()
    let read = 0
    let last: { readonly request: number; readonly body: Body | undefined } | undefined
    for (const row of open) {
      const { request, position, destination, received_at: receivedAt, holds } = row
      if (last?.request !== request) {
        if (read >= characters) break
        last = { request, body: readBody(sql, request) }
        read += last.body?.characters ?? 0
      }
      const { body } = last
      const element = body?.elements[position]
      // Whatever waits was an object when it was stored.
      if (isObject(element)) {
        const event = { request, position, destination, receivedAt, element, exact: body?.exact(position) }
        claimed.push(holds === undefined ? event : { ...event, holds })
        continue
      }
      const cause = body ? (body.unreadable?.cause ?? 'its text is damaged') : 'it is missing'
      const { events } = lost.get(request) ?? { events: [] }
      lost.set(request, { cause, events: [...events, row] })
    }
    return { claimed, lost }
  }

  /** Whoever else is to get them will not be able to read them either. */
  function giveUp(request: number, cause: string, events: readonly Open[], now: number | undefined): void {
    const to = { state: 'rejected', reason: 'unreadable', detail: toFaults(cause) } as const
    const at = now ?? events[0]?.received_at ?? 0
    const destinations = new Set(shared.tables().length > 1 ? all() : [])
    for (const { destination } of events) destinations.add(destination)
    book.transaction('relaxed', () =>
      recount(parts, events, () => {
        for (const destination of destinations) transitionAll(parts, events, destination, 'pending', to, at)
      }),
    )
    damage.found('unreadable', toName(request, cause), events.length)
  }

  /** The oldest of both tables. */
  function oldest(destination: number, limit: number): Open[] {
    const rows = shared.tables().map(table => sql.all<Open>(deliveriesIn[table].pending, destination, limit))
    return rows.length === 1 ? rows.flat() : rows.flat().sort(byPlace).slice(0, limit)
  }

  function countDue(destination: number, limit: number): number {
    const counts = shared
      .tables()
      .map(table => sql.all<{ n: number }>(deliveriesIn[table].countPending, destination, limit)[0]?.n ?? 0)
    return counts.reduce((sum, n) => sum + n, 0)
  }

  /** About so far down: of each table as far as its share of all. */
  function newest(destination: number, share: number, except: Place | undefined): Open[] {
    const limit = under(destination).keys.size + 2
    const rows = shared.tables().flatMap(table => {
      const { countPending, newestPending } = deliveriesIn[table]
      const reach =
        share > 0 ? (sql.all<{ n: number }>(countPending, destination, PROBES_REACH)[0]?.n ?? 0) : 0
      return sql.all<Open>(newestPending, destination, limit, Math.floor(share * reach))
    })
    const others = rows
      .filter(isFree)
      .filter(row => except === undefined || toKey(row) !== toKey(except))
      .sort(byPlace)
    return others.slice(-1)
  }

  function free(place: DeliveryPlace): void {
    const known = under(place.destination)
    const key = toKey(place)
    known.keys.delete(key)
    if (known.held === key) known.held = undefined
  }

  function firstHeld(destination: number, from: number, to: number): Held[] {
    return shared
      .tables()
      .flatMap(table => sql.all<Held>(deliveriesIn[table].held, destination, from, to, 1))
      .sort((a, b) => a.held_until - b.held_until)
      .slice(0, 1)
  }

  return {
    claim({ destination, limit, characters, now }) {
      const find = () =>
        oldest(destination, limit + under(destination).keys.size)
          .filter(isFree)
          .slice(0, limit)
      return claimFrom(find, characters, now)
    },
    claimable(limit, destination) {
      const counts = (destination === undefined ? all() : [destination]).map(one => {
        const { keys, held } = under(one)
        const open = keys.size - (held === undefined ? 0 : 1)
        return Math.min(limit, Math.max(0, countDue(one, limit + open) - open))
      })
      return Math.min(
        limit,
        counts.reduce((sum, n) => sum + n, 0),
      )
    },
    claimNewest({ destination, share = 0, except, now }) {
      const find = () =>
        [
          newest(destination, share, except),
          newest(destination, 0, except),
          newest(destination, 0, undefined),
        ]
          .flat()
          .slice(0, 1)
      return claimFrom(find, 1, now)
    },

    claimHeld({ destination, now, latest }) {
      const known = under(destination)
      if (known.held !== undefined) return []
      const spans = [[-1, now] as const, [latest, Number.MAX_SAFE_INTEGER] as const]
      const find = () => spans.flatMap(([from, to]) => firstHeld(destination, from, to)).slice(0, 1)
      const claimed = claimFrom(find, 1, now)
      known.held = claimed[0] && toKey(claimed[0])
      return claimed
    },
    nextHeldAt(destination) {
      const dues = (destination === undefined ? all() : [destination]).flatMap(one =>
        under(one).held === undefined
          ? shared
              .tables()
              .flatMap(table => sql.all<{ held_until: number }>(deliveriesIn[table].nextHeld, one))
          : [],
      )
      return dues.length === 0 ? undefined : Math.min(...dues.map(({ held_until }) => held_until))
    },
    endHolds(destination) {
      for (const one of destination === undefined ? all() : [destination])
        for (const table of shared.tables()) sql.all(deliveriesIn[table].endHolds, one, one, HOLDS_ENDED)
    },
    oldestPendingAt(destination) {
      const times = (destination === undefined ? all() : [destination]).flatMap(one =>
        oldest(one, 1).map(row => row.received_at),
      )
      return times.length === 0 ? undefined : Math.min(...times)
    },

    release(places) {
      for (const place of places) free(place)
    },

    settle(settlements, now, tried = []) {
      const work = () => {
        for (const { to, destination, places } of toGroups(settlements))
          transitionAll(parts, places, destination, 'pending', to, now)
        if (tried.length === 0) return
        const rows = tried.map(({ event: { request, position, destination }, attempts, triedAt }) => [
          ...[request, position, destination, attempts, triedAt],
        ])
        for (const table of shared.tables()) sql.all(deliveriesIn[table].countAttempts, JSON.stringify(rows))
      }
      const places = settlements.map(({ event }) => event)
      book.transaction('relaxed', () => recount(parts, places, work))
      for (const { event } of settlements) free(event)
    },

    recordAttempt({ destination, at, tookMs, events, first, last, reason, status, answer, headers = {} }) {
      const places = [first.request, first.position, last.request, last.position]
      const outcome = [reason, status, answer, JSON.stringify(headers)]
      const values = [destination, at, tookMs, events, ...places, ...outcome]
      sql.transaction(() => void sql.all(statements.insertDelivery, ...values), 'relaxed')
    },
  }
}

type Lost = { readonly cause: string; readonly events: readonly Open[] }
type Group = { readonly to: Target; readonly destination: number; readonly places: Place[] }

/** Nearly always one: all of a batch were accepted at once. */
function toGroups(settlements: readonly Settlement[]): Iterable<Group> {
  const groups = new Map<string, Group>()
  for (const { event, ...to } of settlements) {
    const { destination } = event
    const name = `${destination} ${JSON.stringify(to)}`
    const group = groups.get(name)
    if (group) group.places.push(event)
    else groups.set(name, { to, destination, places: [event] })
  }
  return groups.values()
}

function byPlace(a: Place, b: Place): number {
  return a.request - b.request || a.position - b.position
}
