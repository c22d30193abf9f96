/** [OB1], [OB3], [OB6], [OB12], [OB13], [DQ4]–[DQ6]: how a store over SQLite keeps its promises: slices, tables, hashes that meet. */
import { expect } from 'vitest'
import { fnv1a53 } from '../../src/event/hash.ts'
import { createOutbox, type SqliteOutbox } from '../../src/outbox/sqlite/outbox.ts'
import type { Durability, Sql } from '../../src/outbox/sqlite/sql.ts'
import { type Counts, eventsOf, noCounts } from '../../src/stats/quality-sample.ts'
import {
  account,
  claimIds,
  DAY,
  deliverAll,
  HOUR,
  list,
  NOW,
  pruneAll,
  pruning,
  type Rule,
  requestRow,
  type Sample,
  SOURCE,
  samples,
  sortAll,
  TYPE,
  take,
} from './outbox-bench.ts'

const good = { id: 'EZ1' }
const bad = { id: 'EZ1', verdict: 'rejected' } as const
const short = { retentionMs: HOUR, dedupeMs: 3 * HOUR }
const hourOf = (at: number) => Math.floor(at / HOUR)
const ever = { from: 0, to: Number.MAX_SAFE_INTEGER }
const unmapped = { type: 'com.example.other', version: 0, verdict: 'skipped' } as const
/** The smallest event that has everything it must, and a body. */
const data = {
  ...{ messageSid: 'SM0', timestamp: '2026-01-02T03:04:05Z', accountSid: 'AC0', eventName: TYPE },
  ...{
    apiVersion: '2010-04-01',
    from: '+15550100100',
    to: '+15550100199',
    messageStatus: 'SENT',
    body: 'Hi',
  },
}

const toBoth = () => [1, 2].map(destination => ({ destination, filtered: false }))

