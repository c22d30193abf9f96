/** What Segment takes, by its own pages (segment.com/docs/connections/sources/catalog/libraries/server/http-api). */

/** Of one event, 32 KiB. */
export const EVENT_BYTES = 32 * 1_024
/** Of a messageId, in characters. It judges calls behind its 200, so a longer one would go unseen. */
export const ID_CHARACTERS = 100
/** A request may hold 500 KiB; the SDK's own guard ends a batch at 480, and counts wrongly: it lets events of 600 KB through. */
export const BATCH_BYTES = 480 * 1_024
export const BATCH_EVENTS = 500
