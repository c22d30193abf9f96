/**
 * The thread that owns the outbox: commits, sorts, delivers. HTTP has a thread of its own, so that neither a wait for the
 * disk nor the SDK's work on a batch ever delays an answer to somebody else.
 */
import { appendFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { createAdmin } from '../../admin/admin.ts'
import { createTransfer, type NotStored } from '../../admin/transfer.ts'
import { createNotifier, notifierSettings } from '../../alerts/notifier.ts'
import { createStateLog } from '../../alerts/state-log.ts'
import { toTarget } from '../../config.ts'
import { toMapping } from '../../event/mapping.ts'
import { readKept } from '../../outbox/sqlite/kept-state.ts'
import type { RequestRow } from '../../outbox/sqlite/request-row.ts'
import { reasons } from '../../reasons.ts'
import { createDispatcher, type Dispatcher } from '../../send/dispatcher.ts'
import { CLAIM_EVENTS } from '../../send/next-batch.ts'
import { createDeliver, type Deliver, measureOverhead } from '../../send/segment/client.ts'
import { createCatchUp, untilAll } from './catch-up.ts'
import { createCrowd } from './crowd.ts'
import { noticeClock } from './data-folder.ts'
import { digests } from './digests.ts'
import { guardDispatcher } from './guarded-dispatcher.ts'
import { createLog } from './log.ts'
import { openOutbox } from './open-outbox.ts'
import type { Call, Reply, Request, ThreadData } from './outbox-rpc.ts'
import { createSignal } from './signal.ts'

/** Two requests to Segment at a time: one is on the wire while the other is packed. */
const LANES = 2
const TICK_MS = 1_000
/** How long a batch on its way may take to come back when the process is asked to stop. */
const LAST_BATCH_MS = 5_000

const { settings, dryRunFile, noticeClockFile, ...files }: ThreadData = workerData
const port = parentPort
if (!port) throw new Error('outbox-worker.ts runs as a worker thread')

const log = createLog(settings.LOG_LEVEL)
const { outbox, damage, isReadable, missing, close } = openOutbox(files, settings, log, Date.now)
const target = toTarget(settings)
const dryRun: Deliver = async tracks => {
  const lines = tracks.map(track => `${JSON.stringify(track)}\n`).join('')
  appendFileSync(dryRunFile, lines, { mode: 0o600 })
  if (settings.DRY_RUN_STDOUT) process.stdout.write(lines)
  return { kind: 'accepted', status: 0, answer: 'dry run' }
}

let dispatcher: Dispatcher
// What a question needs sorted is sorted before it is asked here, turn by turn.
const settleAccounts = (events = 0) => dispatcher.indexPending(events)
const admin = createAdmin(
  outbox,
  () => ({ ...dispatcher, indexPending: settleAccounts }),
  Date.now,
  toMapping(settings),
)
dispatcher = createDispatcher({
  settings,
  outbox,
  deliver: settings.SEGMENT_WRITE_KEY
    ? createDeliver(target, { send: fetch, now: Date.now, breathe })
    : dryRun,
  overhead: await measureOverhead(target),
  log,
  now: Date.now,
  random: Math.random,
  observe: admin.observe,
  tell: about =>
    createNotifier({
      ...notifierSettings(settings),
      store: outbox,
      read: (name, schema, fallback) => readKept(outbox, name, schema, fallback),
      about,
      digests,
      send: fetch,
      now: Date.now,
      log,
      changes: createStateLog(log),
      lastTold: noticeClock(noticeClockFile),
    }),
})
dispatcher = guardDispatcher(dispatcher, damage, Date.now)

if (missing) {
  log.error({ requests: missing.requests, remedy: reasons.events_missing.remedy }, missing.text)
  dispatcher.report({
    reason: 'events_missing',
    at: Date.now(),
    count: missing.requests,
    answer: missing.text,
  })
}

const work = createSignal()
const crowd = createCrowd(availableParallelism())

let sliceFrom = 0
/** Between slices of a batch. */
async function breathe(): Promise<void> {
  const ms = crowd.breath(performance.now() - sliceFrom, Date.now())
  await (ms > 0 ? sleep(ms) : nextTurn())
  sliceFrom = performance.now()
}

const unreadable: NotStored = {
  stored: false,
  reason: 'outbox_damaged',
  detail: 'the file cannot be opened; sqlite3 .recover may get events out of a copy',
}

let stopping = false

async function runLane(): Promise<void> {
  while (!stopping) {
    const isFull = outbox.unsorted() + outbox.total('pending') >= CLAIM_EVENTS
    const turn = crowd.next(isFull, Date.now())
    if (turn.do === 'wait') await sleep(turn.ms)
    else await deliverTurn(turn.events)
  }
}

async function deliverTurn(events: number): Promise<void> {
  const due = await dispatcher.deliverNextBatch(events)
  const waitMs = due === undefined ? Number.POSITIVE_INFINITY : due - Date.now()
  if (waitMs > 0) return work.wait(waitMs)
  // There may be more than one lane's work; and intakes that came meanwhile go first.
  work.wake()
  await nextTurn()
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

function reply(reply: Reply): void {
  port?.postMessage(reply)
}

/** Group commit: what came while the last one was under way shares this one. */
function commit(id: number, parcels: readonly RequestRow[]): void {
  const results = dispatcher.append(parcels)
  const kept = parcels.reduce((sum, { events }, index) => sum + (results[index]?.stored ? events : 0), 0)
  crowd.came(kept, Date.now(), cpuMs)
  reply(results.every(({ stored }) => stored) ? { id } : { id, value: results })
  work.wake()
}

/** A search may keep the thread for long: intakes come between two of them. */
function oneByOne<Query, Answer>(search: (query: Query) => Answer): (query: Query) => Promise<Answer> {
  let last: Promise<unknown> = Promise.resolve()
  return query => {
    const answer = last.then(() => search(query))
    last = answer.catch(() => undefined).then(() => nextTurn())
    return answer
  }
}

const calls = {
  report: dispatcher.report,
  stats: admin.stats,
  metrics: admin.metrics,
  troubles: admin.troubles,
  pulse: admin.pulse,
  deadLetters: admin.deadLetters,
  events: oneByOne(admin.events),
  event: admin.event,
  notices: admin.notices,
  quality: admin.quality,
  retry: admin.retry,
  drop: admin.drop,
  deliverNow: admin.deliverNow,
  changeMany: admin.changeMany,
  status: admin.status,
  confirmArrival: admin.confirmArrival,
  resend: admin.resend,
  resendMany: admin.resendMany,
  ...createTransfer(outbox, () => dispatcher),
  ...(!isReadable && { exportPage: (): NotStored => unreadable }),
  stop,
}
export type Calls = typeof calls

port.on('message', (request: Request) => {
  if ('parcels' in request) commit(request.id, request.parcels)
  else void answer(request)
})

const catchUp = createCatchUp({
  outbox,
  sort: events => (stopping ? undefined : dispatcher.indexPending(events)),
  crowd,
  now: Date.now,
})
/** What can be told, or done, with a burst still unsorted. */
const needsNoSorting: ReadonlySet<keyof Calls> = new Set([
  'report',
  'troubles',
  'pulse',
  'notices',
  'deliverNow',
  'stop',
])
/** What counts, changes or carries away everything that was kept. */
const needsAllSorted: ReadonlySet<keyof Calls> = new Set(['import', 'exportPage', 'changeMany', 'resendMany'])

function isCall(name: string): name is keyof Calls {
  return Object.hasOwn(calls, name)
}

async function answer({ id, call, args }: Call): Promise<void> {
  try {
    if (!isCall(call)) throw new Error(`The outbox worker knows no call ${call}`)
    if (needsAllSorted.has(call)) await catchUp(untilAll)
    else if (!needsNoSorting.has(call)) await catchUp()
    const method: (...args: readonly never[]) => unknown = calls[call]
    reply({ id, value: await Reflect.apply(method, undefined, args) })
    work.wake()
  } catch (error) {
    reply({ id, error: error instanceof Error ? error.message : String(error) })
  }
}

const ticking = setInterval(() => dispatcher.tick(), TICK_MS)
const lanes = Array.from({ length: LANES }, runLane)
port.postMessage('open')

/** Nothing new goes out; a batch on its way is settled if its answer comes soon, or is pending again at the next start. */
async function stop(): Promise<void> {
  stopping = true
  clearInterval(ticking)
  work.wake()
  await Promise.race([Promise.all(lanes), sleep(LAST_BATCH_MS)])
  await close()
}
