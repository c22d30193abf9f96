/** What a person may do to one event, or to one of its deliveries: retry it, send it again whatever became of it, drop it. */

import type { Mapping } from '../event/mapping.ts'
import type { ValidationError } from '../event/validation-errors.ts'
import { validateBy } from '../ingest/validate.ts'
import { isAmong, isHeld } from '../outbox/held.ts'
import { toPlace } from '../outbox/place.ts'
import type { EventView, EventWithDeliveries } from '../outbox/queries.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import { deadLetterStates, type NotSent, type State } from '../reasons.ts'
import { alike, type Change, newVerdict } from './dead-letters.ts'
import type { DestinationNames } from './destination-names.ts'

export type Changed = {
  readonly done: boolean
  /** The state the event is in, or its delivery to the destination that was named. */
  readonly state?: State
  /** Why it was not done. */
  readonly reason?: NotSent | 'not_found' | 'bytes_pruned' | 'not_a_dead_letter' | 'already_pending'
  readonly faults?: readonly ValidationError[]
}

/** `destination`: only the delivery there; without one, all that the change is possible for. */
export type EventChanges = {
  retry(key: string, destination?: string): Changed
  drop(key: string, destination?: string): Changed
  /** Under the same id. */
  resend(key: string, destination?: string): Changed
}

export type ChangeParts = {
  readonly outbox: Pick<OutboxAtHand, 'transition'>
  readonly find: (key: string) => EventWithDeliveries | undefined
  readonly names: DestinationNames
  readonly mapping: Mapping
  readonly now: () => number
}

type Found = { readonly event: EventView; readonly destination: number | undefined }

/** With what the same changes are for many. */
export function createEventChanges({ outbox, find, names, mapping, now }: ChangeParts) {
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

  /** As its delivery stands, when one is asked for. */
  function findAt(key: string, destination: string | undefined): Found | undefined {
    const event = find(key)
    if (!event || destination === undefined) return event && { event, destination: undefined }
    const id = names.idOf(destination)
    const delivery = event.deliveries.find(one => one.destination === id)
    return delivery && { event: { ...event, ...delivery }, destination: delivery.destination }
  }

  function sendAgain(key: string, how: Change, to: string | undefined): Changed {
    const found = findAt(key, to)
    if (!found) return { done: false, reason: 'not_found' }
    const { event, destination } = found
    const why = obstacle(event, how)
    if (!why) return change(found, isHeld(event) ? toRetryHeld : how)
    const verdict = newVerdict(event, mapping)
    const place = verdict && toPlace(key)
    if (place) outbox.transition([place], [event.state], verdict, now(), destination)
    return { done: false, ...why, ...(verdict && { state: verdict.state }) }
  }

  function change({ event: { key, state }, destination }: Found, how: Change): Changed {
    const place = toPlace(key)
    const from = how === toRetry ? alike(state) : how.from
    const done = place !== undefined && outbox.transition([place], from, how.to, now(), destination) > 0
    return done ? { done, state: how.to.state } : { done, state, reason: 'not_a_dead_letter' }
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

  const changes: EventChanges = {
    retry: (key, destination) => sendAgain(key, toRetry, destination),
    resend: (key, destination) => sendAgain(key, toResend, destination),
    drop(key, destination) {
      const found = findAt(key, destination)
      return found ? change(found, toDrop) : { done: false, reason: 'not_found' }
    },
  }
  /** Of a destination that left the file: nothing else will become of what waits for it. */
  const toDropAll: Change = { ...toDrop, unnamed: [...deadLetterStates, 'pending'] }
  return { changes, toRetry, toRetryHeld, toDrop, toDropAll }
}
