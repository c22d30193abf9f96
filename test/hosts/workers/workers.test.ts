/** What only the Workers host does: shards, alarms, the notice clock, its own settings. In real workerd. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import type { Stats } from '../../../src/admin/figures.ts'
import { startBridge } from '../../support/bridge.ts'
import { bundle } from '../../support/bundle-worker.ts'
import { logIn } from '../../support/login.ts'
import { until } from '../../support/patience.ts'
import { startSegment } from '../../support/segment.ts'
import { messageStatus, sendEvents, sinkTest } from '../../support/twilio.ts'
import { startWorkers, type WorkersBridge, type WorkersOptions } from '../../support/workers.ts'

async function startAll(environment: Record<string, string> = {}, options?: WorkersOptions) {
  const segment = await startSegment()
  onTestFinished(() => segment.close())
  const bridge = await start({ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, ...environment }, options)
  return { segment, bridge }
}

async function start(environment: Record<string, string>, options?: WorkersOptions): Promise<WorkersBridge> {
  const bridge = await startWorkers(environment, options)
  onTestFinished(() => bridge.stop())
  return bridge
}

function newStateDir(): string {
  const stateDir = mkdtempSync(join(tmpdir(), 'bridge-state-'))
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }))
  return stateDir
}

const account = ({ received, pending, accepted, rejected, refused, skipped, duplicates }: Stats) => {
  expect(received).toBe(pending + accepted + rejected + refused + skipped)
  return { received, pending, accepted, rejected, refused, skipped, duplicates }
}

describe('shards', () => {
  it.each(['1', '4', '16'])(
    '[WK1] %s of them give the same result for the same events',
    {
      tags: 'long',
    },
    async shards => {
      const { segment, bridge } = await startAll({ OUTBOX_SHARDS: shards })
      const events = Array.from({ length: 2_000 }, (_, index) => messageStatus({ id: `EZ${index}` }))
      const more = [...events.slice(0, 100), { specversion: '1.0', id: 'EZbad' }, sinkTest(), sinkTest()]
      for (let at = 0; at < events.length; at += 100)
        await sendEvents(bridge.webhook, events.slice(at, at + 100))
      expect(await (await sendEvents(bridge.webhook, more)).json()).toEqual({ received: 103, rejected: 1 })
      const stats = await bridge.until(({ pending, received }) => pending === 0 && received === 2_003)
      expect(account(stats)).toEqual({
        received: 2_003,
        pending: 0,
        accepted: 2_000,
        rejected: 1,
        refused: 0,
        skipped: 2,
        duplicates: 100,
      })
      expect(segment.ids).toEqual(new Set(events.map(({ id }) => id)))
      expect(segment.duplicates).toBe(0)
    },
  )

  it('[WK2] a new number of them loses nothing and repeats nothing', { tags: 'long' }, async () => {
    const stateDir = newStateDir()
    const segment = await startSegment()
    onTestFinished(() => segment.close())
    segment.fail({ kind: 'status', status: 503 })
    const events = Array.from({ length: 300 }, () => messageStatus())
    const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url }
    for (const shards of ['4', '1', '7']) {
      const bridge = await startWorkers({ ...settings, OUTBOX_SHARDS: shards }, { stateDir })
      expect((await sendEvents(bridge.webhook, events)).status).toBe(200)
      const stats = account(await bridge.until(({ received }) => received === 300))
      expect(stats).toMatchObject({ received: 300, pending: 300 })
      await bridge.stop()
    }
    segment.heal()
    const bridge = await start({ ...settings, OUTBOX_SHARDS: '7' }, { stateDir })
    await bridge.until(({ accepted }) => accepted === 300)
    expect(segment.ids).toEqual(new Set(events.map(({ id }) => id)))
    expect(segment.duplicates).toBe(0)
  })

  it('[WK3] are listed as one outbox, newest first, each event once', async () => {
    const { bridge } = await startAll({ OUTBOX_SHARDS: '4' })
    const ids: string[] = []
    for (let index = 0; index < 25; index++) {
      const event = messageStatus({ id: `EZ${index}` })
      ids.unshift(event.id)
      await sendEvents(bridge.webhook, [event])
    }
    const seen: string[] = []
    for (let before = ''; ; ) {
      const page = await bridge.api<{ events: { id: string; key: string }[]; next: string | null }>(
        `/api/events?limit=4${before && `&before=${before}`}`,
      )
      seen.push(...page.events.map(({ id }) => id))
      if (page.next === null) break
      before = page.next
    }
    expect(seen.toSorted()).toEqual(ids.toSorted())
    const [{ key } = { key: '' }] = (await bridge.api<{ events: { key: string }[] }>('/api/events')).events
    expect(await bridge.api(`/api/events/${key}`)).toMatchObject({ key, received: { specversion: '1.0' } })
  })
})

describe('an outbox that moves', () => {
  it('[WK13] comes from Node with every event in its state, goes on to Workers of another number, and back', {
    tags: 'long',
  }, async () => {
    const segment = await startSegment()
    onTestFinished(() => segment.close())
    const there = {
      SEGMENT_WRITE_KEY: 'key',
      SEGMENT_HOST: segment.url,
      ADMIN_TOKEN: 'the-token-of-the-tests',
    }
    await using node = await startBridge(there)
    const events = Array.from({ length: 40 }, () => messageStatus())
    await sendEvents(node.webhook, [...events, { specversion: '1.0', id: 'EZbad' }, sinkTest()])
    await node.until(({ accepted }) => accepted === 40)
    const before = account(await node.stats())

    let lines = await node.api<string>('/api/export')
    for (const shards of ['3', '1']) {
      const bridge = await start({ ...there, OUTBOX_SHARDS: shards })
      expect(await bridge.api('/api/import', { method: 'POST', body: lines })).toMatchObject({ stored: 42 })
      expect(await bridge.api('/api/import', { method: 'POST', body: lines })).toMatchObject({
        duplicates: 42,
      })
      expect(account(await bridge.stats())).toEqual({ ...before, duplicates: 42 })
      await sendEvents(bridge.webhook, events)
      expect(account(await bridge.stats())).toEqual({ ...before, duplicates: 82 })
      lines = await bridge.api<string>('/api/export')
    }
    await using back = await startBridge(there)
    expect(await back.api('/api/import', { method: 'POST', body: lines })).toMatchObject({ stored: 42 })
    expect(account(await back.stats())).toEqual(before)
    expect(segment.duplicates).toBe(0)
  })
})

describe('notices', () => {
  it('[WK4] come from one clock: four failing shards give one notice', async () => {
    const { segment, bridge } = await startAll({ OUTBOX_SHARDS: '4' })
    segment.fail({ kind: 'status', status: 500 })
    for (let at = 0; at < 10; at++) {
      await sendEvents(
        bridge.webhook,
        Array.from({ length: 20 }, () => messageStatus()),
      )
    }
    await bridge.until(({ delivery }) => delivery.failures > 2)
    const { notices } = await bridge.api<{ notices: object[] }>('/api/notices')
    expect(notices).toHaveLength(1)
    expect(notices[0]).toMatchObject({ error_code: 91306, level: 'Error' })
  })
})

describe('alarms', () => {
  it('[WK5] deliver everything though the first five of them fail from inside', {
    tags: 'long',
  }, async () => {
    const faulty = bundle('test/support/faulty-worker.ts', join(newStateDir(), 'faulty'))
    const { segment, bridge } = await startAll({}, { bundle: faulty })
    await sendEvents(
      bridge.webhook,
      Array.from({ length: 10 }, () => messageStatus()),
    )
    await segment.waitFor(10)
    await bridge.until(({ accepted }) => accepted === 10)
  })

  it('[WK6] deliver what came while Segment was away', async () => {
    const { segment, bridge } = await startAll()
    segment.fail({ kind: 'reset-before' }, { times: 4 })
    await sendEvents(bridge.webhook, [messageStatus()])
    await segment.waitFor(1)
  })
})

describe('a killed runtime', () => {
  it('[WK7] has lost nothing it acknowledged and invented nothing', { tags: 'long' }, async () => {
    const stateDir = newStateDir()
    const segment = await startSegment()
    onTestFinished(() => segment.close())
    const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, OUTBOX_SHARDS: '2' }
    const acknowledged = new Set<string>()
    const sent = new Set<string>()
    for (let round = 0; round < 3; round++) {
      const bridge = await startWorkers(settings, { stateDir })
      const enough = acknowledged.size + 50
      const killed = until('some acknowledged events', () => acknowledged.size >= enough).then(() => {
        if (bridge.pid) process.kill(bridge.pid, 'SIGKILL')
      })
      for (;;) {
        const events = Array.from({ length: 10 }, () => messageStatus())
        for (const { id } of events) sent.add(id)
        const answer = await sendEvents(bridge.webhook, events).catch(() => undefined)
        if (answer?.status !== 200) break
        for (const { id } of events) acknowledged.add(id)
      }
      await killed
      await bridge.stop()
    }
    const bridge = await start(settings, { stateDir })
    await bridge.until(({ pending }) => pending === 0)
    expect(acknowledged.size).toBeGreaterThanOrEqual(150)
    expect([...acknowledged].filter(id => !segment.ids.has(id))).toEqual([])
    expect([...segment.ids].filter(id => !sent.has(id))).toEqual([])
  })
})

describe('settings', () => {
  it.each([
    ['DATA_DIR', './data'],
    ['PORT', '8787'],
    ['SEGMENT_WRITEKEY', 'key'],
    ['NOTIFY_EVERY_MINUTES', '5'],
  ])('[WK8] %s is refused with 503 and its name, so that Twilio tries again', async (name, value) => {
    const bridge = await start({ [name]: value })
    const answer = await sendEvents(bridge.webhook, [messageStatus()])
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      error: 'wrong_settings',
      faults: [expect.stringContaining(name)],
    })
  })

  it('[WK9] without ADMIN_TOKEN the admin routes do not exist', async () => {
    const bridge = await start({ ADMIN_TOKEN: '' })
    for (const path of ['/metrics', '/api/stats', '/api/events', '/api/notices']) {
      expect((await fetch(bridge.origin + path)).status).toBe(404)
    }
    // The page and its login neither.
    for (const path of ['/', '/debugger', '/debugger/', '/debugger/main.js', '/api/session']) {
      expect((await fetch(bridge.origin + path)).status).toBe(404)
    }
    for (const path of ['/api/login', '/api/logout']) {
      expect((await fetch(bridge.origin + path, { method: 'POST' })).status).toBe(404)
    }
    expect((await fetch(`${bridge.origin}/healthz`)).status).toBe(200)
  })

  it('[ME200] without ADMIN_TOKEN a METRICS_TOKEN opens /metrics alone', { tags: 'long' }, async () => {
    const bridge = await start({ ADMIN_TOKEN: '', METRICS_TOKEN: 'token-of-the-scraper' })
    const headers = { authorization: 'Bearer token-of-the-scraper' }
    expect((await fetch(`${bridge.origin}/metrics`, { headers })).status).toBe(200)
    expect((await fetch(`${bridge.origin}/metrics`)).status).toBe(401)
    expect((await fetch(`${bridge.origin}/api/stats`, { headers })).status).toBe(404)
  })

  it('[AC7] tries at the login count across isolates, and restarts', { tags: 'long' }, async () => {
    const stateDir = newStateDir()
    const guess = async (bridge: WorkersBridge) => (await logIn(bridge.origin, 'a guess')).status
    const first = await start({}, { stateDir })
    for (let times = 0; times < 5; times += 1) expect(await guess(first)).toBe(401)
    await first.stop()
    // This isolate's own count begins anew; a try comes back each ten seconds.
    const second = await start({}, { stateDir })
    const again: number[] = []
    while (again.length < 6) again.push(await guess(second))
    expect(again).toContain(429)
  })

  it('[WK10] without SEGMENT_WRITE_KEY nothing leaves', async () => {
    const bridge = await start({})
    await sendEvents(bridge.webhook, [messageStatus()])
    expect(account(await bridge.until(({ skipped }) => skipped === 1))).toMatchObject({
      accepted: 0,
      pending: 0,
    })
  })
})

describe('the bundle', () => {
  // The free plan takes 3 MB gzipped; beyond this something came in that nobody meant to ship.
  const GZIP_KIB = 256

  it(`[WK11] stays under ${GZIP_KIB} KiB gzipped`, () => {
    expect(gzipSync(readFileSync(inject('workerBundle'))).length / 1_024).toBeLessThan(GZIP_KIB)
  })
})
