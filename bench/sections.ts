/** The sections, in the order they run and are told in. */
import type { SectionName } from './arguments.ts'
import type { Bench } from './bench.ts'
import { type Drain, measureDrain } from './sections/drain.ts'
import { type Latency, measureLatency } from './sections/latency.ts'
import { type MappingCost, measureMapping } from './sections/mapping.ts'
import { type Memory, measureMemory } from './sections/memory.ts'
import { measurePage, type Page } from './sections/page.ts'
import { measureRows, type Rows } from './sections/rows.ts'
import { measureSustained, type Sustained } from './sections/sustained.ts'
import { measureThroughput, type Throughput } from './sections/throughput.ts'
import { measureWorkers, type Workers } from './sections/workers.ts'

export type Results = {
  /** The day, ISO 8601. */
  readonly at: string
  readonly machine: string
  readonly throughput?: Throughput
  readonly latency?: Latency
  readonly sustained?: Sustained
  readonly drain?: Drain
  readonly mapping?: MappingCost
  readonly memory?: Memory
  readonly rows?: Rows
  readonly page?: Page
  readonly workers?: Workers
}
type Sections = Omit<Results, 'at' | 'machine'>

export async function runSections(bench: Bench, names: readonly SectionName[]): Promise<Sections> {
  let done: Sections = {}
  const section = async (name: SectionName, work: () => Promise<Sections>) => {
    if (names.includes(name)) done = { ...done, ...(await work()) }
  }
  await section('throughput', async () => ({ throughput: await measureThroughput(bench) }))
  await section('latency', async () => ({ latency: await measureLatency(bench, done.throughput) }))
  await section('sustained', async () => ({ sustained: await measureSustained(bench) }))
  await section('drain', async () => ({ drain: await measureDrain(bench) }))
  await section('mapping', async () => ({ mapping: await measureMapping(bench) }))
  await section('memory', async () => ({ memory: await measureMemory(bench) }))
  await section('rows', async () => ({ rows: await measureRows(bench) }))
  await section('page', async () => ({ page: await measurePage(bench) }))
  await section('workers', async () => ({ workers: await measureWorkers(bench) }))
  return done
}
