/** Counts by the hour → the figures of data quality. The time comes in; a database is only there for how long it takes. */
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { createCounters } from '../../src/outbox/sqlite/counters.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { putHour } from '../../src/outbox/sqlite/statements.ts'
import { definitions, type KindHours, toQuality, toSpan, type Window } from '../../src/stats/quality.ts'
import { type Counts, noCounts } from '../../src/stats/quality-sample.ts'
import { statusData } from '../support/events.ts'
import { pruning } from '../support/outbox-bench.ts'
import { openFile } from '../support/outbox-node.ts'

const HOUR_MS = 3_600_000
/** 14:25 UTC; its hour is the running one. */
const NOW = Date.parse('2026-03-20T14:25:00Z')
const HOUR = Math.floor(NOW / HOUR_MS)
const delivered = 'com.twilio.messaging.message.delivered'
const iso = (hour: number) => new Date(hour * HOUR_MS).toISOString()

/** `events`: hours ago → how many. */
function kind(events: Readonly<Record<number, number>>, more: Partial<KindHours> = {}): KindHours {
  const hours = Object.entries(events).map(([ago, n]) => ({ hour: HOUR - Number(ago), n }))
  return { type: delivered, version: 6, first: 0, events: hours, counts: noCounts, ...more }
}

/** The same number in every hour from `from` to `to` hours ago. */
function steady(n: number, from: number, to = 0): Record<number, number> {
  return Object.fromEntries(Array.from({ length: from - to + 1 }, (_, index) => [to + index, n]))
}

function only(kinds: readonly KindHours[], window: Window = '24h') {
  const { types } = toQuality(window, NOW, kinds)
  expect(types).toHaveLength(1)
  const [type] = types
  if (!type) throw new Error('There is one')
  return type
}

describe('the window', () => {
  test.each([
    ['1h', 2],
    ['24h', 25],
    ['7d', 169],
  ] as const)('[DQ8] %s is the running hour and the full ones before it, %i in all', (window, count) => {
    const quality = toQuality(window, NOW, [])
    expect(quality.hours).toHaveLength(count)
    expect([quality.hours[0], quality.hours.at(-1)]).toEqual([iso(HOUR - count + 1), iso(HOUR)])
    expect(quality).toMatchObject({ window, from: iso(HOUR - count + 1), to: iso(NOW / HOUR_MS), types: [] })
    expect(toSpan(window, NOW)).toEqual({ from: HOUR - count + 1, to: HOUR })
  })

  test('[DQ8] a sentence explains each figure', () => {
    expect(toQuality('1h', NOW, []).definitions).toBe(definitions)
    expect(Object.keys(definitions)).toEqual(['passing', 'completeness', 'duplicates', 'identity', 'volume'])
    for (const sentence of Object.values(definitions)) expect(sentence).toMatch(/^[A-Z].*\.$/)
  })
})

