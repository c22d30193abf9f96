/** A9: types and versions made up by the ten thousand: figures, rows and labels stay few, and no event is lost from sight. */
import { expect, it } from 'vitest'
import { knownTypes } from '../../src/cli/send/types.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { failed } from '../../src/send/destination.ts'
import { toText } from '../../src/stats/metrics.ts'
import { createClock, openTestbed } from '../support/dispatcher.ts'
import { account, NOW, pruning, requestRow, type Sample, sortAll, TYPE } from '../support/outbox-bench.ts'

const MADE_UP = 10_000
const noise = (n: number): Sample => ({
  id: `EZn${n}`,
  type: `com.example.noise-${n}`,
  version: n,
  verdict: 'skipped',
})
const version = (n: number): Sample => ({ id: `EZv${n}`, version: 1_000 + n })

const open = (sql: ReturnType<typeof openSqlite>) =>
  openTestbed({ deliver: async () => failed('segment_timeout', undefined, ''), sql, clock: createClock(NOW) })

const rowsOf = (sql: ReturnType<typeof openSqlite>, table: string) =>
  sql.all<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)[0]?.n ?? 0

it('[ME100] A9: 20,000 made-up kinds are few rows, few counts and a small /metrics', async () => {
  const sql = openSqlite(':memory:')
  const { outbox, admin } = open(sql)
  for (const made of [version, noise]) {
    for (let from = 0; from < MADE_UP; from += 1_000)
      outbox.append([requestRow(Array.from({ length: 1_000 }, (_, n) => made(from + n)))])
  }
  sortAll(outbox)
  // 200 of them, the listed ones, and the two that stand for many.
  for (const table of ['kinds', 'hours']) expect(rowsOf(sql, table)).toBeLessThan(300)
  const { counts, received, skipped, pending } = admin.stats()
  expect(counts.length).toBeLessThan(600)
  expect({ received, skipped, pending }).toEqual({ received: 20_000, skipped: 10_000, pending: 10_000 })
  // Some 200 kinds of a family, each with its properties.
  expect((await toText([await admin.metrics()])).length).toBeLessThan(1_000_000)
  expect(admin.quality({ from: 0, to: Number.MAX_SAFE_INTEGER }).kinds.length).toBeLessThan(300)
  // Beyond the bound an event is still of its type.
  const type = `com.example.noise-${MADE_UP - 1}`
  expect(admin.events({ type, limit: 5 }).events).toEqual([expect.objectContaining({ type })])
  expect(admin.pulse({ after: '10', keys: [], recent: 0, limit: 1 }).events).toMatchObject([{ type }])
  let lines = ''
  for (let after: string | undefined = '0-0'; after !== undefined; ) {
    const page = outbox.scan({ type, after })
    lines += page.lines
    after = page.next
  }
  expect(lines.trim().split('\n')).toEqual([expect.stringContaining(type)])
  // The account of each kind closes, also behind a restart.
  expect(account(createOutbox(sql, pruning))).toEqual(account(outbox))
})

it('[DQ221] types that a family lists leave the 200 others their room', () => {
  const sql = openSqlite(':memory:')
  const first = open(sql)
  first.outbox.append([requestRow(knownTypes.map((type, n) => ({ id: `EZl${n}`, type, version: 1 })))])
  sortAll(first.outbox)
  expect(rowsOf(sql, 'kinds')).toBeGreaterThan(180)
  first.outbox.append([requestRow(Array.from({ length: 150 }, (_, n) => noise(n)))])
  sortAll(first.outbox)
  // Again from the beginning: a restart counts them as they were counted before.
  const { outbox, admin } = open(sql)
  outbox.append([requestRow(Array.from({ length: 100 }, (_, n) => noise(150 + n)))])
  sortAll(outbox)
  const figures = new Map(admin.stats().counts.map(({ type, state, n }) => [`${type} ${state}`, n]))
  for (const n of [0, 149, 199]) expect(figures.get(`com.example.noise-${n} skipped`)).toBe(1)
  expect(figures.get('com.example.noise-200 skipped')).toBeUndefined()
  expect(figures.get('other skipped')).toBe(50)
  expect(account(open(sql).outbox)).toEqual(account(outbox))
})

it('[ME101] A9: a store that met thousands of kinds before there was a bound is counted so from its next start', () => {
  const sql = openSqlite(':memory:')
  const first = open(sql)
  first.outbox.append([requestRow(Array.from({ length: 200 }, (_, n) => noise(n)))])
  sortAll(first.outbox)
  // As an earlier version stored them: a kind each.
  sql.exec(`
    INSERT INTO kinds (id, type, version)
      WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
      SELECT i, CASE WHEN i % 2 = 0 THEN 'com.example.old-' || i ELSE '${TYPE}' END, i FROM n;
    INSERT INTO events (request, position, received_at, kind, state, reason, settled_at)
      SELECT 2, id - 1000, ${NOW}, id, 'refused', 'segment_refused', ${NOW} FROM kinds WHERE id >= 1000;
    INSERT INTO counts (kind, state, reason, destination, n)
      SELECT id, 'refused', 'segment_refused', 1, 1 FROM kinds WHERE id >= 1000
      UNION ALL SELECT id, 'received', '', 0, 1 FROM kinds WHERE id >= 1000;`)
  const { outbox, admin } = open(sql)
  expect(admin.stats()).toMatchObject({ received: 4_200, refused: 4_000 })
  const beyond = admin.stats().counts.filter(({ state }) => state === 'refused')
  expect(beyond.map(({ type, n }) => [type, n])).toEqual([
    [TYPE, 2_000],
    ['other', 2_000],
  ])
  expect(outbox.transition([{ request: 2, position: 0 }], ['refused'], { state: 'skipped' }, NOW)).toBe(1)
  expect(outbox.transition([{ request: 2, position: 1 }], ['refused'], { state: 'skipped' }, NOW)).toBe(1)
  expect(admin.stats()).toMatchObject({ received: 4_200, refused: 3_998, skipped: 202 })
  outbox.takeDamage()
  outbox.compareCounts(NOW)
  expect(outbox.takeDamage()).toEqual([])
  expect(open(sql).admin.stats()).toMatchObject({ refused: 3_998, skipped: 202 })
})
