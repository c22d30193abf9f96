/** A Durable Object's SQLite as the outbox's port. Takes only what it needs of `DurableObjectStorage`. */
import type { Sql, SqlValue } from '../../outbox/sqlite/sql.ts'

export type ObjectStorage = {
  readonly sql: { exec(query: string, ...values: unknown[]): { toArray(): unknown[] } }
  transactionSync<T>(work: () => T): T
}

export function createSql(storage: ObjectStorage): Sql {
  return {
    exec(script) {
      storage.sql.exec(script)
    },
    all: <Row>(query: string, ...values: SqlValue[]) => storage.sql.exec(query, ...values).toArray() as Row[],
    // How durable a write is, the output gate decides: no answer leaves before the storage has confirmed it.
    transaction: work =>
      storage.transactionSync(() => {
        const result = work()
        // Thrown in here, so that it is rolled back.
        if (result instanceof Promise) throw new Error('A transaction must not return a promise')
        return result
      }),
  }
}
