/**
 * The thread that owns the outbox: commits, sorts, delivers. HTTP has a thread of its own, so that neither a wait for the
 * disk nor the SDK's work on a batch ever delays an answer to somebody else.
 */
import { appendFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { createCarrier } from '../../carrier.ts'
import { toPruning, toTarget } from '../../config.ts'
import { createDepot, type Depot } from '../../depot.ts'
import { createDesk } from '../../desk.ts'
import { createOutbox } from '../../outbox/outbox.ts'
import { createDeliver, type Deliver, measureOverhead } from '../../send/deliver.ts'
import { createTeller, tellerSettings } from '../../send/tell.ts'
import type { Put, Request, ThreadData } from './backroom.ts'
import { createCrowd } from './crowd.ts'
import { digests } from './digests.ts'
import { noticeClock } from './folder.ts'
import { createLog } from './log.ts'
import { createSignal } from './signal.ts'
import { openSqlite } from './sqlite.ts'

/** Two requests to Segment at a time: one is on the wire while the other is packed. */
const LANES = 2
const TICK_MS = 1_000
/** How long a batch on its way may take to come back when the process is asked to stop. */
const LAST_BATCH_MS = 5_000

const { settings, outboxFile, dryRunFile, noticeClockFile }: ThreadData = workerData
const port = parentPort
if (!port) throw new Error('depot-thread.ts runs as a worker thread')

const log = createLog(settings.LOG_LEVEL)
const sql = openSqlite(outboxFile)
const outbox = createOutbox(sql, toPruning(settings))
const target = toTarget(settings)
const dryRun: Deliver = async tracks => {
  const lines = tracks.map(track => `${JSON.stringify(track)}\n`).join('')
  appendFileSync(dryRunFile, lines, { mode: 0o600 })
  process.stdout.write(lines)
  return { kind: 'accepted', status: 0, answer: 'dry run' }
}

let depot: Depot
const desk = createDesk(outbox, () => depot, Date.now)
depot = createDepot({
  settings,
  outbox,
  deliver: settings.SEGMENT_WRITE_KEY ? createDeliver(target, fetch, Date.now) : dryRun,
  overhead: await measureOverhead(target),
  log,
  now: Date.now,
  random: Math.random,
  observe: desk.observe,
  tell: about =>
    createTeller({
      ...tellerSettings(settings),
      store: outbox,
      about,
      digests,
      send: fetch,
      now: Date.now,
      log,
      lastTold: noticeClock(noticeClockFile),
    }),
})

const work = createSignal()
const crowd = createCrowd()
let stopping = false

async function runLane(): Promise<void> {
  while (!stopping) {
    const holdMs = crowd.hold(outbox.unsorted(), Date.now())
    if (holdMs > 0) {
      await new Promise(resolve => setTimeout(resolve, holdMs))
      continue
    }
    const due = await depot.drain()
    const waitMs = due === undefined ? Number.POSITIVE_INFINITY : due - Date.now()
    if (waitMs > 0) await work.wait(waitMs)
    else {
      // There may be more than one lane's work; and intakes that came meanwhile go first.
      work.wake()
      await new Promise(resolve => setImmediate(resolve))
    }
  }
}

let waiting: Put[] = []

/** Group commit: every request that came while the last commit was under way shares the next one. */
function commit(): void {
  const group = waiting
  waiting = []
  crowd.came(
    group.reduce((sum, { parcel }) => sum + parcel.events, 0),
    Date.now(),
  )
  const stored = depot.put(group.map(({ parcel }) => parcel))
  port?.postMessage(group.map(({ id }, index) => ({ id, value: stored[index] })))
  work.wake()
}

const calls = {
  report: depot.report,
  stats: desk.stats,
  metrics: desk.metrics,
  troubles: desk.troubles,
  pulse: desk.pulse,
  deadLetters: desk.deadLetters,
  events: desk.events,
  event: desk.event,
  notices: desk.notices,
  quality: desk.quality,
  retry: desk.retry,
  drop: desk.drop,
  changeMany: desk.changeMany,
  ...createCarrier(outbox, () => depot),
  stop,
}
export type Calls = typeof calls

port.on('message', (request: Request) => {
  if (request.call === 'put') {
    if (waiting.length === 0) {
      const gatherMs = crowd.gather(Date.now())
      if (gatherMs > 0) setTimeout(commit, gatherMs)
      else setImmediate(commit)
    }
    waiting.push(...request.puts)
    return
  }
  void answer(request)
})

async function answer({ id, call, args }: Exclude<Request, { call: 'put' }>): Promise<void> {
  try {
    const method: (...args: readonly never[]) => unknown = calls[call]
    port?.postMessage([{ id, value: await Reflect.apply(method, undefined, args) }])
    work.wake()
  } catch (error) {
    port?.postMessage([{ id, error: error instanceof Error ? error.message : String(error) }])
  }
}

const ticking = setInterval(() => depot.tick(), TICK_MS)
depot.settleAccounts()
const lanes = Array.from({ length: LANES }, runLane)
port.postMessage([])

/** Nothing new goes out; a batch on its way is settled if its answer comes soon, or is pending again at the next start. */
async function stop(): Promise<void> {
  stopping = true
  clearInterval(ticking)
  work.wake()
  await Promise.race([Promise.all(lanes), new Promise(resolve => setTimeout(resolve, LAST_BATCH_MS))])
  sql.close()
}
