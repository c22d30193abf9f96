/**
 * A kept event → Segment's `track` call, as Twilio's own Segment sink makes it: facts only, nothing derived over time.
 * In: an element of a body, and when it came. Out: a `TrackCall`, or the reason there is none. Pure; `properties` is the
 * event's data itself, which the caller must not change.
 */
import { readAddress } from '../../event/address.ts'
import { isObject, type JsonObject, type TwilioEvent, toAddress, toData, toEvent } from '../../event/event.ts'
import { toEventTime } from '../../event/event-time.ts'
import { parseExactly } from '../../event/exact-numbers.ts'
import { fnv1a64 } from '../../event/hash.ts'
import { familyOf } from '../../families/index.ts'
import type { EventReason } from '../../reasons.ts'
import { name, version } from '../../version.ts'

export type ExternalId = {
  readonly id: string
  /** `phone`, or the channel the address belongs to; lower case, as Segment demands. */
  readonly type: string
  readonly collection: 'users'
  readonly encoding: 'none'
}

export type TrackCall = {
  readonly event: string
  readonly messageId: string
  readonly anonymousId: string
  /** RFC 3339, with as many digits as the event has. */
  readonly timestamp: string
  readonly properties: JsonObject
  readonly context: {
    readonly externalIds?: readonly ExternalId[]
    readonly app: { readonly name: string; readonly version: string }
  }
}

export type Judged = Extract<ReturnType<typeof toEvent>, { ok: true }>

export type Mapped =
  | { readonly ok: true; readonly track: TrackCall }
  | { readonly ok: false; readonly reason: EventReason }

/** `exact`: the same element with the numbers as they were written (exact-numbers.ts), when it is known. */
export function toTrack(element: unknown, receivedAt: number, exact: unknown = element): Mapped {
  const reading = toEvent(element)
  if (!reading.ok) return { ok: false, reason: reading.reason }
  return { ok: true, track: toCall(reading, receivedAt, exact) }
}

/** field-origins.ts tells people where each field comes from: what changes here changes there. */
export function toCall({ event, customer }: Judged, receivedAt: number, exact: unknown): TrackCall {
  const externalIds = toExternalIds(customer)
  return {
    event: event.type,
    messageId: event.id,
    anonymousId: fnv1a64(customer),
    timestamp: timestampOf(event).value ?? new Date(receivedAt).toISOString(),
    // The very object, wherever the data came as one and its numbers print as they were written.
    properties: (isObject(exact) && toData(exact, parseExactly)) || event.data,
    context: { ...(externalIds && { externalIds }), app: { name, version } },
  }
}

/** Whose event it is, also of a rejected one; `undefined` where no family says so. For showing, not for sending. */
export function customerAddress(element: unknown): string | undefined {
  if (!isObject(element) || typeof element.type !== 'string') return undefined
  const field = familyOf(element.type)?.customer
  const data = field === undefined ? undefined : toData(element)
  return field !== undefined && data !== undefined ? toAddress(data, field) : undefined
}

/** Short codes and sender names identify no one across channels, so they give none. */
function toExternalIds(address: string): readonly ExternalId[] | undefined {
  const { kind, bare, scheme } = readAddress(address)
  const type = kind === 'phone' ? kind : kind === 'other_scheme' ? scheme : undefined
  return type === undefined ? undefined : [{ id: bare, type, collection: 'users', encoding: 'none' }]
}

/**
 * When it happened by its own account, and which field says so. Without either it is the time of receipt, and never that of
 * the mapping: an event that waited a week for Segment still happened when it happened.
 */
export function timestampOf({ time, data }: TwilioEvent): { value?: string; from: string | null } {
  const own = toEventTime(time)
  if (own) return { value: own.text, from: '$.time' }
  const inData = toEventTime(data.timestamp)
  return inData ? { value: inData.text, from: '$.data.timestamp' } : { from: null }
}
