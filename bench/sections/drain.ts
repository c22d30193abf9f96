/** Out of a backlog, as fast as one core sends through the SDK. */
import { type Bench, type Spread, toSpread } from '../bench.ts'
import { prefill } from '../prefill.ts'
import { cpuMicros, threadTimes } from '../process-figures.ts'
import { startBridge } from '../servers.ts'

const SHARE_OF_BACKLOG = 0.1
const STALL_MS = 15_000
const MOST_MS = 300_000
const ROUNDS = 3

export type Drain = {
  readonly title: string
  readonly events: number
  readonly eventsPerSecond: Spread
  readonly cpuMicros: number
  readonly eventsARequest: number
  readonly sinkShare: number
}

export async function measureDrain(bench: Bench): Promise<Drain> {
  const events = Math.ceil(bench.sizes.backlog * SHARE_OF_BACKLOG)
  const rounds: DrainedOnce[] = []
  for (let round = 0; round < Math.min(ROUNDS, bench.sizes.rounds); round++) {
    bench.say(`drain: round ${round + 1}, ${events} events`)
    rounds.push(await drainOnce(bench, events))
  }
  const middle = (pick: (one: DrainedOnce) => number) => toSpread(rounds.map(pick))
  return {
    title: 'Drain of a backlog on one core',
    events,
    eventsPerSecond: middle(one => one.eventsPerSecond),
    cpuMicros: middle(one => one.cpuMicros).median,
    eventsARequest: middle(one => one.eventsARequest).median,
    sinkShare: middle(one => one.sinkShare).most,
  }
}

type DrainedOnce = Omit<Drain, 'title' | 'events' | 'eventsPerSecond'> & { readonly eventsPerSecond: number }

async function drainOnce(bench: Bench, events: number): Promise<DrainedOnce> {
  const { children, sink, say } = bench
  const dataDir = children.newFolder()
  await prefill(dataDir, { events, state: 'pending' })
  await sink.reset()
  const before = await sink.count()
  const server = await startBridge(bench, { dataDir })
  const [pid = 0] = server.pids
  const cpuBefore = cpuMicros(pid)
  const { distinct: sentBefore } = await sink.count()
  const last = await sink.until(events, {
    stallMs: STALL_MS,
    mostMs: MOST_MS,
    tell: ({ distinct }) => say(`drain: ${distinct} of ${events}`),
  })
  const cpu = cpuMicros(pid) - cpuBefore
  const seconds = (last.lastAt - last.firstAt) / 1_000
  say(
    `drain: ${threadTimes(pid)
      .map(({ name, micros }) => `${name} ${micros / 1_000}`)
      .join(', ')}`,
  )
  await server.end()
  children.removeFolder(dataDir)
  if (last.distinct < events) throw new Error(`drain: only ${last.distinct} of ${events} events came`)
  return {
    eventsPerSecond: last.distinct / seconds,
    cpuMicros: cpu / (last.distinct - sentBefore),
    eventsARequest: last.events / last.requests,
    sinkShare: (last.cpuMicros - before.cpuMicros) / 1_000_000 / seconds,
  }
}
