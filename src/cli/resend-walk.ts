/** Stored events sent again, or to one destination more, slice by slice: each is a moment's work for the bridge. */
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { check, type OutboxAccess } from './outbox-access.ts'

const Answer = z.object({
  matched: z.number(),
  pruned: z.number(),
  done: z.number(),
  next: z.string().nullable(),
})
export type Resent = Omit<z.infer<typeof Answer>, 'next'>
/** Times are ms since 1970. */
export type ResendQuery = {
  readonly since: number
  readonly until: number
  readonly type?: string | undefined
  readonly destination?: string | undefined
  /** To those that the destination never got. */
  readonly backfill?: boolean
  readonly preview: boolean
}

/** How often it is asked whether there is room again. */
const ROOM_EVERY_MS = 1_000

export async function walkResend(
  access: OutboxAccess,
  { since, until, ...which }: ResendQuery,
  onProgress: (sum: Resent) => void,
): Promise<Resent> {
  const sum = { matched: 0, pruned: 0, done: 0 }
  for (let after: string | null | undefined; after !== null; ) {
    const body = { since: toIso(since), until: toIso(until), ...which, after }
    const response = await access.request('/events/resend', { method: 'POST', body: JSON.stringify(body) })
    const { next, ...page } = Answer.parse(await (await check(access, response)).json())
    sum.matched += page.matched
    sum.pruned += page.pruned
    sum.done += page.done
    const isWaiting = next !== null && next === after
    after = next
    // As many wait as may: MAX_BACKLOG keeps room for what Twilio sends.
    if (isWaiting) await sleep(ROOM_EVERY_MS)
    onProgress(sum)
  }
  return sum
}

const toIso = (ms: number): string => new Date(ms).toISOString()
