/** The path from the outbox on, for a test: real SQLite in memory, a clock and dice that the test holds. */

import type { Admin } from '../../src/admin/admin.ts'
import type { Component } from '../../src/alerts/component.ts'
import type { Notice } from '../../src/alerts/notice.ts'
import type { LastTold } from '../../src/alerts/notifier.ts'
import { notifyFrom, openBridge } from '../../src/bridge.ts'
import { digests } from '../../src/hosts/node/digests.ts'
import { type NodeSql, openSqlite } from '../../src/hosts/node/sqlite.ts'
import { validate } from '../../src/ingest/validate.ts'
import { encodeRow } from '../../src/outbox/encode-row.ts'
import type { Attempt } from '../../src/outbox/queries.ts'
import type { RequestRow } from '../../src/outbox/request-row.ts'
import { createOutbox, type SqliteOutbox as OutboxStore } from '../../src/outbox/sqlite/outbox.ts'
import type { Sql } from '../../src/outbox/sqlite/sql.ts'
import { states } from '../../src/reasons.ts'
import type { Log } from '../../src/runtime.ts'
import type { DeliveryOutcome, Destination } from '../../src/send/destination.ts'
import type { Dispatcher } from '../../src/send/dispatcher.ts'
import { type Line, openLine } from '../../src/send/retry.ts'
import { createDeliver, type Deliver, measureOverhead } from '../../src/send/segment/client.ts'
import { toDestination } from '../../src/send/segment/segment.ts'
import { toSettings } from './bridge.ts'
import { authToken } from './twilio.ts'

export const START = Date.UTC(2026, 9, 5, 2, 14)
export const MINUTE = 60_000
export const DAY = 24 * 60 * MINUTE
const target = { host: 'http://127.0.0.1:9', writeKey: 'write-key', path: '/v1/batch' }
export const overhead = await measureOverhead(target)

export type Clock = { at: number; now(): number; pass(ms: number): void }

export function createClock(at = START): Clock {
  const clock: Clock = {
    at,
    now: () => clock.at,
    pass(ms) {
      clock.at += ms
    },
  }
  return clock
}

/** Through the SDK, to the stand-in at `url`. */
export function deliverTo(url: string, now: () => number = Date.now, timeoutMs?: number): Deliver {
  return createDeliver({ ...target, host: url }, { send: fetch, now }, timeoutMs)
}

export const neverAborted = new AbortController().signal

/** One attempt, that nobody ends early. */
export async function attempt(
  deliver: Deliver,
  tracks: Parameters<Deliver>[0],
): Promise<Exclude<DeliveryOutcome, { kind: 'aborted' }>> {
  const outcome = await deliver(tracks, neverAborted)
  if (outcome.kind === 'aborted') throw new Error('nobody aborted it')
  return outcome
}

/** Segment, at `url` or with a delivery of the test's own. */
export function segmentAs(deliver: Deliver, perSecond = 0): Destination {
  return toDestination(deliver, overhead, { eventsPerSecond: perSecond })
}

export type LogLine = { level: keyof Log; message: string; fields: object }

export function createLogKeeper(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: keyof Log) => (fields: object, message: string) => {
    lines.push({ level, message, fields })
  }
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}

/** The files whose mtimes outlive a restart, as a variable. */
export function createLastTold(): LastTold & { told: Partial<Record<Component, number>> } {
  const told: Partial<Record<Component, number>> = {}
  return {
    told,
    read: component => told[component],
    write(component, at) {
      told[component] = at
    },
  }
}

/** SQLite that fails as on a full disk while `fails` says so of a statement; reads go on. */
export function createFailingSql(sql: NodeSql): { sql: Sql; fails: (statement: string) => boolean } {
  const disk = {
    fails: (_statement: string): boolean => false,
    sql: {
      ...sql,
      all<Row>(query: string, ...values: (string | number | null)[]): Row[] {
        const writes = !/^\s*SELECT/i.test(query)
        if (writes && disk.fails(query)) throw new Error('database or disk is full')
        return sql.all<Row>(query, ...values)
      },
    },
  }
  return disk
}

