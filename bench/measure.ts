/** One measurement: a fresh server, one run of load, and the time until Segment has all that was acknowledged. */
import type { Bench } from './bench.ts'
import type { LoadOrder, LoadResult } from './load/run.ts'
import { cpuMicros, peakMegabytes, resetPeak } from './process-figures.ts'
import type { Contender, Server } from './servers.ts'

export type Measured = {
  readonly load: LoadResult
  /** From the first request until Segment has answered 2xx for the last event. NaN where that did not come. */
  readonly drainedSeconds: number
  /** Acknowledged, and never seen by Segment within the time. */
  readonly missing: number
  /** Of all its processes, from the first request on, an event: until the last answer, and until the last event is sent. */
  readonly intakeCpuMicros: number
  readonly cpuMicros: number
  readonly peakMegabytes: number
  /** What the loader and the sink used of their core together, while the load ran. */
  readonly loadCoreShare: number
  /** What the server's processes used of theirs while the load ran. */
  readonly serverCoreShare: number
}

/** Below this the server waited: for the disk, or for others on its core. */
export const IDLE_SERVER_CORE = 0.8
/** Beyond this the loader may be what is measured. */
export const BUSY_LOAD_CORE = 0.85
const STALL_MS = 15_000

export async function measure(
  bench: Bench,
  contender: Contender,
  order: Omit<LoadOrder, 'port'>,
  options: { readonly keepsTimes?: boolean } = {},
): Promise<Measured> {
  await bench.sink.reset(options)
  const server = await contender.start(bench)
  try {
    return await measureRunning(bench, server, contender.forwards, order)
  } finally {
    await server.end()
  }
}

export async function measureRunning(
  { loader, sink, sizes, say }: Bench,
  { port, pids }: Server,
  forwards: boolean,
  order: Omit<LoadOrder, 'port'>,
): Promise<Measured> {
  const cpuOf = () => pids.reduce((sum, pid) => sum + cpuMicros(pid), 0)
  pids.forEach(resetPeak)
  const before = cpuOf()
  const sinkBefore = await sink.count()
  const load = await loader.run({ ...order, port })
  const afterLoad = cpuOf()
  const sinkAfter = await sink.count()
  const events = load.acknowledgedInAll
  const loadMs = load.endedAt - load.startedAt
  const sinkShare = (sinkAfter.cpuMicros - sinkBefore.cpuMicros) / 1_000 / loadMs
  let drainedSeconds = Number.NaN
  let missing = 0
  if (forwards) {
    const wanted = sinkBefore.distinct + events
    const tell = ({ distinct }: { distinct: number }) =>
      say(`waiting for Segment to have all: ${distinct - sinkBefore.distinct} of ${events}`)
    const last = await sink.until(wanted, { stallMs: STALL_MS, mostMs: sizes.drainSeconds * 1_000, tell })
    missing = Math.max(0, wanted - last.distinct)
    if (missing === 0) drainedSeconds = (last.lastAt - load.startedAt) / 1_000
  }
  return {
    load,
    drainedSeconds,
    missing,
    intakeCpuMicros: (afterLoad - before) / events,
    cpuMicros: forwards && missing > 0 ? Number.NaN : (cpuOf() - before) / events,
    peakMegabytes: pids.reduce((sum, pid) => sum + peakMegabytes(pid), 0),
    loadCoreShare: load.loaderShare + sinkShare,
    serverCoreShare: (afterLoad - before) / 1_000 / loadMs,
  }
}