export function registerSqlite(rule: Rule): void {
  rule(
    '[OB209] an event that cannot be read becomes a dead letter of all its destinations at once',
    ({ sql, open }) => {
      const outbox = open()
      outbox.routeTo(toBoth)
      take(outbox, samples(2))
      sql.all('UPDATE requests SET checksum = 1 WHERE id = 1')
      expect(outbox.claim({ destination: 2, limit: 9, characters: 9e9, now: NOW })).toEqual([])
      expect(outbox.takeDamage()).toMatchObject([{ reason: 'unreadable', count: 2 }])
      expect(outbox.claim({ destination: 1, limit: 9, characters: 9e9, now: NOW })).toEqual([])
      expect(outbox.takeDamage()).toEqual([])
      expect(account(outbox)).toMatchObject({ received: 2, pending: 0, rejected: 2 })
      expect(outbox.get({ request: 1, position: 0 })?.deliveries).toMatchObject([
        { destination: 1, state: 'rejected', reason: 'unreadable' },
        { destination: 2, state: 'rejected', reason: 'unreadable' },
      ])
    },
  )

  rule(
    '[OB47] counts of several destinations that differ are corrected, those of events too',
    ({ sql, open, crash }) => {
      const outbox = open()
      outbox.routeTo(toBoth)
      take(outbox, samples(5))
      const refuse = outbox.claim({ destination: 2, limit: 2, characters: 9e9 })
      outbox.settle(
        refuse.map(event => ({ event, state: 'refused', reason: 'segment_refused' })),
        NOW,
      )
      outbox.settle(
        outbox
          .claim({ destination: 1, limit: 1, characters: 9e9 })
          .map(event => ({ event, state: 'accepted' })),
        NOW,
      )
      const before = [account(outbox), outbox.counts(), outbox.eventCounts()]
      outbox.compareCounts(NOW)
      expect(outbox.takeDamage()).toEqual([])
      sql.exec(`
      UPDATE counts SET n = n + 3 WHERE destination = 2 AND state = 'pending';
      UPDATE counts SET n = n - 1 WHERE destination = -1 AND state = 'refused';`)
      const again = crash()
      again.compareCounts(NOW + 2 * DAY)
      expect(again.takeDamage()).toMatchObject([{ reason: 'counts_differ' }])
      expect([account(again), again.counts(), again.eventCounts()]).toEqual(before)
    },
  )

  rule(
    '[OB210] as long as no event has two destinations, no statement is about a second one',
    ({ sql, open }) => {
      open()
      const queries: string[] = []
      const all: Sql['all'] = (query, ...values) => {
        queries.push(query)
        return sql.all(query, ...values)
      }
      const outbox = createOutbox({ ...sql, all }, pruning)
      const opened = queries.length
      let asked = 0
      const work = () => {
        take(outbox, samples(3), [{ id: 'no', verdict: 'rejected' }])
        deliverAll(outbox)
        list(outbox)
        outbox.get({ request: 1, position: 0 })
        pruneAll(outbox, NOW + 30 * DAY)
        return queries.splice(0).filter(query => /\bfurther\b/.test(query))
      }
      queries.splice(0, opened)
      expect(work()).toEqual([])
      outbox.routeTo(() => {
        asked += 1
        return [{ destination: 2, filtered: false }]
      })
      take(outbox, samples(2, 10))
      expect([asked, outbox.claimable(9, 2)]).toEqual([2, 2])
      expect(queries.filter(query => /\bfurther\b/.test(query))).toEqual([])
      outbox.routeTo(3)
      take(outbox, samples(2, 20))
      expect([asked, outbox.claimable(9, 3)]).toEqual([2, 2])
    },
  )

  rule('[OB6] a good copy takes the place of its own bad one, not of one with the same hash', bench => {
    const rejected = (proof: number) => [7, proof, TYPE, 6, 'rejected', 'schema_rejected', null]
    bench.open()
    insertRequest(bench.sql, 1, [rejected(1), rejected(2), rejected(3)])
    insertRequest(bench.sql, 2, [[7, 2, TYPE, 6, 'pending', null, null]])
    const outbox = bench.crash()
    sortAll(outbox)
    const found = list(outbox).map(({ state, key }) => `${key} ${state}`)
    expect(found).toEqual(['2-0 pending', '1-2 rejected', '1-0 rejected'])
  })

  rule(
    '[OB6] events of one hash are each stored once; after the last of 2^53 hashes comes the first',
    bench => {
      const last = Number.MAX_SAFE_INTEGER
      const entries = [1, 2, 3, 2].map(proof => [last, proof, TYPE, 6, 'pending', null, null])
      bench.open()
      for (const id of [1, 2]) insertRequest(bench.sql, id, entries)
      const outbox = bench.crash()
      sortAll(outbox)
      expect(account(outbox)).toMatchObject({ received: 3, pending: 3, duplicate: 5 })
    },
  )

  rule('[OB6] an event whose hash is taken by others is stored, and known again', ({ sql, open, crash }) => {
    const slot = fnv1a53(`${SOURCE}\nEZ1`)
    open()
    for (const next of [0, 1, 2]) occupy(sql, slot + next)
    const outbox = put(crash(), [[good, good], [bad]])
    expect(account(outbox)).toMatchObject({ received: 1, pending: 1, duplicate: 2 })
    put(outbox, [[{ id: 'EZ2' }, good]])
    expect(account(outbox)).toMatchObject({ received: 2, pending: 2, duplicate: 3 })
    expect(sql.all('SELECT identity FROM seen WHERE proof = 0')).toHaveLength(3)
  })

  rule('[OB1] a put is one transaction, on disk, however many requests share it', ({ sql, open }) => {
    open()
    const durabilities: Durability[] = []
    const watched: Sql = {
      ...sql,
      transaction(work, durability) {
        durabilities.push(durability)
        return sql.transaction(work, durability)
      },
    }
    const outbox = createOutbox(watched, pruning)
    outbox.append(samples(50).map(sample => requestRow([sample])))
    expect(durabilities).toEqual(['on-disk'])
    sortAll(outbox)
    expect(outbox.total('pending')).toBe(50)
  })

  rule(
    '[OB13] attempts are kept for 30 days, and no longer than any event they can have been at',
    ({ sql, open }) => {
      const outbox = open(short)
      const left = () => sql.all<{ n: number }>('SELECT count(*) AS n FROM deliveries')[0]?.n
      const leftAfter = (ms: number) => {
        pruneAll(outbox, NOW + ms)
        return left()
      }
      take(outbox, [{ id: 'EZ1' }])
      for (const at of [NOW, NOW + DAY]) attempt(outbox, at)
      expect([29, 30, 31, 32].map(days => leftAfter(days * DAY))).toEqual([2, 2, 1, 0])
      attempt(outbox, NOW + 32 * DAY)
      expect(leftAfter(33 * DAY)).toBe(1)
      deliverAll(outbox, NOW + 33 * DAY)
      expect([leftAfter(34 * DAY), leftAfter(34 * DAY + 1)]).toEqual([0, 0])
    },
  )

  rule(
    '[DQ6] beside what families list, 200 kinds have rows; all others share one a family, and one',
    ({ sql, open, crash }) => {
      const outbox = open()
      const noise = (n: number): Sample => ({ ...unmapped, id: `EZ${n}`, type: `com.example.noise-${n}` })
      take(
        outbox,
        Array.from({ length: 250 }, (_, n) => noise(n)),
      )
      take(outbox, [{ id: 'EZgood', data }, noise(0), { id: 'EZfuture', version: 99, data }])
      const rows = sql.all<{ n: number }>('SELECT count(*) AS n FROM hours')
      expect(rows).toEqual([{ n: 203 }])
      const named = (type: string) =>
        crash()
          .kindTotals()
          .find(kind => kind.type === type)
      expect(named('other')).toEqual({
        ...{ type: 'other', version: 0 },
        counts: expect.objectContaining({ unmapped: 50, passing: 0 }),
      })
      const both = crash()
        .kindTotals()
        .filter(kind => kind.type === TYPE)
      expect(new Map(both.map(({ version, counts }) => [version, counts.passing]))).toEqual(
        new Map([
          [0, 1],
          [6, 1],
        ]),
      )
      expect(sumOf(crash())).toEqual([252, 1])
    },
  )

  rule('[DQ5] hours are kept for 15 days; older ones become one sum a kind', ({ sql, open, crash }) => {
    const outbox = open()
    const hours = () => sql.all<{ hour: number }>('SELECT hour FROM hours').map(({ hour }) => hour)
    for (const day of [0, 1, 2]) outbox.append([requestRow(samples(2, day * 2 + 1), NOW + day * DAY)])
    outbox.append([requestRow([{ ...unmapped, id: 'EZ9' }], NOW)])
    sortAll(outbox)
    const before = outbox.kindTotals()
    pruneAll(outbox, NOW + 15 * DAY)
    expect(hours()).toHaveLength(4)
    pruneAll(outbox, NOW + 16 * DAY + HOUR)
    expect(hours()).toEqual([0, 0, hourOf(NOW) + 48])
    expect(outbox.kindTotals()).toEqual(before)
    outbox.append([requestRow(samples(1, 7), NOW)])
    sortAll(outbox)
    pruneAll(outbox, NOW + 20 * DAY)
    expect(hours()).toEqual([0, 0])
    const [kind] = outbox.kindHours({ from: 1, to: Number.MAX_SAFE_INTEGER })
    expect(kind).toEqual({ type: TYPE, version: 6, first: 0, events: [], counts: noCounts })
    expect(sumOf(outbox)).toEqual([8, 0])
    expect(crash().kindTotals()).toEqual(outbox.kindTotals())
  })

  rule('[DQ4] a turn that is undone leaves no trace in the figures', ({ sql, open, crash }) => {
    take(open(), samples(1))
    let fails = false
    const failing: Sql = {
      ...sql,
      exec: script => sql.exec(script),
      all: (query, ...values) => sql.all(query, ...values),
      transaction: (work, durability) =>
        sql.transaction(() => {
          const result = work()
          if (fails) throw new Error('on purpose')
          return result
        }, durability),
    }
    const outbox = createOutbox(failing, pruning)
    take(outbox, samples(1, 2), [unmapped])
    const before = [outbox.kindTotals(), outbox.kindHours(ever)]
    outbox.append([requestRow([...samples(3), { ...unmapped, type: 'com.example.new' }])])
    fails = true
    expect(() => outbox.index()).toThrow('on purpose')
    expect(() => outbox.prune(NOW + 20 * DAY)).toThrow('on purpose')
    expect([outbox.kindTotals(), outbox.kindHours(ever)]).toEqual(before)
    fails = false
    sortAll(outbox)
    expect(sumOf(outbox)).toEqual([5, 2])
    expect(outbox.kindTotals()).toEqual(crash().kindTotals())
  })

  rule('[DQ5] folding goes in slices of 200 rows', ({ open, crash }) => {
    const outbox = open()
    outbox.append(samples(1_100).map((sample, index) => requestRow([sample], NOW + index * HOUR)))
    sortAll(outbox)
    expect(pruneAll(outbox, NOW + 100 * DAY)).toBe(6)
    expect(outbox.kindHours(ever)).toMatchObject([{ first: 0, events: [], counts: { passing: 1_100 } }])
    expect(sumOf(crash())).toEqual([1_100, 0])
  })

  rule('[OB12] pruning goes in slices, past what must stay, and starts again at its end', ({ open }) => {
    const outbox = open(short)
    const stay = (from: number) =>
      samples(400, from).map(event => ({ ...event, verdict: 'rejected' as const }))
    const go = (from: number) => samples(700, from).map(event => ({ ...event, verdict: 'skipped' as const }))
    outbox.append([...stay(1), ...go(401), ...stay(1_101), ...go(1_501)].map(event => requestRow([event])))
    sortAll(outbox)
    expect(pruneAll(outbox, NOW + DAY)).toBe(5)
    expect(list(outbox).map(({ state }) => state)).toEqual(Array.from({ length: 800 }, () => 'rejected'))
    outbox.transition([{ request: 1, position: 0 }], ['rejected'], { state: 'skipped' }, NOW + DAY)
    pruneAll(outbox, NOW + 2 * DAY)
    expect(list(outbox)).toHaveLength(799)
  })

  rule('[OB3] a turn sorts some 500 events and says how many; 0 is the end', ({ open, crash }) => {
    const outbox = open()
    for (let n = 0; n < 5; n++) outbox.append([requestRow(samples(200, 1 + n * 200))])
    expect(outbox.unsorted()).toBe(1_000)
    expect(outbox.index()).toBe(600)
    expect(outbox.unsorted()).toBe(400)
    const again = crash()
    expect(again.unsorted()).toBe(400)
    expect([again.index(), again.index(), again.unsorted()]).toEqual([400, 0, 0])
    expect(again.total('pending')).toBe(1_000)
    expect(claimIds(again)).toEqual(samples(1_000).map(({ id }) => id))
  })
}

