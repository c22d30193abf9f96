/**
 * Sends events as Twilio's webhook sink does: batches of 1 to 100, out of order, some more than once; 5 s for an answer; 429,
 * 5xx, no answer and no connection are tried again with backoff and jitter, any other answer but 2xx throws the events away.
 * Only the first wait is shorter than Twilio's, so that a fault of seconds is met by many tries.
 */
import { toCause } from '../../src/cli/admin-client.ts'
import { sendBody } from '../support/twilio.ts'
import type { Ledger, SentEvent } from './ledger.ts'
import type { Random } from './random.ts'

export type SenderOptions = {
  /** A function is asked again whenever they run out, until `stop`: for a fault that needs a load however fast the bridge is. */
  readonly events: readonly SentEvent[] | (() => readonly SentEvent[])
  /** Their fate, when it is not `accepted`. */
  readonly fateOf?: (event: SentEvent) => Parameters<Ledger['sent']>[1]
  /** Events in a request, chosen anew for each. @default 1 to 100 */
  readonly batch?: readonly [min: number, max: number]
  /** Requests at a time. @default 8 */
  readonly lanes?: number
  /** Share of requests sent once more although they were acknowledged. @default 0.05 */
  readonly duplicates?: number
  /** Least time between two requests of a lane, for a load that lasts. @default 0 */
  readonly paceMs?: number
  /** @default 5000 */
  readonly timeoutMs?: number
}

export type Sender = {
  /** Settles when every event is acknowledged or thrown away, or the scenario ends. */
  readonly done: Promise<void>
  /** Answers by status, or by why there was none. */
  readonly answers: Readonly<Record<string, number>>
  /** Requests acknowledged so far. */
  readonly acknowledged: number
  /** What has left is seen through, nothing else leaves. */
  stop(): void
}

const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 1_000

export type SenderParts = {
  readonly ledger: Ledger
  readonly random: Random
  readonly signal: AbortSignal
  readonly webhook: () => string
  readonly sleep: (ms: number) => Promise<void>
}

export function startSender(parts: SenderParts, options: SenderOptions): Sender {
  const { ledger, random, signal, webhook, sleep } = parts
  const { batch = [1, 100], lanes = 8, duplicates = 0.05, paceMs = 0, timeoutMs = 5_000 } = options
  const { fateOf = () => undefined } = options
  const answers: Record<string, number> = {}
  let acknowledged = 0
  let isStopped = false
  const { events: given } = options
  const more = typeof given === 'function' ? given : () => []
  const queue = random.shuffled(typeof given === 'function' ? [] : given)

  function take(): readonly SentEvent[] {
    if (isStopped || signal.aborted) return []
    if (queue.length === 0) queue.push(...random.shuffled(more()))
    return queue.splice(0, random.integer(...batch))
  }

  async function sendOnce(events: readonly SentEvent[]): Promise<number | undefined> {
    for (const event of events) ledger.sent([event], fateOf(event))
    let outcome: string
    let status: number | undefined
    try {
      const response = await sendBody(webhook(), JSON.stringify(events), { timeoutMs })
      // A 2xx whose body is cut off is a 2xx all the same: the status decides.
      await response.text().catch(() => undefined)
      status = response.status
      outcome = String(status)
    } catch (error) {
      outcome = toCause(error)
    }
    answers[outcome] = (answers[outcome] ?? 0) + 1
    return status
  }

  async function deliver(events: readonly SentEvent[]): Promise<void> {
    for (let tries = 0; !signal.aborted; tries++) {
      const status = await sendOnce(events)
      if (status !== undefined && status >= 200 && status < 300) {
        ledger.acknowledged(events)
        acknowledged += 1
        return
      }
      if (status !== undefined && status !== 429 && status < 500) {
        ledger.discarded(events, `answered ${status}`)
        return
      }
      const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries)
      await sleep(longest / 2 + (random.next() * longest) / 2)
    }
  }

  async function lane(): Promise<void> {
    for (let events = take(); events.length > 0; events = take()) {
      await deliver(events)
      if (random.chance(duplicates)) await deliver(random.shuffled(events))
      if (paceMs > 0) await sleep(paceMs)
    }
  }

  return {
    done: Promise.all(Array.from({ length: lanes }, lane)).then(() => undefined),
    answers,
    get acknowledged() {
      return acknowledged
    },
    stop() {
      isStopped = true
    },
  }
}
