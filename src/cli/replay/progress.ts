/** How a replay goes on: a bar on a terminal, a plain line every few seconds elsewhere. Pure, but for what is told. */
import type { Terminal } from '../terminal.ts'
import { count, type Tally } from './summary.ts'

const BAR_EVERY_MS = 200
const LINE_EVERY_MS = 5_000
const BAR_WIDTH = 10

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
      if (terminal.showsProgress) terminal.progress(toBar(tally, total, at - began))
      else terminal.say(toBar(tally, total, at - began, 0))
    },
  }
}

export function toBar(tally: Tally, total: number | undefined, tookMs: number, width = BAR_WIDTH): string {
  const share = total ? Math.min(1, tally.bytes / total) : undefined
  const rate = tally.read / Math.max(tookMs / 1_000, 0.001)
  const filled = Math.round((share ?? 0) * width)
  const parts = [
    share !== undefined && width > 0 && `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`,
    share !== undefined && `${Math.floor(share * 100)} %`,
    `${toSize(tally.bytes)}${total ? ` of ${toSize(total)}` : ''}`,
    `${count(rate)} events/s`,
    share && share < 1 && `${toDuration((tookMs / share) * (1 - share))} left`,
    `${count(tally.stored + tally.sent + tally.again)} accepted, ${count(tally.duplicates)} duplicate, ${count(tally.bad)} rejected`,
  ]
  return parts.filter(Boolean).join('  ')
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
