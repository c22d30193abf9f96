/** Damaged rows and damaged counts in a whole dispatcher: nothing else stops, the account closes, the operator is told. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toLine } from '../../src/admin/export-format.ts'
import { toStatus } from '../../src/admin/status.ts'
import { toEventJson, toSummaryJson } from '../../src/http/event-json.ts'
import { checksumOf } from '../../src/outbox/checksum.ts'
import { DAY, deliverTo, openTestbed, START } from '../support/dispatcher.ts'
import { type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus } from '../support/twilio.ts'

let segment: SegmentStandIn
beforeEach(async () => {
  segment = await startSegment()
})
afterEach(() => segment.close())

const events = (count: number) => Array.from({ length: count }, () => messageStatus())
const toStandIn = () => openTestbed({ deliver: deliverTo(segment.url) })

/** Some 8 KB, which are compressed. */
const LARGE = 12
/** What is done to a row, and to how large a one. */
const damages = {
  'compressed bytes cut': [LARGE, 'compressed = substr(compressed, 1, length(compressed) / 2)'],
  'compressed bytes cut, without a checksum': [
    LARGE,
    'compressed = substr(compressed, 1, length(compressed) / 2), checksum = NULL',
  ],
  'two compressed bytes flipped': [
    LARGE,
    "compressed = CAST(substr(compressed, 1, 300) || x'A5A5' || substr(compressed, 303) AS BLOB)",
  ],
  'compressed bytes emptied': [LARGE, "compressed = x''"],
  'a letter of the text changed': [2, "body = replace(body, 'Messages', 'Massages')"],
  'text cut': [2, 'body = substr(body, 1, length(body) / 2)'],
  'text cut, without a checksum': [2, 'body = substr(body, 1, length(body) / 2), checksum = NULL'],
  'verdicts cut': [2, 'entries = substr(entries, 1, length(entries) / 2)'],
  'verdicts cut, without a checksum': [
    2,
    'entries = substr(entries, 1, length(entries) / 2), checksum = NULL',
  ],
  'verdicts that are none, without a checksum': [2, "entries = '[[1,2],7]', checksum = NULL"],
  'verdicts of a version that did not count': [2, "entries = '[', checksum = NULL, events = NULL"],
  'an unknown encoding': [2, "encoding = 'tezt', checksum = NULL"],
  'numbers that no host can read': [
    2,
    'body = body || 1, checksum = 9223372036854775807, kept_at = 9223372036854775807, received_at = -9223372036854775807',
  ],
} as const
const kinds = Object.entries(damages).map(([name, [size, change]]) => ({ name, size, change }))

const numbers = Object.entries({
  requests: ['received_at', 'kept_at', 'events', 'checksum'],
  events: ['received_at', 'kind', 'settled_at', 'identity', 'attempts', 'tried_at', 'held_until', 'holds'],
  seen: ['proof', 'request', 'position'],
  kinds: ['version'],
  counts: ['n'],
  deliveries: ['at', 'took_ms', 'events', 'first_request', 'last_request', 'last_position', 'status'],
  notices: ['at'],
  hours: ['events'],
}).flatMap(([table, columns]) => columns.map(column => [table, column] as const))

