/**
 * What people ask of the outbox: figures, events, notices; and the two things they may do to a dead letter or to an event held back, retry and drop.
 * Lives beside the dispatcher, on the outbox's side; everything it takes and gives is plain data, so that any host can carry it.
 */

import { asDefault, type Mapping } from '../event/mapping.ts'
import type { ValidationError } from '../event/validation-errors.ts'
import { validateBy } from '../ingest/validate.ts'
import { isAmong, isHeld } from '../outbox/sqlite/held.ts'
import { readKept } from '../outbox/sqlite/kept-state.ts'
import { type EventQuery, type EventView, toPlace } from '../outbox/sqlite/list.ts'
import type { OutboxStore } from '../outbox/sqlite/outbox.ts'
import type { ResendQuery } from '../outbox/sqlite/resend.ts'
import { deadLetterStates, type EventReason, type Reason, type State, states } from '../reasons.ts'
import type { Dispatcher } from '../send/dispatcher.ts'
import { createDepotMeters, type MetricsJson, type Observe } from '../stats/metrics.ts'
import type { KindHours, Span } from '../stats/quality.ts'
import { createPulse, type Pulse, type PulseQuery, toCursor } from './changes.ts'
import {
  type Change,
  type ChangedMany,
  changeMany,
  type Filter,
  type Groups,
  toGroups,
} from './dead-letters.ts'
import { type EventDetail, type EventSummary, toDetail, toSummary } from './event-view.ts'
import type { Stats } from './figures.ts'
import { type Resent, resendMany } from './resend.ts'
import { Arrival, type StatusFigures, toLastNotice } from './status.ts'

/** `cursor`: where one who watches goes on. `reachedAt`: when the last event that was read came, ms since 1970. */
export type EventList = {
  readonly events: readonly EventSummary[]
  readonly next: string | undefined
  readonly reachedAt: number | undefined
  readonly cursor: string
}

export type Changed = {
  readonly done: boolean
  /** The state the event is in. */
  readonly state?: State
  /** Why it was not done. */
  readonly reason?: EventReason | 'not_found' | 'bytes_pruned' | 'not_a_dead_letter' | 'already_pending'
  readonly faults?: readonly ValidationError[]
}

export type Admin = {
  stats(): Stats
  /** The reasons that keep the bridge from taking events, as anybody may hear them; empty when nothing does. */
  troubles(): readonly Reason[]
  metrics(): Promise<MetricsJson>
  events(query: EventQuery): EventList
  pulse(query: PulseQuery): Pulse
  event(key: string): EventDetail | undefined
  retry(key: string): Changed
  drop(key: string): Changed
  /** Ends every wait before an attempt; `held` of the events that wait were held back. */
  deliverNow(): { readonly pending: number; readonly held: number }
  deadLetters(): Groups
  changeMany(action: 'retry' | 'drop', filter: Filter): Promise<ChangedMany>
  notices(limit: number): unknown[]
  /** What came in the hours asked for, and before them; `toQuality` makes figures of it. */
  quality(span: Span): KindHours[]
  /** What `toStatus` is made of. */
  status(): StatusFigures
  /** A person has seen events arrive under the write key with this fingerprint. */
  confirmArrival(fingerprint: string): void
  /** Sends an event again whatever became of it, under the same id. */
  resend(key: string): Changed
  /** Sends accepted events again, a slice a call. */
  resendMany(query: ResendQuery): Promise<Resent>
}

/** The name under which the outbox remembers that events were seen to arrive. */
const ARRIVAL = 'arrival-confirmed'

/** Events that a look at what is new may have sorted for it: some 30 ms in a burst, and nothing otherwise. */
const PULSE_EVENTS = 2_000

