/** Side by side: as fast as each server goes, at batches of 1, 10 and 100; rounds alternate, and their order turns. */
import { type Bench, type Spread, toSpread } from '../bench.ts'
import { BUSY_LOAD_CORE, IDLE_SERVER_CORE, type Measured, measure } from '../measure.ts'
import { blog, bridge, type Contender, floor, paced, queue } from '../servers.ts'

const CONNECTIONS = 32
/** Requests to prepare: more than the fastest server can take in the time. */
const MOST_REQUESTS_A_SECOND = { 1: 45_000, 10: 22_000, 100: 5_000 } as const

export type ThroughputRow = {
  readonly key: Contender['key']
  readonly letter: string
  readonly batch: number
  readonly eventsPerSecond: Spread
  /** Of the medians of this table. */
  readonly toBlog: number
  readonly toFloor: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly intakeCpuMicros: number
  readonly cpuMicros: number
  /** The same against (c), until Segment has every event. */
  readonly cpuToBlog: number
  readonly peakMegabytes: number
  /** Seconds of load and, behind it, until Segment had the last event. NaN where that did not come in time. */
  readonly drainedSeconds: number
  readonly missing: number
  readonly failures: number
  /** Of the core of loader and sink, at most. */
  readonly loadCoreShare: number
  /** Of the server's core, at least. */
  readonly serverCoreShare: number
}

export type Throughput = {
  readonly title: string
  readonly rounds: number
  readonly seconds: number
  readonly contenders: readonly { readonly letter: string; readonly title: string }[]
  readonly rows: readonly ThroughputRow[]
  readonly notes: readonly string[]
}

export async function measureThroughput(bench: Bench): Promise<Throughput> {
  const { loader, machine, say, sizes } = bench
  const contenders = [floor, bridge, paced, blog, ...(machine.redis ? [queue] : [])]
  const rows: ThroughputRow[] = []
  for (const batch of sizes.batches) {
    say(`preparing signed batches of ${batch}`)
    const { seconds, warmUpSeconds } = sizes
    await loader.prepare(toRequests(batch, seconds + warmUpSeconds), batch)
    const found = new Map<Contender, Measured[]>(contenders.map(contender => [contender, []]))
    for (let round = 0; round < sizes.rounds; round++) {
      for (const contender of turned(contenders, round)) {
        say(`batches of ${batch}, round ${round + 1} of ${sizes.rounds}: (${contender.letter})`)
        const order = { connections: CONNECTIONS, seconds, warmUpSeconds }
        found.get(contender)?.push(await measure(bench, contender, order))
      }
    }
    rows.push(...compare(batch, found))
  }
  return {
    title: 'Acknowledged events a second, as fast as each goes',
    rounds: sizes.rounds,
    seconds: sizes.seconds,
    contenders: contenders.map(({ letter, title }) => ({ letter, title })),
    rows,
    notes: [...notesOn(rows), ...(machine.redis ? [] : ['(d) is left out: there is no redis-server here'])],
  }
}

export function toRequests(batch: number, seconds: number): number {
  const rate = Object.entries(MOST_REQUESTS_A_SECOND).find(([size]) => Number(size) >= batch)?.[1] ?? 2_000
  return Math.ceil(rate * seconds)
}

function turned<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

function compare(batch: number, found: ReadonlyMap<Contender, readonly Measured[]>): ThroughputRow[] {
  const rates = new Map(
    [...found].map(([{ key }, all]) => [key, toSpread(all.map(({ load }) => load.eventsPerSecond))]),
  )
  const cpus = new Map(
    [...found].map(([{ key }, all]) => [key, toSpread(all.map(one => one.cpuMicros)).median]),
  )
  const rateOf = (key: Contender['key']) => rates.get(key)?.median ?? Number.NaN
  return [...found].map(([{ key, letter }, all]) => {
    const middle = (pick: (measured: Measured) => number) => toSpread(all.map(pick)).median
    return {
      key,
      letter,
      batch,
      eventsPerSecond: toSpread(all.map(({ load }) => load.eventsPerSecond)),
      toBlog: rateOf(key) / rateOf('blog'),
      toFloor: rateOf(key) / rateOf('floor'),
      p50Ms: middle(({ load }) => load.latencyMs.p50),
      p99Ms: middle(({ load }) => load.latencyMs.p99),
      intakeCpuMicros: middle(one => one.intakeCpuMicros),
      cpuMicros: middle(one => one.cpuMicros),
      cpuToBlog: (cpus.get(key) ?? Number.NaN) / (cpus.get('blog') ?? Number.NaN),
      peakMegabytes: Math.max(...all.map(one => one.peakMegabytes)),
      drainedSeconds: middle(one => one.drainedSeconds),
      missing: Math.max(...all.map(one => one.missing)),
      failures: all.reduce((sum, { load }) => sum + toSum(Object.values(load.failures)), 0),
      loadCoreShare: Math.max(...all.map(one => one.loadCoreShare)),
      serverCoreShare: Math.min(...all.map(one => one.serverCoreShare)),
    }
  })
}

const toSum = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)

function notesOn(rows: readonly ThroughputRow[]): string[] {
  const busiest = rows.reduce((most, row) => (row.loadCoreShare > most.loadCoreShare ? row : most))
  const share = `${Math.round(busiest.loadCoreShare * 100)} %`
  const where = `(${busiest.letter}) at batches of ${busiest.batch}`
  return [
    busiest.loadCoreShare < BUSY_LOAD_CORE
      ? `Loader and sink used at most ${share} of their core, ${where}: neither is the bottleneck.`
      : `Loader and sink used up to ${share} of their core, ${where}: there the figure may be theirs.`,
    'The SDK by itself lets its last, unfull batch wait for 10 s: that is in (c) and (d).',
    'Segment is a lean sink that only tells messageIds apart: the full stand-in checks every field, and would itself be the bottleneck.',
    ...rows
      .filter(({ serverCoreShare }) => serverCoreShare < IDLE_SERVER_CORE)
      .map(
        ({ letter, batch, serverCoreShare }) =>
          `(${letter}) at ${batch}: used only ${Math.round(serverCoreShare * 100)} % of its core in one round: it waited, for the disk or for others there.`,
      ),
    ...rows
      .filter(({ missing }) => missing > 0)
      .map(
        row =>
          `(${row.letter}) at ${row.batch}: up to ${row.missing} events were not with Segment when the waiting ended.`,
      ),
    ...rows
      .filter(({ failures }) => failures > 0)
      .map(row => `(${row.letter}) at ${row.batch}: ${row.failures} requests were not answered 2xx.`),
  ]
}