export type TestbedOptions = {
  readonly deliver: Deliver
  readonly settings?: Readonly<Record<string, string>>
  readonly clock?: Clock
  readonly random?: () => number
  readonly lastTold?: ReturnType<typeof createLastTold>
  /** An outbox of an earlier start. */
  readonly sql?: NodeSql
  readonly send?: typeof fetch
  readonly signal?: AbortSignal
}

export type Testbed = Dispatcher & {
  readonly admin: Admin
  readonly outbox: OutboxStore
  readonly clock: Clock
  readonly disk: ReturnType<typeof createFailingSql>
  readonly lines: LogLine[]
  readonly sql: NodeSql
  /** Puts one request with these events; gives whether it was stored. */
  take(...events: readonly unknown[]): boolean
  /** Drains, passing the time that the dispatcher says it waits, until nothing is due or so much time has passed. */
  drainFor(ms: number): Promise<void>
  figures(): Record<string, number>
  /** How the one destination does. */
  line(): Line
  attempts(): Attempt[]
  notices(): Notice[]
}

export function requestRow(events: readonly unknown[], receivedAt: number): RequestRow {
  const entries = events.map(validate)
  return encodeRow({ body: JSON.stringify(events), encoding: 'text', receivedAt, entries })
}

export function openTestbed(options: TestbedOptions): Testbed {
  const { clock = createClock(), sql = openSqlite(':memory:'), lastTold = createLastTold() } = options
  const settings = toSettings({
    TWILIO_AUTH_TOKEN: authToken,
    SEGMENT_WRITE_KEY: 'write-key',
    SEGMENT_RATE: '0',
    ...options.settings,
  })
  const disk = createFailingSql(sql)
  const outbox = createOutbox(disk.sql, {
    retentionMs: settings.RETENTION_DAYS * DAY,
    dedupeMs: settings.DEDUPE_HOURS * 60 * MINUTE,
  })
  const { log, lines } = createLogKeeper()
  const { now } = clock
  const segment = segmentAs(options.deliver, settings.SEGMENT_RATE)
  const destination: Destination = settings.SEGMENT_WRITE_KEY
    ? segment
    : { ...segment, taken: { state: 'skipped', reason: 'dry_run' } }
  const { dispatcher, admin } = openBridge(outbox, [{ id: 1, destination }], settings, {
    signal: options.signal,
    log,
    now,
    random: options.random ?? (() => 0.5),
    openNotifier: notifyFrom(outbox, settings, { digests, send: options.send ?? fetch, now, log, lastTold }),
  })
  return {
    ...dispatcher,
    admin,
    outbox,
    clock,
    disk,
    lines,
    sql,
    take(...events) {
      const [stored] = dispatcher.append([requestRow(events, clock.at)])
      return stored?.stored ?? false
    },
    async drainFor(ms) {
      for (const end = clock.at + ms; ; ) {
        const due = await dispatcher.deliverNextBatch()
        if (due === undefined || due > end) break
        clock.at = Math.max(clock.at, due)
      }
    },
    line: () => dispatcher.health().destinations[0]?.line ?? openLine,
    figures() {
      dispatcher.indexPending()
      return Object.fromEntries(states.map(state => [state, outbox.total(state)]))
    },
    attempts() {
      const { events } = outbox.list({ limit: 500 })
      const seen = new Map<string, Attempt>()
      for (const { key } of events) {
        const [request, position] = key.split('-').map(Number)
        for (const attempt of outbox.get({ request: request ?? 0, position: position ?? 0 })?.attempts ??
          []) {
          seen.set(JSON.stringify(attempt), attempt)
        }
      }
      return [...seen.values()].sort((a, b) => a.at - b.at)
    },
    notices: () => (outbox.notices(100) as Notice[]).reverse(),
  }
}
