/**
 * A store of maps and lists, behind the same port: it proves that the contract suite is about what is promised, and not about
 * SQL. Every method is asynchronous. Not for use: it holds everything in memory, and looks through all of it each time.
 */
import {
  type DeliveryPlace,
  FIRST_DESTINATION,
  type KeptDestination,
  NO_DESTINATION,
  type RouteEvent,
  toDeciding,
} from '../../src/outbox/deliveries.ts'
import { hashed } from '../../src/outbox/encode-row.ts'
import { type From, isAmong, isHeld } from '../../src/outbox/held.ts'
import { type Place, toKey, toPlace } from '../../src/outbox/place.ts'
import type {
  Attempt,
  Count,
  Counted,
  DeliveryView,
  EventCount,
  EventQuery,
  EventState,
  EventView,
  Figures,
} from '../../src/outbox/queries.ts'
import { FROM_BODY, type RequestRow, type RowEntry } from '../../src/outbox/request-row.ts'
import { toElements } from '../../src/outbox/sqlite/body.ts'
import { merge } from '../../src/outbox/sqlite/destinations.ts'
import { holds, toNeedles, toText } from '../../src/outbox/sqlite/search.ts'
import type { Damage, DeliveryAttempt, Leased, OutboxStore, Pruning, Target } from '../../src/outbox/store.ts'
import { deadLetterStates, type State } from '../../src/reasons.ts'
import { HOUR_MS } from '../../src/stats/quality.ts'
import { addCounts, type Counts, eventsOf, fromObserved, noCounts } from '../../src/stats/quality-sample.ts'
import { idOf } from './outbox-bench.ts'
import type { OpenedStore } from './store-bench.ts'

type Request = Pick<RequestRow, 'receivedAt' | 'events'> & {
  readonly keptAt: number | null
  readonly body: string
  readonly entries: readonly RowEntry[]
  readonly elements: readonly unknown[]
}

type Event = Place & {
  readonly receivedAt: number
  readonly type: string
  readonly version: number
  readonly identity: string | undefined
  /** One at least. */
  deliveries: Delivery[]
}

type Delivery = DeliveryPlace & {
  destination: number
  state: State
  reason: string | null
  settledAt: number | null
  detail: string | null
  attempts: number
  triedAt: number | null
  heldUntil: number | null
  holds: number
}

type Hour = { readonly hour: number; readonly type: string; readonly version: number; counts: Counts }

/** What outlives a process. */
class Disk {
  nextId = 1
  indexedUpTo = 0
  readonly requests = new Map<number, Request>()
  /** In the order of their places. */
  events: Event[] = []
  readonly seen = new Map<string, Place>()
  readonly counts = new Map<string, Count>()
  readonly hours = new Map<string, Hour>()
  attempts: DeliveryAttempt[] = []
  /** Of events with several deliveries that are pruned. */
  readonly shared: EventCount[] = []
  destinations: KeptDestination[] = []
  readonly named = new Map<string, string>()
  notices: unknown[] = []
}

const SLICE = 500
const ROWS_A_PAGE = 5_000
const CHARACTERS_A_PAGE = 2_000_000
const COUNTED = 10_000
const NOTICES = 1_000
const ATTEMPTS = 200

export function openMemory(): OpenedStore {
  const disk = new Disk()
  const open = (pruning: Pruning) => createMemoryStore(disk, pruning)
  return { open, crash: open, close: () => undefined }
}

