/** The most memory that the bridge's process ever holds: idle, at full intake, with a backlog, at a restart, while draining. */
import type { Bench } from '../bench.ts'
import { peakMegabytes, resetPeak, residentMegabytes } from '../process-figures.ts'
import { type Server, startBridge } from '../servers.ts'

const CONNECTIONS = 32
const BATCH = 100
const IDLE_MS = 5_000
const DEFAULT_RATE_MS = 20_000
const STALL_MS = 15_000
const MOST_MS = 600_000
/** A backlog comes in pieces, so that the loader need not hold it whole. */
const EVENTS_A_PIECE = 200_000

export type MemoryRow = {
  readonly what: string
  readonly peakMegabytes: number
  readonly residentMegabytes: number
}
export type Memory = { readonly title: string; readonly backlog: number; readonly rows: readonly MemoryRow[] }

export async function measureMemory(bench: Bench): Promise<Memory> {
  const { children, sink, loader, sizes, say } = bench
  const rows: MemoryRow[] = []
  const dataDir = children.newFolder()
  const look = ({ pids: [pid = 0] }: Server, what: string): void => {
    rows.push({ what, peakMegabytes: peakMegabytes(pid), residentMegabytes: residentMegabytes(pid) })
    resetPeak(pid)
  }
  const rest = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

  await sink.reset({ refuses: true })
  let server = await startBridge(bench, { dataDir })
  say('memory: idle')
  await rest(IDLE_MS)
  look(server, 'idle, from the start')
  for (let stored = 0; stored < sizes.backlog; ) {
    const events = Math.min(EVENTS_A_PIECE, sizes.backlog - stored)
    await loader.prepare(Math.ceil(events / BATCH), BATCH)
    const { acknowledgedInAll } = await loader.run({
      port: server.port,
      connections: CONNECTIONS,
      seconds: MOST_MS / 1_000,
      warmUpSeconds: 0,
    })
    stored += acknowledgedInAll
    say(`memory: ${stored} of ${sizes.backlog} events wait`)
    if (acknowledgedInAll === 0) throw new Error('memory: the bridge took nothing')
  }
  look(server, `intake at full speed while Segment is down, ${sizes.backlog.toLocaleString('en-US')} events`)
  await rest(IDLE_MS)
  look(server, `${sizes.backlog.toLocaleString('en-US')} events wait`)
  await server.end()

  say('memory: restart with the backlog')
  server = await startBridge(bench, { dataDir, env: { SEGMENT_RATE: '1000' } })
  await rest(IDLE_MS)
  look(server, 'restart with the backlog')
  await sink.reset()
  say('memory: drain at the default rate')
  await rest(DEFAULT_RATE_MS)
  look(server, 'drain at the default rate')
  await server.end()

  const { distinct: gone } = await sink.count()
  server = await startBridge(bench, { dataDir })
  await sink.until(sizes.backlog, {
    stallMs: STALL_MS,
    mostMs: MOST_MS,
    tell: ({ distinct }) => say(`memory: drain at full speed, ${distinct} of ${sizes.backlog}`),
  })
  const { distinct } = await sink.count()
  look(server, `drain at full speed, ${(distinct - gone).toLocaleString('en-US')} events`)
  await server.end()
  children.removeFolder(dataDir)
  return { title: 'Memory', backlog: sizes.backlog, rows }
}
