/** What every section works with. */
import type { Children } from './children.ts'
import type { Loader } from './load/loader.ts'
import type { Machine } from './machine.ts'
import type { Sink } from './sink/sink.ts'

export type Sizes = {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** How long a server may take to send on what it has acknowledged. */
  readonly drainSeconds: number
  readonly batches: readonly number[]
  readonly rows: number
  readonly backlog: number
  /** Of "sustained". */
  readonly minutes: number
}

export type Bench = {
  readonly root: string
  readonly machine: Machine
  readonly children: Children
  readonly loader: Loader
  readonly sink: Sink
  readonly sizes: Sizes
  /** What is being done just now. */
  say(progress: string): void
}

export const megabytes = (value: number): number => Math.round(value)

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[sorted.length % 2 ? middle : middle - 1],
    sorted[middle],
  ]
  return (low + high) / 2
}

export type Spread = { readonly median: number; readonly least: number; readonly most: number }

export function toSpread(values: readonly number[]): Spread {
  const known = values.filter(value => !Number.isNaN(value))
  return { median: median(known), least: Math.min(...known), most: Math.max(...known) }
}
