/** What the outbox's rules are tried on: intakes in a few words, an outbox that is audited after every step, a crash. */
import { expect } from 'vitest'
import { isObject } from '../../src/event/event.ts'
import type { EventVerdict } from '../../src/event/received-request.ts'
import type { ValidationError } from '../../src/event/validation-errors.ts'
import { encodeRow } from '../../src/outbox/encode-row.ts'
import type { EventQuery, EventView } from '../../src/outbox/queries.ts'
import type { RequestRow } from '../../src/outbox/request-row.ts'
import { createOutbox, type SqliteOutbox as OutboxStore } from '../../src/outbox/sqlite/outbox.ts'
import type { Sql } from '../../src/outbox/sqlite/sql.ts'
import type { Leased, Pruning } from '../../src/outbox/store.ts'
import { type EventReason, states } from '../../src/reasons.ts'
import { observe } from '../../src/stats/quality-sample.ts'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR
export const NOW = Date.parse('2026-01-02T03:04:05.678Z')
export const pruning: Pruning = { retentionMs: 7 * DAY, dedupeMs: 72 * HOUR }

export const SOURCE = '/2010-04-01/Accounts/AC0/Messages/SM0.json'
export const TYPE = 'com.twilio.messaging.message.delivered'
export const SINK_TEST = 'com.twilio.eventstreams.test-event'
export const faults: readonly ValidationError[] = [
  { path: '$.data.to', expected: 'string', received: 'number 7' },
]

/** An event in a few words. No id: it has no identity, like a sink's test event. */
export type Sample = {
  readonly id?: string
  readonly source?: string
  readonly type?: string
  readonly version?: number
  readonly verdict?: 'pending' | 'rejected' | 'skipped'
  readonly reason?: EventReason
  /** A person has it sent once more. */
  readonly again?: boolean
  /** And to this destination alone. */
  readonly only?: number
  readonly faults?: readonly ValidationError[]
  readonly data?: unknown
}

const reasons = { pending: undefined, rejected: 'schema_rejected', skipped: 'type_unmapped' } as const

export function toElement({ id, source = SOURCE, type = TYPE, data = {} }: Sample) {
  return { id, source, type, data }
}

function toEntry(sample: Sample): EventVerdict {
  const { id, source = SOURCE, type = TYPE, version = 6, verdict = 'pending', data = {} } = sample
  return {
    identity: id === undefined ? undefined : { source, id },
    type,
    version,
    state: verdict,
    reason: sample.reason ?? reasons[verdict],
    faults: verdict === 'rejected' ? (sample.faults ?? faults) : [],
    observed:
      type === SINK_TEST || sample.only !== undefined
        ? undefined
        : observe(type, version, isObject(data) ? data : undefined),
    ...(sample.again && { again: true }),
    ...(sample.only !== undefined && { only: sample.only }),
  }
}

/** One request that holds these events. */
export function requestRow(samples: readonly Sample[], receivedAt = NOW): RequestRow {
  return encodeRow({
    body: JSON.stringify(samples.map(toElement)),
    encoding: 'text',
    receivedAt,
    entries: samples.map(toEntry),
  })
}

/** Pending events `EZ<from>`, `EZ<from + 1>`, … */
export function samples(count: number, from = 1): Sample[] {
  return Array.from({ length: count }, (_, index) => ({ id: `EZ${from + index}` }))
}

/** All that is kept, sorted into events. */
export function sortAll(outbox: OutboxStore): void {
  while (outbox.index() > 0);
}

/** Puts one request at a time and sorts it. */
export function take(outbox: OutboxStore, ...requests: readonly (readonly Sample[])[]): void {
  for (const request of requests) outbox.append([requestRow(request)])
  sortAll(outbox)
}

/** Every event there is, or that the query asks for, through all pages, newest first. */
export function list(outbox: OutboxStore, query: Partial<EventQuery> = {}): EventView[] {
  const found: EventView[] = []
  for (let before: string | undefined, more = true; more; ) {
    const { events, next } = outbox.list({ limit: 100, ...query, before })
    found.push(...events)
    before = next
    more = next !== undefined
  }
  return found
}

