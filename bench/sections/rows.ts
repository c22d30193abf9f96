/** Does an event cost more when millions are stored? CPU from intake to Segment's 2xx, at the same rate, by turns. */
import { type Bench, type Spread, toSpread } from '../bench.ts'
import { measureRunning } from '../measure.ts'
import { prefill } from '../prefill.ts'
import { startBridge } from '../servers.ts'

const FEW = 1_000
const BATCH = 10
const EVENTS_PER_SECOND = 2_000
const SECONDS = 10
const WARM_UP_SECONDS = 5
const STALL_MS = 15_000
const CONNECTIONS = 32

export type RowsRow = { readonly stored: number; readonly cpuMicros: Spread; readonly prefillSeconds: number }
export type Rows = {
  readonly title: string
  readonly eventsPerSecond: number
  readonly rows: readonly RowsRow[]
  /** CPU an event with many stored, to that with few. */
  readonly ratio: number
}

export async function measureRows(bench: Bench): Promise<Rows> {
  const { children, sizes, say } = bench
  const folders = []
  for (const stored of [FEW, sizes.rows]) {
    const dataDir = children.newFolder()
    const tell = (done: number) => say(`rows: prefilling, ${done} of ${stored}`)
    const prefillSeconds = await prefill(dataDir, { events: stored, state: 'accepted', tell })
    folders.push({ stored, dataDir, prefillSeconds, cpu: [0].slice(1) })
  }
  for (let round = 0; round < sizes.rounds; round++) {
    for (const { dataDir, stored, cpu } of round % 2 === 0 ? folders : folders.toReversed()) {
      say(`rows: round ${round + 1} of ${sizes.rounds} with ${stored} stored`)
      cpu.push(await costAt(bench, dataDir))
    }
  }
  for (const { dataDir } of folders) children.removeFolder(dataDir)
  const rows = folders.map(({ stored, prefillSeconds, cpu }) => ({
    stored,
    prefillSeconds,
    cpuMicros: toSpread(cpu),
  }))
  const [few, many] = rows.map(({ cpuMicros }) => cpuMicros.median)
  return {
    title: 'Cost an event by stored events',
    eventsPerSecond: EVENTS_PER_SECOND,
    rows,
    ratio: (many ?? Number.NaN) / (few ?? Number.NaN),
  }
}

/** Each time new requests, for the folder remembers the last ones. */
async function costAt(bench: Bench, dataDir: string): Promise<number> {
  const { loader, sink, sizes } = bench
  await loader.prepare(Math.ceil((EVENTS_PER_SECOND / BATCH) * (SECONDS + WARM_UP_SECONDS)), BATCH)
  await sink.reset()
  const server = await startBridge(bench, { dataDir })
  const pace = { connections: CONNECTIONS, eventsPerSecond: EVENTS_PER_SECOND, warmUpSeconds: 0 }
  // What a young process compiles would be most of what is counted.
  const warm = await loader.run({ ...pace, port: server.port, seconds: WARM_UP_SECONDS })
  await sink.until(warm.acknowledgedInAll, { stallMs: STALL_MS, mostMs: sizes.drainSeconds * 1_000 })
  const order = { ...pace, seconds: SECONDS, continues: true }
  const { cpuMicros } = await measureRunning(bench, server, true, order)
  await server.end()
  return cpuMicros
}
