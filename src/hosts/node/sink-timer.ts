/** When Twilio is asked on Node whether the sink is active (src/alerts/sink-watch.ts). */
import { createSinkWatch, SINK_WATCH_EVERY_MS, type SinkWatchParts } from '../../alerts/sink-watch.ts'

/** A bridge that is started again and again must not ask each time. */
const FIRST_MS = 60_000

/** Returns what ends it. */
export function watchSink(parts: SinkWatchParts): () => void {
  const look = createSinkWatch(parts)
  if (!look) return () => undefined
  const first = setTimeout(() => void look(), FIRST_MS)
  const daily = setInterval(() => void look(), SINK_WATCH_EVERY_MS)
  return () => {
    clearTimeout(first)
    clearInterval(daily)
  }
}
