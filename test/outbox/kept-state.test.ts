/** State that is kept by name, damaged. */
import { afterEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { readKept } from '../../src/outbox/kept-state.ts'
import { migrate } from '../../src/outbox/sqlite/migrations.ts'
import { createNoticeStore } from '../../src/outbox/sqlite/notices.ts'

const Line = z.object({ failures: z.int() })
const fallback = { failures: 0 }
const sql = openSqlite(':memory:')
migrate(sql)
afterEach(() => sql.exec('DELETE FROM memory; DELETE FROM notices;'))

describe('state kept by name', () => {
  test('[OB40] is read as it was kept, and the fallback stands for what never was', () => {
    const book = createNoticeStore(sql)
    expect(readKept(book, 'line', Line, fallback)).toEqual(fallback)
    book.remember('line', '{"failures":3}')
    expect(readKept(book, 'line', Line, fallback)).toEqual({ failures: 3 })
    expect(book.takeDamage()).toEqual([])
  })

  test.each(['{"failures":', '', 'null', '{"failures":"3"}', '{"failures":1e400}', '\u0000'])(
    '[OB40] W1: %j is set aside, reported once, and begun anew',
    damaged => {
      const book = createNoticeStore(sql)
      book.remember('line', damaged)
      expect(readKept(book, 'line', Line, fallback)).toEqual(fallback)
      expect(book.recall('line')).toBeUndefined()
      expect(book.recall('line.damaged')).toBe(damaged)
      expect(book.takeDamage()).toEqual([{ reason: 'state_damaged', count: 1, answer: 'line' }])
      expect(readKept(book, 'line', Line, fallback)).toEqual(fallback)
      expect(book.takeDamage()).toEqual([])
      book.remember('line', '{"failures":4}')
      expect(readKept(createNoticeStore(sql), 'line', Line, fallback)).toEqual({ failures: 4 })
    },
  )

  test('[OB40] a second damaged value takes the place of the first that was set aside', () => {
    for (const text of ['first', 'second']) {
      const book = createNoticeStore(sql)
      book.remember('line', text)
      readKept(book, 'line', Line, fallback)
      expect(book.recall('line.damaged')).toBe(text)
    }
  })

  test('[OB40] W1: while nothing can be written the fallback stands, and the value stays for the next start', () => {
    const book = createNoticeStore({
      ...sql,
      all: (query, ...values) => {
        if (query.trim().startsWith('UPDATE')) throw new Error('database or disk is full')
        return sql.all(query, ...values)
      },
    })
    book.remember('line', 'damaged')
    expect(readKept(book, 'line', Line, fallback)).toEqual(fallback)
    expect(createNoticeStore(sql).recall('line')).toBe('damaged')
  })

  test('[OB40] W1: a damaged notice is left out of the list, and hides no other', () => {
    const book = createNoticeStore(sql)
    for (const n of [1, 2, 3]) book.remember('clock', '1', { at: n, body: { n } })
    sql.all('UPDATE notices SET notice = \'{"n":\' WHERE at = 2')
    expect(book.notices(10)).toEqual([{ n: 3 }, { n: 1 }])
  })
})
