/** The state of a running bridge: what `GET /api/status` says while all is well, while a destination fails, and about arrival. */
// @module-tag long
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { atRest, type DestinationStats } from '../../src/admin/figures.ts'
import { toStatus } from '../../src/admin/status.ts'
import type { Status } from '../../src/admin/status-schema.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { type Reason, reasons } from '../../src/reasons.ts'
import { failed } from '../../src/send/destination.ts'
import { startBridge } from '../support/bridge.ts'
import { openTestbed } from '../support/dispatcher.ts'
import { ask, describeHosts, type Hosted } from '../support/hosts.ts'
import { until } from '../support/patience.ts'
import { startSegment } from '../support/segment.ts'
import { messageStatus, sendBody, sendEvents } from '../support/twilio.ts'
import { startWorkers } from '../support/workers.ts'

const statusOf = (bridge: Pick<Hosted, 'api'>) => bridge.api<Status>('/api/status')
const levelsOf = ({ lines }: Status) => Object.fromEntries(lines.map(({ name, level }) => [name, level]))
const lineOf = ({ lines }: Status, name: string) => lines.find(line => line.name === name)

describeHosts('the status', host => {
  it('[AP100] all is well: accepting, nothing waits, and an unconfirmed write key is a warning only', async () => {
    await using bridge = await host.start()
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ accepted }) => accepted === 1)
    const status = await statusOf(bridge)
    expect(status).toMatchObject({
      ok: true,
      outbox: { troubles: [], received: 1, unsorted: 0, unsortedSince: null },
      deadLetters: [],
      lastNotice: null,
    })
    expect(status.destinations).toEqual([
      {
        ...{
          name: 'segment',
          host: bridge.segment.url,
          state: 'accepting',
          reason: null,
          nextAttemptAt: null,
        },
        ...{ accepted: 1, waiting: 0, waitingSince: null, held: 0 },
        ...{ arrival: 'unconfirmed', confirmedAt: null },
      },
    ])
    expect(levelsOf(status)).toMatchObject({ segment: 'ok', waiting: 'ok', 'write key': 'warning' })
  })

  it('[AP100] a destination that answers 401: not ok, with the reason, the next attempt and what waits', async () => {
    await using bridge = await host.start()
    bridge.segment.fail({ kind: 'status', status: 401 })
    await sendEvents(bridge.webhook, [messageStatus(), messageStatus()])
    await bridge.until(({ delivery }) => delivery.failures > 0)
    await until('the pause', async () => {
      await bridge.api('/api/deliver-now', { method: 'POST' })
      return (await statusOf(bridge)).destinations[0]?.state === 'paused'
    })
    const status = await statusOf(bridge)
    expect(status.ok).toBe(false)
    expect(status.destinations[0]).toMatchObject({
      state: 'paused',
      reason: 'segment_unauthorized',
      nextAttemptAt: expect.stringMatching(/Z$/),
      waiting: 2,
      waitingSince: expect.stringMatching(/Z$/),
    })
    expect(lineOf(status, 'segment')).toMatchObject({
      level: 'error',
      remedy: expect.stringContaining('deliver-now'),
    })
    expect(lineOf(status, 'waiting')?.text).toMatch(/^2 events, the oldest for \d+ s/)
  })

  it('[AP100] dead letters stand by state and reason, as a warning', async () => {
    await using bridge = await host.start()
    await sendEvents(
      bridge.webhook,
      [1, 2].map(to => messageStatus({ data: { to } })),
    )
    await sendBody(bridge.webhook, 'no JSON')
    await sendEvents(bridge.webhook, [messageStatus({ data: { text: 'x'.repeat(33_000) } })])
    await bridge.until(({ rejected, refused }) => rejected === 3 && refused === 1)
    const status = await statusOf(bridge)
    expect(status.ok).toBe(true)
    expect(status.deadLetters).toEqual([
      { state: 'rejected', reason: 'schema_rejected', count: 2 },
      expect.anything(),
      expect.anything(),
    ])
    expect(lineOf(status, 'dead letters')).toMatchObject({
      level: 'warning',
      text: '3 rejected (invalid): 2 schema_rejected, 1 body_not_json\n1 refused (undeliverable): 1 event_too_large',
    })
    expect(status.lastNotice).toMatchObject({ level: expect.any(String), message: expect.any(String) })
  })

  it('[AP100] the status needs the admin token', async () => {
    await using bridge = await host.start()
    expect((await fetch(`${bridge.origin}/api/status`)).status).toBe(401)
    expect((await fetch(`${bridge.origin}/api/confirm-arrival`, { method: 'POST' })).status).toBe(401)
  })

  it('[AP103] a dry run is not asked about arrival, and cannot confirm it', async () => {
    await using bridge = await host.start({ SEGMENT_WRITE_KEY: '' })
    const status = await statusOf(bridge)
    expect(status.destinations[0]).toMatchObject({ state: 'dry_run', arrival: 'not_asked' })
    expect(lineOf(status, 'write key')).toBeUndefined()
    expect((await ask(bridge, '/api/confirm-arrival', { method: 'POST' })).status).toBe(409)
  })
})

