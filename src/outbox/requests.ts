/**
 * The requests as they came, a row each: written once, by the commit that Twilio waits for, and read whole. A row is text or,
 * where the host can and it pays, that text compressed: events of one request are so alike that a tenth is left, which the
 * disk is written less often for. Nothing else knows how a row looks.
 */
import type { Intake } from '../ports.ts'
import type { KeptEntry, Parcel } from './put.ts'
import type { Compression, Sql } from './sql.ts'
import * as statements from './statements.ts'

export type KeptRequest = Pick<Intake, 'body' | 'encoding'> & {
  /** When its commit began; null of what came before that was kept. */
  readonly keptAt: number | null
}

export type Unsorted = Pick<Intake, 'body' | 'encoding'> & {
  readonly id: number
  readonly receivedAt: number
  readonly entries: readonly KeptEntry[]
}

/** What is compressed is `KeptEntry[]` as JSON, which has no line break, one line break, and the body. */
export function compressParcel(parcel: Parcel, { compress }: Compression): Parcel {
  const compressed = parcel.compressed ?? compress(parcel.kept, '\n', parcel.body)
  return compressed ? { ...parcel, kept: '', body: '', compressed } : parcel
}

function decompressRow(sql: Sql, compressed: Uint8Array): { entries: string; body: string } {
  if (!sql.compression) throw new Error('The outbox holds compressed requests, which this host cannot read')
  const text = sql.compression.decompress(compressed)
  const end = text.indexOf('\n')
  return { entries: text.slice(0, end), body: text.slice(end + 1) }
}

/** In the caller's transaction. */
export function insertRequest(sql: Sql, id: number, parcel: Parcel, now: number | null): void {
  const { receivedAt, encoding, kept, body, events, compressed } = sql.compression
    ? compressParcel(parcel, sql.compression)
    : parcel
  sql.all(statements.insertRequest, id, receivedAt, encoding, kept, body, now, events, compressed ?? null)
}

/** `undefined` once it is pruned. */
export function readRequest(sql: Sql, id: number): KeptRequest | undefined {
  const [row] = sql.all<{
    encoding: Intake['encoding']
    body: string
    kept_at: number | null
    compressed: Uint8Array | null
  }>(statements.requestBody, id)
  if (!row) return undefined
  const { encoding, kept_at, compressed } = row
  const { body } = compressed ? decompressRow(sql, compressed) : row
  return { body, encoding, keptAt: kept_at }
}

/** The oldest one behind `id`. */
export function nextRequest(sql: Sql, after: number): Unsorted | undefined {
  const [row] = sql.all<{
    id: number
    received_at: number
    entries: string
    encoding: Intake['encoding']
    body: string
    compressed: Uint8Array | null
  }>(statements.requestAfter, after)
  if (!row) return undefined
  const { id, received_at, encoding, compressed } = row
  const { entries, body } = compressed ? decompressRow(sql, compressed) : row
  return { id, receivedAt: received_at, entries: JSON.parse(entries), body, encoding }
}
