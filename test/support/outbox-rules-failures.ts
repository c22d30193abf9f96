/** [OB18]–[OB20]: a step that fails changes nothing; the port's promises; migrations. */
import { expect } from 'vitest'
import { createOutbox, type SqliteOutbox as OutboxStore } from '../../src/outbox/sqlite/outbox.ts'
import type { Sql } from '../../src/outbox/sqlite/sql.ts'
import {
  account,
  audit,
  claimAll,
  claimIds,
  DAY,
  deliverAll,
  idsAndStates,
  NOW,
  pruning,
  type Rule,
  requestRow,
  type Sample,
  samples,
  sortAll,
  take,
} from './outbox-bench.ts'

const bad = { id: 'EZ1', verdict: 'rejected' } as const
const mixture: Sample[] = [
  { ...bad, type: 'com.example.unheard-of' },
  { id: 'EZ1' },
  { id: 'EZ1', source: '/another' },
  { id: 'EZ2', type: 'com.example.never-seen' },
  { verdict: 'skipped' },
  { id: 'old' },
]

/** What is done after what has been prepared. */
const steps: { name: string; prepare: (outbox: OutboxStore) => void; step: (outbox: OutboxStore) => void }[] =
  [
    {
      name: 'a put of several requests',
      prepare: outbox => take(outbox, samples(1)),
      step: outbox => outbox.append([requestRow(samples(2)), requestRow(mixture), requestRow(samples(1))]),
    },
    {
      name: 'a turn of sorting',
      prepare(outbox) {
        take(outbox, [{ id: 'old', verdict: 'rejected' }])
        outbox.append([requestRow(mixture), requestRow(mixture)])
      },
      step: outbox => outbox.index(),
    },
    {
      name: 'a settling',
      prepare(outbox) {
        take(outbox, samples(3))
        claimAll(outbox)
      },
      step: outbox =>
        outbox.settle(
          [0, 1].map(position => ({
            event: { request: 1, position, destination: 1, receivedAt: NOW, element: {} },
            ...(position ? { state: 'accepted' } : { state: 'refused', reason: 'segment_refused' }),
          })),
          NOW,
        ),
    },
    {
      name: 'a change by a person',
      prepare: outbox => take(outbox, [bad]),
      step: outbox =>
        outbox.transition([{ request: 1, position: 0 }], ['rejected'], { state: 'pending' }, NOW),
    },
    {
      name: 'a turn of pruning',
      prepare(outbox) {
        take(outbox, samples(3), [bad], samples(2, 4))
        deliverAll(outbox)
      },
      step: outbox => outbox.prune(NOW + 30 * DAY),
    },
    {
      name: 'a notice',
      prepare: outbox => outbox.remember('clock', '1'),
      step: outbox => outbox.remember('clock', '2', { at: NOW, body: {} }),
    },
  ]

