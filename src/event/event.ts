/**
 * One element of a body → a Twilio event, judged. The webhook and the delivery both read events by `toEvent`, so what the
 * webhook lets in can be mapped. In: whatever JSON gave. Out: the event and its customer, or the reason it goes no
 * further. Never throws; no I/O, no clock, no host.
 */
import * as z from 'zod'
import { type EventType, fits, schemaOf } from '../families/family.ts'
import { eventTypeOf } from '../families/index.ts'
import type { NotSent } from '../reasons.ts'
import { type Customer, toCustomer } from './customer.ts'
import { isObject, type JsonObject } from './json-object.ts'
import { asDefault, type Mapping } from './mapping.ts'
import type { ValidationError } from './validation-errors.ts'
import { findFaults, toFault } from './validation-errors.ts'

/** CloudEvents forbids them in attributes; the outbox could not keep apart two ids that differ only in them. */
const unkeepable = /[\p{Cc}\p{Cs}]/u
const keepable = 'string without control characters or lone surrogates'

function attribute(description: string) {
  return z
    .string({ error: 'non-empty string' })
    .min(1, { error: 'non-empty string' })
    .refine(text => !unkeepable.test(text), { error: keepable })
    .meta({ description })
}

/** What makes an element an event. Twilio omits or misuses the other attributes, so they may be anything. */
const Envelope = z.compile(
  z.object(
    {
      specversion: z.literal('1.0'),
      id: attribute('What Segment and the outbox know the event by'),
      source: attribute('What it happened to'),
      type: attribute('What happened'),
      dataschema: z.unknown().optional(),
      time: z.unknown().optional(),
      data: z.unknown().optional(),
      data_base64: z.unknown().optional(),
    },
    { error: 'object' },
  ),
)
type Envelope = z.infer<typeof Envelope>

export { isObject, type JsonObject } from './json-object.ts'

/** A judged event. `data` is the very object that came, unknown fields and all: nothing is copied. */
export type TwilioEvent = Readonly<Envelope> & { readonly data: JsonObject }

export type Reading =
  | {
      readonly ok: true
      readonly event: TwilioEvent
      /** The one in `dataschema`; 0 when there is none. */
      readonly version: number
      readonly eventType: EventType
      readonly customer: Customer
    }
  | {
      readonly ok: false
      readonly reason: NotSent
      readonly faults: readonly ValidationError[]
      /** `undefined` when none can be read. */
      readonly data: JsonObject | undefined
    }

export function toEvent(element: unknown, mapping: Mapping = asDefault): Reading {
  if (!Envelope.validate(element)) {
    const data = isObject(element) && isObject(element.data) ? element.data : undefined
    return stop('not_a_cloudevent', findFaults('$', Envelope, element), data)
  }
  const eventType = eventTypeOf(element.type)
  if (eventType === undefined) return stop('type_unmapped')
  const { skip } = eventType.family
  return skip === undefined ? withData(element, eventType, mapping) : stop(skip)
}

function withData(envelope: Envelope, eventType: EventType, mapping: Mapping): Reading {
  const data = toData(envelope)
  const path = pathOfData(envelope)
  if (data === undefined) {
    const fault =
      path === '$.data'
        ? toFault(path, 'object, or a string holding one', envelope.data)
        : toFault(path, 'base64 of a JSON object', envelope.data_base64)
    return stop('schema_rejected', [fault])
  }
  const version = toVersion(envelope.dataschema)
  const schema = schemaOf(eventType.family, version)
  if (!fits(data, schema)) return stop('schema_rejected', findFaults(path, schema, data), data)
  const customer = toCustomer(eventType, data, mapping)
  if (typeof customer === 'string') return stop(customer, [], data)
  const event = isWhole(envelope) ? envelope : { ...envelope, data }
  return { ok: true, event, version, eventType, customer }
}

/** As a rule the data came as an object: then nothing is to be put in its place. */
function isWhole(envelope: Envelope): envelope is TwilioEvent {
  return isObject(envelope.data)
}

/** The number at the end of `dataschema`, on whatever host; 0 when there is none. */
export function toVersion(dataschema: unknown): number {
  if (typeof dataschema !== 'string') return 0
  return Number(/\/(\d{1,9})(?:\.json)?$/.exec(dataschema)?.[1] ?? 0)
}

/** Where an event holds its data. CloudEvents allows one of the two; should both be there, `data` counts. */
export function pathOfData({ data, data_base64 }: JsonObject): '$.data' | '$.data_base64' {
  return (data === undefined || data === null) && typeof data_base64 === 'string' ? '$.data_base64' : '$.data'
}

/** An event's data as an object. Twilio's own samples hold it as a string of JSON too. `parse`: how JSON text is read. */
export function toData(
  event: JsonObject,
  parse: (text: string) => unknown = text => JSON.parse(text),
): JsonObject | undefined {
  const inBase64 = pathOfData(event) === '$.data_base64'
  const held = inBase64 ? event.data_base64 : event.data
  if (typeof held !== 'string') return isObject(held) ? held : undefined
  try {
    const parsed = parse(inBase64 ? fromBase64(held) : held)
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

// It drops a byte order mark, over which JSON.parse would stumble.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** Throws when it is no base64 or no UTF-8. The URL-safe alphabet and missing padding are read as well. */
function fromBase64(base64: string): string {
  const bytes = atob(base64.replaceAll('-', '+').replaceAll('_', '/'))
  return utf8.decode(Uint8Array.from(bytes, byte => byte.charCodeAt(0)))
}

/** Whether a text can be an event's id or source: the outbox knows redeliveries by them. */
export function isAttribute(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !unkeepable.test(value)
}

function stop(reason: NotSent, faults: readonly ValidationError[] = [], data?: JsonObject): Reading {
  return { ok: false, reason, faults, data }
}
