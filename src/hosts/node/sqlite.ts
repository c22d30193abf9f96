/** `node:sqlite` as the outbox's port. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Compression, Sql, SqlValue } from '../../outbox/sql.ts'
import { zlib } from './compression.ts'

/** The kernel caches the file as well: twice as much costs 9 MB, and saves no CPU even on a million events. */
const CACHE_KIB = 8_192
const WAL_KEPT_BYTES = 64 * 1_024 * 1_024

export type NodeSql = Sql & { close(): void }

/** `compression`: another one for tests, that compresses everything. */
export function openSqlite(file: string, compression: Compression = zlib): NodeSql {
  const database = new DatabaseSync(file)
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -${CACHE_KIB};
    PRAGMA journal_size_limit = ${WAL_KEPT_BYTES};
    PRAGMA temp_store = MEMORY;
  `)
  const prepared = new Map<string, StatementSync>()

  function prepare(query: string): StatementSync {
    const statement = prepared.get(query) ?? database.prepare(query)
    prepared.set(query, statement)
    return statement
  }

  return {
    compression,
    exec: script => database.exec(script),
    all: <Row>(query: string, ...values: SqlValue[]) => prepare(query).all(...values) as Row[],
    transaction(work, durability) {
      // Without FULL a commit does not wait for the disk; it still survives a killed process. (SQLite sets a pragma when it is
      // prepared: it cannot be kept like a statement.)
      if (durability === 'relaxed') database.exec('PRAGMA synchronous = NORMAL')
      try {
        database.exec('BEGIN IMMEDIATE')
        const result = work()
        if (result instanceof Promise) throw new Error('A transaction must not return a promise')
        database.exec('COMMIT')
        return result
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      } finally {
        if (durability === 'relaxed') database.exec('PRAGMA synchronous = FULL')
      }
    },
    close: () => database.close(),
  }
}
