/** W6: what the free plan of Workers allows one invocation, 50 subrequests, is enough for anything. In real workerd. */
// @module-tag long
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { bundle } from '../../support/bundle-worker.ts'
import { cookieOf, logIn } from '../../support/login.ts'
import { type Fault, startSegment } from '../../support/segment.ts'
import { messageStatus, sendEvents } from '../../support/twilio.ts'
import { startWorkers } from '../../support/workers.ts'

let folder: string
let limited: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bridge-bundle-'))
  limited = bundle('test/support/limited-worker.ts', folder)
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const CULPRIT = "' OR 1=1"
const EVENTS = 1_000

async function start(environment: Record<string, string> = {}, onLog?: (line: string) => void) {
  const segment = await startSegment()
  onTestFinished(() => segment.close())
  const bridge = await startWorkers(
    { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, ...environment },
    { bundle: limited, ...(onLog && { onLog }) },
  )
  onTestFinished(() => bridge.stop())
  const subrequests = async (): Promise<Record<'alarms' | 'requests', { most: number; refused: number }>> =>
    (await fetch(`${bridge.origin}/test/subrequests`)).json() as Promise<never>
  return { segment, bridge, subrequests }
}

describe('W6: 50 subrequests an invocation', () => {
  it.each<[string, Fault & { kind: 'text' }, number]>([
    ['a 400', { kind: 'text', text: CULPRIT, bad: { kind: 'status', status: 400 } }, 1],
    // Each costs some 14 requests to find: more than one ring allows, and more than a few.
    ['a 400 for 12', { kind: 'text', text: CULPRIT, bad: { kind: 'status', status: 400 } }, 12],
    ['a 403 for 12', { kind: 'text', text: CULPRIT, bad: { kind: 'status', status: 403 } }, 12],
  ])(
    '[WK50] behind %s of 1,000 all others are delivered, no ring asks for more, and none of it is a failure',
    async (_, fault, culprits) => {
      const { segment, bridge, subrequests } = await start()
      segment.fail(fault)
      const events = Array.from({ length: EVENTS }, (_, at) =>
        messageStatus(at % Math.floor(EVENTS / culprits) === 37 ? { data: { body: CULPRIT } } : {}),
      )
      for (let at = 0; at < EVENTS; at += 250) await sendEvents(bridge.webhook, events.slice(at, at + 250))
      const isRefusal = fault.bad.kind === 'status' && fault.bad.status === 400
      const stats = await bridge.until(
        ({ accepted, refused, held }) =>
          accepted === EVENTS - culprits && (isRefusal ? refused : held) === culprits,
      )
      expect(stats).toMatchObject({ received: EVENTS, delivery: { failures: 0 } })
      expect([segment.ids.size, segment.duplicates]).toEqual([EVENTS - culprits, 0])
      expect(segment.requests.length).toBeGreaterThan(culprits * 2)
      const { most, refused } = (await subrequests()).alarms
      expect(refused).toBe(0)
      // More than one ring was needed: the limit was played, and kept.
      if (culprits > 1) expect([segment.requests.length > 50, most > 30]).toEqual([true, true])
      const { notices } = await bridge.api<{ notices: object[] }>('/api/notices')
      expect(JSON.stringify(notices)).not.toContain('segment_unreachable')
    },
  )
})

describe('W6: shards that a plan cannot serve', () => {
  const said = (lines: readonly string[]) => lines.filter(line => line.includes('OUTBOX_SHARDS'))

  it('[WK120] 47 are warned of once an isolate', async () => {
    const lines: string[] = []
    const { bridge } = await start({ OUTBOX_SHARDS: '47', LOG_LEVEL: 'warn' }, line => lines.push(line))
    for (let times = 0; times < 3; times++) expect((await fetch(`${bridge.origin}/healthz`)).status).toBe(200)
    await expect.poll(() => said(lines)).toHaveLength(1)
    expect(JSON.parse(said(lines)[0] ?? '')).toMatchObject({ level: 'warn', shards: 47, most: 46 })
  })

  it('[WK120] 46 are not: everything the page asks for stays within 50', async () => {
    const lines: string[] = []
    const { bridge, subrequests } = await start({ OUTBOX_SHARDS: '46', LOG_LEVEL: 'warn' }, line =>
      lines.push(line),
    )
    await sendEvents(bridge.webhook, [messageStatus()])
    // By cookie, as the page asks: the clock is asked about the session as well.
    const headers = { cookie: cookieOf(await logIn(bridge.origin, bridge.adminToken)) }
    for (const path of ['status', 'stats', 'events', 'dead-letters', 'notices', 'quality', 'about'])
      expect((await fetch(`${bridge.origin}/api/${path}`, { headers })).status).toBe(200)
    await bridge.until(({ accepted }) => accepted === 1)
    expect((await subrequests()).requests).toMatchObject({ most: 49, refused: 0 })
    expect(said(lines)).toEqual([])
  })
})