describe('a type', () => {
  const counts: Counts = {
    ...{ passing: 90, violating: 10, unmapped: 0, duplicates: 5 },
    present: { to: 99, body: 40 },
    identity: { phone: 80, other_scheme: 5, short_code: 3, alphanumeric: 2, missing: 10 },
  }

  test('[DQ8] has its properties from the schema, required and optional apart', () => {
    const type = only([kind({ 0: 100 }, { counts })])
    expect(type).toMatchObject({
      ...{ type: delivered, version: 6, events: 100, passing: 90, violating: 10, duplicates: 5 },
      unmapped: false,
    })
    expect(type.required.map(({ property }) => property)).toEqual([
      ...['messageSid', 'timestamp', 'accountSid', 'eventName', 'apiVersion', 'from', 'to', 'messageStatus'],
    ])
    expect(type.required).toContainEqual({ property: 'to', present: 99, of: 100 })
    expect(type.required).toContainEqual({ property: 'from', present: 0, of: 100 })
    expect(type.optional).toContainEqual({ property: 'body', present: 40, of: 100 })
    expect(type.optional.map(({ property }) => property)).toContain('numberOfSegments')
  })

  test('[DQ8] has its usable addresses counted out of all its events', () => {
    const { identity } = only([kind({ 0: 100 }, { counts })])
    expect(identity).toEqual({ of: 100, usable: 85, kinds: counts.identity })
    const bare = only([kind({ 0: 1 }, { counts: { ...noCounts, passing: 1, identity: { phone: 1 } } })])
    expect(bare.identity?.kinds).toEqual({
      ...{ phone: 1, other_scheme: 0, short_code: 0, alphanumeric: 0, missing: 0 },
    })
  })

  test('[DQ8] that no family covers has neither', () => {
    const other = { type: 'com.example.other', version: 0, counts: { ...noCounts, unmapped: 7 } }
    expect(only([kind({ 0: 7 }, other)])).toMatchObject({
      ...{ unmapped: true, events: 7, passing: 0, required: [], optional: [], identity: null },
    })
    const noJson = { type: '', version: 0, counts: { ...noCounts, violating: 3 } }
    expect(only([kind({ 0: 3 }, noJson)])).toMatchObject({ unmapped: false, violating: 3, identity: null })
  })

  test('[DQ8] stands before those with fewer events, and once however many shards have some of it', () => {
    const counted = (passing: number) => ({ counts: { ...noCounts, passing, present: { to: passing } } })
    const { types } = toQuality('24h', NOW, [
      kind({ 1: 3 }, counted(3)),
      kind({ 1: 4 }, { ...counted(4), version: 7 }),
      kind({ 1: 2, 30: 1 }, counted(2)),
    ])
    expect(types.map(({ version, events }) => [version, events])).toEqual([
      [6, 5],
      [7, 4],
    ])
    expect(types[0]?.volume.perHour[23]).toBe(5)
    expect(types[0]?.required).toContainEqual({ property: 'to', present: 5, of: 5 })
  })

  test('[DQ8] is left out when it came in neither the window nor the week before it', () => {
    expect(toQuality('1h', NOW, [kind({ 170: 9 })]).types).toEqual([])
    expect(toQuality('1h', NOW, [kind({ 169: 9 })]).types).toHaveLength(1)
    expect(toQuality('1h', NOW, [kind({})]).types).toEqual([])
    const copies = { ...noCounts, duplicates: 1 }
    expect(toQuality('1h', NOW, [kind({}, { counts: copies })]).types).toMatchObject([{ duplicates: 1 }])
  })
})

