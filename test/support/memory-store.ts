/**
 * A store of maps and lists, behind the same port: it proves that the contract suite is about what is promised, and not about
 * SQL. Every method is asynchronous. Not for use: it holds everything in memory, and looks through all of it each time.
 */
import { hashed } from '../../src/outbox/encode-row.ts'
import { type From, isAmong, isHeld } from '../../src/outbox/held.ts'
import { type Place, toKey, toPlace } from '../../src/outbox/place.ts'
import type {
  Attempt,
  Count,
  Counted,
  EventQuery,
  EventState,
  EventView,
  Figures,
} from '../../src/outbox/queries.ts'
import { FROM_BODY, type RequestRow, type RowEntry } from '../../src/outbox/request-row.ts'
import { toElements } from '../../src/outbox/sqlite/body.ts'
import { holds, toNeedles, toText } from '../../src/outbox/sqlite/search.ts'
import type { Damage, Delivery, Leased, OutboxStore, Pruning, Target } from '../../src/outbox/store.ts'
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
  attempts: Delivery[] = []
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
  let leasedHeld: string | undefined

  function count(
    { type, version }: Pick<Count, 'type' | 'version'>,
    state: Counted,
    reason: string | null,
    n: number,
  ) {
    const name = JSON.stringify([type, version, state, reason ?? ''])
    const known = disk.counts.get(name) ?? { type, version, state, reason: reason ?? '', n: 0 }
    disk.counts.set(name, { ...known, n: known.n + n })
  }

  const at = ({ request, position }: Place) =>
    disk.events.find(event => event.request === request && event.position === position)

  function turn(event: Event, to: Target, now: number): void {
    count(event, event.state, event.reason, -1)
    count(event, to.state, to.reason ?? null, 1)
    Object.assign(event, {
      ...{ state: to.state, reason: to.reason ?? null, detail: to.detail ?? null },
      settledAt: to.state === 'pending' ? null : now,
      attempts: event.attempts + (to.tries?.attempts ?? 0),
      triedAt: to.tries?.triedAt ?? event.triedAt,
      heldUntil: to.hold?.until ?? null,
      holds: to.hold?.times ?? 0,
    })
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
    const twin = identity === undefined ? undefined : disk.seen.get(identity)
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
    if (twin) {
      count({ type, version }, 'duplicate', null, 1)
      const replaced: readonly From[] = more?.again
        ? [...deadLetterStates, 'accepted', 'skipped', 'held']
        : isFromTwilio
          ? deadLetterStates
          : [...deadLetterStates, 'held']
      const old = at(twin)
      if (state !== 'pending' || !old || !isAmong(old, replaced)) return
      count(old, old.state, old.reason, -1)
      count(old, 'received', null, -1)
      remove(old)
    }
    count({ type, version }, 'received', null, 1)
    count({ type, version }, state, reason, 1)
    if (identity !== undefined) disk.seen.set(identity, place)
    disk.events.push({
      ...{ ...place, receivedAt, type, version, identity, state, reason, detail },
      settledAt: more?.settledAt ?? (state === 'skipped' ? receivedAt : null),
      ...{ attempts: 0, triedAt: null, heldUntil: null, holds: 0 },
    })
  }

  const waiting = () => disk.events.filter(event => event.state === 'pending' && !isHeld(event))
  const isFree = (place: Place) => !leased.has(toKey(place))

  function lease(events: readonly Event[]): Leased[] {
    for (const event of events) leased.add(toKey(event))
    return events.map(({ request, position, receivedAt, holds, reason }) => ({
      ...{ request, position, receivedAt, element: disk.requests.get(request)?.elements[position] },
      ...(reason !== null && { holds }),
    }))
  }

  function free(place: Place): void {
    leased.delete(toKey(place))
    if (leasedHeld === toKey(place)) leasedHeld = undefined
  }

  function toView(event: Event): EventView {
    const {
      request,
      position,
      receivedAt,
      triedAt,
      settledAt,
      attempts,
      type,
      version,
      state,
      reason,
      detail,
    } = event
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

  function list({ state, type, reason, q, before, limit }: EventQuery) {
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
      if (state && event.state !== state) continue
      if (!isOfType(event, type) || (reason && event.reason !== reason)) continue
      const view = toView(event)
      const text = needles && toText(view.element)
      characters += text?.length ?? 0
      if (!needles || (text !== undefined && holds(text, needles))) events.push(view)
    }
    return { events, next: undefined, reachedAt: last?.receivedAt }
  }

  function attemptsAt({ receivedAt, triedAt, attempts, ...place }: Event): Attempt[] {
    if (triedAt === null || attempts === 0) return []
    return disk.attempts
      .filter(
        ({ at, first, last }) =>
          at >= receivedAt && at <= triedAt && !isBefore(place, first) && !isBefore(last, place),
      )
      .sort((a, b) => a.at - b.at)
      .slice(-Math.min(attempts, ATTEMPTS))
      .map(({ first, last, headers = {}, ...attempt }) => ({ ...attempt, headers }))
  }

  function figures(): Figures {
    const sum = (name: Counted) =>
      [...disk.counts.values()].reduce((n, one) => n + (one.state === name ? one.n : 0), 0)
    const after = [...disk.requests].filter(([id]) => id > disk.indexedUpTo)
    return {
      ...{
        received: sum('received'),
        duplicate: sum('duplicate'),
        pending: sum('pending'),
        accepted: sum('accepted'),
      },
      ...{ rejected: sum('rejected'), refused: sum('refused'), skipped: sum('skipped') },
      held: disk.events.filter(isHeld).length,
      unsorted: after.reduce((n, [, { events }]) => n + events, 0),
      isIndexed: disk.indexedUpTo >= disk.nextId - 1,
      cursor: String(disk.indexedUpTo),
    }
  }

  function sort(events = SLICE): number {
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

  function put(rows: readonly RequestRow[], now?: number): void {
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

  function change(place: Place, from: readonly From[], to: Target, now: number): boolean {
    const event = at(place)
    if (!event || !isAmong(event, from)) return false
    turn(event, to, now)
    return true
  }

  const isFinished = ({ state, settledAt }: Event, before: number) =>
    (state === 'accepted' || state === 'skipped') && (settledAt ?? before) <= before
  const isOld = (receivedAt: number, before: number, now: number) => receivedAt <= before || receivedAt > now

  return {
    put: async (rows, now) => put(rows, now),
    sort: async events => sort(events),
    async import(rows, now) {
      sort(Number.POSITIVE_INFINITY)
      const before = figures()
      const known = new Set(disk.seen.keys())
      put(rows, now)
      sort(Number.POSITIVE_INFINITY)
      const after = figures()
      const places = [...disk.seen].filter(
        ([identity, { request }]) => known.has(identity) && request >= disk.nextId - rows.length,
      )
      const again = places.length
      return {
        stored: after.received - before.received,
        pending: after.pending - before.pending - again,
        skipped: Math.max(0, after.skipped - before.skipped),
        duplicates: after.duplicate - before.duplicate - again,
        again,
      }
    },

    async claim(limit, characters) {
      const claimed: Event[] = []
      let read = 0
      for (const event of waiting().filter(isFree).slice(0, limit)) {
        if (claimed.at(-1)?.request !== event.request) {
          if (claimed.length > 0 && read >= characters) break
          read += disk.requests.get(event.request)?.body.length ?? 0
        }
        claimed.push(event)
      }
      return lease(claimed)
    },
    claimable: async limit => Math.min(limit, waiting().filter(isFree).length),
    async claimNewest(share = 0, except) {
      const newestFirst = waiting().reverse()
      const others = (from: number) =>
        newestFirst.slice(from).filter(event => isFree(event) && !(except && toKey(event) === toKey(except)))
      const any = newestFirst.filter(isFree)
      const found = [...others(Math.floor(share * newestFirst.length)), ...others(0), ...any]
      return lease(found.slice(0, 1))
    },
    async claimHeld(now, latest) {
      if (leasedHeld !== undefined) return []
      const isDue = ({ heldUntil }: Event) => heldUntil !== null && (heldUntil <= now || heldUntil > latest)
      const due = disk.events.filter(event => isHeld(event) && isDue(event))
      const claimed = lease(due.sort(byHold).slice(0, 1))
      leasedHeld = claimed[0] && toKey(claimed[0])
      return claimed
    },
    async nextHeldAt() {
      if (leasedHeld !== undefined) return undefined
      return disk.events.filter(isHeld).sort(byHold)[0]?.heldUntil ?? undefined
    },
    async endHolds() {
      for (const event of disk.events.filter(isHeld)) event.heldUntil = 0
    },
    async release(places) {
      for (const place of places) free(place)
    },
    async settle(settlements, now, tried = []) {
      for (const { event: place, ...to } of settlements) {
        change(place, ['pending', 'held'], to, now)
        free(place)
      }
      for (const { event: place, attempts, triedAt } of tried) {
        const event = at(place)
        if (event) Object.assign(event, { attempts: event.attempts + attempts, triedAt })
      }
    },
    async note(delivery) {
      disk.attempts.push(delivery)
    },

    change: async (...args) => change(...args),
    changeAll: async (places, ...args) => places.filter(place => change(place, ...args)).length,
    async resendPage({ since, until, type, preview = false }, now) {
      const isAsked = ({ state, settledAt, ...event }: Event) =>
        state === 'accepted' && (settledAt ?? 0) >= since && (settledAt ?? 0) < until && isOfType(event, type)
      const matched = disk.events.filter(isAsked)
      const kept = matched.filter(({ request }) => disk.requests.has(request))
      if (!preview) for (const event of kept) turn(event, { state: 'pending' }, now)
      const done = preview ? 0 : kept.length
      return { matched: matched.length, pruned: matched.length - kept.length, done, next: undefined }
    },

    figures: async () => figures(),
    counts: async () => [...disk.counts.values()].sort((a, b) => (toName(a) < toName(b) ? -1 : 1)),
    oldestPendingAt: async () => waiting()[0]?.receivedAt,
    oldestUnsortedAt: async () => disk.requests.get(disk.indexedUpTo + 1)?.receivedAt,
    events: async query => list(query),
    async event(place) {
      const event = at(place)
      return event && { ...toView(event), attempts: attemptsAt(event) }
    },
    async changes({ after, upTo, keys, recent, limit }) {
      const toRequest = (cursor = '') => (/^\d+$/.test(cursor) ? Number(cursor) : disk.indexedUpTo)
      const from = toRequest(after)
      const to = Math.min(disk.indexedUpTo, toRequest(upTo))
      const fresh = disk.events.filter(({ request }) => request > from && request <= to).reverse()
      const before = disk.events.filter(({ request }) => request <= from).reverse()
      const asked = keys.flatMap(key => disk.events.find(event => toKey(event) === key) ?? [])
      const events = fresh.slice(0, limit).map(toView)
      return {
        events,
        missed: Math.max(0, Math.min(COUNTED, fresh.length) - events.length),
        states: [...before.slice(0, recent), ...asked].map(toState),
        cursor: String(to),
      }
    },
    async scan({ states: asked, type, reason, since = 0, until = Number.MAX_SAFE_INTEGER }) {
      const isAsked = (event: Event) =>
        (!asked || asked.includes(event.state)) &&
        isOfType(event, type) &&
        (!reason || event.reason === reason) &&
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

const byHold = (a: Event, b: Event): number => (a.heldUntil ?? 0) - (b.heldUntil ?? 0)
const isOfType = (event: { readonly type: string }, wanted = ''): boolean =>
  wanted === '' || (wanted.endsWith('*') ? event.type.startsWith(wanted.slice(0, -1)) : event.type === wanted)
const toName = ({ type, version, state, reason }: Count): string =>
  JSON.stringify([type, version, state, reason])
