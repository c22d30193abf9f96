/** Honest traffic while others misbehave: what it had to wait, and what became of it. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import * as z from 'zod'

const Event = z.looseObject({ id: z.string() })
const Told = z.object({
  sent: z.array(Event),
  acknowledged: z.array(Event),
  discarded: z.array(Event),
  phases: z.record(z.string(), z.object({ times: z.array(z.number()), retries: z.number() })),
})
export type Outcome = z.infer<typeof Told>

export type Honest = {
  /** What is sent from now on is counted under this name. It begins with `before`. */
  phase(name: string): void
  /** No more requests; waits for those under way. */
  stop(): Promise<Outcome>
}

/** `rate` is events, and requests, a second. */
export function startHonest(webhook: string, rate = 40): Honest {
  const worker = new Worker(new URL('./honest-thread.ts', import.meta.url), { workerData: { webhook, rate } })
  const told = once(worker, 'message')
  return {
    phase: name => worker.postMessage({ phase: name }),
    async stop() {
      worker.postMessage({ stop: true })
      const [message] = await told
      return Told.parse(message)
    },
  }
}

/** As `before 6 / 125 ms, during 4 / 19 ms`: p50 and p99 of the first answers, and how many were none or no 200. */
export function toLatencies(phases: Outcome['phases']): string {
  return Object.entries(phases)
    .map(([name, { times, retries }]) => {
      const sorted = times.toSorted((a, b) => a - b)
      const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)
      return `${name} ${at(0.5)} / ${at(0.99)} ms${retries > 0 ? ` (${retries} retries)` : ''}`
    })
    .join(', ')
}