function createMemoryStore(disk: Disk, pruning: Pruning): OutboxStore {
  const leased = new Set<string>()
  const leasedHeld = new Map<number, string>()
  let routing: number | RouteEvent = FIRST_DESTINATION
  /** To events that were stored before. */
  let added = { events: 0, pendingAgain: 0, renewed: 0 }

  function count(
    { type, version }: Pick<Count, 'type' | 'version'>,
    destination: number,
    state: Count['state'],
    reason: string | null,
    n: number,
  ) {
    const one = { destination, type, version, state, reason: reason ?? '' }
    const name = JSON.stringify(Object.values(one))
    const known = disk.counts.get(name) ?? { ...one, n: 0 }
    disk.counts.set(name, { ...known, n: known.n + n })
  }

  const at = ({ request, position }: Place) =>
    disk.events.find(event => event.request === request && event.position === position)

  function turn(event: Event, delivery: Delivery, to: Target, now: number): void {
    count(event, delivery.destination, delivery.state, delivery.reason, -1)
    count(event, delivery.destination, to.state, to.reason ?? null, 1)
    Object.assign(delivery, {
      ...{ state: to.state, reason: to.reason ?? null, detail: to.detail ?? null },
      settledAt: to.state === 'pending' ? null : now,
      attempts: delivery.attempts + (to.tries?.attempts ?? 0),
      triedAt: to.tries?.triedAt ?? delivery.triedAt,
      heldUntil: to.hold?.until ?? null,
      holds: to.hold?.times ?? 0,
    })
  }

  /** What the router says; where it does not go is counted. */
  function routesOf(
    event: Pick<Event, 'type' | 'version' | 'receivedAt'>,
    element: unknown,
    only?: number,
  ): number[] {
    if (typeof routing === 'number') return [only ?? routing]
    const routes = routing({ element, receivedAt: event.receivedAt })
    if (only !== undefined)
      return routes.some(route => route.destination === only && !route.filtered) ? [only] : []
    for (const { destination, filtered } of routes)
      if (filtered) count(event, destination, 'filtered', null, 1)
    return [...new Set(routes.flatMap(({ destination, filtered }) => (filtered ? [] : destination)))]
  }

  function canAdd({ deliveries }: Event, destination: number): boolean {
    const [first] = deliveries
    if (!first || deliveries.some(one => one.destination === destination)) return false
    if (first.destination === NO_DESTINATION) return first.reason === 'no_destination'
    return first.state !== 'rejected' || first.reason === 'unreadable'
  }

  function addTo(event: Event, destination: number, now: number): void {
    added.events += 1
    const [first, ...others] = event.deliveries
    if (first?.destination === NO_DESTINATION) {
      count(event, NO_DESTINATION, first.state, first.reason, -1)
      count(event, destination, first.state, first.reason, 1)
      first.destination = destination
      turn(event, first, { state: 'pending' }, now)
      added.pendingAgain += 1
      return
    }
    if (toEvent(event).state !== 'pending') added.pendingAgain += 1
    count(event, destination, 'pending', null, 1)
    others.push({
      ...{ request: event.request, position: event.position, destination },
      ...{ state: 'pending', reason: null, settledAt: null, detail: null },
      ...{ attempts: 0, triedAt: null, heldUntil: null, holds: 0 },
    })
    others.sort((a, b) => a.destination - b.destination)
    event.deliveries = first ? [first, ...others] : others
  }

  function remove(event: Event): void {
    disk.events = disk.events.filter(other => other !== event)
  }

  function index(request: Request, id: number): void {
    for (const [position, entry] of request.entries.entries())
      arrive(request, { request: id, position }, entry)
    disk.events.sort((a, b) => a.request - b.request || a.position - b.position)
  }

  function arrive({ receivedAt, elements }: Request, place: Place, entry: RowEntry): void {
    const [kept, proof, type, version, state, reason, detail, more, observed] = entry
    const identity =
      kept === FROM_BODY
        ? identityOf(elements[place.position])
        : kept === null
          ? undefined
          : `${kept} ${proof}`
    const known = identity === undefined ? undefined : disk.seen.get(identity)
    const twin = more?.only !== undefined && !disk.requests.has(known?.request ?? 0) ? undefined : known
    const isFromTwilio = typeof observed === 'number'
    if (isFromTwilio) {
      const isUnmapped = state === 'skipped' && reason === 'type_unmapped'
      const outcome = state === 'rejected' ? 'violating' : isUnmapped ? 'unmapped' : 'passing'
      const seen = twin
        ? { ...noCounts, duplicates: 1 }
        : { ...noCounts, [outcome]: 1, ...fromObserved(type, version, new Map([[observed, 1]])) }
      const hour = Math.floor(receivedAt / HOUR_MS)
      const name = JSON.stringify([hour, type, version])
      const known = disk.hours.get(name) ?? { hour, type, version, counts: noCounts }
      disk.hours.set(name, { ...known, counts: addCounts(known.counts, seen) })
    }
    if (known && !twin) added.renewed += 1
    if (twin) {
      count({ type, version }, NO_DESTINATION, 'duplicate', null, 1)
      const replaced: readonly From[] = more?.again
        ? [...deadLetterStates, 'accepted', 'skipped', 'held']
        : isFromTwilio
          ? deadLetterStates
          : [...deadLetterStates, 'held']
      const old = at(twin)
      if (more?.only !== undefined) {
        if (state === 'pending' && old && canAdd(old, more.only)) addTo(old, more.only, receivedAt)
        return
      }
      if (state !== 'pending' || !old || !isAmong(toEvent(old), replaced)) return
      for (const one of old.deliveries) count(old, one.destination, one.state, one.reason, -1)
      count(old, NO_DESTINATION, 'received', null, -1)
      remove(old)
    }
    count({ type, version }, NO_DESTINATION, 'received', null, 1)
    if (identity !== undefined) disk.seen.set(identity, place)
    const isVerdict = state === 'rejected' || state === 'skipped'
    const about = { type, version, receivedAt }
    const routes = isVerdict ? [] : routesOf(about, elements[place.position], more?.only)
    const isNowhere = state === 'pending' && routes.length === 0
    const outcome = isNowhere ? ({ state: 'skipped', reason: 'no_destination' } as const) : { state, reason }
    const deliveries = (routes.length === 0 ? [NO_DESTINATION] : routes).map(
      (destination): Delivery => ({
        ...{ ...place, destination, ...outcome, detail },
        settledAt: more?.settledAt ?? (outcome.state === 'skipped' ? receivedAt : null),
        ...{ attempts: 0, triedAt: null, heldUntil: null, holds: 0 },
      }),
    )
    for (const one of deliveries) count(about, one.destination, one.state, one.reason, 1)
    disk.events.push({ ...place, ...about, identity, deliveries })
  }

  const all = (destination?: number): (Delivery & { readonly receivedAt: number })[] =>
    disk.events.flatMap(({ deliveries, receivedAt }) =>
      deliveries
        .filter(one => destination === undefined || one.destination === destination)
        .map(one => ({ ...one, receivedAt })),
    )
  const waiting = (destination?: number) =>
    all(destination).filter(one => one.state === 'pending' && !isHeld(one))
  const held = (destination?: number) => all(destination).filter(isHeld)
  const toName = (one: DeliveryPlace) => `${toKey(one)} ${one.destination}`
  const isFree = (place: DeliveryPlace) => !leased.has(toName(place))

  function lease(deliveries: readonly (Delivery & { readonly receivedAt: number })[]): Leased[] {
    for (const one of deliveries) leased.add(toName(one))
    return deliveries.map(({ request, position, destination, receivedAt, holds, reason }) => ({
      ...{ request, position, destination, receivedAt },
      element: disk.requests.get(request)?.elements[position],
      ...(reason !== null && { holds }),
    }))
  }

  function free(place: DeliveryPlace): void {
    leased.delete(toName(place))
    if (leasedHeld.get(place.destination) === toName(place)) leasedHeld.delete(place.destination)
  }

  /** As its deliveries make it, or one of them. */
  function toEvent({ deliveries }: Event, destination?: number): Omit<Delivery, keyof DeliveryPlace> {
    const asked = deliveries.filter(one => destination === undefined || one.destination === destination)
    const [first = deliveries[0], ...others] = asked
    if (!first) throw new Error('an event has a delivery')
    const deciding = toDeciding(first, ...others)
    const settled = asked.flatMap(({ settledAt }) => settledAt ?? [])
    const tried = asked.flatMap(({ triedAt }) => triedAt ?? [])
    return {
      ...deciding,
      settledAt: deciding.state === 'pending' || settled.length === 0 ? null : Math.max(...settled),
      triedAt: tried.length === 0 ? null : Math.max(...tried),
      attempts: asked.reduce((sum, { attempts }) => sum + attempts, 0),
    }
  }

  function toView(event: Event, destination?: number): EventView {
    const { request, position, receivedAt, type, version } = event
    const { triedAt, settledAt, attempts, state, reason, detail } = toEvent(event, destination)
    const kept = disk.requests.get(request)
    return {
      ...{ key: toKey(event), receivedAt, storedAt: kept?.keptAt ?? null, triedAt, settledAt },
      ...{ attemptCount: attempts, type, version, state, reason, detail, element: kept?.elements[position] },
    }
  }

  const toState = (event: Event): EventState => {
    const { key, state, reason, settledAt, triedAt, attemptCount } = toView(event)
    return { key, state, reason, settledAt, triedAt, attemptCount }
  }

  function list({ state, type, reason, q, before, limit, destination }: EventQuery) {
    const end = (before && toPlace(before)) || { request: Number.MAX_SAFE_INTEGER, position: 0 }
    const needles = q ? toNeedles(q) : undefined
    const events: EventView[] = []
    let characters = 0
    let last: Event | undefined
    let rows = 0
    const newestFirst = disk.events.filter(event => isBefore(event, end)).reverse()
    for (const event of newestFirst) {
      if (rows === ROWS_A_PAGE || events.length === limit || characters > CHARACTERS_A_PAGE) {
        return { events, next: last && toKey(last), reachedAt: last?.receivedAt }
      }
      rows += 1
      if (last?.request !== event.request) characters += disk.requests.get(event.request)?.body.length ?? 0
      last = event
      if (destination !== undefined && !event.deliveries.some(one => one.destination === destination))
        continue
      const view = toView(event, destination)
      if ((state && view.state !== state) || !isOfType(event, type)) continue
      const reasons = event.deliveries.filter(
        one => one.state === view.state && (destination === undefined || one.destination === destination),
      )
      if (reason && reasons.every(one => one.reason !== reason)) continue
      const text = needles && toText(view.element)
      characters += text?.length ?? 0
      if (!needles || (text !== undefined && holds(text, needles))) events.push(view)
    }
    return { events, next: undefined, reachedAt: last?.receivedAt }
  }

  function attemptsAt({ receivedAt }: Event, { triedAt, attempts, ...place }: Delivery): Attempt[] {
    if (triedAt === null || attempts === 0) return []
    return disk.attempts
      .filter(
        ({ at, first, last, destination }) =>
          destination === place.destination &&
          at >= receivedAt &&
          at <= triedAt &&
          !isBefore(place, first) &&
          !isBefore(last, place),
      )
      .sort((a, b) => a.at - b.at)
      .slice(-Math.min(attempts, ATTEMPTS))
      .map(({ first, last, destination, headers = {}, ...attempt }) => ({ ...attempt, headers }))
  }

  function figures(): Figures {
    const eventCounts = countEvents()
    const sum = (name: Counted) => eventCounts.reduce((n, one) => n + (one.state === name ? one.n : 0), 0)
    const there = (destination: number, name: Count['state']) =>
      [...disk.counts.values()].reduce(
        (n, one) => n + (one.state === name && one.destination === destination ? one.n : 0),
        0,
      )
    const destinations = [NO_DESTINATION, FIRST_DESTINATION, ...disk.destinations.map(({ id }) => id)]
    for (const { destination } of disk.counts.values()) destinations.push(destination)
    const after = [...disk.requests].filter(([id]) => id > disk.indexedUpTo)
    return {
      ...{
        received: sum('received'),
        duplicate: sum('duplicate'),
        pending: sum('pending'),
        accepted: sum('accepted'),
      },
      ...{ rejected: sum('rejected'), refused: sum('refused'), skipped: sum('skipped') },
      held: eventCounts.reduce((n, one) => n + (isHeld(one) ? one.n : 0), 0),
      unsorted: after.reduce((n, [, { events }]) => n + events, 0),
      isIndexed: disk.indexedUpTo >= disk.nextId - 1,
      cursor: String(disk.indexedUpTo),
      destinations: [...new Set(destinations)].sort().map(destination => ({
        ...{ destination, pending: there(destination, 'pending'), held: held(destination).length },
        ...{ accepted: there(destination, 'accepted'), rejected: there(destination, 'rejected') },
        ...{ refused: there(destination, 'refused'), skipped: there(destination, 'skipped') },
        filtered: there(destination, 'filtered'),
      })),
    }
  }

  /** Of an event with several deliveries only the one that decides. */
  function countEvents(): EventCount[] {
    const counts = new Map<string, EventCount>()
    const add = ({ type, version, state, reason, n }: EventCount) => {
      const name = JSON.stringify([type, version, state, reason])
      counts.set(name, { type, version, state, reason, n: n + (counts.get(name)?.n ?? 0) })
    }
    for (const { state, ...one } of disk.counts.values()) if (state !== 'filtered') add({ ...one, state })
    for (const { type, version, state, reason, n } of disk.shared) add({ type, version, state, reason, n })
    for (const event of disk.events.filter(({ deliveries }) => deliveries.length > 1))
      for (const one of toShared(event)) add(one)
    return [...counts.values()]
  }

  /** What its deliveries count too much, and once for all of them. */
  function toShared(event: Event): EventCount[] {
    const { type, version, deliveries } = event
    const { state, reason } = toEvent(event)
    return [
      ...deliveries.map(one => ({ type, version, state: one.state, reason: one.reason ?? '', n: -1 })),
      { type, version, state, reason: reason ?? '', n: 1 },
    ]
  }

  function indexSome(events = SLICE): number {
    let indexed = 0
    while (indexed < events && disk.indexedUpTo < disk.nextId - 1) {
      disk.indexedUpTo += 1
      const request = disk.requests.get(disk.indexedUpTo)
      if (!request) continue
      index(request, disk.indexedUpTo)
      indexed += request.entries.length
    }
    return indexed
  }

  function append(rows: readonly RequestRow[], now?: number): void {
    for (const { receivedAt, events, kept, body, encoding } of rows) {
      const request = {
        receivedAt,
        events,
        body,
        keptAt: now ?? null,
        entries: JSON.parse(kept) as RowEntry[],
      }
      disk.requests.set(disk.nextId, { ...request, elements: toElements(body, encoding) })
      disk.nextId += 1
    }
  }

  function change(
    place: Place,
    from: readonly From[],
    to: Target,
    now: number,
    destination?: number,
  ): boolean {
    const event = at(place)
    const changed = (event?.deliveries ?? []).filter(
      one => isAmong(one, from) && (destination === undefined || one.destination === destination),
    )
    const [first] = changed
    if (!event || !first) return false
    const isVerdict =
      first.destination === NO_DESTINATION || (first.state === 'rejected' && first.reason !== 'unreadable')
    if (to.state === 'pending' && event.deliveries.length === 1 && isVerdict) reroute(event, first, to, now)
    else for (const one of changed) turn(event, one, to, now)
    return true
  }

  function reroute(event: Event, verdict: Delivery, to: Target, now: number): void {
    const [next = NO_DESTINATION, ...others] = routesOf(
      event,
      disk.requests.get(event.request)?.elements[event.position],
    )
    count(event, verdict.destination, verdict.state, verdict.reason, -1)
    count(event, next, verdict.state, verdict.reason, 1)
    verdict.destination = next
    turn(event, verdict, next === NO_DESTINATION ? { state: 'skipped', reason: 'no_destination' } : to, now)
    for (const destination of others) {
      event.deliveries.push({
        ...{ ...verdict, destination, state: 'pending', reason: null, settledAt: null, detail: null },
        ...{ attempts: 0, triedAt: null, heldUntil: null, holds: 0 },
      })
      count(event, destination, 'pending', null, 1)
    }
  }

  const isFinished = ({ deliveries }: Event, before: number) =>
    deliveries.every(
      ({ state, settledAt }) =>
        (state === 'accepted' || state === 'skipped') && (settledAt ?? before) <= before,
    )
  const isOld = (receivedAt: number, before: number, now: number) => receivedAt <= before || receivedAt > now

  return {
    destinations: async () => disk.destinations,
    async keepDestinations(configured, now) {
      disk.destinations = merge(disk.destinations, configured, now)
      return disk.destinations
    },
    async routeTo(to) {
      routing = to
    },
    append: async (rows, now) => append(rows, now),
    index: async events => indexSome(events),
    async import(rows, now) {
      indexSome(Number.POSITIVE_INFINITY)
      const before = figures()
      const known = new Set(disk.seen.keys())
      added = { events: 0, pendingAgain: 0, renewed: 0 }
      append(rows, now)
      indexSome(Number.POSITIVE_INFINITY)
      const after = figures()
      const places = [...disk.seen].filter(
        ([identity, { request }]) => known.has(identity) && request >= disk.nextId - rows.length,
      )
      const replaced = places.length - added.renewed
      const again = replaced + added.events
      return {
        stored: after.received - before.received,
        pending: after.pending - before.pending - replaced - added.pendingAgain,
        skipped: Math.max(0, after.skipped - before.skipped),
        duplicates: after.duplicate - before.duplicate - again,
        again,
      }
    },

    async claim({ destination, limit, characters }) {
      const claimed: ReturnType<typeof waiting> = []
      let read = 0
      for (const one of waiting(destination).filter(isFree).slice(0, limit)) {
        if (claimed.at(-1)?.request !== one.request) {
          if (claimed.length > 0 && read >= characters) break
          read += disk.requests.get(one.request)?.body.length ?? 0
        }
        claimed.push(one)
      }
      return lease(claimed)
    },
    claimable: async (limit, destination) => Math.min(limit, waiting(destination).filter(isFree).length),
    async claimNewest({ destination, share = 0, except }) {
      const newestFirst = waiting(destination).reverse()
      const others = (from: number) =>
        newestFirst.slice(from).filter(one => isFree(one) && !(except && toKey(one) === toKey(except)))
      const any = newestFirst.filter(isFree)
      const found = [...others(Math.floor(share * newestFirst.length)), ...others(0), ...any]
      return lease(found.slice(0, 1))
    },
    async claimHeld({ destination, now, latest }) {
      if (leasedHeld.has(destination)) return []
      const due = held(destination).filter(
        ({ heldUntil }) => heldUntil !== null && (heldUntil <= now || heldUntil > latest),
      )
      const claimed = lease(due.sort(byHold).slice(0, 1))
      if (claimed[0]) leasedHeld.set(destination, toName(claimed[0]))
      return claimed
    },
    async nextHeldAt(destination) {
      const free = held(destination).filter(one => !leasedHeld.has(one.destination))
      return free.sort(byHold)[0]?.heldUntil ?? undefined
    },
    async endHolds(destination) {
      for (const { deliveries } of disk.events)
        for (const one of deliveries.filter(isHeld))
          if (destination === undefined || one.destination === destination) one.heldUntil = 0
    },
    async release(places) {
      for (const place of places) free(place)
    },
    async settle(settlements, now, tried = []) {
      for (const { event: place, ...to } of settlements) {
        change(place, ['pending', 'held'], to, now, place.destination)
        free(place)
      }
      for (const { event: place, attempts, triedAt } of tried) {
        const one = at(place)?.deliveries.find(({ destination }) => destination === place.destination)
        if (one) Object.assign(one, { attempts: one.attempts + attempts, triedAt })
      }
    },
    async recordAttempt(attempt) {
      disk.attempts.push(attempt)
    },

    transition: async (places, ...args) => places.filter(place => change(place, ...args)).length,
    async resendPage({ since, until, type, destination, preview = false }, now) {
      const accepted = ({ deliveries }: Event) =>
        deliveries.filter(
          one =>
            one.state === 'accepted' &&
            (one.settledAt ?? 0) >= since &&
            (one.settledAt ?? 0) < until &&
            (destination === undefined || one.destination === destination),
        )
      const matched = disk.events.filter(event => isOfType(event, type) && accepted(event).length > 0)
      const kept = matched.filter(({ request }) => disk.requests.has(request))
      if (!preview)
        for (const event of kept)
          for (const one of accepted(event)) turn(event, one, { state: 'pending' }, now)
      const done = preview ? 0 : kept.length
      return { matched: matched.length, pruned: matched.length - kept.length, done, next: undefined }
    },

    async backfillPage({ destination, since, until, type, preview = false }, now) {
      const takes = ({ request, position, receivedAt }: Event) =>
        typeof routing === 'number' ||
        routing({ element: disk.requests.get(request)?.elements[position], receivedAt }).some(
          route => route.destination === destination && !route.filtered,
        )
      const lacking = disk.events.filter(
        event =>
          isOfType(event, type) &&
          event.receivedAt >= since &&
          event.receivedAt < until &&
          canAdd(event, destination),
      )
      const gone = lacking.filter(({ request }) => !disk.requests.has(request))
      const found = lacking.filter(event => !gone.includes(event) && takes(event))
      if (!preview) for (const event of found) addTo(event, destination, now)
      const done = preview ? 0 : found.length
      return { matched: found.length + gone.length, pruned: gone.length, done, next: undefined }
    },

    figures: async () => figures(),
    eventCounts: async () => countEvents().sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
    counts: async () => [...disk.counts.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
    oldestPendingAt: async destination => waiting(destination)[0]?.receivedAt,
    oldestUnsortedAt: async () => disk.requests.get(disk.indexedUpTo + 1)?.receivedAt,
    list: async query => list(query),
    async get(place) {
      const event = at(place)
      if (!event) return undefined
      const deliveries = event.deliveries.map((one): DeliveryView => {
        const { destination, state, reason, detail, settledAt, triedAt } = one
        return {
          ...{ destination, state, reason, detail, settledAt, triedAt, attemptCount: one.attempts },
          attempts: attemptsAt(event, one),
        }
      })
      const attempts = deliveries.flatMap(one => one.attempts).sort((x, y) => x.at - y.at)
      return { ...toView(event), attempts, deliveries }
    },
    async changes({ after, upTo, keys, recent, limit }) {
      const toRequest = (cursor = '') => (/^\d+$/.test(cursor) ? Number(cursor) : disk.indexedUpTo)
      const from = toRequest(after)
      const to = Math.min(disk.indexedUpTo, toRequest(upTo))
      const fresh = disk.events.filter(({ request }) => request > from && request <= to).reverse()
      const before = disk.events.filter(({ request }) => request <= from).reverse()
      const asked = keys.flatMap(key => disk.events.find(event => toKey(event) === key) ?? [])
      const events = fresh.slice(0, limit).map(event => toView(event))
      return {
        events,
        missed: Math.max(0, Math.min(COUNTED, fresh.length) - events.length),
        states: [...before.slice(0, recent), ...asked].map(toState),
        cursor: String(to),
      }
    },
    async scan({ states: asked, type, reason, since = 0, until = Number.MAX_SAFE_INTEGER }) {
      const isAsked = (event: Event) =>
        (!asked || asked.includes(toEvent(event).state)) &&
        isOfType(event, type) &&
        (!reason || toEvent(event).reason === reason) &&
        event.receivedAt >= since &&
        event.receivedAt < until
      const lines = disk.events.filter(isAsked).map(event => {
        const { state, reason, element } = toView(event)
        return `${JSON.stringify({ bridge: 1, state, reason, event: element })}\n`
      })
      return { lines: lines.join(''), events: lines.length, next: undefined, unreadable: 0 }
    },
    knows: async identities => identities.map(identity => disk.seen.has(hashed(identity).join(' '))),
    async kindHours({ from, to }) {
      const found = new Map<
        string,
        {
          type: string
          version: number
          first: number
          events: { hour: number; n: number }[]
          counts: Counts
        }
      >()
      for (const { hour, type, version, counts } of [...disk.hours.values()].sort(
        (a, b) => a.hour - b.hour,
      )) {
        const name = JSON.stringify([type, version])
        const kind = found.get(name) ?? { type, version, first: hour, events: [], counts: noCounts }
        kind.events.push({ hour, n: eventsOf(counts) })
        found.set(
          name,
          hour >= from && hour <= to ? { ...kind, counts: addCounts(kind.counts, counts) } : kind,
        )
      }
      return [...found.values()]
    },
    async kindTotals() {
      const kinds = await this.kindHours({ from: 0, to: Number.MAX_SAFE_INTEGER })
      return kinds.map(({ type, version, counts }) => ({ type, version, counts }))
    },

    async prune(now) {
      const { retentionMs, dedupeMs } = pruning
      disk.notices = disk.notices.slice(-NOTICES)
      const bytesBefore = now - retentionMs
      for (const [id, { receivedAt }] of disk.requests) {
        const isUsed = disk.events.some(event => event.request === id && !isFinished(event, bytesBefore))
        if (id <= disk.indexedUpTo && isOld(receivedAt, bytesBefore, now) && !isUsed) disk.requests.delete(id)
      }
      const before = now - Math.max(retentionMs, dedupeMs)
      for (const event of disk.events.filter(
        event => isOld(event.receivedAt, before, now) && isFinished(event, before),
      )) {
        const { identity } = event
        if (identity !== undefined && toKey(disk.seen.get(identity) ?? event) === toKey(event))
          disk.seen.delete(identity)
        if (event.deliveries.length > 1) disk.shared.push(...toShared(event))
        remove(event)
      }
      return false
    },
    compareCounts: async () => undefined,
    takeDamage: async (): Promise<Damage[]> => [],

    async remember(name, value, notice) {
      disk.named.set(name, value)
      if (notice) disk.notices.push(notice.body)
    },
    recall: async name => disk.named.get(name),
    async setAside(name) {
      const value = disk.named.get(name)
      if (value !== undefined) disk.named.set(`${name}.damaged`, value)
      disk.named.delete(name)
    },
    notices: async limit => disk.notices.toReversed().slice(0, limit),
  }
}

function identityOf(element: unknown): string | undefined {
  const id = idOf(element)
  const source: unknown =
    typeof element === 'object' && element !== null ? Reflect.get(element, 'source') : undefined
  return typeof id === 'string' && typeof source === 'string' ? hashed({ source, id }).join(' ') : undefined
}

function isBefore(a: Place, b: Place): boolean {
  return a.request < b.request || (a.request === b.request && a.position < b.position)
}

const byHold = (a: Delivery, b: Delivery): number => (a.heldUntil ?? 0) - (b.heldUntil ?? 0)
const isOfType = (event: { readonly type: string }, wanted = ''): boolean =>
  wanted === '' || (wanted.endsWith('*') ? event.type.startsWith(wanted.slice(0, -1)) : event.type === wanted)
const nameOf = ({ type, version, state, reason }: Omit<Count, 'destination'>): string =>
  JSON.stringify([type, version, state, reason])