it('[AP106] a 401 is a warning during the quick retries, then red, and paused only with the pause', async () => {
  const dispatcher = openTestbed({
    deliver: async () => failed('segment_unauthorized', 401, ''),
    random: () => 1,
  })
  const { clock, admin } = dispatcher
  dispatcher.take(messageStatus())
  const seen: unknown[] = []
  for (let failures = 1; failures <= 4; failures++) {
    await dispatcher.deliverNextBatch()
    const status = toStatus(
      admin.status(),
      [{ name: 'segment', host: 'https://x', fingerprint: 'f' }],
      clock.at,
    )
    const [destination] = status.destinations
    const line = lineOf(status, 'segment')
    seen.push([status.ok, destination?.state, line?.level, line?.text.replace(/ \(.* UTC\)/, '')])
    clock.at = Date.parse(destination?.nextAttemptAt ?? '')
  }
  const { title } = reasons.segment_unauthorized
  expect(seen).toEqual([
    [true, 'retrying', 'warning', `retrying in 1 s: ${title}.`],
    [true, 'retrying', 'warning', `retrying in 2 s: ${title}.`],
    [false, 'failing', 'error', `failing: ${title}. Next attempt in 4 s.`],
    [false, 'paused', 'error', `paused: ${title}. Next attempt in 5 min.`],
  ])
})

describe('arrival', () => {
  const hosts = {
    async Node(stateDir: string, environment: Record<string, string>) {
      return startBridge({ ADMIN_TOKEN: 'the-token-of-the-tests', DATA_DIR: stateDir, ...environment })
    },
    Workers: (stateDir: string, environment: Record<string, string>) =>
      startWorkers(environment, { stateDir }),
  }

  it.each(['Node', 'Workers'] as const)(
    '[AP103] it is confirmed once for a write key, across restarts; another key is unconfirmed again (%s)',
    async name => {
      await using segment = await startSegment()
      const stateDir = mkdtempSync(join(tmpdir(), 'bridge-arrival-'))
      onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }))
      const arrivalUnder = async (key: string, confirms = false) => {
        const bridge = await hosts[name](stateDir, { SEGMENT_WRITE_KEY: key, SEGMENT_HOST: segment.url })
        try {
          if (confirms) await bridge.api('/api/confirm-arrival', { method: 'POST' })
          const { destinations, lines } = await statusOf(bridge)
          expect(JSON.stringify(lines)).not.toContain(key)
          return destinations[0]?.arrival
        } finally {
          await bridge.stop()
        }
      }
      expect(await arrivalUnder('first-key')).toBe('unconfirmed')
      expect(await arrivalUnder('first-key', true)).toBe('confirmed')
      expect(await arrivalUnder('first-key')).toBe('confirmed')
      expect(await arrivalUnder('other-key')).toBe('unconfirmed')
    },
  )

  it('[AP103] a memory that does not parse counts as unconfirmed, and can be confirmed anew', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'bridge-arrival-'))
    onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }))
    const environment = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: 'http://127.0.0.1:9', DATA_DIR: stateDir }
    const first = await startBridge(environment)
    await first.api('/api/confirm-arrival', { method: 'POST' })
    expect((await statusOf(first)).destinations[0]?.arrival).toBe('confirmed')
    await first.stop()
    const sql = openSqlite(join(stateDir, 'outbox.db'))
    sql.all("UPDATE memory SET value = '[' WHERE name = 'arrival-confirmed'")
    sql.close()
    const second = await startBridge(environment)
    onTestFinished(() => second.stop())
    expect((await statusOf(second)).destinations[0]?.arrival).toBe('unconfirmed')
    await second.api('/api/confirm-arrival', { method: 'POST' })
    expect((await statusOf(second)).destinations[0]?.arrival).toBe('confirmed')
  })
})

