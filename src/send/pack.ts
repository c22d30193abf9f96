/** Messages → batches that a destination takes, by the bytes that really go out. Pure. */
import type { DestinationLimits, Message } from './destination.ts'

export type Packable<Event> = { readonly event: Event; readonly message: Message }

const encoder = new TextEncoder()
export const byteLength = (text: string): number => encoder.encode(text).length

/** Splits in order. What stands between two messages, a comma or a line break, is a byte. */
export function pack<Event>(
  events: readonly Packable<Event>[],
  { batchBytes, batchEvents }: Pick<DestinationLimits, 'batchBytes' | 'batchEvents'>,
): Packable<Event>[][] {
  const batches: Packable<Event>[][] = []
  let batch: Packable<Event>[] = []
  let bytes = 0
  for (const event of events) {
    const added = event.message.bytes + 1
    if (batch.length === batchEvents || (batch.length > 0 && bytes + added > batchBytes)) {
      batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(event)
    bytes += added
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
