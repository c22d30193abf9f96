/**
 * A kept event → Segment's `track` call, as Twilio's own Segment sink makes it: facts only, nothing derived over time.
 * In: an element of a body, and when it came. Out: a `TrackCall`, or the reason there is none. Pure; `properties` is the
 * event's data itself, which the caller must not change.
 */
import { isEndpoint } from '../../event/address.ts'
import { type CustomerAddress, toCustomerAddress } from '../../event/customer.ts'
import { isObject, type JsonObject, type TwilioEvent, toData, toEvent } from '../../event/event.ts'
import { toEventTime, toIsoTime } from '../../event/event-time.ts'
import { parseExactly } from '../../event/exact-numbers.ts'
import { toDataTime } from '../../event/family-time.ts'
import { fnv1a64 } from '../../event/hash.ts'
import { asDefault, type Mapping } from '../../event/mapping.ts'
import type { EventType } from '../../families/family.ts'
import { eventTypeOf } from '../../families/index.ts'
import type { NotSent } from '../../reasons.ts'
import { name, version } from '../../version.ts'

export type ExternalId = {
  readonly id: string
  /** `phone`, `email`, or the channel the address belongs to; lower case, as Segment demands. */
  readonly type: string
  readonly collection: 'users'
  readonly encoding: 'none'
}

/** Segment takes no call without one of them. */
export type Identity =
  | { readonly anonymousId: string; readonly userId?: string }
  | { readonly anonymousId?: never; readonly userId: string }

export type TrackCall = Identity & {
  readonly event: string
  readonly messageId: string
  /** RFC 3339, with as many digits as the event has. */
  readonly timestamp: string
  readonly properties: JsonObject
  readonly context: {
    readonly externalIds?: readonly ExternalId[]
    readonly consent?: { readonly categoryPreferences: Readonly<Record<string, boolean>> }
    readonly app: { readonly name: string; readonly version: string }
  }
}

export type Judged = Extract<ReturnType<typeof toEvent>, { ok: true }>

export type Mapped =
  | { readonly ok: true; readonly track: TrackCall }
  | { readonly ok: false; readonly reason: NotSent }

/** `exact`: the same element with the numbers as they were written (exact-numbers.ts), when it is known. */
export function toTrack(
  element: unknown,
  receivedAt: number,
  exact: unknown = element,
  mapping: Mapping = asDefault,
): Mapped {
  const reading = toEvent(element, mapping)
  if (!reading.ok) return { ok: false, reason: reading.reason }
  return { ok: true, track: toCall(reading, receivedAt, exact, mapping) }
}

/** field-origins.ts tells people where each field comes from: what changes here changes there. */
export function toCall(judged: Judged, receivedAt: number, exact: unknown, mapping: Mapping): TrackCall {
  const { event, eventType, customer } = judged
  const externalIds = customer.address && toExternalIds(customer.address)
  return {
    event: mapping.eventNames === 'title' ? eventType.name : event.type,
    messageId: event.id,
    ...toIdentity(judged),
    timestamp: timestampOf(event, eventType, receivedAt).value ?? toIsoTime(receivedAt),
    // The very object, wherever the data came as one and its numbers print as they were written.
    properties: (isObject(exact) && toData(exact, parseExactly)) || event.data,
    context: { ...(externalIds && { externalIds }), app: { name, version } },
  }
}

function toIdentity({ customer: { address, userId, resource } }: Judged): Identity {
  const anonymousId = address ? fnv1a64(address.value) : resource?.value
  if (anonymousId !== undefined) return userId ? { anonymousId, userId: userId.value } : { anonymousId }
  return { userId: userId?.value ?? '' }
}

/** Whose event it is, also of a rejected one; `undefined` where nobody is named. For showing, not for sending. */
export function customerAddress(element: unknown, mapping: Mapping = asDefault): string | undefined {
  if (!isObject(element) || typeof element.type !== 'string') return undefined
  const eventType = eventTypeOf(element.type)
  const data = eventType && toData(element)
  return data && toCustomerAddress(eventType, data, mapping)?.value
}

/** Short codes, sender names and the ends of a line identify no one across channels, so they give none. */
function toExternalIds({ address }: CustomerAddress): readonly ExternalId[] | undefined {
  const { kind, bare, scheme } = address
  const ofChannel = kind === 'other_scheme' && !isEndpoint(address) ? scheme : undefined
  const type = kind === 'phone' || kind === 'email' ? kind : ofChannel
  return type === undefined ? undefined : [{ id: bare, type, collection: 'users', encoding: 'none' }]
}

/**
 * When it happened by its own account, and which field says so. Without either it is the time of receipt, and never that of
 * the mapping: an event that waited a week for Segment still happened when it happened.
 */
export function timestampOf(
  { time, data }: TwilioEvent,
  eventType: EventType,
  receivedAt: number,
): { value?: string; from: 'time' | { readonly path: string } | null } {
  const own = toEventTime(time)
  if (own) return { value: own.text, from: 'time' }
  const found = toDataTime(eventType.time, data, receivedAt)
  return found ? { value: found.text, from: { path: found.path } } : { from: null }
}
