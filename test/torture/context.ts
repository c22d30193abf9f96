/** One scenario from its fresh folder to its verdict; whatever it started or mounted is gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { startSegment } from '../support/segment.ts'
import { inboundMessage, messageStatus } from '../support/twilio.ts'
import { startWebhook, type WebhookStandIn } from '../support/webhook-stand-in.ts'
import { createBridgeProcess } from './bridge-process.ts'
import { check, type Verdict } from './check.ts'
import { createClock } from './clock.ts'
import { createLedger, type Sample } from './ledger.ts'
import { createRandom, type Random } from './random.ts'
import type { Context, End, Scenario } from './scenario.ts'
import { type Sender, startSender } from './sender.ts'

export type Row = Verdict & {
  readonly name: string
  readonly injected: Readonly<Record<string, number>>
  readonly sent: number
  readonly acknowledged: number
  readonly reached: number
  /** Copies at Segment: a crash between its 2xx and the settling. */
  readonly duplicates: number
  readonly notices: number
  readonly notes: readonly string[]
  readonly seconds: number
}

export type RunOptions = {
  readonly seed: number
  readonly isLong: boolean
  readonly stop: AbortSignal
  readonly say: (text: string) => void
}

const TIMEOUT_SECONDS = 120
const UNTIL_MS = 30_000
const LOOK_EVERY_MS = 20

export async function runScenario(scenario: Scenario, { seed, isLong, stop, say }: RunOptions): Promise<Row> {
  const startedAt = performance.now()
  const timeout = (scenario.timeoutSeconds ?? TIMEOUT_SECONDS) * 1_000
  const late = AbortSignal.timeout(timeout)
  const signal = AbortSignal.any([stop, late])
  const undos: (() => unknown)[] = []
  const faults: string[] = []
  const notes: string[] = []
  const injected: Record<string, number> = {}
  const random = createRandom(seed)
  const ledger = createLedger()
  const senders: Sender[] = []

  const folder = mkdtempSync(join(tmpdir(), 'torture-'))
  undos.push(() => rmSync(folder, { recursive: true, force: true }))
  const segment = await startSegment()
  undos.push(() => segment.close())
  const notices = await startWebhook([200])
  undos.push(() => notices[Symbol.asyncDispose]())
  const settings = {
    SEGMENT_WRITE_KEY: 'the-write-key',
    SEGMENT_HOST: segment.url,
    NOTIFY_URL: notices.origin,
  }
  const bridge = await createBridgeProcess(join(folder, 'data'), settings, signal)
  const clock = createClock(join(folder, 'clock'))

  const sleep = (ms: number) => sleepFor(ms, undefined, { signal }).catch(() => undefined)
  const context: Context = {
    ...{ seed, random, isLong, signal, bridge, segment, clock, ledger, sleep, say },
    events: (count, more) => Array.from({ length: count }, () => toSample(random, more)),
    sender(options) {
      const sender = startSender({ ledger, random, signal, sleep, webhook: () => bridge.webhook }, options)
      senders.push(sender)
      return sender
    },
    fault(name, count = 1) {
      injected[name] = (injected[name] ?? 0) + count
    },
    note(text) {
      say(text)
      notes.push(text)
    },
    expect(holds, otherwise) {
      if (!holds) faults.push(otherwise)
    },
    async until(what, holds, timeoutMs = UNTIL_MS) {
      for (const end = performance.now() + timeoutMs; ; await sleep(LOOK_EVERY_MS)) {
        if (await holds()) return
        signal.throwIfAborted()
        if (performance.now() > end) throw new Error(`It never came true that ${what}`)
      }
    },
    onEnd: undo => void undos.push(undo),
  }
  const { until } = context

  let verdict: Verdict = { faults: [], lost: 0, invented: 0, memoryMiB: Number.NaN }
  try {
    const end: End = (await orAborted(scenario.run(context), signal)) ?? {}
    say('checks')
    const parts = { bridge, segment, ledger, until, notices: toNotices(notices), jumps: clock.jumps }
    verdict = await orAborted(check(parts, end), signal)
  } catch (error) {
    const why = stop.aborted
      ? 'stopped'
      : late.aborted
        ? `not done within ${timeout / 1_000} s`
        : toText(error)
    faults.push(why, `the last sender was answered ${JSON.stringify(senders.at(-1)?.answers)}`)
    faults.push(...bridge.stderr.slice(-2))
  } finally {
    // Before all else: what it works on, a mounted disk say, cannot be taken from under it.
    await attempt(async () => bridge.isUp && (await bridge.kill('SIGKILL')), faults)
    for (const undo of undos.toReversed()) await attempt(undo, faults)
  }
  const { sent, acknowledged } = ledger.counts
  const { stats, ids } = segment
  return {
    ...verdict,
    faults: [...faults, ...verdict.faults],
    ...{ name: scenario.name, injected, sent, acknowledged },
    ...{ reached: ids.size, duplicates: stats.duplicates, notices: notices.bodies.length, notes },
    seconds: (performance.now() - startedAt) / 1_000,
  }
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}

async function attempt(undo: () => unknown, faults: string[]): Promise<void> {
  try {
    await undo()
  } catch (error) {
    faults.push(`not tidied up: ${toText(error)}`)
  }
}

/** When each came, and of what. */
function toNotices({ bodies, arrivedAt }: WebhookStandIn): { at: number; component: string }[] {
  return bodies.map((body, index) => {
    const payload = JSON.parse(new URLSearchParams(body).get('Payload') ?? '{}')
    return { at: arrivedAt[index] ?? 0, component: String(payload.more_info?.component) }
  })
}

function toText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Ids by the seed, so that a run can be had again to the letter. */
function toSample(random: Random, data: Readonly<Record<string, unknown>> = {}): Sample {
  const id = `EZ${random.bytes(16).toString('hex')}`
  const number = `+1555${String(random.integer(0, 9_999_999)).padStart(7, '0')}`
  const to = random.chance(0.1) ? `whatsapp:${number}` : number
  if (random.chance(0.1)) return inboundMessage({ id, to, data })
  return messageStatus({ id, to, type: random.of(['sent', 'delivered', 'read', 'failed']), data })
}
