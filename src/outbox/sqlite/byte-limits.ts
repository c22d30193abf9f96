/**
 * The one place that cuts what is handed to SQLite: a Durable Object takes no text and no row over 2 MB of UTF-8, and refuses
 * the statement (`SQLITE_TOOBIG`) for good, however often it is tried. Pure.
 */

import { toSlices } from '../../event/json-slices.ts'
import { checksumOf } from '../checksum.ts'
import type { RequestRow, RowEntry } from '../request-row.ts'

/** With room for a row's other columns. */
export const MOST_BYTES = 1_900_000
const BYTES_A_CHARACTER = 3

export function fits(...texts: readonly string[]): boolean {
  const characters = texts.reduce((sum, { length }) => sum + length, 0)
  if (characters * BYTES_A_CHARACTER <= MOST_BYTES) return true
  if (characters > MOST_BYTES) return false
  const utf8 = new TextEncoder()
  return texts.reduce((sum, text) => sum + utf8.encode(text).length, 0) <= MOST_BYTES
}

/** For `json_each`: one list, or as many as it takes. */
export function toJsonLists(rows: readonly unknown[]): string[] {
  const text = JSON.stringify(rows)
  if (rows.length <= 1 || fits(text)) return [text]
  const half = Math.floor(rows.length / 2)
  return [...toJsonLists(rows.slice(0, half)), ...toJsonLists(rows.slice(half))]
}

/** A request as one row or, when it is too large for one, as several: each with some of its events. */
export function toRows(parcel: RequestRow): RequestRow[] {
  const { kept, body, encoding, compressed } = parcel
  if (compressed || fits(kept, body)) return [parcel]
  const entries: RowEntry[] = JSON.parse(kept)
  const slices = encoding === 'text' && entries.length > 1 ? toSlices(body) : []
  if (slices.length !== entries.length) return [withoutFaults(parcel, entries)]
  const half = Math.floor(entries.length / 2)
  return [
    toRows(toPart(parcel, entries.slice(0, half), slices.slice(0, half))),
    toRows(toPart(parcel, entries.slice(half), slices.slice(half))),
  ].flat()
}

/** Its reason says why it was rejected; which field, a person can see from the event itself. */
function withoutFaults(parcel: RequestRow, entries: readonly RowEntry[]): RequestRow {
  const kept = JSON.stringify(entries.map(entry => entry.toSpliced(6, 1, null)))
  return { ...parcel, kept, checksum: checksumOf(kept, parcel.body) }
}

function toPart(parcel: RequestRow, entries: readonly RowEntry[], slices: readonly string[]): RequestRow {
  const kept = JSON.stringify(entries)
  const body = `[${slices.join(',')}]`
  return { ...parcel, kept, body, events: entries.length, checksum: checksumOf(kept, body) }
}