describe('A1: a damaged row', () => {
  it.each(kinds)('[OB41] A1: not yet sorted, $name', async ({ name, size, change }) => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(3))
    dispatcher.take(...events(size))
    dispatcher.take(...events(3))
    dispatcher.sql.exec(`UPDATE requests SET ${change} WHERE id = 2`)
    // The text of a row from before checksums says nothing until an event is taken from it.
    const isFoundLater = name === 'text cut, without a checksum'
    await dispatcher.drainFor(0)
    const lost = name.endsWith('did not count') ? 1 : size
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 6, rejected: lost })
    expect(dispatcher.outbox.total('received')).toBe(6 + lost)
    const dead = dispatcher.outbox.list({ state: 'rejected', limit: 100 }).events
    expect(dead.map(({ reason }) => reason)).toEqual(Array(lost).fill('unreadable'))
    expect(dead[0]?.type).toBe(isFoundLater ? messageStatus().type : '')
    dispatcher.tick()
    expect(dispatcher.notices().at(-1)).toMatchObject({
      payload: { more_info: { counts: { unreadable: lost } } },
    })
    expect(JSON.stringify(dispatcher.notices().at(-1))).toContain('request 2: ')
  })

  it.each(kinds.filter(({ name }) => !/verdicts|count/.test(name) || name === 'verdicts cut'))(
    '[OB42] A1: sorted and pending, $name',
    async ({ size, change }) => {
      const dispatcher = toStandIn()
      dispatcher.take(...events(size))
      dispatcher.take(...events(2))
      dispatcher.indexPending()
      dispatcher.sql.exec(`UPDATE requests SET ${change} WHERE id = 1`)
      await dispatcher.drainFor(0)
      expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 2, rejected: size })
      dispatcher.tick()
      expect(dispatcher.notices()).toMatchObject([
        { level: 'Error', payload: { more_info: { counts: { unreadable: size } } } },
      ])
      await dispatcher.drainFor(DAY)
      expect(segment.ids.size).toBe(2)
    },
  )

  it.each(numbers)('[OB200] A1: damaged to over 2^53, %s.%s stops nothing', async (table, column) => {
    for (const number of ['1152921504606846977', '-1152921504606846977']) {
      const dispatcher = toStandIn()
      dispatcher.take(...events(3), { ...messageStatus(), specversion: '7' })
      await dispatcher.drainFor(0)
      dispatcher.tick()
      dispatcher.take(...events(1))
      dispatcher.indexPending()
      dispatcher.sql.exec(`UPDATE ${table} SET ${column} = ${number}`)
      const again = openTestbed({
        deliver: deliverTo(segment.url),
        sql: dispatcher.sql,
        clock: dispatcher.clock,
      })
      const later = messageStatus()
      again.take(later)
      await again.drainFor(0)
      expect([...segment.ids]).toContain(later.id)
      const { events: listed } = again.admin.events({ limit: 100 })
      expect(listed.map(toSummaryJson)).toHaveLength(6)
      const details = listed.flatMap(({ key }) => again.admin.event(key) ?? [])
      expect(details.map(detail => JSON.parse(toEventJson(detail)))).toHaveLength(6)
      expect(again.outbox.scan({}).lines.trim().split('\n')).toHaveLength(6)
      expect(
        toStatus(
          again.admin.status(),
          [{ name: 'segment', host: segment.url, fingerprint: 'f' }],
          again.clock.at,
        ).lines,
      ).not.toEqual([])
      again.clock.pass(DAY)
      again.tick()
    }
  })

  it('[OB42] A1: a row that is gone makes dead letters of its pending events', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(3))
    dispatcher.take(...events(2))
    dispatcher.indexPending()
    dispatcher.sql.exec('DELETE FROM requests WHERE id = 1')
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 2, rejected: 3 })
  })

  it('[OB42] A1: more unreadable events than a claim holds hide none that can be read', async () => {
    const dispatcher = toStandIn()
    for (let at = 0; at < 30; at++) dispatcher.take(...events(20))
    dispatcher.take(...events(1))
    dispatcher.indexPending()
    dispatcher.sql.exec('UPDATE requests SET checksum = 1 WHERE id <= 30')
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 1, rejected: 600 })
    dispatcher.tick()
    expect(JSON.stringify(dispatcher.notices())).toContain('and 25 more')
  })

  it('[OB43] A1: finished events keep their state and are marked; list, search, pulse, detail and retry go on', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(2))
    await dispatcher.drainFor(0)
    dispatcher.take({ ...messageStatus(), specversion: '7' }, messageStatus())
    dispatcher.sql.exec('UPDATE requests SET checksum = 1 WHERE id = 1')
    dispatcher.indexPending()
    dispatcher.sql.exec('UPDATE requests SET checksum = 1 WHERE id = 2')
    const { admin } = dispatcher
    const { events: listed } = admin.events({ limit: 10 })
    expect(listed.map(({ key, state, unreadable }) => [key, state, unreadable])).toEqual([
      ['2-1', 'pending', 'its checksum differs'],
      ['2-0', 'rejected', 'its checksum differs'],
      ['1-1', 'accepted', 'its checksum differs'],
      ['1-0', 'accepted', 'its checksum differs'],
    ])
    expect(admin.events({ limit: 10, q: 'SM' }).events).toEqual([])
    expect(admin.event('1-0')).toMatchObject({ state: 'accepted', received: null, mapped: null })
    expect(admin.pulse({ after: '0', keys: ['1-0'], recent: 5, limit: 5 }).events).toHaveLength(4)
    expect(admin.retry('2-0')).toEqual({ done: false, state: 'rejected', reason: 'unreadable' })
    expect(await admin.changeMany('retry', {})).toEqual({ matched: 1, ready: 0, done: 0 })
    expect(admin.deadLetters().groups).toHaveLength(1)
    expect(admin.drop('2-0')).toMatchObject({ done: true })
  })

  it('[OB44] [EX100] A1: an export has the stored bytes as base64, once a request, and an import takes them for what they are', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(LARGE))
    dispatcher.take(...events(2))
    dispatcher.indexPending()
    dispatcher.sql.exec('UPDATE requests SET checksum = 1 WHERE id = 1')
    const stored = dispatcher.sql.all<{ compressed: Uint8Array }>(
      'SELECT compressed FROM requests WHERE id = 1',
    )[0]
    const lines = dispatcher.outbox.scan({}).lines.trim().split('\n')
    expect(lines).toHaveLength(LARGE + 2)
    const [first, second] = lines.map(line => JSON.parse(line))
    expect(first).toMatchObject({ state: 'rejected', reason: 'unreadable', encoding: 'base64' })
    expect(Buffer.from(first.raw, 'base64').equals(Buffer.from(stored?.compressed ?? []))).toBe(true)
    expect(second).toMatchObject({ state: 'rejected', reason: 'unreadable', raw: '', encoding: 'base64' })

    // Selected by what becomes of them: none is missed by --state rejected, and none stands under pending.
    const count = (query: Parameters<typeof dispatcher.outbox.scan>[0]) =>
      dispatcher.outbox.scan(query).lines.split('\n').length - 1
    expect(count({ states: ['rejected'] })).toBe(LARGE)
    expect(count({ reason: 'unreadable' })).toBe(LARGE)
    expect(count({ states: ['rejected'], reason: 'schema_rejected' })).toBe(0)
    expect(count({ states: ['pending'] })).toBe(2)

    const { fromLine, toIntakes } = await import('../../src/admin/export-format.ts')
    const { encodeRow: toRow } = await import('../../src/outbox/encode-row.ts')
    const arriving = lines.map(text => {
      const line = toLine(JSON.parse(text))
      if (!line) throw new Error('no line of an export')
      return fromLine(line, text)
    })
    const other = toStandIn()
    for (let times = 0; times < 2; times++)
      other.append(toIntakes(arriving, START).map(intake => toRow(intake)))
    await other.drainFor(0)
    expect(other.figures()).toMatchObject({ pending: 0, rejected: LARGE, accepted: 2 })
    expect(other.outbox.total('duplicate')).toBe(LARGE + 2)
    expect(other.outbox.list({ state: 'rejected', limit: 1 }).events).toMatchObject([
      { reason: 'unreadable' },
    ])
  })

  it('[OB44] A1: its bytes are never pruned while its events are dead letters', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(2))
    dispatcher.sql.exec('UPDATE requests SET checksum = 1')
    await dispatcher.drainFor(0)
    dispatcher.clock.pass(400 * DAY)
    dispatcher.tick()
    expect(dispatcher.sql.all('SELECT id FROM requests')).toHaveLength(1)
    expect(dispatcher.figures()).toMatchObject({ rejected: 2 })
  })

  it('[OB41] rows from before checksums are read as they were', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(LARGE))
    dispatcher.take(...events(2))
    dispatcher.sql.exec('UPDATE requests SET checksum = NULL')
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ accepted: LARGE + 2, rejected: 0 })
  })
})

