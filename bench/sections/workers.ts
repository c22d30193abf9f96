/** The bridge in local workerd: what an event costs there, and what a million would, at Cloudflare's public prices. */
import { join } from 'node:path'
import * as z from 'zod'
import { bundle } from '../../test/support/bundle-worker.ts'
import { startWorkers, type WorkersBridge } from '../../test/support/workers.ts'
import type { Bench } from '../bench.ts'
import { publicOrigin } from '../load/requests.ts'
import { cpuMicros } from '../process-figures.ts'

/** Requests a second: what the emulation carries at its ease. */
const PACES = [
  { batch: 1, requestsPerSecond: 10 },
  { batch: 10, requestsPerSecond: 10 },
  { batch: 100, requestsPerSecond: 5 },
]
const SECONDS = 15
const WARM_UP_SECONDS = 3
const STALL_MS = 10_000
const MOST_MS = 60_000
/** Pruning follows the last delivery. */
const PRUNED_WITHIN_MS = 3_000

/** Cloudflare's public prices beyond the allowances, November 2026, dollars a million. */
const prices = { workerRequest: 0.3, objectRequest: 0.15, row: 1, gigabyteSecond: 12.5, cpuMs: 0.02 }
const OBJECT_GIGABYTES = 0.128
/** What Segment takes to answer, which loopback does not. */
const SEGMENT_SECONDS = 0.15

const Counted = z.object({ rowsWritten: z.number(), puts: z.number(), rings: z.number() })
type Counted = z.infer<typeof Counted>

export type WorkersRow = {
  readonly batch: number
  /** Of the workerd process. */
  readonly cpuMs: number
  readonly workerRequests: number
  /** Puts and rings. */
  readonly objectRequests: number
  readonly rings: number
  readonly rowsWritten: number
  readonly millionDollars: number
}
export type Workers = {
  readonly title: string
  readonly rows: readonly WorkersRow[]
  readonly notes: readonly string[]
}

export async function measureWorkers(bench: Bench): Promise<Workers> {
  bench.say('workers: bundling')
  const folder = bench.children.newFolder()
  const file = bundle('bench/counting-worker.ts', join(folder, 'worker'))
  const rows: WorkersRow[] = []
  for (const { batch, requestsPerSecond } of PACES) {
    bench.say(`workers: batches of ${batch}`)
    const worker = await startWorkers(
      {
        PUBLIC_URL: publicOrigin,
        SEGMENT_WRITE_KEY: 'bench',
        SEGMENT_HOST: bench.sink.url,
        RETENTION_DAYS: '0',
        DEDUPE_HOURS: '0',
      },
      { bundle: file },
    )
    try {
      rows.push(await costOf(bench, worker, batch, requestsPerSecond))
    } finally {
      await worker.stop()
    }
  }
  bench.children.removeFolder(folder)
  return {
    title: 'What an event costs on Workers (local workerd)',
    rows,
    notes: [
      'An event, from put to pruned. CPU is the whole workerd process, the emulation around it included: an upper bound.',
      `A million: Worker requests × $${prices.workerRequest}, object requests × $${prices.objectRequest}, rows × $${prices.row}, CPU ms × $${prices.cpuMs}, rings × ${SEGMENT_SECONDS} s × ${OBJECT_GIGABYTES} GB × $${prices.gigabyteSecond}; all a million, beyond the allowances.`,
    ],
  }
}

async function costOf(
  { loader, sink }: Bench,
  worker: WorkersBridge,
  batch: number,
  requestsPerSecond: number,
): Promise<WorkersRow> {
  const port = Number(new URL(worker.origin).port)
  const pace = { port, connections: 8, eventsPerSecond: requestsPerSecond * batch, warmUpSeconds: 0 }
  const counted = async (): Promise<Counted> => Counted.parse(await worker.api('/counted'))
  const settled = async (events: number) => {
    await sink.until(events, { stallMs: STALL_MS, mostMs: MOST_MS })
    await new Promise(resolve => setTimeout(resolve, PRUNED_WITHIN_MS))
  }
  await loader.prepare(requestsPerSecond * (WARM_UP_SECONDS + SECONDS) + 1, batch)
  await sink.reset()
  const warm = await loader.run({ ...pace, seconds: WARM_UP_SECONDS })
  await settled(warm.acknowledgedInAll)
  const before = await counted()
  const cpuBefore = cpuMicros(worker.pid ?? 0)
  const { acknowledgedInAll: events } = await loader.run({ ...pace, seconds: SECONDS, continues: true })
  await settled(warm.acknowledgedInAll + events)
  const after = await counted()
  const cpuMs = (cpuMicros(worker.pid ?? 0) - cpuBefore) / 1_000 / events
  const an = (name: keyof Counted) => (after[name] - before[name]) / events
  const row = {
    batch,
    cpuMs,
    workerRequests: 1 / batch,
    objectRequests: an('puts') + an('rings'),
    rings: an('rings'),
    rowsWritten: an('rowsWritten'),
  }
  return { ...row, millionDollars: toDollars(row) }
}

/** A million events, each costing this much, at prices a million. */
function toDollars(row: Omit<WorkersRow, 'millionDollars'>): number {
  return (
    row.workerRequests * prices.workerRequest +
    row.objectRequests * prices.objectRequest +
    row.rowsWritten * prices.row +
    row.cpuMs * prices.cpuMs +
    row.rings * SEGMENT_SECONDS * OBJECT_GIGABYTES * prices.gigabyteSecond
  )
}
