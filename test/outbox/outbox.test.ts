/** The outbox's rules on `node:sqlite`, in files that are reopened as after a kill; and what only a file can show. */
import { brotliCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { zlib } from '../../src/hosts/node/compression.ts'
import { decode } from '../../src/ingest/decode.ts'
import { validate } from '../../src/ingest/validate.ts'
import type { Compression } from '../../src/outbox/encode-row.ts'
import { encodeRow } from '../../src/outbox/encode-row.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import type { Sql } from '../../src/outbox/sqlite/sql.ts'
import {
  account,
  audit,
  idOf,
  NOW,
  pruning,
  requestRow,
  samples,
  sortAll,
  take,
} from '../support/outbox-bench.ts'
import { registerOutboxContract } from '../support/outbox-contract.ts'
import { openCompressedFile, openFile } from '../support/outbox-node.ts'
import { messageStatus } from '../support/twilio.ts'

registerOutboxContract('node:sqlite', openFile)
registerOutboxContract('node:sqlite, every request compressed', openCompressedFile, undefined, ['long'])

test('[EX1] an event that was carried here is what it was, even with what data quality would count of it', () => {
  using opened = disposable(openFile())
  const outbox = createOutbox(opened.sql, pruning)
  const event = messageStatus()
  const carried = { state: 'accepted', reason: null, detail: null, settledAt: NOW } as const
  const entries = [{ ...validate(event), carried }]
  expect(entries[0]?.observed).toBeDefined()
  outbox.append([encodeRow({ body: JSON.stringify([event]), encoding: 'text', receivedAt: NOW, entries })])
  sortAll(outbox)
  expect(account(outbox)).toMatchObject({ received: 1, accepted: 1, pending: 0 })
})

test('[DC7] a body of too many events is one dead letter to the last: it is not what its first event is', () => {
  using opened = disposable(openFile())
  const outbox = createOutbox(opened.sql, pruning)
  const text = `[${Array(10_001).fill(JSON.stringify(messageStatus())).join(',')}]`
  const decoded = decode(new TextEncoder().encode(text))
  const { body, encoding } = decoded
  const entries = decoded.ok ? [] : [decoded.entry]
  outbox.append([encodeRow({ body, encoding, receivedAt: NOW, entries })])
  sortAll(outbox)
  const [event] = outbox.list({ limit: 10 }).events
  expect(event?.element).toBe(text)
  expect(validate(event?.element).reason).toBe('not_a_cloudevent')
  const line = JSON.parse(outbox.scan({}).lines)
  expect(line).toMatchObject({ state: 'rejected', reason: 'not_a_cloudevent', raw: text, encoding: 'text' })
})

describe('a compressed request', () => {
  const kept = `SELECT id, entries, body, events, length(compressed) AS bytes, hex(substr(compressed, 1, 1)) AS begins
    FROM requests ORDER BY id`

  test.each([
    { of: 10, share: 1 / 5 },
    { of: 100, share: 1 / 10 },
  ])(
    '[OB110] of $of events comes back to the letter, and is indexed after a restart; a short one is text',
    given => {
      using opened = disposable(openFile())
      const outbox = createOutbox(opened.sql, pruning)
      const long = '12345678901234567890'
      const strange = messageStatus({ data: { body: 'grüß\ud83d\ude00\u2028\\n', long } })
      const events = [strange, ...Array.from({ length: given.of - 1 }, () => messageStatus())]
      // A number with more digits than JSON.parse keeps.
      const body = JSON.stringify(events).replace(`"${long}"`, long)
      const small = JSON.stringify([messageStatus()])
      for (const text of [body, small]) {
        const entries = (JSON.parse(text) as unknown[]).map(validate)
        outbox.append([encodeRow({ body: text, encoding: 'text', receivedAt: NOW, entries })])
      }
      const [large, text] = opened.sql.all<Record<string, unknown>>(kept)
      expect(large).toMatchObject({ entries: '', body: '', events: given.of })
      expect(large?.begins).toBe('28')
      expect(large?.bytes).toBeLessThan(body.length * given.share)
      expect(text).toMatchObject({ body: small, events: 1, bytes: null })
      const restarted = createOutbox(opened.reopen(), pruning)
      expect(restarted.unsorted()).toBe(given.of + 1)
      sortAll(restarted)
      expect(
        restarted.claim({ destination: 1, limit: 200, characters: 1e9 }).map(({ element }) => element),
      ).toEqual([...JSON.parse(body), ...JSON.parse(small)])
      const { lines } = restarted.scan({})
      expect(lines.split('\n')[0]).toContain(`"long":${long}`)
      audit(restarted)
    },
  )

  test('[OB111] rows of text, as an outbox from before holds them, are indexed and delivered with the others', () => {
    using opened = disposable(openCompressedFile())
    createOutbox(opened.sql, pruning).append([requestRow(samples(2, 1))])
    opened.sql.all(
      'INSERT INTO requests (id, received_at, encoding, entries, body) VALUES (2, ?, ?, ?, ?)',
      ...[NOW, 'text', requestRow(samples(3, 3)).kept, requestRow(samples(3, 3)).body],
    )
    const outbox = createOutbox(opened.reopen(), pruning)
    expect(outbox.unsorted()).toBe(5)
    sortAll(outbox)
    const ids = outbox
      .claim({ destination: 1, limit: 9, characters: 1e9 })
      .map(({ element }) => idOf(element))
    expect(ids).toEqual(['EZ1', 'EZ2', 'EZ3', 'EZ4', 'EZ5'])
  })

  test('[OB111] rows that an earlier version compressed by brotli are read', () => {
    const brotli: Compression = {
      compress: (...texts) => brotliCompressSync(Buffer.from(texts.join(''))),
      decompress: zlib.decompress,
    }
    using opened = disposable(openFile(brotli))
    createOutbox(opened.sql, pruning).append([requestRow(samples(3))])
    expect(opened.sql.all<{ begins: string }>(kept)[0]?.begins).not.toBe('28')
    const outbox = createOutbox(opened.reopen(), pruning)
    sortAll(outbox)
    expect(
      outbox.claim({ destination: 1, limit: 9, characters: 1e9 }).map(({ element }) => idOf(element)),
    ).toEqual(['EZ1', 'EZ2', 'EZ3'])
  })

  test('[OB110] [OB41] on a host that cannot decompress it, it is unreadable, and stops none of the others', () => {
    using opened = disposable(openCompressedFile())
    const { compression, ...sql } = opened.sql
    createOutbox(opened.sql, pruning).append([requestRow(samples(3))])
    expect(compression).toBeDefined()
    const outbox = createOutbox(sql, pruning)
    outbox.append([requestRow(samples(1, 4))])
    sortAll(outbox)
    expect(account(outbox)).toMatchObject({ received: 4, pending: 1, rejected: 3 })
    expect(outbox.takeDamage()).toMatchObject([{ reason: 'unreadable', count: 3 }])
    audit(outbox)
  })
})

describe('a file', () => {
  const FULL = 2
  const NORMAL = 1

  test('[OB21] a commit waits for the disk, unless its work may be done again', () => {
    using opened = disposable(openFile())
    const { sql } = opened
    const synchronous = () => sql.all<{ synchronous: number }>('PRAGMA synchronous')[0]?.synchronous
    expect(sql.all('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }])
    expect(synchronous()).toBe(FULL)
    expect(sql.transaction(synchronous, 'on-disk')).toBe(FULL)
    expect(sql.transaction(synchronous, 'relaxed')).toBe(NORMAL)
    expect(synchronous()).toBe(FULL)
    const fails = () =>
      sql.transaction(() => {
        throw new Error('on purpose')
      }, 'relaxed')
    expect(fails).toThrow('on purpose')
    expect(synchronous()).toBe(FULL)
    expect(() => sql.transaction(() => fails(), 'on-disk')).toThrow()
    expect(sql.transaction(synchronous, 'on-disk')).toBe(FULL)
  })

  test('[OB21] a kill at any statement leaves a file in which the account closes and nothing is lost', () => {
    using opened = disposable(openFile())
    const outbox = createOutbox(opened.sql, pruning)
    take(outbox, [{ id: 'EZ1', verdict: 'rejected' }, ...samples(3, 2)])
    let kills = 0
    const killed: Sql = {
      ...opened.sql,
      all(query, ...values) {
        const rows = opened.sql.all(query, ...values)
        look()
        return rows as never
      },
    }
    function look(): void {
      using copy = disposable(opened.copy())
      const found = createOutbox(copy.sql, pruning)
      sortAll(found)
      audit(found)
      // What was put first is there in any case; what is being put, as a whole or not at all.
      expect([4, 7]).toContain(found.total('received'))
      expect(found.total('pending') + found.total('accepted') + found.total('rejected')).toBe(
        found.total('received'),
      )
      kills += 1
    }
    const victim = createOutbox(killed, pruning)
    victim.append([requestRow([{ id: 'EZ1' }, { id: 'EZ5' }]), requestRow(samples(2, 6))])
    sortAll(victim)
    victim.settle(
      victim
        .claim({ destination: 1, limit: 3, characters: 1e9 })
        .map(event => ({ event, state: 'accepted' })),
      NOW,
    )
    victim.prune(NOW + 10 * pruning.retentionMs)
    expect(account(victim)).toMatchObject({ received: 7, duplicate: 1, accepted: 3, pending: 4, rejected: 0 })
    expect(kills).toBeGreaterThan(40)
  })

  test('[OB21] a power cut at any moment costs nothing that was put, changed or told before it', () => {
    using opened = disposable(openFile())
    const outbox = createOutbox(opened.sql, pruning)
    take(outbox, [{ id: 'EZ1', verdict: 'rejected' }], samples(2, 2))
    outbox.settle(
      outbox.claim({ destination: 1, limit: 1, characters: 1 }).map(event => ({ event, state: 'accepted' })),
      NOW,
    )
    outbox.remember('clock', 'told', { at: NOW, body: {} })
    outbox.transition([{ request: 1, position: 0 }], ['rejected'], { state: 'pending' }, NOW)
    outbox.append([requestRow(samples(2, 4))])
    const onDisk = opened.logBytes()
    // All that follows may be undone, a page at a time.
    sortAll(outbox)
    outbox.remember('clock', 'later')
    outbox.settle(
      outbox
        .claim({ destination: 1, limit: 9, characters: 1e9 })
        .map(event => ({ event, state: 'accepted' })),
      NOW,
    )
    while (outbox.prune(NOW + 10 * pruning.retentionMs));
    expect(account(outbox)).toMatchObject({ received: 5, accepted: 5 })
    const found = new Set<number>()
    for (let bytes = onDisk; bytes <= opened.logBytes(); bytes += 1_000) {
      using copy = disposable(opened.cut(bytes))
      const restarted = createOutbox(copy.sql, pruning)
      take(restarted, samples(1, 6))
      audit(restarted)
      expect(account(restarted)).toMatchObject({ received: 6, rejected: 0, refused: 0, skipped: 0 })
      expect(['told', 'later']).toContain(restarted.recall('clock'))
      expect(restarted.get({ request: 4, position: 0 })?.element).toMatchObject({ id: 'EZ6' })
      found.add(restarted.total('pending'))
    }
    expect([...found]).toEqual([5, 1])
  })
})

function disposable<T extends { close(): void }>(opened: T): T & Disposable {
  return { ...opened, [Symbol.dispose]: opened.close }
}