function put(outbox: SqliteOutbox, requests: readonly (readonly Sample[])[]): SqliteOutbox {
  outbox.append(requests.map(request => requestRow(request)))
  sortAll(outbox)
  return outbox
}

/** Events and duplicates, over all hours and kinds, as the tables have them. */
function sumOf(outbox: SqliteOutbox): [events: number, duplicates: number] {
  const counts = totalsOf(outbox)
  return [
    counts.reduce((sum, one) => sum + eventsOf(one), 0),
    counts.reduce((sum, { duplicates }) => sum + duplicates, 0),
  ]
}

function totalsOf(outbox: SqliteOutbox): Counts[] {
  return outbox.kindHours(ever).map(({ counts }) => counts)
}

function attempt(outbox: SqliteOutbox, at: number): void {
  const place = { request: 1, position: 0 }
  outbox.recordAttempt({
    destination: 1,
    at,
    tookMs: 1,
    events: 1,
    first: place,
    last: place,
    reason: 'segment_failing',
    status: 500,
    answer: '',
  })
}

/** As if an event that is not known had this very hash. */
function occupy(sql: Sql, slot: number): void {
  sql.all('INSERT INTO seen (identity, proof, request, position) VALUES (?, 0, 0, 0)', slot)
}

/** A kept request, past the hashing. */
function insertRequest(sql: Sql, id: number, entries: unknown): void {
  const insert = 'INSERT INTO requests (id, received_at, encoding, entries, body) VALUES (?, ?, ?, ?, ?)'
  sql.all(insert, id, NOW, 'text', JSON.stringify(entries), '[]')
}
