/**
 * What people ask of the outbox: figures, events, notices; and the two things they may do to a dead letter or to an event held back, retry and drop.
 * Lives beside the dispatcher, on the outbox's side. Every argument and answer is plain data, so that any host can send it on.
 */

import { asDefault, type Mapping } from '../event/mapping.ts'
import { readKept } from '../outbox/kept-state.ts'
import { toPlace } from '../outbox/place.ts'
import type { EventQuery, ResendQuery } from '../outbox/queries.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import type { Reason } from '../reasons.ts'
import { type Dispatcher, EVENTS_A_READ } from '../send/dispatcher.ts'
import type { MetricsJson, OutboxMeters } from '../stats/metrics.ts'
import type { QualityHours, Span } from '../stats/quality.ts'
import { createEventChanges, type EventChanges } from './change-event.ts'
import { createPulse, type Pulse, type PulseQuery } from './changes.ts'
import { type ChangedMany, changeMany, type Filter, type Groups, toGroups } from './dead-letters.ts'
import { createDestinationNames } from './destination-names.ts'
import { toDestinationStats } from './destination-stats.ts'
import { type EventDetail, type EventSummary, toDetail, toSummary } from './event-view.ts'
import { countsWithoutKinds, type Stats, worstOf } from './figures.ts'
import { createMetrics } from './metrics.ts'
import { createReadings, type Readings } from './readings.ts'
import { type Resent, resendMany } from './resend.ts'
import { type Arrival, Arrivals, type StatusFigures, toLastNotice } from './status.ts'
import { createTransfer, type Transfer } from './transfer.ts'

/**
 * `cursor`: where one who watches goes on. `reachedAt`: when the last event that was read came, ms since 1970. `unsorted`: the
 * index lag, events that are stored and cannot be among these yet.
 */
export type EventList = {
  readonly events: readonly EventSummary[]
  readonly unsorted: number
  readonly next: string | undefined
  readonly reachedAt: number | undefined
  readonly cursor: string
  /** What the list is without, for it could not be read; absent when nothing is missing. */
  readonly unreadable?: readonly string[]
}

/** A destination is named; a name that the store does not know has nothing there. */
export type Asked<Query extends { readonly destination?: number | undefined }> = Omit<
  Query,
  'destination'
> & {
  readonly destination?: string | undefined
}

/** `notDone`: parts of the outbox that did not answer; absent when all did. */
export type DeliveringNow = {
  readonly pending: number
  readonly held: number
  readonly notDone?: readonly string[]
}

export type Admin = Transfer &
  EventChanges & {
    stats(): Stats
    /** The reasons that keep the bridge from taking events, as anybody may hear them; empty when nothing does. */
    troubles(): readonly Reason[]
    metrics(): Promise<MetricsJson>
    events(query: Asked<EventQuery>): EventList
    pulse(query: PulseQuery): Pulse
    event(key: string): EventDetail | undefined
    /** Ends every wait before an attempt, of all destinations or one; `held` of the events that wait were held back. */
    deliverNow(destination?: string): DeliveringNow
    /** Of all events, or of the deliveries to one destination. */
    deadLetters(destination?: string): Groups
    changeMany(action: 'retry' | 'drop', filter: Asked<Filter>): Promise<ChangedMany>
    notices(limit: number): unknown[]
    /** What came in the hours asked for, and before them; `toQuality` makes figures of it. */
    quality(span: Span): QualityHours
    /** What `toStatus` is made of. */
    status(): StatusFigures
    /** By a person, and kept until a person says otherwise. */
    setPaused(destination: string, isPaused: boolean): void
    /** Says which destinations had a change that waited for this hash. */
    confirmChange(hash: string): string[]
    /** A person has seen events arrive under the write keys with these fingerprints. */
    confirmArrival(fingerprints: readonly string[]): void
    /** `open`: of those that are configured; `all`: also of those that were. */
    destinationNames(which: 'open' | 'all'): string[]
    /** Sends accepted events again, a slice a call. `backfill`: those that the destination never got, in place of accepted ones. */
    resendMany(query: Asked<ResendQuery> & { readonly backfill?: boolean | undefined }): Promise<Resent>
  }

/** The name under which the outbox remembers that events were seen to arrive. */
const ARRIVAL = 'arrival-confirmed'
/** Of write keys that are gone as well. */
const ARRIVALS_KEPT = 50

const named = ({ unreadable }: Readings) => (unreadable.length > 0 ? { unreadable } : {})

export type AdminParts = {
  readonly mapping?: Mapping
  /** What the outbox here cannot say, for it stands in for a file that cannot be opened. */
  readonly unreadable?: readonly string[] | undefined
}

