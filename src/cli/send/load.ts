/**
 * A steady load: a request whenever one is due, whatever became of the earlier ones, as Twilio does it. Ends when the time is
 * over and everything is settled, or when it is stopped. Behind: it had to wait for answers, so it sent slower than asked.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Feed } from './event-generator.ts'
import { type Answer, type Manners, post, type Target } from './post.ts'
import type { Tally } from './tally.ts'

export type Load = {
  readonly target: Target
  readonly feed: Feed
  /** Events a second. */
  readonly rate: number
  readonly forMs: number
  /** Events a request. */
  readonly batch: number
  readonly manners: Manners
}

/** More at once would measure this process and not the bridge. */
export const MAX_IN_FLIGHT = 500

export async function runLoad(
  { target, feed, rate, forMs, batch, manners }: Load,
  tally: Tally,
  stop: AbortSignal,
  onAnswer: (answer: Answer) => void,
): Promise<{ readonly isBehind: boolean }> {
  const everyMs = (batch / rate) * 1_000
  const total = Math.max(1, Math.round(forMs / everyMs))
  const startedAt = performance.now()
  const open = new Set<Promise<void>>()
  let isBehind = false

  async function send(): Promise<void> {
    const { events, duplicates } = feed.take(batch)
    tally.sent(events.length, duplicates)
    tally.settled(events.length, await post(target, JSON.stringify(events), manners, stop, onAnswer))
  }

  for (let sent = 0; sent < total && !stop.aborted; ) {
    const due = Math.min(total, Math.floor((performance.now() - startedAt) / everyMs) + 1)
    for (; sent < due && open.size < MAX_IN_FLIGHT && !stop.aborted; sent++) {
      const sending: Promise<void> = send().finally(() => open.delete(sending))
      open.add(sending)
    }
    if (sent >= total) break
    isBehind ||= open.size >= MAX_IN_FLIGHT
    const untilNextMs = startedAt + sent * everyMs - performance.now()
    await sleep(Math.max(1, untilNextMs), undefined, { signal: stop }).catch(() => undefined)
  }
  await Promise.all(open)
  return { isBehind }
}
