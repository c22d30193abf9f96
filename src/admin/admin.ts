/**
 * What people ask of the outbox: figures, events, notices; and the two things they may do to a dead letter or to an event held back, retry and drop.
 * Lives beside the dispatcher, on the outbox's side. Every argument and answer is plain data, so that any host can send it on.
 */

import { asDefault, type Mapping } from '../event/mapping.ts'
import type { ValidationError } from '../event/validation-errors.ts'
import { validateBy } from '../ingest/validate.ts'
import { isAmong, isHeld } from '../outbox/held.ts'
import { readKept } from '../outbox/kept-state.ts'
import { toPlace } from '../outbox/place.ts'
import type { EventQuery, EventView, ResendQuery } from '../outbox/queries.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import { deadLetterStates, type EventReason, type Reason, type State } from '../reasons.ts'
import { type Dispatcher, EVENTS_A_READ } from '../send/dispatcher.ts'
import type { MetricsJson, OutboxMeters } from '../stats/metrics.ts'
import type { QualityHours, Span } from '../stats/quality.ts'
import { createPulse, type Pulse, type PulseQuery } from './changes.ts'
import {
  type Change,
  type ChangedMany,
  changeMany,
  type Filter,
  type Groups,
  newVerdict,
  toGroups,
} from './dead-letters.ts'
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

export type Changed = {
  readonly done: boolean
  /** The state the event is in. */
  readonly state?: State
  /** Why it was not done. */
  readonly reason?: EventReason | 'not_found' | 'bytes_pruned' | 'not_a_dead_letter' | 'already_pending'
  readonly faults?: readonly ValidationError[]
}

/** `notDone`: parts of the outbox that did not answer; absent when all did. */
export type DeliveringNow = {
  readonly pending: number
  readonly held: number
  readonly notDone?: readonly string[]
}

export type Admin = Transfer & {
  stats(): Stats
  /** The reasons that keep the bridge from taking events, as anybody may hear them; empty when nothing does. */
  troubles(): readonly Reason[]
  metrics(): Promise<MetricsJson>
  events(query: EventQuery): EventList
  pulse(query: PulseQuery): Pulse
  event(key: string): EventDetail | undefined
  retry(key: string): Changed
  drop(key: string): Changed
  /** Ends every wait before an attempt, of all destinations or one; `held` of the events that wait were held back. */
  deliverNow(destination?: string): DeliveringNow
  deadLetters(): Groups
  changeMany(action: 'retry' | 'drop', filter: Filter): Promise<ChangedMany>
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
  /** Sends an event again whatever became of it, under the same id. */
  resend(key: string): Changed
  /** Sends accepted events again, a slice a call. */
  resendMany(query: ResendQuery): Promise<Resent>
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

  /** Why an event cannot be sent again; `undefined`: it can. */
  function obstacle(event: EventView, how?: Change): Omit<Changed, 'done'> | undefined {
    const { element, state, unreadable } = event
    if (unreadable !== undefined) return { state, reason: 'unreadable' }
    if (element === undefined) return { state, reason: 'bytes_pruned' }
    const from = [...(how ?? toRetry).from, ...toRetryHeld.from]
    if (!isAmong(event, from))
      return { state, reason: how === toResend ? 'already_pending' : 'not_a_dead_letter' }
    const { reason, faults } = validateBy(mapping, element)
    return reason && { state, reason, faults }
  }

  function sendAgain(key: string, how: Change): Changed {
    const event = find(key)
    if (!event) return { done: false, reason: 'not_found' }
    const why = obstacle(event, how)
    if (!why) return change(event, isHeld(event) ? toRetryHeld : how)
    const verdict = newVerdict(event, mapping)
    const place = verdict && toPlace(key)
    if (place) outbox.transition([place], [event.state], verdict, now())
    return { done: false, ...why, ...(verdict && { state: verdict.state }) }
  }

  function drop(key: string): Changed {
    const event = find(key)
    return event ? change(event, toDrop) : { done: false, reason: 'not_found' }
  }

  function change({ key, state }: EventView, { from, to }: Change): Changed {
    const place = toPlace(key)
    const done = place !== undefined && outbox.transition([place], from, to, now()) > 0
    return done ? { done, state: to.state } : { done, state, reason: 'not_a_dead_letter' }
  }

  /** What may be sent after all: dead letters, and what was skipped for a reason that can pass. */
  const toRetry: Change = {
    from: [...deadLetterStates, 'skipped'],
    to: { state: 'pending' },
    isReady: event => obstacle(event) === undefined,
    otherwise: event => newVerdict(event, mapping),
  }
  const toResend: Change = { ...toRetry, from: [...toRetry.from, 'accepted'] }
  /** Alone as before, but at once. */
  const toRetryHeld: Change = {
    from: ['held'],
    to: { state: 'pending', reason: 'held_back', hold: { until: 0, times: 0 } },
    isReady: event => obstacle(event) === undefined,
  }
  const toDrop: Change = {
    from: [...deadLetterStates, 'held'],
    to: { state: 'skipped', reason: 'dropped_by_operator' },
    isReady: () => true,
  }

  return {
    ...createTransfer(outbox, dispatcher),
    stats: () => stats(),
    retry: key => sendAgain(key, toRetry),
    drop,
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
    deadLetters() {
      indexSome()
      const readings = open()
      const { groups } = toGroups(outbox, mapping, readings)
      return { groups, unsorted: outbox.figures().unsorted, ...named(readings) }
    },
    async changeMany(action, filter) {
      await dispatcher.indexAll()
      const retries = filter.state === 'held' ? toRetryHeld : toRetry
      // What is held back takes no room before, nor after.
      const room = action === 'retry' && filter.state !== 'held' ? dispatcher.roomForPerson : undefined
      return changeMany(outbox, action === 'retry' ? retries : toDrop, filter, now, room)
    },
    metrics: createMetrics(outbox, meters, stats),
    notices: limit => outbox.notices(limit),
    quality(span) {
      indexSome()
      const readings = open()
      const kinds = readings.take('quality', () => outbox.kindHours(span), [])
      return { kinds, ...named(readings) }
    },
    events(query) {
      indexSome()
      const { cursor, unsorted } = outbox.figures()
      // A place that no answer ever named is beyond the last page.
      if (query.before !== undefined && !toPlace(query.before))
        return { events: [], next: undefined, reachedAt: undefined, cursor, unsorted }
      const { events, next, reachedAt } = outbox.list(query)
      return { events: events.map(event => toSummary(event, mapping)), next, reachedAt, cursor, unsorted }
    },
    event(key) {
      const event = find(key)
      return event && toDetail(event, mapping)
    },
    status() {
      const readings = open()
      const unsortedSince = readings.take('unsortedSince', outbox.oldestUnsortedAt, undefined)
      const lastNotice = toLastNotice(readings.take('lastNotice', () => outbox.notices(1)[0], undefined))
      const arrivals = readings.take('arrival', readArrivals, [])
      return { stats: stats(readings), troubles: troubles(), unsortedSince, lastNotice, arrivals }
    },
    confirmArrival(fingerprints) {
      const others = readArrivals().filter(({ fingerprint }) => !fingerprints.includes(fingerprint))
      const all = [...fingerprints.map(fingerprint => ({ fingerprint, at: now() })), ...others]
      outbox.remember(ARRIVAL, JSON.stringify(all.length === 1 ? all[0] : all.slice(0, ARRIVALS_KEPT)))
    },
    resend: key => sendAgain(key, toResend),
    async resendMany(query) {
      await dispatcher.indexAll()
      return resendMany(outbox, query, now, dispatcher.roomForPerson)
    },
  }
}
