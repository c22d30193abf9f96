/** Shards that lost their alarm, or were left behind by a newer version. In real workerd. */
// @module-tag long
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { bundle } from '../../support/bundle-worker.ts'
import type { NoticeJson } from '../../support/hosts.ts'
import { startSegment } from '../../support/segment.ts'
import { messageStatus, sendEvents } from '../../support/twilio.ts'
import { startWorkers } from '../../support/workers.ts'

let folder: string
let neglected: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bridge-bundle-'))
  neglected = bundle('test/support/neglected-worker.ts', folder)
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function start(more: Record<string, string> = {}) {
  const segment = await startSegment()
  onTestFinished(() => segment.close())
  const bridge = await startWorkers(
    { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, ...more },
    { bundle: neglected },
  )
  onTestFinished(() => bridge.stop())
  const ask = async (path: string): Promise<{ at?: number | null }> =>
    (await fetch(`${bridge.origin}/test/${path}`)).json() as Promise<{ at?: number | null }>
  return { bridge, segment, ask }
}

it('[WK130] a shard in which only held-back events wait gets a lost alarm back by cron', async () => {
  const { bridge, segment, ask } = await start()
  segment.fail({ kind: 'text', text: 'OR 1=1', bad: { kind: 'status', status: 403, body: 'blocked' } })
  const poison = messageStatus({ data: { body: "' OR 1=1" } })
  await sendEvents(bridge.webhook, [messageStatus(), poison, messageStatus()])
  await bridge.until(({ held, accepted }) => held === 1 && accepted === 2, 60_000)
  await ask('lose-alarm')
  expect((await ask('alarm')).at).toBeNull()
  await ask('watch')
  expect((await ask('alarm')).at).not.toBeNull()
})

it('[WK131] a store of a newer version is told by a notice: every event is answered 503 meanwhile', async () => {
  const { bridge } = await start({ NEWER_STORE: 'true' })
  const answer = await sendEvents(bridge.webhook, [messageStatus()])
  expect(answer.status).toBe(503)
  const told = async () => (await bridge.api<{ notices: NoticeJson[] }>('/api/notices')).notices
  await expect
    .poll(async () => (await told()).map(({ payload }) => payload.more_info.reason), { timeout: 20_000 })
    .toEqual(['outbox_newer'])
})
