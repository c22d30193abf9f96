/** Folders of before: `test/frozen/folders/node` was written by version 0.1.0, before any migration but the first two. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { zlib } from '../../src/hosts/node/compression.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { account, audit, claimAll, pruning, sortAll } from '../support/outbox-bench.ts'
import { openFile } from '../support/outbox-node.ts'

const old = join(import.meta.dirname, '../frozen/folders/node/outbox.db')

/** The file and its log as a process would find them that starts now. */
function copyTo(file: string, from: string): void {
  for (const part of ['', '-wal']) if (existsSync(from + part)) copyFileSync(from + part, file + part)
}

it('[OB211] a migration killed after any statement goes on at the next start, and every event is there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  const file = join(folder, 'outbox.db')
  copyTo(file, old)
  const sql = openSqlite(file, zlib)
  const killed: string[] = []
  const outbox = createOutbox(
    {
      ...sql,
      exec(script) {
        for (const statement of script.split(';').filter(text => text.trim() !== '')) {
          sql.exec(statement)
          killed.push(join(folder, `killed-${killed.length}.db`))
          copyTo(killed.at(-1) ?? '', file)
        }
      },
    },
    pruning,
  )
  sortAll(outbox)
  const before = account(outbox)
  expect(before).toMatchObject({ received: 156, pending: 87, accepted: 61, rejected: 2 })
  sql.close()
  expect(killed.length).toBeGreaterThan(20)
  for (const copy of killed) {
    const found = openSqlite(copy, zlib)
    const again = createOutbox(found, pruning)
    sortAll(again)
    audit(again)
    expect(account(again), copy).toEqual(before)
    expect(claimAll(again), copy).toHaveLength(87)
    found.close()
  }
  rmSync(folder, { recursive: true, force: true })
})

it('[OB206] what was stored before there were several destinations belongs to the first; a new store has none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  const file = join(folder, 'outbox.db')
  copyTo(file, old)
  const sql = openSqlite(file, zlib)
  const outbox = createOutbox(sql, pruning)
  expect(outbox.destinations()).toEqual([
    { id: 1, name: 'segment', scope: 'segment', tag: '', since: 0, removedAt: undefined },
  ])
  expect(outbox.keepDestinations([{ name: 'acme', scope: 'a', tag: '' }], 5)).toMatchObject([
    { id: 1, name: 'segment', removedAt: 5 },
    { id: 2, name: 'acme' },
  ])
  sql.close()
  rmSync(folder, { recursive: true, force: true })
  const fresh = openFile()
  expect(createOutbox(fresh.sql, pruning).destinations()).toEqual([])
  fresh.close()
})