export function createAdmin(
  outbox: OutboxStore,
  dispatcher: () => Pick<Dispatcher, 'indexPending' | 'health' | 'deliverNow'>,
  now: () => number,
  mapping: Mapping = asDefault,
): Admin & { observe: Observe } {
  const meters = createDepotMeters(() => {
    const { troubles, ...figures } = stats()
    return { ...figures, ready: troubles.length === 0, quality: outbox.kindTotals() }
  })

  function stats(): Stats {
    dispatcher().indexPending()
    return { ...figures(), counts: outbox.counts() }
  }

  function troubles(): Reason[] {
    const all = dispatcher().health().troubles
    return [...new Set(all.map(({ reason }) => reason))]
  }

  function figures(): Omit<Stats, 'counts'> {
    const { troubles, line, notices } = dispatcher().health()
    const oldest = outbox.oldestPendingAt()
    return {
      ...(Object.fromEntries(states.map(state => [state, outbox.total(state)])) as Record<State, number>),
      received: outbox.total('received'),
      duplicates: outbox.total('duplicate'),
      unsorted: outbox.unsorted(),
      held: outbox.held(),
      oldestPendingSeconds: oldest === undefined ? 0 : Math.max(0, (now() - oldest) / 1_000),
      troubles: troubles.map(({ text }) => text),
      delivery: {
        failures: line.failures,
        reason: line.reason ?? null,
        nextAttemptAt: line.failures > 0 ? new Date(line.notBefore).toISOString() : null,
      },
      notices,
    }
  }

  function find(key: string): ReturnType<OutboxStore['event']> {
    dispatcher().indexPending()
    const place = toPlace(key)
    return place && outbox.event(place)
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
    return why ? { done: false, ...why } : change(event, isHeld(event) ? toRetryHeld : how)
  }

  function drop(key: string): Changed {
    const event = find(key)
    return event ? change(event, toDrop) : { done: false, reason: 'not_found' }
  }

  function change({ key, state }: EventView, { from, to }: Change): Changed {
    const place = toPlace(key)
    const done = place !== undefined && outbox.change(place, from, to, now())
    return done ? { done, state: to.state } : { done, state, reason: 'not_a_dead_letter' }
  }

  /** What may be sent after all: dead letters, and what was skipped for a reason that can pass. */
  const toRetry: Change = {
    from: [...deadLetterStates, 'skipped'],
    to: { state: 'pending' },
    isReady: event => obstacle(event) === undefined,
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
    observe: meters.observe,
    stats,
    retry: key => sendAgain(key, toRetry),
    drop,
    deliverNow() {
      dispatcher().deliverNow()
      return { pending: outbox.total('pending') + outbox.unsorted(), held: outbox.held() }
    },
    pulse: createPulse(
      outbox,
      () => dispatcher().indexPending(PULSE_EVENTS),
      () => figures(),
      mapping,
    ),
    // Asked by whatever watches the process, every few seconds: not the moment to sort a burst.
    troubles,
    deadLetters() {
      dispatcher().indexPending()
      return toGroups(outbox, mapping)
    },
    changeMany(action, filter) {
      dispatcher().indexPending()
      const retries = filter.state === 'held' ? toRetryHeld : toRetry
      return changeMany(outbox, action === 'retry' ? retries : toDrop, filter, now)
    },
    metrics: meters.json,
    notices: limit => outbox.notices(limit),
    quality(span) {
      dispatcher().indexPending()
      return outbox.kindHours(span)
    },
    events(query) {
      dispatcher().indexPending()
      // A place that no answer ever named is beyond the last page.
      const cursor = toCursor(outbox.sortedUpTo())
      if (query.before !== undefined && !toPlace(query.before))
        return { events: [], next: undefined, reachedAt: undefined, cursor }
      const { events, next, reachedAt } = outbox.events(query)
      return { events: events.map(event => toSummary(event, mapping)), next, reachedAt, cursor }
    },
    event(key) {
      const event = find(key)
      return event && toDetail(event, mapping)
    },
    status: () => ({
      stats: stats(),
      troubles: troubles(),
      unsortedSince: outbox.oldestUnsortedAt(),
      lastNotice: toLastNotice(outbox.notices(1)[0]),
      arrival: readKept(outbox, ARRIVAL, Arrival.optional(), undefined),
    }),
    confirmArrival(fingerprint) {
      const arrival: Arrival = { fingerprint, at: now() }
      outbox.remember(ARRIVAL, JSON.stringify(arrival))
    },
    resend: key => sendAgain(key, toResend),
    resendMany: query => resendMany(outbox, query, now),
  }
}
