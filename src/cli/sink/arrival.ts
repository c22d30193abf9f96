/**
 * Did the sink's test event come in through the webhook? Asked of the running bridge, which counts what it received.
 * The counts and not the events: with RETENTION_DAYS=0 a skipped event is gone within a second.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import type { Settings } from '../../config.ts'
import { sinkTest } from '../../families/event-streams.ts'
import { asBearer, ask, findAdminToken, parse } from '../admin-client.ts'
import type { Terminal } from '../terminal.ts'

const POLL_MS = 300

const Stats = z.looseObject({
  counts: z.array(z.looseObject({ type: z.string(), state: z.string(), n: z.number() })),
})
const Notices = z.looseObject({
  notices: z.array(z.looseObject({ timestamp: z.string(), payload: z.looseObject({ message: z.string() }) })),
})

export type Bridge = {
  readonly origin: string
  readonly token: string | undefined
}

export function toBridge(settings: Settings, destination: string, bridge: string | undefined): Bridge {
  return { origin: new URL(bridge ?? destination).origin, token: findAdminToken(settings) }
}

export type Arrival =
  | { readonly arrived: true; readonly afterMs: number }
  | { readonly arrived: false; readonly cause: string; readonly remedy: string }

type Seen =
  | { readonly ok: true; readonly n: number }
  | { readonly ok: false; readonly cause: string; readonly remedy: string }

/** Sends the test and waits for it; nothing is sent when the bridge cannot be asked first. */
export async function awaitTest(
  bridge: Bridge,
  send: () => Promise<void>,
  waitMs: number,
  terminal: Terminal,
): Promise<Arrival> {
  const before = await countTests(bridge)
  if (!before.ok)
    return { arrived: false, cause: `${before.cause}, so no test was sent`, remedy: before.remedy }
  await send()
  const sentAt = Date.now()
  for (;;) {
    const now = await countTests(bridge)
    const afterMs = Date.now() - sentAt
    if (now.ok && now.n > before.n) return { arrived: true, afterMs }
    if (afterMs >= waitMs) break
    terminal.progress(`waiting for the test event: ${Math.round(afterMs / 1_000)} s of ${waitMs / 1_000} s`)
    await sleep(Math.min(POLL_MS, waitMs))
  }
  const notice = await newestNotice(bridge, sentAt)
  return {
    arrived: false,
    cause: `Twilio accepted the request, but no test event reached ${bridge.origin} within ${waitMs / 1_000} s`,
    remedy: notice
      ? `The bridge says: ${notice}`
      : 'Run "npx twilio-segment-bridge check", which tests PUBLIC_URL end to end; then "npx twilio-segment-bridge sink test" again.',
  }
}

async function countTests({ origin, token }: Bridge): Promise<Seen> {
  if (token === undefined) {
    return {
      ok: false,
      cause: 'the bridge cannot be asked without its admin token',
      remedy: 'Set ADMIN_TOKEN as the bridge has it, or run this where its DATA_DIR is.',
    }
  }
  const asked = await ask(`${origin}/api/stats`, asBearer(token))
  if (!asked.ok) {
    const remedy =
      'Start the bridge (npx twilio-segment-bridge serve) and check the proxy in front, or pass its address: --bridge URL.'
    return { ok: false, cause: `the bridge cannot be reached at ${origin} (${asked.cause})`, remedy }
  }
  if (asked.status === 401) {
    const remedy = 'Set ADMIN_TOKEN as that bridge has it.'
    return { ok: false, cause: `the bridge at ${origin} rejects this admin token`, remedy }
  }
  const stats = Stats.safeParse(parse(asked.text))
  if (asked.status !== 200 || !stats.success) {
    const remedy = 'Check the proxy in front of the bridge, or pass its address: --bridge URL.'
    return { ok: false, cause: `${origin}/api/stats answers ${asked.status}: not a bridge`, remedy }
  }
  const tests = stats.data.counts.filter(
    ({ type, state }) => sinkTest.types.includes(type) && state === 'received',
  )
  return { ok: true, n: tests.reduce((sum, { n }) => sum + n, 0) }
}

/** Why, when the bridge has told somebody since. */
async function newestNotice({ origin, token }: Bridge, since: number): Promise<string | undefined> {
  const asked = await ask(`${origin}/api/notices?limit=1`, asBearer(token))
  const [notice] = (asked.ok && Notices.safeParse(parse(asked.text)).data?.notices) || []
  // Its clock need not be ours to the second.
  if (notice === undefined || Date.parse(notice.timestamp) < since - 1_000) return undefined
  return notice.payload.message
}
