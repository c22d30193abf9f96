/**
 * Twilio itself, beside the hostile callers and in a thread of its own, so that their work does not count as its waiting: an
 * event a request, again until it is acknowledged. Told a phase, it notes the latencies under that name from then on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import * as z from 'zod'
import { messageStatus, sendEvents } from '../../support/twilio.ts'

const { webhook, rate } = z.object({ webhook: z.string(), rate: z.number() }).parse(workerData)
const Message = z.union([z.object({ phase: z.string() }), z.object({ stop: z.literal(true) })])

const MOST_TRIES = 20
const phases: Record<string, { times: number[]; retries: number }> = {}
const sent: unknown[] = []
const acknowledged: unknown[] = []
const discarded: unknown[] = []
const open = new Set<Promise<void>>()
let phase = 'before'
let isStopped = false

parentPort?.on('message', (message: unknown) => {
  const told = Message.parse(message)
  if ('phase' in told) phase = told.phase
  else isStopped = true
})

async function send(): Promise<void> {
  const event = messageStatus()
  phases[phase] ??= { times: [], retries: 0 }
  const mine = phases[phase]
  sent.push(event)
  const startedAt = performance.now()
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const status = await ask(event)
    if (tries === 0) mine?.times.push(performance.now() - startedAt)
    if (status === 200) return void acknowledged.push(event)
    // For good, as Twilio does it.
    if (status >= 400 && status < 500 && status !== 429) break
    if (mine) mine.retries++
    await sleep(100 * 2 ** Math.min(tries, 4))
  }
  discarded.push(event)
}

/** 0: no answer. */
async function ask(event: unknown): Promise<number> {
  try {
    const response = await sendEvents(webhook, [event])
    await response.arrayBuffer()
    return response.status
  } catch {
    return 0
  }
}

const startedAt = performance.now()
for (let count = 1; !isStopped; count++) {
  const sending: Promise<void> = send().finally(() => open.delete(sending))
  open.add(sending)
  await sleep(Math.max(0, startedAt + (count * 1_000) / rate - performance.now()))
}
await Promise.all(open)
parentPort?.postMessage({ sent, acknowledged, discarded, phases })
parentPort?.close()
