/** `node:sqlite` as the outbox's port. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { Compression } from '../../outbox/encode-row.ts'
import type { Sql, SqlValue } from '../../outbox/sqlite/sql.ts'
import { zlib } from './compression.ts'
import { needsRoom } from './sqlite-errors.ts'

/** The kernel caches the file as well: twice as much costs 9 MB, and saves no CPU even on a million events. */
const CACHE_KIB = 8_192
const WAL_KEPT_BYTES = 64 * 1_024 * 1_024

export type NodeSql = Sql & {
  /** From here on every write throws: the next one could destroy what a damaged file still holds. */
  refuseWrites(): void
  close(): void
}

/**
 * `compression`: another one for tests, that compresses everything. `onError` is called with each error that SQLite throws,
 * before the caller gets it.
 */
export function openSqlite(
  file: string,
  compression: Compression = zlib,
  onError: (error: unknown) => void = () => undefined,
): NodeSql {
  watched(() => refuseLogAlone(file))
  const database = new DatabaseSync(file)
  watched(() => {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA cache_size = -${CACHE_KIB};
      PRAGMA journal_size_limit = ${WAL_KEPT_BYTES};
      PRAGMA temp_store = MEMORY;
    `)
  })
  return toPort(database, compression, watched)

  function watched<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      onError(error)
      throw error
    }
  }
}

/** SQLite takes an empty file for a new database, and deletes the log beside it, which may still hold every event. */
function refuseLogAlone(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.size === 0 && hasLog(file))
    throw new Error(`SQLITE_CORRUPT: ${file} is empty, and its log ${file}-wal is not`)
}

/** For looking only: it changes nothing, needs no room on the disk, and a bridge may have the file meanwhile. */
export function openReadOnly(file: string): NodeSql {
  refuseLogAlone(file)
  try {
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      database.prepare('SELECT count(*) FROM sqlite_master').all()
      return toPort(database, zlib)
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    // SQLite shares the log's index through a file, which it cannot make on a full or read-only disk. Without a log it needs none.
    if (!needsRoom(error) || hasLog(file)) throw error
    return toPort(new DatabaseSync(`${pathToFileURL(resolve(file))}?immutable=1`, { readOnly: true }), zlib)
  }
}

/**
 * A damaged integer can be over 2^53, which `node:sqlite` does not read as a number: it would throw for every row that is asked
 * for with it. It is rounded instead, as a Durable Object does. Costs nothing until then.
 */
function readAll(statement: StatementSync, values: readonly SqlValue[]): unknown[] {
  try {
    return statement.all(...values)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    statement.setReadBigInts(true)
    try {
      return statement.all(...values).map(toNumbers)
    } finally {
      statement.setReadBigInts(false)
    }
  }
}

function toNumbers(row: Record<string, SqlValue | bigint>): Record<string, SqlValue> {
  const rounded = Object.entries(row).map(([name, value]) => [
    name,
    typeof value === 'bigint' ? Number(value) : value,
  ])
  return Object.fromEntries(rounded)
}

function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
}

function toPort(
  database: DatabaseSync,
  compression: Compression,
  watched: <T>(work: () => T) => T = work => work(),
): NodeSql {
  const prepared = new Map<string, StatementSync>()

  function prepare(query: string): StatementSync {
    const statement = prepared.get(query) ?? database.prepare(query)
    prepared.set(query, statement)
    return statement
  }

  return {
    compression,
    exec: script => watched(() => database.exec(script)),
    all: <Row>(query: string, ...values: SqlValue[]) =>
      watched(() => readAll(prepare(query), values)) as Row[],
    transaction(work, durability) {
      // Without FULL a commit does not wait for the disk; it still survives a killed process. (SQLite sets a pragma when it is
      // prepared: it cannot be kept like a statement.)
      if (durability === 'relaxed') database.exec('PRAGMA synchronous = NORMAL')
      try {
        watched(() => database.exec('BEGIN IMMEDIATE'))
        const result = work()
        if (result instanceof Promise) throw new Error('A transaction must not return a promise')
        watched(() => database.exec('COMMIT'))
        return result
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      } finally {
        if (durability === 'relaxed') database.exec('PRAGMA synchronous = FULL')
      }
    },
    refuseWrites: () => database.exec('PRAGMA query_only = ON'),
    close: () => database.close(),
  }
}
