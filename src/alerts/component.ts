/** What of the bridge a reason speaks of. Each component has a notice clock of its own (throttle.ts). Pure data. */
import type { Reason } from '../reasons.ts'

/**
 * `delivery`: all destinations. `outbox`: what keeps events from being stored or read. `webhook`: all that a stranger can
 * cause. `data` is reserved for what is noticed about the data itself.
 */
export const components = ['delivery', 'outbox', 'webhook', 'data'] as const
export type Component = (typeof components)[number]

/** Exhaustive: a reason without a component does not compile. */
export function toComponent(reason: Reason): Component {
  switch (reason) {
    case 'segment_throttled':
    case 'segment_failing':
    case 'segment_unreachable':
    case 'segment_timeout':
    case 'segment_unauthorized':
    case 'segment_misrouted':
    case 'segment_refuses_all':
    case 'bucket_unauthorized':
    case 'bucket_clock_wrong':
    case 'bucket_missing':
    case 'bucket_region_wrong':
    case 'bucket_misrouted':
    case 'bucket_throttled':
    case 'bucket_failing':
    case 'bucket_unreachable':
    case 'bucket_timeout':
    case 'folder_full':
    case 'folder_forbidden':
    case 'folder_failing':
    case 'bridge_fault':
    case 'event_too_large':
    case 'id_too_long':
    case 'not_serializable':
    case 'segment_refused':
    case 'held_back':
    case 'participant_unknown':
    case 'filtered':
    case 'dry_run':
    case 'no_destination':
    case 'paused_by_operator':
    case 'change_unconfirmed':
    case 'dropped_by_operator':
      return 'delivery'
    case 'outbox_unwritable':
    case 'outbox_unreadable':
    case 'outbox_newer':
    case 'outbox_damaged':
    case 'events_missing':
    case 'state_damaged':
    case 'counts_differ':
    case 'disk_low':
    case 'unreadable':
    case 'backlog_full':
      return 'outbox'
    case 'signature_missing':
    case 'signature_malformed':
    case 'body_hash_missing':
    case 'signature_mismatch':
    case 'body_too_large':
    case 'shared_key_unknown':
    case 'encoding_unsupported':
    case 'body_cut_off':
    case 'method_not_allowed':
    case 'sink_uses_get':
    case 'sink_inactive':
    case 'body_not_json':
    case 'not_a_cloudevent':
    case 'schema_rejected':
    case 'sink_test':
    case 'type_unmapped':
    case 'no_customer':
    case 'customer_ambiguous':
      return 'webhook'
  }
}