export function createAdmin(
  outbox: OutboxAtHand,
  dispatcher: Dispatcher,
  meters: Pick<OutboxMeters, 'json'>,
  now: () => number,
  { mapping = asDefault, unreadable = [] }: AdminParts = {},
): Admin {
  const open = () => createReadings(unreadable)
  /** A read shows what is indexed, and says how much is not: at a high rate it must not wait for all of it. */
  const indexSome = () => dispatcher.indexPending(EVENTS_A_READ)

  function stats(readings = open()): Stats {
    indexSome()
    const counts =
      readings.take('counts', outbox.eventCounts, undefined) ?? countsWithoutKinds(outbox.figures())
    return { ...figures(readings), counts }
  }

  function troubles(): Reason[] {
    const all = dispatcher.health().troubles
    return [...new Set(all.map(({ reason }) => reason))]
  }

  function figures(readings = open()): Omit<Stats, 'counts'> {
    const oldest = readings.take(
      'oldestPendingSeconds',
      () => new Map(dispatcher.lanes.ids.map(id => [id, outbox.oldestPendingAt(id)])),
      undefined,
    )
    // Last: what could not be read is a trouble by now.
    const { troubles, notices, ...health } = dispatcher.health()
    const { duplicate, isIndexed: _, cursor: __, destinations: theirs, ...figures } = outbox.figures()
    const destinations = health.destinations.map(one => {
      const counts = theirs.find(({ destination }) => destination === one.id)
      return toDestinationStats(one, counts, oldest?.get(one.id), now())
    })
    return {
      ...figures,
      duplicates: duplicate,
      oldestPendingSeconds: Math.max(0, ...destinations.map(one => one.oldestPendingSeconds)),
      ...named(readings),
      troubles: troubles.map(({ text }) => text),
      delivery: worstOf(destinations.map(({ delivery }) => delivery)),
      destinations,
      notices,
    }
  }

  const readArrivals = (): readonly Arrival[] => readKept(outbox, ARRIVAL, Arrivals, [])

  function find(key: string): ReturnType<OutboxAtHand['get']> {
    indexSome()
    const place = toPlace(key)
    return place && outbox.get(place)
  }

  /** `undefined`: the store knows no destination of that name. */
  function toIds<Query extends { readonly destination?: string | undefined }>(
    asked: Query,
  ): (Omit<Query, 'destination'> & { readonly destination: number | undefined }) | undefined {
    const { destination: name, ...query } = asked
    const destination = name === undefined ? undefined : names.idOf(name)
    return name !== undefined && destination === undefined ? undefined : { ...query, destination }
  }

  const names = createDestinationNames(outbox, dispatcher.lanes)
  const { changes, toRetry, toRetryHeld, toDrop, toDropAll } = createEventChanges({
    outbox,
    find,
    names,
    mapping,
    now,
  })

  return {
    ...createTransfer(outbox, dispatcher, names),
    stats: () => stats(),
    ...changes,
    destinationNames: which => names[which](),
    deliverNow(destination) {
      dispatcher.deliverNow(destination)
      const { pending, unsorted, held } = outbox.figures()
      return { pending: pending + unsorted, held }
    },
    setPaused: (destination, isPaused) => dispatcher.lanes[isPaused ? 'pause' : 'resume'](destination),
    confirmChange: hash => dispatcher.lanes.confirm(hash),
    pulse: createPulse(outbox, indexSome, open, figures, mapping),
    // Asked by whatever watches the process, every few seconds: nothing is indexed for it.
    troubles,
    deadLetters(destination) {
      indexSome()
      const readings = open()
      const { unsorted } = outbox.figures()
      const asked = toIds({ destination })
      const groups = asked ? toGroups(outbox, mapping, readings, asked.destination) : []
      return { groups, unsorted, ...named(readings) }
    },
    async changeMany(action, asked) {
      const filter = toIds(asked)
      if (!filter) return { matched: 0, ready: 0, done: 0 }
      await dispatcher.indexAll()
      const retries = filter.state === 'held' ? toRetryHeld : toRetry
      // What is held back takes no room before, nor after.
      const room = action === 'retry' && filter.state !== 'held' ? dispatcher.roomForPerson : undefined
      const { destination } = filter
      const hasLeft = destination !== undefined && !dispatcher.lanes.ids.includes(destination)
      const drops = hasLeft ? toDropAll : toDrop
      return changeMany(outbox, action === 'retry' ? retries : drops, filter, now, room)
    },
    metrics: createMetrics(outbox, meters, stats),
    notices: limit => outbox.notices(limit),
    quality(span) {
      indexSome()
      const readings = open()
      const kinds = readings.take('quality', () => outbox.kindHours(span), [])
      return { kinds, ...named(readings) }
    },
    events(asked) {
      indexSome()
      const { cursor, unsorted } = outbox.figures()
      const query = toIds(asked)
      // A place that no answer ever named is beyond the last page.
      if (!query || (query.before !== undefined && !toPlace(query.before)))
        return { events: [], next: undefined, reachedAt: undefined, cursor, unsorted }
      const { events, next, reachedAt } = outbox.list(query)
      return { events: events.map(event => toSummary(event, mapping)), next, reachedAt, cursor, unsorted }
    },
    event(key) {
      const event = find(key)
      return event && toDetail(event, mapping, names)
    },
    status() {
      const readings = open()
      const unsortedSince = readings.take('unsortedSince', outbox.oldestUnsortedAt, undefined)
      const lastNotice = toLastNotice(readings.take('lastNotice', () => outbox.notices(1)[0], undefined))
      const arrivals = readings.take('arrival', readArrivals, [])
      const left = readings.take('destinations', names.left, [])
      return { stats: stats(readings), troubles: troubles(), unsortedSince, lastNotice, arrivals, left }
    },
    confirmArrival(fingerprints) {
      const others = readArrivals().filter(({ fingerprint }) => !fingerprints.includes(fingerprint))
      const all = [...fingerprints.map(fingerprint => ({ fingerprint, at: now() })), ...others]
      outbox.remember(ARRIVAL, JSON.stringify(all.length === 1 ? all[0] : all.slice(0, ARRIVALS_KEPT)))
    },
    async resendMany(asked) {
      const query = toIds(asked)
      if (!query) return { matched: 0, pruned: 0, done: 0, next: undefined }
      await dispatcher.indexAll()
      const { destination, backfill = false, ...which } = query
      if (!backfill) return resendMany(outbox.resendPage, query, now, dispatcher.roomForPerson)
      if (destination === undefined) return { matched: 0, pruned: 0, done: 0, next: undefined }
      const add: OutboxAtHand['resendPage'] = (query, ...rest) =>
        outbox.backfillPage({ ...query, destination }, ...rest)
      return resendMany(add, which, now, dispatcher.roomForPerson)
    },
  }
}
