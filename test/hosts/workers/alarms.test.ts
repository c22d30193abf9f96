/** On Workers an outage is never unseen, and no event depends on the notice clock. In real workerd. */
// @module-tag long
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { bundle } from '../../support/bundle-worker.ts'
import type { NoticeJson } from '../../support/hosts.ts'
import { logIn } from '../../support/login.ts'
import { startSegment } from '../../support/segment.ts'
import { messageStatus, sendEvents } from '../../support/twilio.ts'
import { startWorkers, type WorkersBridge, type WorkersOptions } from '../../support/workers.ts'

const wrongToken = '1'.repeat(32)
let folder: string
let unsound: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bridge-bundle-'))
  unsound = bundle('test/support/unsound-worker.ts', folder)
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function start(
  environment: Record<string, string> = {},
  options: WorkersOptions = {},
): Promise<WorkersBridge & { segment: Awaited<ReturnType<typeof startSegment>> }> {
  const segment = await startSegment()
  onTestFinished(() => segment.close())
  const bridge = await startWorkers(
    { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, ...environment },
    { bundle: unsound, ...options },
  )
  onTestFinished(() => bridge.stop())
  return { ...bridge, segment }
}

function newStateDir(): string {
  const stateDir = mkdtempSync(join(tmpdir(), 'bridge-state-'))
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }))
  return stateDir
}

const forge = ({ webhook }: WorkersBridge) =>
  sendEvents(webhook, [messageStatus()], { token: wrongToken, timeoutMs: 60_000 })
const notices = async ({ api }: WorkersBridge) =>
  (await api<{ notices: NoticeJson[] }>('/api/notices')).notices.map(({ level, payload }) => ({
    level,
    ...payload.more_info,
  }))
const rowsWritten = async ({ origin }: WorkersBridge): Promise<{ clock: number; shards: number }> =>
  (await fetch(`${origin}/test/rows`)).json() as Promise<{ clock: number; shards: number }>

describe('an outage', () => {
  it('[WK73] W5: of Segment is told and logged at once though a stranger has just been told of', async () => {
    const lines: string[] = []
    const bridge = await start({ LOG_LEVEL: 'info' }, { onLog: line => lines.push(line) })
    expect((await forge(bridge)).status).toBe(503)
    await expect.poll(() => notices(bridge)).toMatchObject([{ component: 'webhook', level: 'Error' }])
    bridge.segment.fail({ kind: 'status', status: 500 })
    await sendEvents(bridge.webhook, [messageStatus()])
    await expect
      .poll(() => notices(bridge), { timeout: 15_000 })
      .toMatchObject([
        { component: 'delivery', reason: 'segment_failing' },
        { component: 'webhook', reason: 'signature_mismatch' },
      ])
    const changes = () =>
      lines
        .map(line => JSON.parse(line))
        .flatMap(({ component, state }) => (state ? [`${component} ${state}`] : []))
    expect(changes()).toEqual(['webhook failing', 'webhook recovered', 'delivery failing'])
    bridge.segment.heal()
    await bridge.until(({ accepted }) => accepted === 1, 20_000)
    await expect.poll(changes).toContain('delivery recovered')
  })

  it('[WK75] a stranger is a warning while requests verify, whichever isolate he comes to', async () => {
    const bridge = await start({ OUTBOX_SHARDS: '3' })
    for (let times = 0; times < 3; times++) await sendEvents(bridge.webhook, [messageStatus()])
    await forge(bridge)
    await expect
      .poll(() => notices(bridge))
      .toMatchObject([{ component: 'webhook', level: 'Warning', open: [] }])
    expect((await bridge.stats()).notices.webhook.open).toEqual([])
  })

  it('[WK75] a mismatch is over, and seen to be, as soon as a request verifies', async () => {
    const bridge = await start()
    await forge(bridge)
    await bridge.until(({ notices }) => notices.webhook.open.length === 1)
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ notices }) => notices.webhook.open.length === 0)
  })
})

describe('what a stranger costs', () => {
  it('[WK71] W3: 5,000 forged requests cost at most 10 rows written, an honest one after them nothing extra', async () => {
    const bridge = await start()
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ accepted }) => accepted === 1)
    const before = await rowsWritten(bridge)
    for (let sent = 0; sent < 5_000; sent += 20)
      await Promise.all(Array.from({ length: 20 }, () => forge(bridge)))
    await expect.poll(async () => (await notices(bridge)).length).toBe(1)
    const forged = await rowsWritten(bridge)
    expect(forged.clock + forged.shards - before.clock - before.shards).toBeLessThanOrEqual(10)
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ accepted }) => accepted === 2)
    expect((await rowsWritten(bridge)).clock).toBe(forged.clock)
  }, 120_000)

  it('[WK72] W3: /readyz is remembered for 5 s an isolate', async () => {
    const bridge = await start({ MAX_BACKLOG: '1' })
    const ready = async () => (await fetch(`${bridge.origin}/readyz`)).json()
    expect(await ready()).toEqual({ status: 'ready' })
    bridge.segment.fail({ kind: 'status', status: 500 })
    const sent = Date.now()
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ troubles }) => troubles.length > 0)
    const soon = await ready()
    if (Date.now() - sent < 4_000) expect(soon).toEqual({ status: 'ready' })
    await expect.poll(ready, { timeout: 15_000 }).toEqual({ status: 'not ready', troubles: ['backlog_full'] })
  })
})

