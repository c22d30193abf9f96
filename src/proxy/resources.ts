/**
 * Twilio Proxy's resources as its API answers them. Reading is lenient: only the SID is required, a field that is missing, null or of
 * another form is undefined, and a value that a later version adds is kept as it is. In: JSON of proxy.twilio.com/v1. Pure.
 */
import * as z from 'zod'

const HEX = '[0-9a-fA-F]{32}'
export const sidOf = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}${HEX}$`), { error: `${prefix} and 32 hex digits` })

/** What does not fit is left out rather than turned down: the resource is a fact without it. */
const optional = <Schema extends z.ZodType>(schema: Schema, description: string) =>
  z
    .union([schema, z.unknown().transform(() => undefined)])
    .optional()
    .meta({ description })

const sid = (prefix: string, description: string) => sidOf(prefix).meta({ description })
const optionalSid = (prefix: string, description: string) => optional(sidOf(prefix), description)
const text = (description: string) => optional(z.string().min(1), description)
/** ISO 8601; a day without a time occurs. */
const date = (description: string) => optional(z.string().min(1), description)
/** Twilio may add to the list, so any text is taken. */
const oneOf = (values: readonly string[], description: string) =>
  optional(z.string().min(1), `${description}: ${values.join(', ')}`)
const links = optional(z.record(z.string(), z.unknown()), 'URLs of what belongs to it')

export const sessionStatuses = ['open', 'in-progress', 'closed', 'failed', 'unknown'] as const
export const sessionModes = ['message-only', 'voice-only', 'voice-and-message'] as const
export const interactionTypes = ['message', 'voice', 'unknown'] as const
/** Of the message or call on either side of an interaction. */
export const resourceStatuses = [
  ...['accepted', 'answered', 'busy', 'canceled', 'completed', 'deleted', 'delivered', 'delivery-unknown'],
  ...['failed', 'in-progress', 'initiated', 'no-answer', 'queued', 'received', 'receiving', 'ringing'],
  ...['scheduled', 'sending', 'sent', 'undelivered', 'unknown'],
] as const

const changes = {
  date_created: date('When it was created'),
  date_updated: date('When it was last changed'),
  url: text('Where the API has it'),
}

const named = (name: string, title: string) => ({
  $id: `urn:twilio-segment-bridge:${name}`,
  title,
})

export const Service = z
  .looseObject({
    sid: sid('KS', 'SID of the service'),
    account_sid: optionalSid('AC', 'SID of the account'),
    unique_name: text('Name given by the application'),
    chat_instance_sid: text('SID of the Chat service that it forwards to'),
    callback_url: text('Where interactions are reported'),
    intercept_callback_url: text('Asked before an interaction: an answer of 403 blocks it'),
    out_of_session_callback_url: text('Where calls and messages without a session are reported'),
    default_ttl: optional(z.int(), 'Seconds that a session lives without one of its own; 0: no limit'),
    number_selection_behavior: oneOf(['avoid-sticky', 'prefer-sticky'], 'How masked numbers are chosen'),
    geo_match_level: oneOf(
      ['area-code', 'overlay', 'radius', 'country'],
      'How near a masked number must be to its participant',
    ),
    ...changes,
    links,
  })
  .meta(named('proxy-service', 'Service of Twilio Proxy'))
export type Service = z.infer<typeof Service>

export const Session = z
  .looseObject({
    sid: sid('KC', 'SID of the session'),
    service_sid: optionalSid('KS', 'SID of its service'),
    account_sid: optionalSid('AC', 'SID of the account'),
    date_started: date('When its first interaction began'),
    date_ended: date('When it ended; null again after a reopening'),
    date_last_interaction: date('When its last interaction was'),
    date_expiry: date('When it expires; overrides ttl'),
    unique_name: text('Name given by the application, up to 191 characters, without personal data'),
    status: oneOf(sessionStatuses, 'Its state'),
    closed_reason: text('Why it was closed'),
    ttl: optional(z.int(), 'Seconds since its creation or last interaction after which it expires'),
    mode: oneOf(sessionModes, 'What may pass'),
    ...changes,
    links,
  })
  .meta(named('proxy-session', 'Session of Twilio Proxy'))
export type Session = z.infer<typeof Session>

export const Participant = z
  .looseObject({
    sid: sid('KP', 'SID of the participant'),
    session_sid: optionalSid('KC', 'SID of the session'),
    service_sid: optionalSid('KS', 'SID of the service'),
    account_sid: optionalSid('AC', 'SID of the account'),
    friendly_name: text('Name given by the application'),
    identifier: text('The real number or address of the person'),
    proxy_identifier: text('The masked number that the person sees'),
    proxy_identifier_sid: text('SID of the masked number'),
    date_deleted: date('When the participant was removed'),
    ...changes,
    links,
  })
  .meta(named('proxy-participant', 'Participant of a session of Twilio Proxy'))
export type Participant = z.infer<typeof Participant>

const leg = <Side extends 'inbound' | 'outbound'>(side: Side, whose: string) =>
  ({
    participant: optionalSid('KP', `SID of the participant ${whose}`),
    sid: text(`SID of the ${side} message or call`),
    type: oneOf(['Call', 'Message'], `What the ${side} side is`),
    status: oneOf(resourceStatuses, `State of the ${side} side`),
    url: text(`Where the API has the ${side} message or call`),
  }) as const
const inbound = leg('inbound', 'who wrote or called')
const outbound = leg('outbound', 'who was written to or called')

export const Interaction = z
  .looseObject({
    sid: sid('KI', 'SID of the interaction'),
    session_sid: optionalSid('KC', 'SID of the session'),
    service_sid: optionalSid('KS', 'SID of the service'),
    account_sid: optionalSid('AC', 'SID of the account'),
    data: text('JSON in a text: the body of a message, or the duration of a call'),
    type: oneOf(interactionTypes, 'What it is'),
    inbound_participant_sid: inbound.participant,
    inbound_resource_sid: inbound.sid,
    inbound_resource_type: inbound.type,
    inbound_resource_status: inbound.status,
    inbound_resource_url: inbound.url,
    outbound_participant_sid: outbound.participant,
    outbound_resource_sid: outbound.sid,
    outbound_resource_type: outbound.type,
    outbound_resource_status: outbound.status,
    outbound_resource_url: outbound.url,
    ...changes,
  })
  .meta(named('proxy-interaction', 'Interaction in a session of Twilio Proxy'))
export type Interaction = z.infer<typeof Interaction>

export const PhoneNumber = z.looseObject({
  sid: sid('PN', 'SID of the number'),
  phone_number: text('The masked number'),
})
