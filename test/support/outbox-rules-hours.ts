/** [DQ1]–[DQ6]: what came is counted by the hour and kind, with the events or not at all, and in bounded room. */
import { expect } from 'vitest'
import { createOutbox, type OutboxStore } from '../../src/outbox/sqlite/outbox.ts'
import type { Sql } from '../../src/outbox/sqlite/sql.ts'
import { type Counts, eventsOf, noCounts } from '../../src/stats/quality-sample.ts'
import {
  account,
  DAY,
  deliverAll,
  HOUR,
  NOW,
  parcelOf,
  pruneAll,
  pruning,
  type Rule,
  type Sample,
  SINK_TEST,
  samples,
  sortAll,
  TYPE,
  take,
} from './outbox-bench.ts'

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

export function registerHours(rule: Rule): void {
  rule('[DQ1] an event is counted in the hour and kind it came in, by how it was judged', ({ open }) => {
    const outbox = open()
    outbox.put([
      parcelOf([
        { id: 'EZ1', data },
        { id: 'EZ2', verdict: 'rejected' },
        { ...unmapped, id: 'EZ3' },
      ]),
      parcelOf(
        [
          { id: 'EZ4', data },
          { id: 'EZ5', version: 5, data },
        ],
        NOW + HOUR,
      ),
    ])
    sortAll(outbox)
    const span = { from: hourOf(NOW), to: hourOf(NOW) }
    expect(outbox.kindHours(span)).toMatchObject([
      { type: TYPE, version: 6, first: span.from, counts: { passing: 1, violating: 1, unmapped: 0 } },
      { ...name(unmapped), first: span.from, counts: { unmapped: 1, passing: 0 } },
      { type: TYPE, version: 5, first: span.from + 1, counts: noCounts },
    ])
    expect(outbox.kindHours(span).map(({ events }) => events)).toEqual([
      [
        { hour: span.from, n: 2 },
        { hour: span.from + 1, n: 1 },
      ],
      [{ hour: span.from, n: 1 }],
      [{ hour: span.from + 1, n: 1 }],
    ])
  })

  rule('[DQ1] a copy is a duplicate of the hour it came in, and nothing else, even one that mends', bench => {
    const outbox = bench.open()
    take(outbox, [{ id: 'EZ1', verdict: 'rejected' }])
    outbox.put([
      parcelOf(
        [
          { id: 'EZ1', data },
          { id: 'EZ1', data },
        ],
        NOW + HOUR,
      ),
    ])
    sortAll(outbox)
    expect(account(outbox)).toMatchObject({ received: 1, duplicate: 2, pending: 1 })
    const span = { from: hourOf(NOW) + 1, to: hourOf(NOW) + 1 }
    expect(outbox.kindHours(span)).toMatchObject([{ counts: { ...noCounts, duplicates: 2 } }])
    expect(outbox.kindTotals()).toMatchObject([{ counts: { passing: 0, violating: 1, duplicates: 2 } }])
  })

  rule('[DQ2] sink tests and what came by another way than the door are not counted', ({ open }) => {
    const outbox = open()
    take(outbox, [
      { type: SINK_TEST, verdict: 'skipped' },
      { id: 'EZ1', again: true },
    ])
    const imported = parcelOf([{ id: 'EZ2', data }])
    const kept: unknown[][] = JSON.parse(imported.kept)
    outbox.put([{ ...imported, kept: JSON.stringify(kept.map(entry => entry.slice(0, 7))) }])
    sortAll(outbox)
    expect(account(outbox)).toMatchObject({ received: 3 })
    expect(outbox.kindTotals()).toEqual([])
  })

  rule('[DQ3] properties and kinds of address are added up by name', ({ open, crash }) => {
    const { body: _, ...bodiless } = data
    const events: Sample[] = [
      { id: 'EZ1', data },
      { id: 'EZ2', data },
      { id: 'EZ3', data: { ...bodiless, to: 'whatsapp:+15550100199' } },
      { id: 'EZ4', data: { ...data, to: 'messenger:42', body: '' } },
      { id: 'EZ5', verdict: 'rejected', data: { to: '12345', from: null, unheardOf: 1 } },
      { id: 'EZ6', verdict: 'rejected' },
      { id: 'EZ1', data },
    ]
    take(open(), events)
    const [kind] = crash().kindTotals()
    expect(kind?.counts).toEqual({
      ...{ passing: 4, violating: 2, unmapped: 0, duplicates: 1 },
      present: {
        ...{ messageSid: 4, timestamp: 4, accountSid: 4, eventName: 4, apiVersion: 4, from: 4 },
        ...{ to: 5, messageStatus: 4, body: 2 },
      },
      identity: { phone: 3, other_scheme: 1, short_code: 1, missing: 1 },
    })
  })

  rule('[DQ4] the hours add up to the account, and a restart counts on', ({ open, crash }) => {
    take(open(), samples(3), [{ id: 'EZ1', verdict: 'rejected' }], [unmapped])
    const outbox = crash()
    expect(outbox.kindTotals()).toHaveLength(2)
    take(outbox, samples(4), [unmapped])
    deliverAll(outbox)
    pruneAll(outbox, NOW + 10 * DAY)
    const again = crash()
    const { received, duplicate } = account(again)
    expect(sumOf(again)).toEqual([received, duplicate])
    expect(again.kindTotals()).toEqual(outbox.kindTotals())
    expect(totalsOf(again)).toEqual(again.kindTotals().map(({ counts }) => counts))
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
    outbox.put([parcelOf([...samples(3), { ...unmapped, type: 'com.example.new' }])])
    fails = true
    expect(() => outbox.sort()).toThrow('on purpose')
    expect(() => outbox.prune(NOW + 20 * DAY)).toThrow('on purpose')
    expect([outbox.kindTotals(), outbox.kindHours(ever)]).toEqual(before)
    fails = false
    sortAll(outbox)
    expect(sumOf(outbox)).toEqual([5, 2])
    expect(outbox.kindTotals()).toEqual(crash().kindTotals())
  })

  rule('[DQ5] hours are kept for 15 days; older ones become one sum a kind', ({ sql, open, crash }) => {
    const outbox = open()
    const hours = () => sql.all<{ hour: number }>('SELECT hour FROM hours').map(({ hour }) => hour)
    for (const day of [0, 1, 2]) outbox.put([parcelOf(samples(2, day * 2 + 1), NOW + day * DAY)])
    outbox.put([parcelOf([{ ...unmapped, id: 'EZ9' }], NOW)])
    sortAll(outbox)
    const before = outbox.kindTotals()
    pruneAll(outbox, NOW + 15 * DAY)
    expect(hours()).toHaveLength(4)
    pruneAll(outbox, NOW + 16 * DAY + HOUR)
    expect(hours()).toEqual([0, 0, hourOf(NOW) + 48])
    expect(outbox.kindTotals()).toEqual(before)
    outbox.put([parcelOf(samples(1, 7), NOW)])
    sortAll(outbox)
    pruneAll(outbox, NOW + 20 * DAY)
    expect(hours()).toEqual([0, 0])
    const [kind] = outbox.kindHours({ from: 1, to: Number.MAX_SAFE_INTEGER })
    expect(kind).toEqual({ type: TYPE, version: 6, first: 0, events: [], counts: noCounts })
    expect(sumOf(outbox)).toEqual([8, 0])
    expect(crash().kindTotals()).toEqual(outbox.kindTotals())
  })

  rule('[DQ5] folding goes in slices of 200 rows', ({ open, crash }) => {
    const outbox = open()
    outbox.put(samples(1_100).map((sample, index) => parcelOf([sample], NOW + index * HOUR)))
    sortAll(outbox)
    expect(pruneAll(outbox, NOW + 100 * DAY)).toBe(6)
    expect(outbox.kindHours(ever)).toMatchObject([{ first: 0, events: [], counts: { passing: 1_100 } }])
    expect(sumOf(crash())).toEqual([1_100, 0])
  })

  rule(
    '[DQ6] beside what families list, 200 kinds have rows; all others share one',
    ({ sql, open, crash }) => {
      const outbox = open()
      const noise = (n: number): Sample => ({ ...unmapped, id: `EZ${n}`, type: `com.example.noise-${n}` })
      take(
        outbox,
        Array.from({ length: 250 }, (_, n) => noise(n)),
      )
      take(outbox, [{ id: 'EZgood', data }, noise(0), { id: 'EZfuture', version: 99, data }])
      const rows = sql.all<{ n: number }>('SELECT count(*) AS n FROM hours')
      expect(rows).toEqual([{ n: 202 }])
      const named = (type: string) =>
        crash()
          .kindTotals()
          .find(kind => kind.type === type)
      expect(named('other')).toEqual({
        ...{ type: 'other', version: 0 },
        counts: { ...noCounts, unmapped: 50, passing: 1 },
      })
      expect(named(TYPE)).toMatchObject({ version: 6, counts: { passing: 1, identity: { phone: 1 } } })
      expect(sumOf(crash())).toEqual([252, 1])
    },
  )
}

function name({ type, version }: { type: string; version: number }) {
  return { type, version }
}

/** Events and duplicates, over all hours and kinds, as the tables have them. */
function sumOf(outbox: OutboxStore): [events: number, duplicates: number] {
  const counts = totalsOf(outbox)
  return [
    counts.reduce((sum, one) => sum + eventsOf(one), 0),
    counts.reduce((sum, { duplicates }) => sum + duplicates, 0),
  ]
}

function totalsOf(outbox: OutboxStore): Counts[] {
  return outbox.kindHours(ever).map(({ counts }) => counts)
}
