/** Intake at full speed while the debugger page looks on, to intake alone; and how long the page waits. */
import { type Bench, type Spread, toSpread } from '../bench.ts'
import { toPercentiles } from '../load/run.ts'
import { prefill } from '../prefill.ts'
import { adminToken, startBridge } from '../servers.ts'

/** What a person at the page asks, by turns, one a second: figures, the list, a filtered one, searches. */
const readings = [
  '/api/stats',
  '/api/events?limit=50',
  '/api/events?state=rejected&limit=50',
  '/api/events?q=%2B15550100199&limit=50',
  '/api/events?q=nowhere-to-be-found&limit=50',
  '/api/dead-letters',
  '/api/quality?window=7d',
  '/api/notices?limit=20',
]
const STREAM = '/api/stream'
const EVERY_MS = 1_000
/** Long enough for most of them to have their turn. */
const SECONDS = 12
const SHARE_OF_ROWS = 0.1
const BATCH = 10
const CONNECTIONS = 32
const MOST_REQUESTS_A_SECOND = 13_000

export type Page = {
  readonly title: string
  readonly stored: number
  readonly alone: Spread
  readonly watched: Spread
  readonly ratio: number
  readonly readings: readonly {
    readonly path: string
    readonly p50Ms: number
    readonly mostMs: number
    readonly status: number
  }[]
}

type Readings = ReadonlyMap<string, { readonly took: number[]; status: number }>

export async function measurePage(bench: Bench): Promise<Page> {
  const { children, sizes, say } = bench
  const stored = Math.ceil(sizes.rows * SHARE_OF_ROWS)
  const dataDir = children.newFolder()
  await prefill(dataDir, {
    events: stored,
    state: 'accepted',
    tell: done => say(`page: prefilling, ${done} of ${stored}`),
  })
  const taken: Readings = new Map([STREAM, ...readings].map(path => [path, { took: [], status: 0 }]))
  const rates: Record<'alone' | 'watched', number[]> = { alone: [], watched: [] }
  for (let round = 0; round < sizes.rounds; round++) {
    for (const kind of round % 2 === 0 ? (['alone', 'watched'] as const) : (['watched', 'alone'] as const)) {
      say(`page: round ${round + 1} of ${sizes.rounds}, ${kind}`)
      rates[kind].push(await intake(bench, dataDir, kind === 'watched' ? taken : undefined))
    }
  }
  children.removeFolder(dataDir)
  const alone = toSpread(rates.alone)
  const watched = toSpread(rates.watched)
  return {
    title: 'Intake while the debugger page looks on',
    stored,
    alone,
    watched,
    ratio: watched.median / alone.median,
    readings: [...taken].map(([path, { took, status }]) => {
      const { p50, most } = toPercentiles(took)
      return { path, p50Ms: p50, mostMs: most, status }
    }),
  }
}

async function intake(bench: Bench, dataDir: string, taken: Readings | undefined): Promise<number> {
  const { loader, sink, sizes } = bench
  const { warmUpSeconds } = sizes
  await loader.prepare(MOST_REQUESTS_A_SECOND * (SECONDS + warmUpSeconds), BATCH)
  await sink.reset()
  const server = await startBridge(bench, { dataDir })
  const closed = new AbortController()
  const watching = taken ? watch(`http://127.0.0.1:${server.port}`, taken, closed.signal) : undefined
  const { eventsPerSecond } = await loader.run({
    port: server.port,
    connections: CONNECTIONS,
    seconds: SECONDS,
    warmUpSeconds,
  })
  closed.abort()
  await watching
  await server.end()
  return eventsPerSecond
}

/** Until the signal: one open stream, and a reading a second. */
async function watch(origin: string, taken: Readings, signal: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${adminToken}` }
  async function read(path: string): Promise<void> {
    const start = performance.now()
    const response = await fetch(origin + path, { headers, signal })
    const reading = taken.get(path)
    if (reading) reading.status = response.status
    await response.arrayBuffer()
    reading?.took.push(performance.now() - start)
  }
  const gone = () => undefined
  const stream = read(STREAM).catch(gone)
  const answers = (path: string) => taken.get(path)?.took.length ?? 0
  const askedLeast = () => readings.toSorted((a, b) => answers(a) - answers(b))[0] ?? STREAM
  while (!signal.aborted) {
    await read(askedLeast()).catch(gone)
    await new Promise(resolve => setTimeout(resolve, EVERY_MS))
  }
  await stream
}
