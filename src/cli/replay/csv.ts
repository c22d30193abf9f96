/**
 * CSV with a header → a JSON record for each row, its fields by their names, so that an event is found in a row as in any
 * other wrapper. Known by what stands in it: a table whose first rows hold no event is none, but lines of text.
 */
import { isUtf8 } from 'node:buffer'
import { type Bytes, MAX_RECORD_BYTES } from './input.ts'
import { mayHoldEvent } from './packed-text.ts'
import type { Piece } from './split.ts'

type Dialect = {
  readonly delimiter: number
  /** How a quote stands in a quoted field: doubled, or behind a backslash (MySQL). */
  readonly hasBackslashes: boolean
}
export type Header = Dialect & {
  readonly names: readonly string[]
  /** Where the first row begins. */
  readonly end: number
}
/** `more`: it does not end in what there is. `torn`: a quote that closes stands in the middle of a field. */
type Row = { readonly fields: readonly string[]; readonly end: number } | 'more' | 'torn'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LINE_FEED = 0x0a
const RETURN = 0x0d
const COMMA = 0x2c
const delimiters = [COMMA, ...Buffer.from(';\t|')]
const ROWS_LOOKED_AT = 20
const LONGEST_NAME = 100

/** `undefined`: it is no CSV, or none with a header and events. */
export function readHeader(head: Buffer): Header | undefined {
  if (!/^\s*["\w]/.test(head.toString('latin1', 0, 16))) return undefined
  const hasBackslashes = head.includes('\\"specversion\\"') && !head.includes('""specversion')
  for (const delimiter of delimiters) {
    const first = readRow(head, 0, head.length, { delimiter, hasBackslashes }, false)
    if (typeof first === 'string' || !first.fields.every(isName)) continue
    const header = { delimiter, hasBackslashes, names: toNames(first.fields), end: first.end }
    if (holdsEvents(head, header)) return header
  }
  return undefined
}

function isName(name: string): boolean {
  return name.length <= LONGEST_NAME && !/[{}<>[\]\n]/.test(name)
}

function toNames(fields: readonly string[]): string[] {
  return fields.map((name, index) => {
    const trimmed = name.trim() || `column ${index + 1}`
    return fields.indexOf(name) < index ? `${trimmed} ${index + 1}` : trimmed
  })
}

function holdsEvents(head: Buffer, header: Header): boolean {
  const { names, delimiter } = header
  let at = header.end
  for (let rows = 0; rows < ROWS_LOOKED_AT && at < head.length; rows++) {
    // A single column is told from a line of text by the quotes around its fields.
    if (names.length === 1 && (delimiter !== COMMA || head[at] !== QUOTE)) return false
    const row = readRow(head, at, head.length, header, true)
    if (typeof row === 'string') return false
    if (row.fields.length === names.length && row.fields.some(mayHoldEvent)) return true
    at = row.end
  }
  return false
}

/** On behind `from`, where a row begins; `chunks` begin there, or behind the header. */
export async function* splitRows(chunks: Bytes, header: Header, from: number): AsyncGenerator<Piece[], void> {
  let held = Buffer.alloc(0)
  let base = Math.max(from, header.end)
  /** A long row is not read anew with each chunk. */
  let tryAt = 0
  for await (const chunk of chunks) {
    held = Buffer.concat([held, chunk])
    if (held.length < tryAt) continue
    const pieces = take(false)
    tryAt = held.length * 2
    if (pieces.length > 0) yield pieces
  }
  const last = take(true)
  if (last.length > 0) yield last

  function take(isEnd: boolean): Piece[] {
    const pieces: Piece[] = []
    let at = 0
    while (at < held.length) {
      const row = readRow(held, at, held.length, header, isEnd)
      if (row === 'more' && !isEnd && held.length - at <= MAX_RECORD_BYTES) break
      const end = typeof row === 'string' ? endOfLine(held, at) : row.end
      const bytes = held.subarray(at, end)
      const place = { at: base + at, end: base + end, depth: 0 }
      if (typeof row === 'string')
        pieces.push({
          ...place,
          text: bytes.toString(),
          fault: 'not_json: a row of the CSV whose quotes do not close',
        })
      else if (!isUtf8(bytes))
        pieces.push({ ...place, text: bytes.toString(), fault: 'not_json: it is not UTF-8' })
      else if (row.fields.some(field => field.trim() !== ''))
        pieces.push({ ...place, text: JSON.stringify(toRecord(row.fields, header.names)) })
      at = end
    }
    held = held.subarray(at)
    base += at
    return pieces
  }
}

function toRecord(fields: readonly string[], names: readonly string[]): Record<string, string> {
  return Object.fromEntries(fields.map((field, index) => [names[index] ?? `column ${index + 1}`, field]))
}

function endOfLine(bytes: Buffer, from: number): number {
  const end = bytes.indexOf(LINE_FEED, from)
  return end < 0 ? bytes.length : end + 1
}

function readRow(bytes: Buffer, from: number, length: number, dialect: Dialect, isEnd: boolean): Row {
  const { delimiter, hasBackslashes } = dialect
  const fields: string[] = []
  let at = from
  for (;;) {
    let field: string
    if (bytes[at] === QUOTE) {
      const close = closingQuote(bytes, at + 1, length, hasBackslashes)
      if (close < 0 || (close + 1 === length && !isEnd)) return 'more'
      const text = bytes.toString('utf8', at + 1, close)
      field = hasBackslashes
        ? text.replace(/\\(.)/gs, (_, letter) => (letter === 'n' ? '\n' : letter))
        : text.replaceAll('""', '"')
      at = close + 1
    } else {
      const start = at
      while (at < length && bytes[at] !== delimiter && bytes[at] !== LINE_FEED) at += 1
      if (at === length && !isEnd) return 'more'
      field = bytes.toString('utf8', start, bytes[at - 1] === RETURN && at > start ? at - 1 : at)
    }
    fields.push(field)
    if (bytes[at] === RETURN && at < length) at += 1
    if (at >= length && isEnd) return { fields, end: length }
    if (at >= length) return 'more'
    if (bytes[at] === LINE_FEED) return { fields, end: at + 1 }
    if (bytes[at] !== delimiter) return 'torn'
    at += 1
  }
}

/** -1: not in what there is. */
function closingQuote(bytes: Buffer, from: number, length: number, hasBackslashes: boolean): number {
  for (let at = from; at < length; at++) {
    if (hasBackslashes && bytes[at] === BACKSLASH) at += 1
    else if (bytes[at] === QUOTE) {
      if (hasBackslashes || bytes[at + 1] !== QUOTE || at + 1 === length) return at
      at += 1
    }
  }
  return -1
}
