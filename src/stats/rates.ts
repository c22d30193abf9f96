/**
 * How fast events come and go. Two counters, read now and then → events per second, step by step. Held in
 * memory: after a restart the last hour begins anew; the hours before it come from the stored counts of data quality.
 */
import { HOUR_MS, type KindHours, type Span, type Window } from './quality.ts'

/** A bridge that reads by itself does so this often; of more readings than that not all are held. */
export const READ_EVERY_MS = 10_000
const STEP_MS = 60_000
const STEPS = 60
const HELD_MS = STEP_MS * (STEPS + 1)

/** Arrived (duplicates included), and accepted by the destination, since ever. `at`: ms since 1970. */
type Reading = { readonly at: number; readonly in: number; readonly out: number }

/** Events per second; null where nothing is known. The first step begins at `from`. */
export type Rates = {
  readonly window: Window
  readonly from: string
  readonly stepSeconds: number
  readonly in: readonly (number | null)[]
  readonly out: readonly (number | null)[]
}

/** Events per second over the last minute, as far as it was read; null before two readings are far enough apart. */
export type RateNow = { readonly in: number; readonly out: number } | null

export type RateMemory = {
  note(counts: { readonly in: number; readonly out: number }): void
  lastMinute(): RateNow
  lastHour(): Rates
}

export function createRateMemory(now: () => number): RateMemory {
  let readings: Reading[] = []
  /** Accepted events that were made pending again, which went out all the same. */
  let sentAgain = 0
  return {
    note({ in: came, out: accepted }) {
      const at = now()
      const last = readings.at(-1)
      if (last) sentAgain = Math.max(sentAgain, last.out - accepted)
      const went = accepted + sentAgain
      // Another outbox answers, or the clock was set: nothing can be said of the time between.
      if (last && (came < last.in || at < last.at)) readings = []
      // The newest is replaced until it is far enough from the one before.
      const before = readings.at(-2)
      if (before && readings.at(-1) && at - before.at < READ_EVERY_MS) readings.pop()
      readings.push({ at, in: came, out: went })
      while (readings[1] && readings[1].at < at - HELD_MS) readings.shift()
    },
    lastMinute: () => meanOf(readings, now() - STEP_MS) ?? null,
    lastHour() {
      const end = Math.floor(now() / READ_EVERY_MS) * READ_EVERY_MS
      const from = end - STEPS * STEP_MS
      const steps = Array.from({ length: STEPS }, (_, step) => meanOf(readings, from + step * STEP_MS))
      return {
        window: '1h',
        from: new Date(from).toISOString(),
        stepSeconds: STEP_MS / 1_000,
        in: steps.map(mean => mean?.in ?? null),
        out: steps.map(mean => mean?.out ?? null),
      }
    },
  }
}

/** Of the hours before: what was counted as received, without duplicates, sink tests and imports. */
export function toHourlyRates(window: Window, { from, to }: Span, kinds: readonly KindHours[]): Rates {
  const sums = Array.from({ length: to - from + 1 }, () => 0)
  for (const { events } of kinds)
    for (const { hour, n } of events)
      if (hour >= from && hour <= to) sums[hour - from] = (sums[hour - from] ?? 0) + n
  return {
    window,
    from: new Date(from * HOUR_MS).toISOString(),
    stepSeconds: HOUR_MS / 1_000,
    in: sums.map(n => n / (HOUR_MS / 1_000)),
    out: sums.map(() => null),
  }
}

/** Over the part of the step that the readings cover. */
function meanOf(readings: readonly Reading[], stepFrom: number): { in: number; out: number } | undefined {
  const from = Math.max(stepFrom, readings[0]?.at ?? 0)
  const to = Math.min(stepFrom + STEP_MS, readings.at(-1)?.at ?? 0)
  const a = countsAt(readings, from)
  const b = countsAt(readings, to)
  if (!a || !b || to - from < READ_EVERY_MS / 2) return undefined
  const seconds = (to - from) / 1_000
  return { in: (b.in - a.in) / seconds, out: (b.out - a.out) / seconds }
}

/** The counters at a moment between two readings, as if what came had come evenly. */
function countsAt(readings: readonly Reading[], at: number): { in: number; out: number } | undefined {
  const next = readings.findIndex(reading => reading.at >= at)
  const b = readings[next]
  if (!b) return undefined
  const a = readings[next - 1]
  if (!a) return b.at === at ? b : undefined
  const share = (at - a.at) / (b.at - a.at)
  return { in: a.in + (b.in - a.in) * share, out: a.out + (b.out - a.out) * share }
}
