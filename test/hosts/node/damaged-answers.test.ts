/** What a bridge answers to people while a page of its outbox cannot be read: what the others say, what is missing, never a 500. */
// @module-tag long
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Status } from '../../../src/admin/status-schema.ts'
import { type Bridge, newDataDir, startBridge } from '../../support/bridge.ts'
import { overwritePages } from '../../support/damaged-pages.ts'
import { messageStatus, sendEvents } from '../../support/twilio.ts'

const away = { SEGMENT_WRITE_KEY: 'the-write-key', SEGMENT_HOST: 'http://127.0.0.1:9' }
const EVENTS = 400

/** The folder of a bridge with events that wait and dead letters, stopped. */
let template: string
beforeAll(async () => {
  template = newDataDir()
  await using bridge = await startBridge({ ...away, DATA_DIR: template })
  const events = Array.from({ length: EVENTS }, () => messageStatus())
  await sendEvents(bridge.webhook, events)
  await sendEvents(bridge.webhook, [{ ...messageStatus(), data: {} }])
  await bridge.until(({ pending, rejected }) => pending === EVENTS && rejected === 1)
}, 120_000)
afterAll(() => rmSync(template, { recursive: true, force: true }))

/** With these tables damaged under the running bridge: what it has in memory is what it read before. */
async function startDamaged(names: readonly string[], when: 'before' | 'running') {
  const path = newDataDir()
  cpSync(template, path, { recursive: true })
  const file = join(path, 'outbox.db')
  const damage = () => {
    for (const name of names) overwritePages(file, name)
  }
  if (when === 'before') damage()
  const bridge = await startBridge({ ...away, DATA_DIR: path })
  if (when === 'running') {
    await vi.waitFor(async () => expect((await fetch(`${bridge.origin}/readyz`)).status).toBe(200), 60_000)
    const { events } = await bridge.api<{ events: { key: string }[] }>('/api/events?limit=1')
    expect(events).toHaveLength(1)
    damage()
    // Another connection's commit: what the bridge has in its cache is read again.
    const database = new DatabaseSync(file)
    database.exec('PRAGMA busy_timeout = 10000; PRAGMA user_version = 7')
    database.close()
  }
  return {
    bridge,
    async [Symbol.asyncDispose]() {
      await bridge.stop()
      rmSync(path, { recursive: true, force: true })
    },
  }
}

async function ask({ origin, adminToken }: Bridge, path: string, method = 'GET') {
  const headers = { authorization: `Bearer ${adminToken}` }
  const response = await fetch(origin + path, { method, headers })
  return { status: response.status, text: await response.text() }
}

describe('a damaged page under a running bridge', { timeout: 120_000 }, () => {
  it.each([
    ['counts', ['counts']],
    ['oldestPendingSeconds', ['due']],
    ['lastNotice', ['notices']],
  ])(
    '[AP105] %s cannot be read: figures, status and metrics have what the others say, and name it',
    async (name, tables) => {
      await using damaged = await startDamaged(tables, 'running')
      const { bridge } = damaged
      const status = await bridge.api<Status>('/api/status')
      expect(status.outbox.unreadable).toContain(name)
      expect(status.lines).toContainEqual({
        name: 'figures',
        level: 'error',
        text: expect.stringContaining(name),
        remedy: expect.stringContaining('copy the data folder'),
      })
      expect(status).toMatchObject({
        ok: false,
        outbox: { received: EVENTS + 1, reasons: ['outbox_damaged'] },
      })
      const stats = await bridge.stats()
      expect(stats).toMatchObject({ received: EVENTS + 1, pending: EVENTS, rejected: 1 })
      const metrics = await ask(bridge, '/metrics')
      expect(metrics.status).toBe(200)
      expect(metrics.text).toMatch(/^bridge_ready 0$/m)
      const received = [...metrics.text.matchAll(/^bridge_events_received_total\{.*\} (\d+)$/gm)]
      expect(received.reduce((sum, [, n]) => sum + Number(n), 0)).toBe(EVENTS + 1)
    },
  )

  it('[AP105] a list, an event, a retry, a drop and a confirmation that need what is damaged are 503 with reason and remedy', async () => {
    await using damaged = await startDamaged(
      ['events', 'due', 'aside', 'dead', 'memory', 'counts'],
      'running',
    )
    const { bridge } = damaged
    for (const [path, method] of [
      ['/api/events', 'GET'],
      ['/api/events/2-0', 'GET'],
      ['/api/events/2-0/retry', 'POST'],
      ['/api/events/2-0/drop', 'POST'],
      ['/api/events/2-0/resend', 'POST'],
      ['/api/dead-letters/retry', 'POST'],
      ['/api/confirm-arrival', 'POST'],
    ] as const) {
      const { status, text } = await ask(bridge, path, method)
      expect({ path, status, answer: JSON.parse(text) }).toEqual({
        path,
        status: 503,
        answer: { error: 'outbox_damaged', message: expect.stringContaining('copy the data folder') },
      })
    }
  })

  it('[AP220] dead letters, data quality and metrics have what can be read, and name what cannot', async () => {
    await using damaged = await startDamaged(['counts', 'hours'], 'running')
    const { bridge } = damaged
    expect(await bridge.api('/api/dead-letters')).toEqual({ groups: [], unsorted: 0, unreadable: ['counts'] })
    for (const path of ['/api/quality', '/api/rates?window=24h'])
      expect(await bridge.api(path), path).toMatchObject({ window: '24h', unreadable: ['quality'] })
    expect(await ask(bridge, '/metrics')).toMatchObject({ status: 200 })
  })

  it('[AP105] the stream of the page goes on', async () => {
    await using damaged = await startDamaged(['events', 'due', 'aside', 'dead', 'counts'], 'running')
    const { origin, adminToken } = damaged.bridge
    const stream = await fetch(`${origin}/api/stream?after=0`, {
      headers: { authorization: `Bearer ${adminToken}` },
    })
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    let said = ''
    while (!said.includes('\n\n', said.indexOf('event: pulse') + 1) || !said.includes('event: pulse')) {
      const { value, done } = (await reader?.read()) ?? { done: true, value: '' }
      if (done) break
      said += value
    }
    expect(said).toContain('"unreadable":["changes"')
    await reader?.cancel()
  })
})

it('[AP105] a file that cannot be opened at all has no figures, and status says so', async () => {
  await using damaged = await startDamaged(['counts'], 'before')
  const status = await damaged.bridge.api<Status>('/api/status')
  expect(status).toMatchObject({
    ok: false,
    outbox: { unreadable: ['all figures'], reasons: ['outbox_damaged'] },
  })
})
