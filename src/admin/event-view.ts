/** An event as people see it: short in lists, whole by itself. Pure; plain data, so that it can go from thread to thread. */
import * as z from 'zod'
import { isObject } from '../event/event.ts'
import { toEventTime } from '../event/event-time.ts'
import type { Mapping } from '../event/mapping.ts'
import type { ValidationError } from '../event/validation-errors.ts'
import { eventTypeOf } from '../families/index.ts'
import { NO_DESTINATION } from '../outbox/deliveries.ts'
import { isHeld } from '../outbox/held.ts'
import { parseJson } from '../outbox/kept-state.ts'
import type { Attempt, DeliveryView, EventView, EventWithDeliveries } from '../outbox/queries.ts'
import { customerAddress } from '../send/segment/map.ts'
import type { DestinationNames } from './destination-names.ts'
import { type Origin, toOrigins } from './field-origins.ts'

/**
 * An event without what Twilio sent, which may be nested deeper than any host can copy. `key` names it in URLs. Texts are
 * cut off, visibly, where they are longer than anybody reads in a list.
 */
export type EventSummary = Omit<EventView, 'element' | 'exact' | 'detail'> & {
  readonly id: string | null
  readonly source: string | null
  /** The customer's address. */
  readonly customer: string | null
  /** When it happened by its own account, ms since 1970; null when that is no time. */
  readonly occurredAt: number | null
}

export type EventDetail = EventSummary & {
  /** Readable name of its type; null when the type is not supported. */
  readonly name: string | null
  readonly faults: readonly ValidationError[]
  /** What Segment said when it refused this very event. */
  readonly answer: string | null
  /** Of all destinations, oldest first. */
  readonly attempts: readonly AttemptDetail[]
  /** One a destination; none of what the webhook judged, or no destination takes. */
  readonly deliveries: readonly DeliveryDetail[]
  /** JSON text of the event as Twilio sent it; null once its bytes are pruned, or when it cannot be written as JSON. */
  readonly received: string | null
  /** JSON text of the track call it becomes; null when it becomes none. */
  readonly mapped: string | null
  /** Where each field of that call comes from. */
  readonly origins: readonly Origin[]
}

export type AttemptDetail = Attempt & { readonly destination: string }

export type DeliveryDetail = Omit<DeliveryView, 'destination' | 'detail' | 'attempts'> & {
  readonly destination: string
  /** What the destination said when it refused this very event. */
  readonly answer: string | null
  /** Null when it is not known. */
  readonly messageId: string | null
}

/** Twilio's ids and sources have some 30 to 120 characters; the webhook lets in whatever fits a body. */
const CHARACTERS_SHOWN = 256

export function toSummary(view: EventView, mapping: Mapping): EventSummary {
  const { id, source, customer, type, ...rest } = toWhole(view, mapping)
  return { ...rest, id: clip(id), source: clip(source), customer: clip(customer), type: clip(type) ?? '' }
}

export function toDetail(event: EventWithDeliveries, mapping: Mapping, names: DestinationNames): EventDetail {
  const { state, detail, element, exact, receivedAt } = event
  const { track, origins } = element === undefined ? noTrack : toOrigins(element, receivedAt, exact, mapping)
  const whole = toWhole(event, mapping)
  const attempts = event.deliveries.flatMap(delivery => {
    const destination = names.nameOf(delivery.destination)
    return delivery.attempts.map(attempt => ({ ...attempt, destination }))
  })
  return {
    ...whole,
    name: eventTypeOf(event.type)?.name ?? null,
    faults: state === 'rejected' && detail ? (Faults.safeParse(parseJson(detail)).data ?? []) : [],
    answer: toAnswer(event),
    attempts: attempts.sort((a, b) => a.at - b.at),
    deliveries: event.deliveries
      .filter(({ destination }) => destination !== NO_DESTINATION)
      .map(({ destination, detail: said, attempts: _, ...delivery }) => ({
        ...delivery,
        destination: names.nameOf(destination),
        answer: toAnswer({ ...delivery, detail: said }),
        messageId: names.messageIdOf(destination, whole.id),
      })),
    received: toJson(exact ?? element),
    mapped: track === undefined ? null : toJson(track),
    origins,
  }
}

function toAnswer(one: Pick<EventView, 'state' | 'reason' | 'detail'>): string | null {
  return one.state === 'refused' || isHeld(one) ? one.detail : null
}

const Faults = z.array(z.object({ path: z.string(), expected: z.string(), received: z.string() }))
const noTrack = { track: undefined, origins: [] } as const

function toWhole(view: EventView, mapping: Mapping): EventSummary {
  const { key, type, version, state, reason, receivedAt, storedAt, triedAt, settledAt, attemptCount } = view
  const { element, unreadable } = view
  return {
    ...{ key, type, version, state, reason, receivedAt, storedAt, triedAt, settledAt, attemptCount },
    id: field(element, 'id'),
    source: field(element, 'source'),
    customer: customerAddress(element, mapping) ?? null,
    occurredAt: (isObject(element) ? toEventTime(element.time)?.ms : undefined) ?? null,
    ...(unreadable !== undefined && { unreadable }),
  }
}

function clip(text: string | null): string | null {
  return text === null || text.length <= CHARACTERS_SHOWN
    ? text
    : `${text.slice(0, CHARACTERS_SHOWN).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** JSON.parse takes any depth, JSON.stringify only what the stack holds. */
function toJson(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch {
    return null
  }
}

function field(element: unknown, name: 'id' | 'source'): string | null {
  if (typeof element !== 'object' || element === null) return null
  const value: unknown = Reflect.get(element, name)
  return typeof value === 'string' ? value : null
}