/** `<id> <state>` of every event, oldest first. */
export function idsAndStates(outbox: OutboxStore): string[] {
  return list(outbox)
    .map(({ element, state }) => `${idOf(element)} ${state}`)
    .reverse()
}

export function idOf(element: unknown): unknown {
  return typeof element === 'object' && element !== null && 'id' in element ? element.id : undefined
}

export function claimAll(outbox: OutboxStore): Leased[] {
  return outbox.claim({ destination: 1, limit: 100_000, characters: Number.MAX_SAFE_INTEGER })
}

export function claimIds(outbox: OutboxStore, limit = 100_000, bytes = Number.MAX_SAFE_INTEGER): unknown[] {
  return outbox.claim({ destination: 1, limit: limit, characters: bytes }).map(({ element }) => idOf(element))
}

/** Claims everything and settles it as accepted. */
export function deliverAll(outbox: OutboxStore, now = NOW): void {
  outbox.settle(
    claimAll(outbox).map(event => ({ event, state: 'accepted' })),
    now,
  )
}

/** Prunes until there is nothing more to do; returns in how many turns. */
export function pruneAll(outbox: OutboxStore, now: number): number {
  let turns = 1
  while (outbox.prune(now)) turns += 1
  return turns
}

/** How many events are in each state, duplicates beside. */
export function account(outbox: OutboxStore) {
  const figures = { received: outbox.total('received'), duplicate: outbox.total('duplicate') }
  return { ...figures, ...Object.fromEntries(states.map(state => [state, outbox.total(state)])) }
}

/** The account closes, agrees with the figures by kind, and what must be kept is there to be listed. */
export function audit(outbox: OutboxStore): void {
  const sum = (state: string) =>
    outbox.eventCounts().reduce((n, count) => (count.state === state ? n + count.n : n), 0)
  expect(outbox.total('received')).toBe(states.reduce((n, state) => n + outbox.total(state), 0))
  for (const state of [...states, 'received', 'duplicate'] as const)
    expect(outbox.total(state)).toBe(sum(state))
  expect(outbox.eventCounts().filter(({ n }) => n < 0)).toEqual([])
  const kept = list(outbox).map(({ state }) => state)
  for (const state of states) {
    const listed = kept.filter(other => other === state).length
    expect(list(outbox, { state })).toHaveLength(listed)
    if (state === 'accepted' || state === 'skipped') expect(listed).toBeLessThanOrEqual(outbox.total(state))
    else expect(listed).toBe(outbox.total(state))
  }
}

/** The same outbox, audited after each step that changes it; steps on thousands of events are not to be slowed. */
export function audited(outbox: OutboxStore): OutboxStore {
  const small = () => outbox.total('received') < 500
  const watch =
    <Args extends readonly unknown[], Result>(step: (...args: Args) => Result) =>
    (...args: Args): Result => {
      const result = step(...args)
      if (small()) audit(outbox)
      return result
    }
  return {
    ...outbox,
    append: watch(outbox.append),
    index: watch(outbox.index),
    settle: watch(outbox.settle),
    transition: watch(outbox.transition),
    prune: watch(outbox.prune),
  }
}

/** A database as the contract gets it. `reopen` gives what a process finds that starts after this one was killed. */
export type OpenedSql = { readonly sql: Sql; reopen(): Sql; close(): void }

export type Bench = {
  readonly sql: Sql
  open(pruning?: Partial<Pruning>): OutboxStore
  /** An outbox over what is there after the process was killed. */
  crash(pruning?: Partial<Pruning>): OutboxStore
}

export type Rule = (title: string, body: (bench: Bench) => void) => void

export function createBench(opened: OpenedSql): Bench {
  const over = (sql: Sql, more: Partial<Pruning> = {}) => audited(createOutbox(sql, { ...pruning, ...more }))
  return {
    sql: opened.sql,
    open: more => over(opened.sql, more),
    crash: more => over(opened.reopen(), more),
  }
}
