/**
 * The requests as they came, a row each: written once, by the commit that Twilio waits for, and read whole. A row is text or,
 * where the host can and it pays, that text compressed: events of one request are so alike that a tenth is left, which the
 * disk is written less often for. Nothing else knows how a row looks. A damaged row is a value like any other: reading it
 * never throws, for one row must not stop the others.
 */
import type { ReceivedRequest } from '../../event/received-request.ts'
import { checksumOf } from '../checksum.ts'
import { type Compression, compressParcel, sealParcel } from '../encode-row.ts'
import { isRowEntry, type RequestRow, type RowEntry } from '../request-row.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

type Texts = Pick<ReceivedRequest, 'body' | 'encoding'> & { readonly entries: readonly RowEntry[] }
/** Why a row cannot be read, in words for a person, and the bytes it has all the same. */
export type Unreadable = { readonly cause: string; readonly stored: Uint8Array }
type Read = (Texts & { readonly unreadable?: undefined }) | { readonly unreadable: Unreadable }

export type KeptRequest = Read & {
  readonly id: number
  readonly receivedAt: number
  /** How many events it has, known also of one that cannot be read. */
  readonly events: number
  /** When its commit began; null of what came before that was kept. */
  readonly keptAt: number | null
}

/** In the caller's transaction. */
export function insertRequest(sql: Sql, id: number, parcel: RequestRow, now: number | null): void {
  const { receivedAt, encoding, kept, body, events, compressed, checksum } = sealParcel(
    sql.compression ? compressParcel(parcel, sql.compression) : parcel,
  )
  const values = [kept, body, now, events, compressed ?? null, checksum ?? null]
  sql.all(statements.insertRequest, id, receivedAt, encoding, ...values)
}

/** All that reading needs of the port. */
type Reader = Pick<Sql, 'all' | 'compression'>

type Row = {
  readonly id: number
  readonly received_at: number
  readonly kept_at: number | null
  readonly encoding: string
  readonly entries: string
  readonly body: string
  readonly compressed: Uint8Array | ArrayBuffer | null
  /** Whether `events` was counted when the row was written; a version before did not. */
  readonly counted: 0 | 1
  readonly events: number
  readonly checksum: number | null
}

/** `undefined` once it is pruned. */
export function readRequest(sql: Reader, id: number): KeptRequest | undefined {
  const [row] = sql.all<Row>(statements.requestAt, id)
  return row && read(row, sql.compression)
}

/** The oldest one behind `after`. */
export function nextRequest(sql: Reader, after: number): KeptRequest | undefined {
  const [row] = sql.all<Row>(statements.requestAfter, after)
  return row && read(row, sql.compression)
}

function read(row: Row, compression: Compression | undefined): KeptRequest {
  const { id, received_at, kept_at, events } = row
  const about = { id, receivedAt: received_at, keptAt: kept_at, events }
  const unreadable = (cause: string) => ({
    ...about,
    // One at least, so that it is seen.
    events: Math.max(1, events),
    unreadable: { cause, stored: toBytes(row) },
  })
  try {
    const texts = toTexts(row, compression)
    return typeof texts === 'string' ? unreadable(texts) : { ...about, ...texts }
  } catch (error) {
    const what = row.compressed ? 'its compressed bytes are damaged' : 'its text is damaged'
    return unreadable(error instanceof SyntaxError ? 'its verdicts are damaged' : what)
  }
}

/** Why it cannot be read, or what it holds. May throw whatever a damaged row makes JSON, zlib or V8 throw. */
function toTexts(row: Row, compression: Compression | undefined): Texts | string {
  const { encoding, counted, events, checksum } = row
  if (row.compressed && !compression) return 'it is compressed, and this host cannot decompress it'
  const bytes = row.compressed && new Uint8Array(row.compressed)
  const found = bytes ? checksumOf(bytes) : checksumOf(row.entries, row.body)
  if (checksum !== null && checksum !== found) return 'its checksum differs'
  if (!isEncoding(encoding)) return 'its encoding is damaged'
  const { entries, body } = bytes && compression ? split(compression.decompress(bytes)) : row
  const kept: unknown = JSON.parse(entries)
  if (!Array.isArray(kept)) return 'its verdicts are damaged'
  if (counted && kept.length !== events) return 'it has not as many events as were stored'
  // With a checksum that fits they are as they were written.
  if (checksum === null && !kept.every(isRowEntry)) return 'its verdicts are damaged'
  return { encoding, body, entries: kept }
}

function isEncoding(text: string): text is ReceivedRequest['encoding'] {
  return text === 'text' || text === 'base64'
}

function split(text: string): { entries: string; body: string } {
  const end = text.indexOf('\n')
  return { entries: text.slice(0, end), body: text.slice(end + 1) }
}

/** A damaged column may hold anything. */
function toBytes({ compressed, body }: Row): Uint8Array {
  return compressed ? new Uint8Array(compressed) : new TextEncoder().encode(String(body))
}
