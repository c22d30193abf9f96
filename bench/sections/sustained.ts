/** What matters to the person on call: an everyday rate for ten minutes, one event a request, at the bridge's default settings. */
import { type Bench, median, megabytes } from '../bench.ts'
import { cpuMicros, peakMegabytes, resetPeak } from '../process-figures.ts'
import { startBridge } from '../servers.ts'

const EVENTS_A_SECOND = 1_000
const CONNECTIONS = 64
const SECONDS_A_MINUTE = 60
/** Compiling is over by then. */
const WARM_UP_SECONDS = 10
const STALL_MS = 15_000
const MOST_MS = 120_000

export type Sustained = {
  readonly title: string
  readonly minutes: number
  readonly eventsPerSecond: number
  /** Of one core, deliveries included. */
  readonly coreShare: number
  readonly cpuMicros: number
  readonly p50Ms: number
  /** Of the minutes: the median one, and the worst. */
  readonly p99Ms: number
  readonly worstP99Ms: number
  readonly peakMegabytes: number
  /** Acknowledged, and not at Segment within two minutes of the end. */
  readonly missing: number
}

/** A minute at a time, so that the loader need not hold all requests; between two it signs the next for a few seconds. */
export async function measureSustained(bench: Bench): Promise<Sustained> {
  const { loader, sink, sizes, say } = bench
  await sink.reset()
  const server = await startBridge(bench, { env: { SEGMENT_RATE: String(EVENTS_A_SECOND) } })
  const cpuOf = () => server.pids.reduce((sum, pid) => sum + cpuMicros(pid), 0)
  const run = async (seconds: number) => {
    await loader.prepare(EVENTS_A_SECOND * seconds, 1)
    const before = cpuOf()
    const load = await loader.run({
      ...{ port: server.port, connections: CONNECTIONS, seconds, warmUpSeconds: 0 },
      eventsPerSecond: EVENTS_A_SECOND,
    })
    return { load, cpu: cpuOf() - before }
  }
  try {
    let acknowledged = (await run(WARM_UP_SECONDS)).load.acknowledgedInAll
    server.pids.forEach(resetPeak)
    const minutes: Awaited<ReturnType<typeof run>>[] = []
    for (let seconds = sizes.minutes * SECONDS_A_MINUTE; seconds > 0; seconds -= SECONDS_A_MINUTE) {
      say(`${EVENTS_A_SECOND} events/s, 1 a request: ${minutes.length} of ${sizes.minutes} minutes`)
      minutes.push(await run(Math.min(seconds, SECONDS_A_MINUTE)))
    }
    const events = minutes.reduce((sum, { load }) => sum + load.acknowledgedInAll, 0)
    const cpu = minutes.reduce((sum, one) => sum + one.cpu, 0)
    const ms = minutes.reduce((sum, { load }) => sum + load.endedAt - load.startedAt, 0)
    acknowledged += events
    const last = await sink.until(acknowledged, { stallMs: STALL_MS, mostMs: MOST_MS, tell: () => undefined })
    const p99s = minutes.map(({ load }) => load.latencyMs.p99)
    return {
      title: 'Everyday load',
      minutes: sizes.minutes,
      eventsPerSecond: (events * 1_000) / ms,
      coreShare: cpu / 1_000 / ms,
      cpuMicros: cpu / events,
      p50Ms: median(minutes.map(({ load }) => load.latencyMs.p50)),
      p99Ms: median(p99s),
      worstP99Ms: Math.max(...p99s),
      peakMegabytes: megabytes(server.pids.reduce((sum, pid) => sum + peakMegabytes(pid), 0)),
      missing: Math.max(0, acknowledged - last.distinct),
    }
  } finally {
    await server.end()
  }
}
