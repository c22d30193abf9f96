/**
 * Every way an event can stop, named once: the word stands in answers, notices, metrics and the debugger alike.
 * A reason says what is wrong, not where. Pure data: no I/O, no clock.
 */

import {
  type DeliveryReason,
  deliveryReasons,
  type PauseReason,
  pauseReasons,
  type WaitReason,
  waitReasons,
} from './reasons/delivery.ts'
import { type OutboxReason, outboxReasons } from './reasons/outbox.ts'
import type { Stop } from './reasons/stop.ts'
import { stop } from './reasons/stop.ts'
import { type TwilioReason, twilioReasons } from './reasons/twilio.ts'

export {
  type DeliveryReason,
  deliveryReasons,
  type PauseReason,
  pauseReasons,
  type WaitReason,
  waitReasons,
} from './reasons/delivery.ts'
export { type OutboxReason, outboxReasons } from './reasons/outbox.ts'

/** Where an event is. `received = pending + accepted + rejected + refused + skipped`, always. */
export const states = ['pending', 'accepted', 'rejected', 'refused', 'skipped'] as const
export type State = (typeof states)[number]
/** The states a person may retry or drop. */
export const deadLetterStates = ['rejected', 'refused'] as const satisfies readonly State[]

/** The whole request stops at the webhook: nothing is stored, the answer's status says so. */
export const webhookReasons = {
  signature_missing: stop(
    913901,
    'WARNING',
    'The request carries no X-Twilio-Signature',
    'Nothing, unless Twilio sent it: then look for a proxy that strips the header.',
  ),
  signature_malformed: stop(
    913902,
    'WARNING',
    'X-Twilio-Signature is neither a base64 HMAC-SHA1 (auth token) nor a base64 HMAC-SHA256 (SharedKey)',
    'Nothing, unless Twilio sent it: then look for a proxy that changes the header.',
  ),
  body_hash_missing: stop(
    913903,
    'WARNING',
    'The URL carries no bodySHA256',
    'Event Streams always adds it: look for a proxy that drops the query string.',
  ),
  signature_mismatch: stop(
    913904,
    'ERROR',
    'The signature fits none of the configured keys (auth tokens, SharedKeys) and URLs',
    "Compare PUBLIC_URL with the sink's destination, and TWILIO_AUTH_TOKEN with the account (after a rotation list both, comma-separated); if Twilio signs with a SharedKey, TWILIO_SHARED_KEYS with that key's secret.",
  ),
  shared_key_unknown: stop(
    913911,
    'ERROR',
    'Twilio signed with a SharedKey or an algorithm that the bridge does not know',
    'Add the key to TWILIO_SHARED_KEYS as id=secret and restart: Twilio retries for 4 hours. If the algorithm is unknown, update the bridge or choose HMAC_SHA256 at Twilio.',
  ),
  body_too_large: stop(
    913905,
    'ERROR',
    'The body is larger than MAX_BODY_BYTES',
    'Raise MAX_BODY_BYTES within 4 hours: until then Twilio retries the request, and later drops its events.',
  ),
  encoding_unsupported: stop(
    913912,
    'ERROR',
    'The body has a Content-Encoding that the bridge cannot decode',
    'Have the proxy in front send gzip, deflate, br or no coding: Twilio retries for 4 hours.',
  ),
  body_cut_off: stop(
    913906,
    'WARNING',
    'The body ended before it was whole',
    'Nothing: Twilio sends it again. If it goes on, look at the proxy in front.',
  ),
  method_not_allowed: stop(
    913907,
    'WARNING',
    'The webhook takes POST only',
    'Nothing, unless it is your own tool: then use POST.',
  ),
  sink_uses_get: stop(
    913908,
    'ERROR',
    'The Twilio sink is set to GET',
    'Create the sink again with "method": "POST" in its configuration: a sink cannot be changed.',
  ),
  outbox_unwritable: stop(
    913909,
    'ERROR',
    'The outbox cannot be written',
    'Free disk space or mend the data folder: Twilio retries for 4 hours.',
  ),
  outbox_unreadable: stop(
    913972,
    'ERROR',
    'The outbox cannot be read',
    'Check the disk and the log, stop the bridge and run `npx twilio-segment-bridge check`: Twilio retries for 4 hours.',
  ),
  outbox_newer: stop(
    913973,
    'ERROR',
    'The outbox was written by a newer version of the bridge',
    'Deploy that version again: Twilio retries for 4 hours.',
  ),
  backlog_full: stop(
    913910,
    'ERROR',
    'The backlog has reached MAX_BACKLOG',
    'Get Segment to take events again, or raise MAX_BACKLOG: Twilio retries for 4 hours.',
  ),
  outbox_damaged: stop(
    913975,
    'ERROR',
    'The outbox file is damaged: no events are accepted or delivered',
    'Stop the bridge, copy the data folder, run "npx twilio-segment-bridge export" on it for what can be read, then start on a new folder and replay the export into it: Twilio retries for 4 hours.',
  ),
  events_missing: stop(
    913976,
    'ERROR',
    'Requests that were acknowledged are not in the outbox',
    'Find out who changed the data folder (a deleted outbox.db-wal, an older copy put back). If you have a better copy, export it and replay that here. Then delete the file events-missing.',
  ),
} as const
export type WebhookReason = keyof typeof webhookReasons

