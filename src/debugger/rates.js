/**
 * Events per second, in and out, over the last minute, out of successive figures of the stream. The counters only ever grow,
 * so two readings and the time between them are enough. The bridge itself tells the last hour: `GET /api/rates`.
 * @import { LiveStats as Stats } from '../admin/changes.ts'
 * @import { Stream } from './stream.js'
 */

/** @typedef {{ at: number, in: number, out: number }} Reading  `at`: milliseconds. */

const RATE_MS = 60_000
/** A rate over less says more about the moment of asking than about the flow. */
const LEAST_MS = 2_500

/**
 * @typedef {object} Rates
 * @property {(now?: number) => { in: number, out: number } | null} perSecond  Over the last minute; null before two readings.
 */

/** @type {WeakMap<Stream, Rates>} */
const known = new WeakMap()

/**
 * One a stream: it listens from the first asking on, whatever view is shown.
 * @param {Stream} stream
 * @returns {Rates}
 */
export function ratesOf(stream) {
  const old = known.get(stream)
  if (old) return old
  /** @type {Reading[]} */
  let readings = []

  const last = stream.last()
  if (last) note(last.stats)
  stream.onPulse(({ stats }) => note(stats))

  /** @param {Stats} stats */
  function note({ received, duplicates, unsorted, accepted }) {
    const at = Date.now()
    const came = received + duplicates + unsorted
    const before = readings.at(-1)
    // Another outbox answers: nothing can be said of the time between.
    if (before && (came < before.in || accepted < before.out || at < before.at)) readings = []
    readings.push({ at, in: came, out: accepted })
    while (readings[1] && readings[1].at < at - RATE_MS) readings.shift()
  }

  const rates = {
    perSecond(now = Date.now()) {
      const from = Math.max(now - RATE_MS, readings[0]?.at ?? now)
      return between(readings, from, readings.at(-1)?.at ?? from, LEAST_MS)
    },
  }
  known.set(stream, rates)
  return rates
}

/**
 * @param {readonly Reading[]} readings
 * @param {number} from
 * @param {number} to
 * @param {number} leastMs
 */
export function between(readings, from, to, leastMs) {
  const a = readAt(readings, from)
  const b = readAt(readings, to)
  if (!a || !b || to - from < leastMs) return null
  const seconds = (to - from) / 1_000
  return { in: (b.in - a.in) / seconds, out: (b.out - a.out) / seconds }
}

/**
 * The counters at a moment between two readings, as if what came had come evenly.
 * @param {readonly Reading[]} readings
 * @param {number} at
 */
function readAt(readings, at) {
  const next = readings.findIndex(reading => reading.at >= at)
  const b = readings[next]
  if (!b) return undefined
  const a = readings[next - 1]
  if (!a) return b.at === at ? b : undefined
  const share = (at - a.at) / (b.at - a.at)
  return { in: a.in + (b.in - a.in) * share, out: a.out + (b.out - a.out) * share }
}
