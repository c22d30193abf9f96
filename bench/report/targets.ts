/** What the project has set itself, and whether this run reached it. Ratios within one run. */
import type { Results } from '../sections.ts'
import { toFigure, toTimes } from './table.ts'

export type Target = { readonly text: string; readonly found: string; readonly reached: boolean }

const LEAST_TO_BLOG = { 1: 5, 10: 5, 100: 12 } as const
const LEAST_TO_FLOOR = { 1: 0.7, 10: 0.5, 100: 0.5 } as const
const MOST_P99_MS = 50
const MOST_MEGABYTES = 150
const MOST_BY_ROWS = 1.15
const MOST_JOURNEY_MS = { p50: 60, p99: 500 } as const
const LEAST_DRAIN = 9_000

export function toTargets(results: Results): Target[] {
  const targets: Target[] = []
  const atLeast = (text: string, value: number, least: number, show = toTimes) =>
    targets.push({ text: `${text} at least ${show(least)}`, found: show(value), reached: value >= least })
  const atMost = (text: string, value: number, most: number, unit: string) =>
    targets.push({
      text: `${text} at most ${most} ${unit}`,
      found: `${toFigure(value)} ${unit}`,
      reached: value <= most,
    })

  for (const row of results.throughput?.rows ?? []) {
    if (row.key !== 'bridge') continue
    for (const [batch, least] of Object.entries(LEAST_TO_BLOG))
      if (Number(batch) === row.batch) atLeast(`(b) to (c) at batches of ${batch}:`, row.toBlog, least)
    for (const [batch, least] of Object.entries(LEAST_TO_FLOOR))
      if (Number(batch) === row.batch) atLeast(`(b) to (a) at batches of ${batch}:`, row.toFloor, least)
  }
  for (const { letter, batch, p99Ms } of results.latency?.halfLoad ?? [])
    if (letter === 'b')
      atMost(`p99 at half the highest rate, batches of ${batch}:`, p99Ms.median, MOST_P99_MS, 'ms')
  for (const { letter, batch, p50Ms, p99Ms } of results.latency?.journeys ?? []) {
    if (letter !== 'b') continue
    atMost(`webhook to Segment, p50, batches of ${batch}:`, p50Ms, MOST_JOURNEY_MS.p50, 'ms')
    atMost(`webhook to Segment, p99, batches of ${batch}:`, p99Ms, MOST_JOURNEY_MS.p99, 'ms')
  }
  if (results.drain)
    atLeast('drain on one core, events/s:', results.drain.eventsPerSecond.median, LEAST_DRAIN, toFigure)
  for (const { what, peakMegabytes } of results.memory?.rows ?? [])
    atMost(`memory, ${what}:`, peakMegabytes, MOST_MEGABYTES, 'MB')
  if (results.rows)
    atMost(
      `cost an event with ${results.rows.rows
        .map(({ stored }) => stored.toLocaleString('en-US'))
        .toReversed()
        .join(' stored, to ')}:`,
      results.rows.ratio,
      MOST_BY_ROWS,
      '×',
    )
  return targets
}
