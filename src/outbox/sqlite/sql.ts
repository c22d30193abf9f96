/**
 * The three-method port that both SQLites fit (`node:sqlite`, a Durable Object's `storage.sql`).
 * What it leaves out, one of them cannot do: bigint, booleans, named parameters, nested transactions,
 * more than 100 parameters (lists go in as one JSON text through `json_each`). Bytes go in and out only where there is
 * `compression`.
 */
import type { Compression } from '../encode-row.ts'

export type SqlValue = string | number | null | Uint8Array

export type Sql = {
  /** Runs a script of several statements, without values. */
  exec(script: string): void
  /** Runs one statement with positional `?` values; `[]` when it returns no rows. */
  all<Row>(query: string, ...values: SqlValue[]): Row[]
  /**
   * All or nothing. Throws when `work` returns a promise: both SQLites would commit before it settles.
   * `relaxed` work may be undone by a power cut, never by a crash: for what the kept requests can restore.
   */
  transaction<T>(work: () => T, durability: Durability): T
  /** Where the host has one that takes less time than the writing it saves. */
  readonly compression?: Compression
}

export type Durability = 'on-disk' | 'relaxed'
