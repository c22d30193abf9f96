/** Dead letters as the admin API tells them: all that a filter fits, or one by its key. */
import * as z from 'zod'
import { parseExactly } from '../../event/exact-numbers.ts'
import { states } from '../../reasons.ts'
import { check, type OutboxAccess } from '../outbox-access.ts'
import { CliError } from '../terminal.ts'

const Summary = z.object({
  key: z.string(),
  receivedAt: z.string(),
  type: z.string(),
  version: z.number(),
  state: z.enum(states),
  reason: z.string().nullable(),
  id: z.string().nullable(),
  source: z.string().nullable(),
})
export type Summary = z.infer<typeof Summary>
const Page = z.object({
  events: z.array(Summary),
  next: z.string().nullable(),
  /** A bridge of before does not say it. */
  unsorted: z.number().default(0),
})

const Detail = Summary.extend({
  faults: z.array(z.object({ path: z.string(), expected: z.string(), received: z.string() })),
  answer: z.string().nullable(),
  /** A bridge of before does not say it. */
  deliveries: z
    .array(
      z.object({
        destination: z.string(),
        state: z.enum(states),
        reason: z.string().nullable(),
        answer: z.string().nullable(),
        messageId: z.string().nullable(),
        attempts: z.number(),
        settledAt: z.string().nullable(),
      }),
    )
    .default([]),
  attempts: z.array(
    z.object({
      destination: z.string().optional(),
      at: z.string(),
      tookMs: z.number(),
      events: z.number(),
      reason: z.string().nullable(),
      status: z.number().nullable(),
      answer: z.string(),
    }),
  ),
  unreadable: z.string().optional(),
  received: z.unknown(),
  mapped: z.unknown(),
})
export type Detail = z.infer<typeof Detail>

export type Filter = {
  readonly destination?: string | undefined
  /** `held`: pending, but held back. */
  readonly state?: 'rejected' | 'refused' | 'skipped' | 'held' | undefined
  readonly reason?: string | undefined
  readonly type?: string | undefined
  /** Of the receipt, ms since 1970. */
  readonly since?: number | undefined
  readonly until?: number | undefined
}

const PAGE = 200

/** The newest first, of each of the two states. `sawUnsorted` hears with each page how many stored events are not indexed yet. */
export async function* findAll(
  access: OutboxAccess,
  { state, since, until, ...filter }: Filter,
  sawUnsorted: (events: number) => void = () => undefined,
): AsyncGenerator<Summary, void> {
  for (const one of state ? [state] : (['rejected', 'refused'] as const)) {
    for (let before: string | null = '', isFirst = true; isFirst || before; isFirst = false) {
      const query = new URLSearchParams({ state: one === 'held' ? 'pending' : one, limit: String(PAGE) })
      const reason = one === 'held' ? 'held_back' : filter.reason
      for (const [name, value] of Object.entries({ ...filter, reason, before }))
        if (value) query.set(name, value)
      const page: z.infer<typeof Page> = Page.parse(
        await (await check(access, await access.request(`/events?${query}`))).json(),
      )
      sawUnsorted(page.unsorted)
      for (const event of page.events) {
        const at = Date.parse(event.receivedAt)
        if ((since === undefined || at >= since) && (until === undefined || at < until)) yield event
      }
      before = page.next
    }
  }
}

export async function findOne(access: OutboxAccess, key: string): Promise<Detail> {
  const response = await access.request(`/events/${encodeURIComponent(key)}`)
  if (response.status === 404)
    throw new CliError(
      `There is no event ${key}: "npx twilio-segment-bridge dead-letters list" shows the keys.`,
    )
  const text = await (await check(access, response)).text()
  return Detail.parse(parseExactly(text))
}