describe('the checksum', () => {
  it('[OB45] tells any two texts apart that differ in one bit, and parts that are cut elsewhere', () => {
    const bytes = new TextEncoder().encode(JSON.stringify(events(3)))
    const sums = new Set([checksumOf(bytes)])
    for (let bit = 0; bit < 800; bit++) {
      const flipped = bytes.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      sums.add(checksumOf(flipped))
    }
    expect(sums.size).toBe(801)
    expect(checksumOf('ab', 'c')).not.toBe(checksumOf('a', 'bc'))
    expect(checksumOf('x'.repeat(100_000))).not.toBe(checksumOf('x'.repeat(100_004)))
  })

  it('[OB45] of a text is that of its UTF-8, however long it is', () => {
    for (const text of ['', 'é', '😀'.repeat(3), `${'é'.repeat(40_000)}x`])
      expect(checksumOf(text)).toBe(checksumOf(new TextEncoder().encode(text)))
  })
})

describe('W2: damaged counts', () => {
  it.each([-5, 0, 1_000_000])('[OB46] W2: %i pending by the counts, and all are delivered', async n => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(7))
    dispatcher.indexPending()
    dispatcher.sql.exec(`UPDATE counts SET n = ${n} WHERE state = 'pending'`)
    const again = openTestbed({ deliver: deliverTo(segment.url), sql: dispatcher.sql })
    await again.drainFor(0)
    expect(segment.ids.size).toBe(7)
  })

  it('[OB47] W2: once a day they are compared with the events, corrected, and the operator is told', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(4), { ...messageStatus(), specversion: '7' })
    dispatcher.indexPending()
    dispatcher.tick()
    dispatcher.sql.exec("UPDATE counts SET n = n + 3 WHERE state IN ('pending', 'rejected')")
    dispatcher.sql.exec("UPDATE counts SET state = 'recieved' WHERE state = 'received' AND n = 4")
    const again = openTestbed({
      deliver: deliverTo(segment.url),
      sql: dispatcher.sql,
      clock: dispatcher.clock,
    })
    again.tick()
    expect(again.figures()).toMatchObject({ pending: 7 })
    again.clock.pass(DAY)
    again.tick()
    expect(again.figures()).toMatchObject({ pending: 4, rejected: 1 })
    expect(again.outbox.total('received')).toBe(5)
    expect(JSON.stringify(again.notices().at(-1))).toContain('counts_differ')
    const fresh = openTestbed({
      deliver: deliverTo(segment.url),
      sql: dispatcher.sql,
      clock: dispatcher.clock,
    })
    expect(fresh.figures()).toMatchObject({ pending: 4, rejected: 1 })
    expect(
      fresh.outbox.counts().filter(({ state }) => !['received', 'pending', 'rejected'].includes(state)),
    ).toEqual([])
  })

  it('[OB48] W2: counts and events whose kind is gone are still seen, and still delivered', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(3))
    dispatcher.indexPending()
    dispatcher.sql.exec('DELETE FROM kinds')
    const again = openTestbed({ deliver: deliverTo(segment.url), sql: dispatcher.sql })
    expect(again.outbox.list({ limit: 9 }).events).toHaveLength(3)
    again.take(...events(2))
    await again.drainFor(0)
    expect(again.figures()).toMatchObject({ accepted: 5, pending: 0 })
    expect(segment.ids.size).toBe(5)
  })
})

