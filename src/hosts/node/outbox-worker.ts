/**
 * The thread that owns the outbox: commits, indexes, delivers. HTTP has a thread of its own, so that neither a wait for the
 * disk nor the SDK's work on a batch ever delays an answer to somebody else.
 */
import { appendFileSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { NotStored } from '../../admin/transfer.ts'
import { notifyFrom, openBridge } from '../../bridge.ts'
import { toVisible } from '../../event/visible.ts'
import { toStorageReason } from '../../outbox/sqlite-errors.ts'
import { reasons } from '../../reasons.ts'
import { openDestinations } from '../../send/open-destinations.ts'
import { noticeClock } from './data-folder.ts'
import { digests, keyedHash } from './digests.ts'
import { guardDispatcher } from './guarded-dispatcher.ts'
import { createLog } from './log.ts'
import { openOutbox } from './open-outbox.ts'
import type { Append, Call, Opened, Reply, Request, WorkerData } from './outbox-rpc.ts'
import { withProxyHint } from './proxy-hint.ts'
import { createSignal } from './signal.ts'
import { createWriteFile } from './write-file.ts'

/** Two requests to a destination at a time: one is on the wire while the other is packed. */
const CONCURRENCY = 2
/** Events that arrive this close together share a batch: one of a single event costs as much as one of fifty. */
const LINGER_MS = 20
const TICK_MS = 1_000
/** Failures of strangers are counted in memory, and the counts written this often: a forged request must cost no write. */
const KEEP_NOTICES_MS = 1_000
/** How long a batch on its way may take to come back when the process is asked to stop. */
const LAST_BATCH_MS = 5_000

const { settings, dryRunFile, noticeClockFile, ...files }: WorkerData = workerData
const port = parentPort
if (!port) throw new Error('outbox-worker.ts runs as a worker thread')

const log = createLog(settings.LOG_LEVEL)
const now = Date.now
const { outbox, damage, isReadable, missing, close } = openOutbox(files, settings, log, now)
const destinations = await openDestinations(settings, outbox, {
  send: withProxyHint(fetch, process.env),
  now,
  writeFile: createWriteFile(now),
  keyedHash,
  hashKey: settings.HASH_KEY,
  breathe: nextTurn,
  showDryRun(lines) {
    appendFileSync(dryRunFile, lines, { mode: 0o600 })
    if (settings.DRY_RUN_STDOUT) process.stdout.write(toVisible(lines))
  },
})
const { dispatcher, admin } = openBridge(outbox, destinations, settings, {
  log,
  now,
  random: Math.random,
  openNotifier: notifyFrom(outbox, settings, {
    digests,
    send: fetch,
    now,
    log,
    lastTold: noticeClock(noticeClockFile),
    keepEveryMs: KEEP_NOTICES_MS,
  }),
  guard: open => guardDispatcher(open, damage, now),
  unreadable: isReadable ? [] : ['all figures'],
})

if (missing) {
  log.error({ requests: missing.requests, remedy: reasons.events_missing.remedy }, missing.text)
  const { requests, text } = missing
  dispatcher.report({ reason: 'events_missing', at: now(), count: requests, answer: text })
}

const work = createSignal()
let stopping = false

async function runDelivery(destination: string): Promise<void> {
  while (!stopping) {
    const due = (await dispatcher.deliverNextBatch(destination)) ?? Number.POSITIVE_INFINITY
    const waitMs = due - now()
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

function append({ id, rows }: Append): void {
  const results = dispatcher.append(rows)
  reply(results.every(({ stored }) => stored) ? { id } : { id, value: results })
  work.wake()
}

const unreadable: NotStored = {
  stored: false,
  reason: 'outbox_damaged',
  detail: 'the file cannot be opened; sqlite3 .recover may get events out of a copy',
}
const calls = {
  ...admin,
  ...(!isReadable && { exportPage: (): NotStored => unreadable }),
  report: dispatcher.report,
  stop,
}

function isCall(name: string): name is keyof typeof calls {
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
    const fault = toStorageReason(error)
    // What is not written to a damaged file fails as if it were read-only.
    const reason = fault && damage.current() !== undefined ? 'outbox_damaged' : fault
    reply({ id, error: error instanceof Error ? error.message : String(error), reason })
  }
}

port.on('message', (request: Request) => {
  if ('rows' in request) append(request)
  else void answer(request)
})

const ticking = setInterval(() => dispatcher.tick(), TICK_MS)
const deliveries = dispatcher.lanes.names.flatMap(name =>
  Array.from({ length: CONCURRENCY }, () => runDelivery(name)),
)
port.postMessage({ methods: Object.keys(calls) } satisfies Opened)

/** Nothing new goes out; a batch on its way is settled if its answer comes soon, or is pending again at the next start. */
async function stop(): Promise<void> {
  stopping = true
  clearInterval(ticking)
  work.wake()
  await Promise.race([Promise.all(deliveries), sleep(LAST_BATCH_MS)])
  await close()
}