describe('volume', () => {
  test('[DQ9] is by the hour, and the baseline the mean of that hour on the 7 days before', () => {
    const days = { 25: 10, 49: 20, 73: 30, 97: 0, 121: 40, 145: 50, 169: 60, 193: 1_000 }
    const { perHour, baseline } = only([kind({ 1: 7, ...days })]).volume
    expect(perHour.slice(-3)).toEqual([0, 7, 0])
    expect(baseline[23]).toBe(30)
    expect(baseline[22]).toBe(0)
    expect(baseline).toHaveLength(25)
  })

  test('[DQ9] is compared with full hours since the first one counted only', () => {
    const at = (first: number) =>
      only([kind({ 1: 20, 25: 10, 49: 20 }, { first: HOUR - first })]).volume.baseline[23]
    expect([24, 25, 26, 49, 50, 73, 74].map(at)).toEqual([null, null, 10, 10, 15, 15, 10])
  })

  test('[DQ9] over 7 days compares hours of the window with others of it', () => {
    const { baseline, perHour } = only([kind(steady(12, 400))], '7d').volume
    expect(new Set(perHour)).toEqual(new Set([12]))
    expect(new Set(baseline)).toEqual(new Set([12]))
  })

  test.each([
    [100, 49, 'drop'],
    [100, 50, undefined],
    [100, 70, undefined],
    [100, 200, undefined],
    [100, 201, 'spike'],
    [100, 0, 'drop'],
    [10, 0, 'drop'],
    [10, 1, undefined],
    [10, 20, undefined],
    [10, 21, 'spike'],
    [9, 0, undefined],
    [9, 1_000, undefined],
    [30, 13, 'drop'],
    [30, 14, undefined],
  ])('[DQ9] with %i expected, %i is marked as %s', (expected, came, mark) => {
    const { marks } = only([kind({ ...steady(expected, 300, 2), 1: came, 0: came })]).volume
    expect(marks).toEqual(mark ? [{ hour: iso(HOUR - 1), kind: mark }] : [])
  })

  test('[DQ9] the running hour is never marked', () => {
    expect(only([kind({ ...steady(100, 300, 1), 0: 1 })]).volume.marks).toEqual([])
    expect(only([kind({ ...steady(100, 300, 1), 0: 9_999 })]).volume.marks).toEqual([])
  })

  test('[DQ9] nothing is marked without a baseline', () => {
    const { marks, baseline } = only([kind(steady(500, 20), { first: HOUR - 20 })]).volume
    expect([marks, new Set(baseline)]).toEqual([[], new Set([null])])
  })

  test('[DQ9] a type is silent since the end of its last hour when the window has none of it', () => {
    const silent = (events: Record<number, number>) => only([kind(events)], '1h').volume.silentSince
    expect(silent({ 5: 1, 9: 1 })).toBe(iso(HOUR - 4))
    expect(silent({ 2: 1 })).toBe(iso(HOUR - 1))
    expect(silent({ 1: 1 })).toBe(null)
    expect(silent({ 0: 1, 50: 1 })).toBe(null)
  })

  test('[DQ9] a version that another has taken the place of is not silent', () => {
    const { types } = toQuality('1h', NOW, [kind({ 5: 1 }), kind({ 0: 1 }, { version: 7 })])
    expect(types.map(({ volume }) => volume.silentSince)).toEqual([null, null])
  })

  test('[DQ9] hours that are still to come, told by a wrong clock, are none', () => {
    const { volume, events } = only([kind({ [-5]: 9, 3: 1 }, { counts: { ...noCounts, passing: 1 } })], '24h')
    expect([events, volume.perHour.reduce((sum, n) => sum + n, 0), volume.silentSince]).toEqual([1, 1, null])
    expect(toQuality('24h', NOW, [kind({ [-5]: 9 })]).types).toEqual([])
  })
})

describe('15 days of 30 kinds', () => {
  const file = openFile()
  const outbox = createOutbox(file.sql, pruning)
  const book = createCounters(file.sql)
  const names = ['queued', 'sent', 'delivered', 'failed', 'undelivered', 'read']
  const properties = Object.fromEntries(Object.keys(statusData[6] ?? {}).map(name => [name, 123_456]))
  const counts = { ...noCounts, passing: 123_456, present: properties, identity: { phone: 123_456 } }
  file.sql.transaction(() => {
    for (const name of names) {
      for (const version of [3, 4, 5, 6, 7]) {
        const id = book.kind(`com.twilio.messaging.message.${name}`, version)
        for (let ago = 0; ago < 360; ago++)
          file.sql.all(putHour, HOUR - ago, id, 123_456, JSON.stringify(counts))
      }
    }
  }, 'relaxed')
  afterAll(() => file.close())

  test.each(['1h', '24h', '7d'] as const)(
    '[DQ8] become figures by one query, and one for the name of each (%s)',
    window => {
      const { all } = file.sql
      onTestFinished(() => {
        file.sql.all = all
      })
      let queries = 0
      file.sql.all = (query, ...values) => {
        queries += 1
        return all(query, ...values)
      }
      const { types } = toQuality(window, NOW, outbox.kindHours(toSpan(window, NOW)))
      expect(types).toHaveLength(30)
      expect(queries).toBe(1 + 30)
    },
  )
})
