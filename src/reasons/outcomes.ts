/** What follows from a reason: the answer at the webhook, the state of an event, how delivery goes on. Exhaustive and pure. */
import type { DeliveryReason, NotSent, State, WebhookReason } from '../reasons.ts'

/** Reason → HTTP status. Twilio discards an event for good on any 4xx but 429, so 4xx says "you are not Twilio". */
export function toStatus(reason: WebhookReason): 403 | 405 | 413 | 503 {
  switch (reason) {
    case 'signature_missing':
    case 'signature_malformed':
    case 'body_hash_missing':
      return 403
    case 'method_not_allowed':
      return 405
    case 'body_too_large':
      return 413
    case 'signature_mismatch':
    case 'shared_key_unknown':
    case 'encoding_unsupported':
    case 'body_cut_off':
    case 'sink_uses_get':
    case 'outbox_unwritable':
    case 'outbox_unreadable':
    case 'outbox_newer':
    case 'backlog_full':
    case 'outbox_damaged':
    case 'events_missing':
      return 503
  }
}

/** Reason → the state an event stops in, or waits. */
export function toState(reason: NotSent): Exclude<State, 'accepted'> {
  switch (reason) {
    case 'participant_unknown':
      return 'pending'
    case 'body_not_json':
    case 'not_a_cloudevent':
    case 'schema_rejected':
    case 'unreadable':
      return 'rejected'
    case 'sink_test':
    case 'type_unmapped':
    case 'no_customer':
    case 'customer_ambiguous':
    case 'filtered':
    case 'dry_run':
    case 'no_destination':
    case 'dropped_by_operator':
      return 'skipped'
    case 'event_too_large':
    case 'id_too_long':
    case 'not_serializable':
    case 'segment_refused':
      return 'refused'
  }
}

/** Reason → how to go on: back off for seconds, or pause because only a person can mend it. */
export function toRetry(reason: DeliveryReason): 'backoff' | 'pause' {
  switch (reason) {
    case 'segment_throttled':
    case 'segment_failing':
    case 'segment_unreachable':
    case 'segment_timeout':
    case 'bucket_throttled':
    case 'bucket_failing':
    case 'bucket_unreachable':
    case 'bucket_timeout':
    case 'folder_full':
    case 'folder_failing':
    case 'bridge_fault':
      return 'backoff'
    case 'segment_unauthorized':
    case 'segment_misrouted':
    case 'segment_refuses_all':
    case 'bucket_unauthorized':
    case 'bucket_clock_wrong':
    case 'bucket_missing':
    case 'bucket_region_wrong':
    case 'bucket_misrouted':
    case 'folder_forbidden':
      return 'pause'
  }
}
