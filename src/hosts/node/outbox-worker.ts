/**
 * The thread that owns the outbox: commits, indexes, delivers. HTTP has a thread of its own, so that neither a wait for the
 * disk nor the SDK's work on a batch ever delays an answer to somebody else.
 */
import { appendFileSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { createAdmin } from '../../admin/admin.ts'
import { createTransfer, type NotStored } from '../../admin/transfer.ts'
import { createNotifier, notifierSettings } from '../../alerts/notifier.ts'
import { createStateLog } from '../../alerts/state-log.ts'
import { readKept } from '../../outbox/kept-state.ts'
import type { RequestRow } from '../../outbox/request-row.ts'
import { reasons } from '../../reasons.ts'
import { createDestinations } from '../../send/destinations.ts'
import { createDispatcher, type Dispatcher } from '../../send/dispatcher.ts'
import { noticeClock } from './data-folder.ts'
import { digests } from './digests.ts'
import { guardDispatcher } from './guarded-dispatcher.ts'
import { createLog } from './log.ts'
import { openOutbox } from './open-outbox.ts'
import type { Call, Reply, Request, ThreadData } from './outbox-rpc.ts'
import { createSignal } from './signal.ts'

/** Two requests to Segment at a time: one is on the wire while the other is packed. */
const CONCURRENCY = 2
/** Events that come this close together share a batch: one of a single event costs as much as one of fifty. */
const LINGER_MS = 20
/** Failures of strangers are counted in memory, and the counts written this often: a forged request must cost no write. */
const KEEP_NOTICES_MS = 1_000
const TICK_MS = 1_000
/** How long a batch on its way may take to come back when the process is asked to stop. */
const LAST_BATCH_MS = 5_000

const { settings, dryRunFile, noticeClockFile, ...files }: ThreadData = workerData
const port = parentPort
if (!port) throw new Error('outbox-worker.ts runs as a worker thread')

const log = createLog(settings.LOG_LEVEL)
const { outbox, damage, isReadable, missing, close } = openOutbox(files, settings, log, Date.now)
const [destination] = await createDestinations(settings, {
  send: fetch,
  now: Date.now,
  breathe: nextTurn,
  showDryRun(lines) {
    appendFileSync(dryRunFile, lines, { mode: 0o600 })
    if (settings.DRY_RUN_STDOUT) process.stdout.write(lines)
  },
})

let dispatcher: Dispatcher
const admin = createAdmin(outbox, () => dispatcher, Date.now)
dispatcher = createDispatcher({
  settings,
  outbox,
  destination,
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
      keepEveryMs: KEEP_NOTICES_MS,
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

const unreadable: NotStored = {
  stored: false,
  reason: 'outbox_damaged',
  detail: 'the file cannot be opened; sqlite3 .recover may get events out of a copy',
}

let stopping = false

async function runDelivery(): Promise<void> {
  while (!stopping) {
    const due = (await dispatcher.deliverNextBatch()) ?? Number.POSITIVE_INFINITY
    const waitMs = due - Date.now()
    if (waitMs > 0) {
      await sleep(LINGER_MS)
      if (!stopping) await work.wait(Math.max(0, waitMs - LINGER_MS))
    } else {
      // There may be enough for the other one as well; and appends that came meanwhile go first.
      work.wake()
      await nextTurn()
    }
  }
}

function reply(reply: Reply): void {
  port?.postMessage(reply)
}

/** Group commit: what came while the last one was under way shares this one. */
function commit(id: number, parcels: readonly RequestRow[]): void {
  const results = dispatcher.append(parcels)
  reply(results.every(({ stored }) => stored) ? { id } : { id, value: results })
  work.wake()
}

const calls = {
  report: dispatcher.report,
  stats: admin.stats,
  metrics: admin.metrics,
  troubles: admin.troubles,
  pulse: admin.pulse,
  deadLetters: admin.deadLetters,
  events: admin.events,
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

function isCall(name: string): name is keyof Calls {
  return Object.hasOwn(calls, name)
}

let lastTurn = Promise.resolve()

/** One a turn of the event loop: a read may keep the thread for long, and appends go between two of them. */
async function answer({ id, call, args }: Call): Promise<void> {
  const turn = lastTurn
  lastTurn = turn.then(() => nextTurn())
  await turn
  try {
    if (!isCall(call)) throw new Error(`The outbox worker knows no call ${call}`)
    const method: (...args: readonly never[]) => unknown = calls[call]
    reply({ id, value: await Reflect.apply(method, undefined, args) })
    work.wake()
  } catch (error) {
    reply({ id, error: error instanceof Error ? error.message : String(error) })
  }
}

const ticking = setInterval(() => dispatcher.tick(), TICK_MS)
const deliveries = Array.from({ length: CONCURRENCY }, runDelivery)
port.postMessage('open')

/** Nothing new goes out; a batch on its way is settled if its answer comes soon, or is pending again at the next start. */
async function stop(): Promise<void> {
  stopping = true
  clearInterval(ticking)
  work.wake()
  await Promise.race([Promise.all(deliveries), sleep(LAST_BATCH_MS)])
  await close()
}