describe('W2: damaged state', () => {
  it.each(['', 'x', '-1', '1.5', '2', '99', '{}'])(
    '[OB49] W2: a cursor of %j loses no request that was not sorted, and sorts none twice that has events',
    async cursor => {
      const dispatcher = toStandIn()
      for (let at = 0; at < 5; at++) dispatcher.take(...events(2))
      dispatcher.outbox.index(1)
      dispatcher.outbox.index(1)
      dispatcher.outbox.index(1)
      dispatcher.sql.all("UPDATE memory SET value = ? WHERE name = 'sorted_up_to'", cursor)
      const again = openTestbed({ deliver: deliverTo(segment.url), sql: dispatcher.sql })
      await again.drainFor(0)
      expect(again.figures()).toMatchObject({ pending: 0, accepted: 10 })
      expect(again.outbox.total('received')).toBe(10)
      again.tick()
      expect(JSON.stringify(again.notices())).toContain('sorted_up_to')
      again.take(...events(1))
      await again.drainFor(0)
      expect(again.figures()).toMatchObject({ accepted: 11 })
    },
  )

  it('[OB40] W2: damaged rows of the hours count as nothing, and stop nothing', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(3))
    dispatcher.indexPending()
    dispatcher.sql.exec('UPDATE hours SET counts = \'{"passing":\'')
    const again = openTestbed({ deliver: deliverTo(segment.url), sql: dispatcher.sql })
    expect(again.outbox.kindTotals()).toMatchObject([{ counts: { passing: 0 } }])
    again.take(...events(2))
    await again.drainFor(0)
    expect(again.figures()).toMatchObject({ accepted: 5 })
    expect(again.outbox.kindTotals()).toMatchObject([{ counts: { passing: 2 } }])
    expect(
      dispatcher.sql.all(
        "SELECT value FROM memory WHERE name LIKE 'hours % .damaged' OR name LIKE 'hours%.damaged'",
      ),
    ).toEqual([{ value: '{"passing":' }])
    again.tick()
    expect(JSON.stringify(again.notices())).toContain('state_damaged')
  })
})