describe('the judgement', () => {
  type Figures = Parameters<typeof toStatus>[0]
  const NOW = Date.parse('2026-11-28T20:00:00Z')
  const facts = [{ name: 'segment', host: 'https://api.segment.io', fingerprint: 'abc' }]

  function figures(
    stats: Partial<Figures['stats']>,
    more: Partial<Figures> = {},
    destination: Partial<DestinationStats> = {},
  ): Figures {
    const nothing: Figures['stats'] = {
      ...{
        received: 0,
        duplicates: 0,
        unsorted: 0,
        pending: 0,
        accepted: 0,
        rejected: 0,
        refused: 0,
        skipped: 0,
      },
      ...{ oldestPendingSeconds: 0, held: 0, counts: [], troubles: [] },
      delivery: atRest,
      destinations: [],
    }
    const { pending = 0, held = 0, oldestPendingSeconds = 0, delivery = atRest } = stats
    const segment: DestinationStats = {
      ...{
        name: 'segment',
        accepted: 0,
        refused: 0,
        skipped: 0,
        filtered: 0,
        collectSeconds: 0,
        paused: null,
      },
      ...{ pending, held, oldestPendingSeconds, delivery, ...destination },
    }
    return {
      stats: { ...nothing, ...stats, destinations: [segment] },
      troubles: [],
      unsortedSince: undefined,
      lastNotice: null,
      arrivals: [{ fingerprint: 'abc', at: NOW }],
      ...more,
    }
  }

  it('[AP104] A1: each trouble of the outbox has its own remedy: a damaged file is not told to free disk space', () => {
    const remedyOf = (...troubles: Reason[]) =>
      lineOf(toStatus(figures({ troubles: ['some trouble'] }, { troubles }), facts, NOW), 'outbox')?.remedy
    expect(remedyOf('outbox_damaged')).toBe(reasons.outbox_damaged.remedy)
    expect(remedyOf('outbox_unwritable', 'backlog_full')).toBe(
      `${reasons.outbox_unwritable.remedy} ${reasons.backlog_full.remedy}`,
    )
  })

  it.each([
    ['nothing is wrong', figures({}), {}],
    ['the outbox is not storing events', figures({ troubles: ['disk full'] }), { outbox: 'error' }],
    ['a burst is being indexed', figures({ unsorted: 9 }, { unsortedSince: NOW - 5_000 }), {}],
    ['nothing is indexed', figures({ unsorted: 9 }, { unsortedSince: NOW - 130_000 }), { index: 'error' }],
    ['some wait for a moment', figures({ pending: 5, oldestPendingSeconds: 20 }), {}],
    ['it is behind', figures({ pending: 5, oldestPendingSeconds: 301 }), { segment: 'error' }],
    [
      'it fails',
      figures({ delivery: { failures: 1, reason: 'segment_failing', nextAttemptAt: null } }),
      { segment: 'error' },
    ],
    [
      'it gathers on purpose',
      figures({ pending: 5, oldestPendingSeconds: 599 }, {}, { collectSeconds: 300 }),
      {},
    ],
    ['a person paused it', figures({}, {}, { paused: 'paused_by_operator' }), { segment: 'error' }],
    ['some are held back', figures({ pending: 2, held: 2 }), { 'held back': 'warning' }],
    [
      'another key was confirmed',
      figures({}, { arrivals: [{ fingerprint: 'old', at: 1 }] }),
      { 'write key': 'warning' },
    ],
  ])('[AP104] %s', (_, given, expected) => {
    const status = toStatus(given, facts, NOW)
    const levels = Object.entries(levelsOf(status)).filter(([, level]) => level !== 'ok')
    expect(Object.fromEntries(levels)).toEqual(expected)
    expect(status.ok).toBe(!Object.values(expected).includes('error'))
    for (const { level, remedy } of status.lines) expect(remedy === null).toBe(level === 'ok')
  })
})