/** One event stops, and its state says so; its bytes are kept. */
export const eventReasons = {
  body_not_json: stop(
    913920,
    'WARNING',
    'The body is not JSON',
    'Inspect the stored body; fix and retry, or drop.',
  ),
  not_a_cloudevent: stop(
    913921,
    'WARNING',
    'The event is not a CloudEvent 1.0',
    'Inspect the faults; fix and retry, or drop.',
  ),
  schema_rejected: stop(
    913922,
    'WARNING',
    "The event's data does not fit its schema",
    'Inspect the faults; fix and retry, or drop.',
  ),
  sink_test: stop(913923, 'NOTICE', 'The event is a test of the sink', 'Nothing.'),
  type_unmapped: stop(
    913924,
    'NOTICE',
    'Unsupported event type',
    'Retry it once the bridge supports the type.',
  ),
  no_customer: stop(
    913929,
    'NOTICE',
    'The event names no customer',
    'Nothing, if it is about an account, an employee or a device. Else set USER_ID_FROM, or NO_CUSTOMER=resource, and retry it.',
  ),
  customer_ambiguous: stop(
    913930,
    'NOTICE',
    'The event names two numbers, and nothing says which of them is the customer',
    'Put your own numbers into OWN_NUMBERS (`npx twilio-segment-bridge sink create --own-numbers` prints them) and retry it.',
  ),
  filtered: stop(
    913932,
    'NOTICE',
    "The destination's filter does not let the event pass",
    'Nothing. If it should pass, correct `when` in the destinations file, then `npx twilio-segment-bridge replay --only <name>`.',
  ),
  dry_run: stop(
    913927,
    'NOTICE',
    'No SEGMENT_WRITE_KEY is set: the track call was written to the dry run file only',
    'Set SEGMENT_WRITE_KEY and retry the event.',
  ),
  no_destination: stop(
    913931,
    'NOTICE',
    'No destination takes the event',
    'Nothing, if your filters are meant so. Else change them, and retry the event.',
  ),
  dropped_by_operator: stop(913925, 'NOTICE', 'A person dropped the event', 'Nothing.'),
  event_too_large: stop(
    91305,
    'ERROR',
    'The event is larger than the destination accepts',
    'Shorten the event and retry it, or drop it.',
  ),
  id_too_long: stop(
    913928,
    'ERROR',
    'The id is over the 100 characters Segment takes as a messageId',
    'Drop it, or send it again with a shorter id.',
  ),
  not_serializable: stop(
    913926,
    'ERROR',
    'The event cannot be written as JSON (nested too deeply)',
    'Correct the event and retry it, or drop it.',
  ),
  unreadable: stop(
    913974,
    'ERROR',
    'The stored event is damaged and cannot be read',
    'Export it (`npx twilio-segment-bridge export --reason unreadable` prints the stored bytes as base64), send the event again from another source if you can, then drop it. Check the disk.',
  ),
  segment_refused: stop(
    91305,
    'ERROR',
    'Segment rejected this event',
    "Read Segment's answer: correct the event and retry it, or drop it.",
  ),
} as const
export type EventReason = keyof typeof eventReasons
/** Why an event is not sent; or not yet. */
export type NotSent = EventReason | Extract<WaitReason, 'participant_unknown'>

/** What the notice of a recovery says. */
export const recovery = stop(913999, 'NOTICE', 'Delivery works again', 'Nothing.')

export type Reason =
  | WebhookReason
  | OutboxReason
  | TwilioReason
  | EventReason
  | WaitReason
  | DeliveryReason
  | PauseReason
export const reasons: Readonly<Record<Reason, Stop>> = {
  ...webhookReasons,
  ...outboxReasons,
  ...twilioReasons,
  ...eventReasons,
  ...waitReasons,
  ...deliveryReasons,
  ...pauseReasons,
}

/** Seconds a caller should wait when the outbox cannot take the event now (`Retry-After`). */
export const RETRY_AFTER_SECONDS = 10
