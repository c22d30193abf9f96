/** Events as the API shows them: times in ISO 8601, faults as data. Pure. */

import type { Pulse } from '../admin/changes.ts'
import type { EventDetail, EventSummary } from '../admin/event-view.ts'
import { toIsoTime } from '../event/event-time.ts'
import type { EventState } from '../outbox/queries.ts'
import type { RateNow } from '../stats/rates.ts'

/** What changes of an event once it is kept. */
export type StateJson = Omit<EventState, 'settledAt' | 'triedAt' | 'attemptCount'> & {
  readonly settledAt: string | null
  readonly triedAt: string | null
  readonly attempts: number
}

/** An event in a list. */
export type SummaryJson = Omit<EventSummary, 'receivedAt' | 'storedAt' | 'occurredAt' | keyof EventState> &
  StateJson & {
    readonly receivedAt: string
    readonly storedAt: string | null
    readonly occurredAt: string | null
  }

/** One event: `GET /api/events/:key`. */
export type EventJson = Omit<SummaryJson, 'attempts'> &
  Pick<EventDetail, 'name' | 'faults' | 'answer' | 'origins'> & {
    readonly attemptCount: number
    readonly attempts: readonly AttemptJson[]
    readonly deliveries: readonly DeliveryJson[]
    readonly received: unknown
    readonly mapped: unknown
  }
/** `attempts`: how many. */
export type DeliveryJson = Omit<StateJson, 'key'> &
  Pick<EventDetail['deliveries'][number], 'destination' | 'answer' | 'messageId'>
export type AttemptJson = Omit<EventDetail['attempts'][number], 'at'> & { readonly at: string }

export type EventsJson = {
  readonly events: readonly SummaryJson[]
  readonly next: string | null
  readonly reachedAt: string | null
  readonly cursor: string
}

/** A message of the stream. */
export type PulseJson = Pick<Pulse, 'missed' | 'stats'> & {
  readonly rate: RateNow
  readonly events: readonly SummaryJson[]
  readonly changes: readonly StateJson[]
}

export function toSummaryJson(summary: EventSummary): SummaryJson {
  const { receivedAt, storedAt, occurredAt, attemptCount: _, ...rest } = summary
  return {
    ...rest,
    ...toStateJson(summary),
    receivedAt: toIsoTime(receivedAt),
    storedAt: toIso(storedAt),
    occurredAt: toIso(occurredAt),
  }
}

function toStateJson({ key, state, reason, settledAt, triedAt, attemptCount }: EventState): StateJson {
  return { key, state, reason, settledAt: toIso(settledAt), triedAt: toIso(triedAt), attempts: attemptCount }
}

/** As text, for what Twilio sent is text already: it may be nested deeper than this thread could write it. */
export function toEventJson(detail: EventDetail): string {
  const { attempts, deliveries, received, mapped, faults, answer, origins, ...summary } = detail
  const shallow = {
    ...toSummaryJson(summary),
    attemptCount: summary.attemptCount,
    faults,
    answer,
    origins,
    attempts: attempts.map(({ at, ...attempt }) => ({ at: toIso(at), ...attempt })),
    deliveries: deliveries.map(toDeliveryJson),
  }
  return `${JSON.stringify(shallow).slice(0, -1)},"received":${received},"mapped":${mapped}}`
}

function toDeliveryJson(delivery: EventDetail['deliveries'][number]): DeliveryJson {
  const { destination, state, reason, answer, messageId, settledAt, triedAt, attemptCount } = delivery
  return {
    ...{ destination, state, reason, answer, messageId },
    ...{ settledAt: toIso(settledAt), triedAt: toIso(triedAt), attempts: attemptCount },
  }
}

/** What one message of the stream holds; where it goes on stands beside it. */
export function toPulseJson(pulse: Omit<Pulse, 'cursor'> & { readonly rate: RateNow }): PulseJson {
  const { events, missed, changes, stats, rate } = pulse
  return { events: events.map(toSummaryJson), missed, changes: changes.map(toStateJson), stats, rate }
}

export function toIso(ms: number | null | undefined): string | null {
  return typeof ms === 'number' ? toIsoTime(ms) : null
}