describe('the notice clock', () => {
  it.each(['throws', 'hangs'])('[WK70] W1: costs no event when it %s', async fault => {
    const lines: string[] = []
    const bridge = await start(
      { CLOCK_FAULT: fault, OUTBOX_SHARDS: '2', LOG_LEVEL: 'warn' },
      { onLog: line => lines.push(line) },
    )
    for (let times = 0; times < 5; times++)
      expect((await sendEvents(bridge.webhook, [messageStatus(), messageStatus()])).status).toBe(200)
    expect((await forge(bridge)).status).toBe(503)
    await bridge.until(({ accepted }) => accepted === 10, 20_000)
    expect((await logIn(bridge.origin, bridge.adminToken)).status).toBe(204)
    expect(lines.some(line => line.includes('former numbers of shards'))).toBe(true)
  })

  it('[WK70] W1: former homes are asked once it answers again: a copy stored under another number is known', async () => {
    const stateDir = newStateDir()
    const events = Array.from({ length: 20 }, () => messageStatus())
    const many = await start({ OUTBOX_SHARDS: '4' }, { stateDir })
    await sendEvents(many.webhook, events)
    await many.until(({ accepted }) => accepted === 20, 20_000)
    await many.stop()
    const one = await start({ OUTBOX_SHARDS: '1' }, { stateDir })
    expect((await sendEvents(one.webhook, events)).status).toBe(200)
    expect(await one.until(({ duplicates }) => duplicates === 20)).toMatchObject({ received: 20 })
  })

  it('[WK74] W1: damaged memory stops nothing: it is set aside and told, and the bridge takes events', async () => {
    const stateDir = newStateDir()
    const first = await start({}, { stateDir })
    first.segment.fail({ kind: 'status', status: 500 })
    await forge(first)
    await sendEvents(first.webhook, [messageStatus()])
    await expect.poll(async () => (await notices(first)).length, { timeout: 15_000 }).toBe(2)
    await logIn(first.origin, first.adminToken)
    await first.stop()

    const second = await start({ CLOCK_FAULT: 'damaged' }, { stateDir })
    expect((await sendEvents(second.webhook, [messageStatus()])).status).toBe(200)
    expect((await logIn(second.origin, second.adminToken)).status).toBe(204)
    const { notices: standing } = await second.until(({ accepted }) => accepted === 2, 20_000)
    // What was set aside is told when the silence that is begun anew ends.
    expect(standing.outbox.nextAt).not.toBeNull()
    expect(Date.parse(standing.outbox.nextAt ?? '')).toBeGreaterThan(Date.now())
  })
})

describe('a shard that a newer version has written', () => {
  it('[WK121] answers 503 with the reason, is not ready, and is left as it was', async () => {
    const stateDir = newStateDir()
    const first = await start({}, { stateDir })
    await sendEvents(first.webhook, [messageStatus()])
    await first.until(({ accepted }) => accepted === 1)
    await first.stop()

    const older = await start({ SHARD_FAULT: 'newer' }, { stateDir })
    for (let times = 0; times < 2; times++) {
      const answer = await sendEvents(older.webhook, [messageStatus()])
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).not.toBeNull()
      expect(await answer.json()).toMatchObject({ error: 'outbox_newer' })
    }
    const ready = await fetch(`${older.origin}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'not ready', troubles: ['outbox_newer'] },
    ])
    await expect
      .poll(() => notices(older))
      .toMatchObject([
        {
          component: 'outbox',
          level: 'Error',
          reason: 'outbox_newer',
          remedy: expect.stringMatching(/version/),
        },
      ])
    expect(older.segment.requests).toEqual([])
  })
})

describe('the log', () => {
  it('[AD72] W9: a request that fails is logged with its error, redacted, on Workers as on Node', async () => {
    const lines: string[] = []
    const bridge = await start(
      { CLOCK_FAULT: 'throws', LOG_LEVEL: 'error' },
      { onLog: line => lines.push(line) },
    )
    const asked = await fetch(`${bridge.origin}/api/notices`, {
      headers: { authorization: `Bearer ${bridge.adminToken}` },
    })
    expect(asked.status).toBe(500)
    await expect
      .poll(() => lines.map(line => JSON.parse(line)))
      .toMatchObject([
        {
          level: 'error',
          msg: 'a request failed',
          path: '/api/notices',
          err: { message: expect.stringContaining('overloaded') },
        },
      ])
  })
})
