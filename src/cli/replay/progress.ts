/** How a replay goes on: a bar on a terminal, a plain line every few seconds elsewhere. Pure, but for what is told. */
import type { Terminal } from '../terminal.ts'
import { count, type Tally } from './summary.ts'

const BAR_EVERY_MS = 200
const LINE_EVERY_MS = 5_000
const BAR_WIDTH = 10
const COLUMNS = 80

export type Progress = { update(tally: Tally): void }

/** `total` in bytes, packed as they are; `undefined` when nobody knows. */
export function createProgress(terminal: Terminal, total: number | undefined, now: () => number): Progress {
  const began = now()
  let told = began
  return {
    update(tally) {
      const at = now()
      if (at - told < (terminal.showsProgress ? BAR_EVERY_MS : LINE_EVERY_MS)) return
      told = at
      if (terminal.showsProgress) terminal.progress(toBar(tally, total, at - began, terminal.columns))
      else terminal.say(toBar(tally, total, at - began, Number.POSITIVE_INFINITY))
    },
  }
}

/** No wider than `columns`, less one for the cursor: what is least worth knowing goes first. Without an end, also the bar. */
export function toBar(tally: Tally, total: number | undefined, tookMs: number, columns = COLUMNS): string {
  const share = total ? Math.min(1, tally.bytes / total) : undefined
  const rate = tally.read / Math.max(tookMs / 1_000, 0.001)
  const filled = Math.round((share ?? 0) * BAR_WIDTH)
  const isLine = columns === Number.POSITIVE_INFINITY
  const done = tally.stored + tally.sent + tally.again
  const parts = [
    {
      keep: 1,
      text: share !== undefined && !isLine && `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`,
    },
    { keep: 6, text: share !== undefined && `${Math.floor(share * 100)} %` },
    { keep: 2, text: `${toSize(tally.bytes)}${total ? ` of ${toSize(total)}` : ''}` },
    { keep: 3, text: `${count(rate)} events/s` },
    { keep: 4, text: share && share < 1 && `${toDuration((tookMs / share) * (1 - share))} left` },
    { keep: 7, text: `${count(done)} accepted` },
    { keep: 5, text: `${count(tally.duplicates)} duplicate` },
    { keep: 8, text: `${count(tally.bad)} bad` },
  ].flatMap(({ keep, text }) => (text ? [{ keep, text }] : []))
  const toText = (all: typeof parts) => all.map(({ text }) => text).join('  ')
  for (let kept = parts; ; ) {
    if (toText(kept).length < columns || kept.length === 1) return toText(kept)
    const least = Math.min(...kept.map(({ keep }) => keep))
    kept = kept.filter(({ keep }) => keep !== least)
  }
}

function toSize(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}

function toDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
