/** One shard that does not answer, beside others that do. In real workerd. */
// @module-tag long
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import type { Status } from '../../../src/admin/status-schema.ts'
import { bundle } from '../../support/bundle-worker.ts'
import { startSegment } from '../../support/segment.ts'
import { messageStatus, sendEvents } from '../../support/twilio.ts'
import { startWorkers } from '../../support/workers.ts'

let folder: string
let unsound: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bridge-bundle-'))
  unsound = bundle('test/support/unsound-worker.ts', folder)
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const EVENTS = 40

it.each([
  ['one newer', 'outbox_newer', 'written by a newer version'],
  ['one fails', 'outbox_unwritable', 'exceeded timeout'],
])(
  '[WK100] [WK220] %s: figures, status, lists, the stream, metrics and actions have what the others say, and name it',
  async (fault, reason, words) => {
    const segment = await startSegment()
    onTestFinished(() => segment.close())
    const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, OUTBOX_SHARDS: '3' }
    const bridge = await startWorkers({ ...settings, SHARD_FAULT: fault }, { bundle: unsound })
    onTestFinished(() => bridge.stop())
    const statuses = new Set<number>()
    for (let sent = 0; sent < EVENTS; sent++) {
      const answer = await sendEvents(bridge.webhook, [messageStatus()])
      await answer.body?.cancel()
      statuses.add(answer.status)
    }
    expect([...statuses].sort()).toEqual([200, 503])
    const { accepted, troubles, unreadable } = await bridge.until(
      stats => stats.accepted > 0 && stats.pending === 0,
    )
    expect(accepted).toBeLessThan(EVENTS)
    expect(troubles).toEqual([expect.stringMatching(new RegExp(`^shard 1: does not answer: .*${words}`))])
    expect(unreadable).toEqual(['shard 1: all figures'])

    const status = await bridge.api<Status>('/api/status')
    expect(status).toMatchObject({ ok: false, outbox: { received: accepted, reasons: [reason] } })
    expect(status.lines).toContainEqual(
      expect.objectContaining({ name: 'figures', level: 'error', text: expect.stringContaining('shard 1') }),
    )
    const list = await bridge.api<{ events: unknown[]; unreadable: string[] }>('/api/events?limit=100')
    expect(list.events).toHaveLength(accepted)
    expect(list.unreadable).toEqual(['shard 1: its events'])
    const metrics = await bridge.api<string>('/metrics')
    expect(metrics).toMatch(/^bridge_ready 0$/m)
    expect(metrics).toContain(`state="accepted"`)
    const missing = { groups: [], unsorted: 0, unreadable: ['shard 1: its dead letters'] }
    expect(await bridge.api('/api/dead-letters')).toEqual(missing)
    const hours = { window: '24h', unreadable: ['shard 1: its hours'] }
    expect(await bridge.api('/api/quality')).toMatchObject(hours)
    // What is asked to be done is done by the others, and says where it is not.
    const notDone = [expect.stringMatching(/^shard 1: does not answer/)]
    for (const path of ['/api/deliver-now', '/api/dead-letters/retry', '/api/dead-letters/drop'])
      expect(await bridge.api(path, { method: 'POST' }), path).toMatchObject({ notDone })

    const headers = { authorization: `Bearer ${bridge.adminToken}` }
    const stream = await fetch(`${bridge.origin}/api/stream?after=0_0_0`, { headers })
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    let said = ''
    while (!/event: pulse\ndata: .*\n/.test(said)) said += (await reader?.read())?.value ?? '(ended)'
    expect(said).toContain('shard 1: does not answer')
    await reader?.cancel()
  },
)
