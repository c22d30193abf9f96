/**
 * Track calls → requests that Segment takes, by the bytes that really go out. Pure.
 * The SDK's own size guard counts wrongly (it lets 600 KB events through), so the limits are kept here.
 */
import type { TrackCall } from './segment/map.ts'

/** Segment's limit for one event, 32 KiB. */
export const EVENT_BYTES = 32 * 1_024
/** Segment's limit for a messageId, in characters. It judges calls behind its 200, so a longer one would go unseen. */
export const ID_CHARACTERS = 100
/** Segment's limit for a request is 500 KiB; the SDK's own guard ends a batch at 480. */
export const BATCH_BYTES = 480 * 1_024
export const BATCH_EVENTS = 500

export type Sized<Event> = { readonly event: Event; readonly track: TrackCall; readonly bytes: number }

const encoder = new TextEncoder()
export const byteLength = (text: string): number => encoder.encode(text).length

/** Splits in order; `overhead` is what the request holds besides its events, and 1 byte a comma. */
export function pack<Event>(events: readonly Sized<Event>[], overhead: number): Sized<Event>[][] {
  const batches: Sized<Event>[][] = []
  let batch: Sized<Event>[] = []
  let bytes = overhead
  for (const event of events) {
    if (batch.length === BATCH_EVENTS || (batch.length > 0 && bytes + event.bytes + 1 > BATCH_BYTES)) {
      batches.push(batch)
      batch = []
      bytes = overhead
    }
    batch.push(event)
    bytes += event.bytes + 1
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
