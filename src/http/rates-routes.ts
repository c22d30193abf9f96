/**
 * How many events arrive and leave per second: by minute and hour in `GET /api/rates`, of the last minute in each message of
 * the stream. Every reading for a page that watches is noted; a host that runs all the time reads by itself as well, so that
 * the last hour is there before anybody asks.
 */
import { Hono } from 'hono'
import * as z from 'zod'
import type { LiveStats, Pulse, PulseQuery } from '../admin/changes.ts'
import type { OutboxClient } from '../bridge.ts'
import { toSpan, windows } from '../stats/quality.ts'
import { createRateMemory, type RateNow, READ_EVERY_MS, toHourlyRates } from '../stats/rates.ts'
import { badRequest } from './bad-request.ts'

export const RatesQuery = z.strictObject({ window: z.enum(windows).default('1h') })
const figuresOnly: PulseQuery = { keys: [], recent: 0, limit: 1 }

/** A reading, and the rate of the last minute with it. */
export type RatedPulse = Pulse & { readonly rate: RateNow }

export type RatesApi = {
  readonly routes: Hono
  /** In the place of the outbox's own, for whoever reads. */
  readonly pulse: (query: PulseQuery) => Promise<RatedPulse>
}

/** `running`: until it is aborted the host reads by itself. */
export function createRatesApi(
  { pulse, quality }: Pick<OutboxClient, 'pulse' | 'quality'>,
  { now, running }: { readonly now: () => number; readonly running: AbortSignal | undefined },
): RatesApi {
  const memory = createRateMemory(now)
  function note({ received, duplicates, unsorted, accepted, unreadable }: LiveStats): void {
    // Without the figures of a shard that is silent the sums fall, and leap when it answers again.
    if (unreadable === undefined) memory.note({ in: received + duplicates + unsorted, out: accepted })
  }

  async function read(query: PulseQuery): Promise<RatedPulse> {
    const answer = await pulse(query)
    note(answer.stats)
    return { ...answer, rate: memory.lastMinute() }
  }

  if (running && !running.aborted) {
    // A reading that fails is a gap; what is wrong is told elsewhere.
    const readOn = () => void read(figuresOnly).catch(() => undefined)
    readOn()
    const timer = setInterval(readOn, READ_EVERY_MS)
    running.addEventListener('abort', () => clearInterval(timer))
  }

  const routes = new Hono()
  routes.get('/rates', async c => {
    const query = RatesQuery.safeParse(c.req.query())
    if (!query.success) return badRequest(c, query.error)
    const { window } = query.data
    if (window === '1h') {
      await read(figuresOnly)
      return c.json(memory.lastHour())
    }
    const span = toSpan(window, now())
    const { kinds, unreadable } = await quality(span)
    return c.json({ ...toHourlyRates(window, span, kinds), ...(unreadable && { unreadable }) })
  })
  return { routes, pulse: read }
}
