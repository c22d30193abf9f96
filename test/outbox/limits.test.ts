/** The outbox over a SQLite that refuses what a Durable Object refuses: texts and rows over 2 MB. */
// @module-tag long
import { describe, expect, test } from 'vitest'
import { validate } from '../../src/ingest/validate.ts'
import { encodeRow } from '../../src/outbox/encode-row.ts'
import { fits, MOST_BYTES, toJsonLists } from '../../src/outbox/sqlite/byte-limits.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import type { Sql, SqlValue } from '../../src/outbox/sqlite/sql.ts'
import { account, audit, claimAll, idOf, NOW, pruning, requestRow, sortAll } from '../support/outbox-bench.ts'
import { registerOutboxContract } from '../support/outbox-contract.ts'
import { openFile } from '../support/outbox-node.ts'
import { messageStatus } from '../support/twilio.ts'

const LIMIT = 2_000_000

/** Text rows alone, as there; values of one statement make one row, or one text. */
function limited({ compression: _, ...sql }: Sql): Sql {
  return {
    ...sql,
    all<Row>(query: string, ...values: SqlValue[]): Row[] {
      const bytes = values.reduce<number>((sum, value) => sum + sizeOf(value), 0)
      if (bytes > LIMIT) throw new Error('string or blob too big: SQLITE_TOOBIG')
      return sql.all<Row>(query, ...values)
    },
  }
}

const sizeOf = (value: SqlValue) => (typeof value === 'string' ? Buffer.byteLength(value) : 8)

function openLimited() {
  const opened = openFile()
  return { sql: limited(opened.sql), reopen: () => limited(opened.reopen()), close: opened.close }
}

registerOutboxContract('SQLite that ends at 2 MB', openLimited)

describe('W7: over 2 MB', () => {
  test('[WK40] W7: a turn whose faults are over 2 MB is written in parts', () => {
    const opened = openLimited()
    const outbox = createOutbox(opened.sql, pruning)
    const faults = [{ path: '$.data', expected: 'é'.repeat(120_000), received: 'missing' }]
    outbox.append(
      Array.from({ length: 20 }, (_, at) => requestRow([{ id: `EZ${at}`, verdict: 'rejected', faults }])),
    )
    expect(outbox.index(2_000)).toBe(20)
    expect(account(outbox)).toMatchObject({ received: 20, rejected: 20 })
    expect(outbox.get({ request: 20, position: 0 })?.detail).toBe(JSON.stringify(faults))
    audit(outbox)
    opened.close()
  })

  test('[WK41] W7: a request too large for a row is stored in several, each event once and to the letter', () => {
    const opened = openLimited()
    const outbox = createOutbox(opened.sql, pruning)
    // Types that no family knows are in the verdicts as well as in the body.
    const type = `com.example.${'é'.repeat(500)}`
    const events = Array.from({ length: 900 }, () => messageStatus({ type }))
    const body = JSON.stringify(events)
    const entries = events.map(validate)
    const parcel = encodeRow({ body, encoding: 'text', receivedAt: NOW, entries })
    expect(Buffer.byteLength(body) + Buffer.byteLength(parcel.kept)).toBeGreaterThan(LIMIT)
    outbox.append([parcel, requestRow([{ id: 'EZ1' }])])
    expect(outbox.unsorted()).toBe(901)
    sortAll(outbox)
    expect(account(outbox)).toMatchObject({
      received: 901,
      duplicate: 0,
      skipped: 900,
      pending: 1,
      rejected: 0,
    })
    expect(claimAll(outbox).map(({ element }) => idOf(element))).toEqual(['EZ1'])
    const lines = outbox.scan({}).lines.split('\n')
    expect(JSON.parse(lines[0] ?? '').event).toEqual(events[0])
    outbox.append([parcel])
    sortAll(outbox)
    expect(account(outbox)).toMatchObject({ received: 901, duplicate: 900 })
    expect(createOutbox(opened.reopen(), pruning).keptUpTo()).toBe(outbox.keptUpTo())
    opened.close()
  })

  test('[WK41] W7: what cannot be split gives up the list of its faults, never the event', () => {
    const opened = openLimited()
    const outbox = createOutbox(opened.sql, pruning)
    const faults = [{ path: '$', expected: 'é'.repeat(250_000), received: 'x' }]
    const big = { id: 'EZ1', verdict: 'rejected', faults, data: 'é'.repeat(900_000) } as const
    outbox.append([requestRow([big])])
    sortAll(outbox)
    expect(outbox.get({ request: 1, position: 0 })).toMatchObject({
      state: 'rejected',
      reason: 'schema_rejected',
      detail: null,
      element: { id: 'EZ1' },
    })
    opened.close()
  })

  test('[WK40] lists are cut by bytes, not by characters', () => {
    const rows = Array.from({ length: 9 }, (_, at) => [at, 'é'.repeat(400_000)])
    const lists = toJsonLists(rows)
    expect(lists.flatMap(list => JSON.parse(list))).toEqual(rows)
    for (const list of lists) expect(Buffer.byteLength(list)).toBeLessThanOrEqual(MOST_BYTES)
    expect(toJsonLists([])).toEqual(['[]'])
    expect([fits('x'.repeat(MOST_BYTES)), fits('é'.repeat(MOST_BYTES / 2 + 1))]).toEqual([true, false])
  })
})