export function registerFailures(rule: Rule): void {
  for (const { name, prepare, step } of steps) {
    rule(
      `[OB18] ${name} that fails at any of its statements, or at the commit, changes nothing`,
      ({ sql, open, crash }) => {
        prepare(open())
        const failing = createFailing(sql)
        const outbox = createOutbox(failing.sql, pruning)
        if (name === 'a settling') claimAll(outbox)
        let statements = 0
        for (; ; statements++) {
          const before = [dump(sql), account(outbox), outbox.counts(), outbox.unsorted()]
          failing.failAt(statements)
          const failed = attempt(() => step(outbox))
          failing.failAt(Number.POSITIVE_INFINITY)
          audit(outbox)
          if (!failed) break
          expect([dump(sql), account(outbox), outbox.counts(), outbox.unsorted()]).toEqual(before)
          if (name === 'a settling') expect(claimAll(outbox)).toEqual([])
        }
        expect(statements).toBeGreaterThan(2)
        sortAll(outbox)
        audit(outbox)
        const after = dump(sql)
        expect(account(crash())).toEqual(account(outbox))
        expect(after).toEqual(dump(sql))
      },
    )
  }

  rule(
    '[OB18] after failures the result is that of a step that went well at once',
    ({ sql, open, crash }) => {
      take(open(), [{ id: 'old', verdict: 'rejected' }])
      const failing = createFailing(sql)
      const outbox = createOutbox(failing.sql, pruning)
      for (let statements = 0; statements < 40; statements++) {
        failing.failAt(statements)
        attempt(() => outbox.append([requestRow(mixture), requestRow(samples(2, 10 + statements))]))
        failing.failAt(statements)
        attempt(() => outbox.index())
      }
      failing.failAt(Number.POSITIVE_INFINITY)
      take(outbox, mixture)
      expect(outbox.unsorted()).toBe(0)
      expect(idsAndStates(outbox).slice(0, 6)).toEqual([
        ...['EZ1 pending', 'EZ1 pending', 'EZ2 pending', 'undefined skipped', 'old pending'],
        expect.stringMatching(/^EZ\d+ pending$/),
      ])
      const again = crash()
      audit(again)
      expect(account(again)).toEqual(account(outbox))
    },
  )

  rule(
    '[OB18] an event whose settling failed stays under lease until it is settled or released',
    ({ sql, open }) => {
      take(open(), samples(2))
      const failing = createFailing(sql)
      const outbox = createOutbox(failing.sql, pruning)
      const leased = claimAll(outbox)
      const settle = () =>
        outbox.settle(
          leased.map(event => ({ event, state: 'accepted' })),
          NOW,
        )
      failing.failAt(1)
      expect(attempt(settle)).toBe(true)
      failing.failAt(Number.POSITIVE_INFINITY)
      expect(claimIds(outbox)).toEqual([])
      settle()
      expect(account(outbox)).toMatchObject({ pending: 0, accepted: 2 })
    },
  )

  for (const durability of ['on-disk', 'relaxed'] as const) {
    rule(
      `[OB19] a transaction that throws, or returns a promise, is undone (${durability})`,
      ({ sql, open, crash }) => {
        const outbox = open()
        take(outbox, samples(1))
        const before = dump(sql)
        const change = () => sql.all("UPDATE events SET state = 'accepted' RETURNING state")
        const work = (): unknown =>
          sql.transaction(() => {
            expect(change()).toEqual([{ state: 'accepted' }])
            throw new Error('on purpose')
          }, durability)
        expect(work).toThrow('on purpose')
        expect(() => sql.transaction(async () => change(), durability)).toThrow('promise')
        expect(dump(sql)).toEqual(before)
        expect(sql.transaction(() => 7, durability)).toBe(7)
        take(outbox, samples(1, 2))
        expect(idsAndStates(crash())).toEqual(['EZ1 pending', 'EZ2 pending'])
      },
    )
  }

  rule('[OB19] values go in and out by type: text, whole numbers up to 53 bits, null', ({ sql }) => {
    sql.exec('CREATE TABLE trial (text TEXT, number INTEGER) STRICT; CREATE INDEX trial_text ON trial (text)')
    const rows = [
      { text: '', number: Number.MAX_SAFE_INTEGER },
      { text: '\u2028 \' " 😀', number: -Number.MAX_SAFE_INTEGER },
      { text: null, number: null },
      { text: 'x'.repeat(1_900_000), number: 0 },
    ]
    for (const { text, number } of rows) {
      expect(sql.all('INSERT INTO trial (text, number) VALUES (?, ?)', text, number)).toEqual([])
    }
    expect(
      sql.all('SELECT text, number FROM trial ORDER BY rowid').map(row => ({ ...(row as object) })),
    ).toEqual(rows)
    expect(() => sql.all("INSERT INTO trial (number) VALUES ('x')")).toThrow()
    expect(() => sql.all('SELECT nothing FROM nowhere')).toThrow()
  })

  rule(
    '[OB20] the tables are made once; a file of a newer version is refused, and not touched',
    ({ sql, open, crash }) => {
      take(open(), samples(1))
      const before = dump(sql)
      open()
      expect(dump(sql)).toEqual(before)
      const [{ n } = { n: 0 }] = sql.all<{ n: number }>('SELECT count(*) AS n FROM migrations')
      expect(n).toBeGreaterThan(0)
      sql.all('INSERT INTO migrations (id) VALUES (?)', n + 1)
      expect(open).toThrow(`newer version (migration ${n + 1}, this one knows ${n})`)
      sql.all('DELETE FROM migrations WHERE id = ?', n + 1)
      expect(dump(sql)).toEqual(before)
      expect(idsAndStates(crash())).toEqual(['EZ1 pending'])
    },
  )

  rule(
    '[OB20] a start that was cut short at any statement leaves no half of a migration',
    ({ sql, open }) => {
      const failing = createFailing(sql, 'anywhere')
      for (let statements = 0; ; statements++) {
        failing.failAt(statements)
        if (!attempt(() => createOutbox(failing.sql, pruning))) break
        const { migrations = [], ...tables } = dump(sql)
        expect(Object.keys(tables).length > 0, `${statements} statements`).toBe(migrations.length > 0)
      }
      take(open(), samples(1))
    },
  )
}

/** Throws at the n-th statement of transactions, the commit being the last of each, or of all there are. */
function createFailing(sql: Sql, where?: 'anywhere'): { sql: Sql; failAt(n: number): void } {
  let left = Number.POSITIVE_INFINITY
  let inside = false
  const count = () => {
    if ((inside || where) && left-- <= 0) throw new Error('on purpose')
  }
  return {
    failAt(n) {
      left = n
    },
    sql: {
      ...sql,
      exec(script) {
        count()
        sql.exec(script)
      },
      all(query, ...values) {
        count()
        return sql.all(query, ...values)
      },
      transaction: (work, durability) =>
        sql.transaction(() => {
          inside = true
          try {
            const result = work()
            count()
            return result
          } finally {
            inside = false
          }
        }, durability),
    },
  }
}

function attempt(step: () => void): boolean {
  try {
    step()
    return false
  } catch (error) {
    expect(String(error)).toContain('on purpose')
    return true
  }
}

/** Everything there is, by table. */
function dump(sql: Sql): Record<string, unknown[]> {
  const tables = sql.all<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' ESCAPE '\\'",
  )
  return Object.fromEntries(tables.map(({ name }) => [name, sql.all(`SELECT * FROM ${name}`)]))
}
