/**
 * Bytes → the JSON records in them, one by one: one object, arrays, NDJSON, objects run together, pretty-printed, any mix.
 * Between records white space, commas and brackets mean nothing, so every such form is read alike. What is no JSON comes
 * out as a bad record, and reading goes on where the next record seems to begin. Memory holds one record, 16 MiB at most.
 */
import { isUtf8 } from 'node:buffer'
import type { Bytes } from './decompress.ts'
import { createGrammar } from './json-scanner.ts'
import { findRestart } from './resync.ts'

/** `at` and `end` count the bytes of the unpacked text; `end` is where the next record may begin. */
export type Piece = {
  readonly at: number
  readonly end: number
  /** Arrays that are open around it. */
  readonly depth: number
  readonly text: string
  readonly fault?: string
}
export type Beginning = Pick<Piece, 'end' | 'depth'>

export const MAX_RECORD_BYTES = 16 * 1_024 * 1_024
/** Of a bad record only its beginning is shown. */
const SHOWN_BYTES = 8_000
const FIRST_CAPACITY = 128 * 1_024
/** Longer than what findRestart looks for. */
const RESTART_BYTES = 64
/** As long as what findRestart looks for. */
const isBetween = new Uint8Array(256)
for (const byte of Buffer.from(' \t\r\n,[]\x1e')) isBetween[byte] = 1
const BRACE = 0x7b
const OPEN = 0x5b
const CLOSE = 0x5d
const SPACE = 0x20
const TAB = 0x09

const START: Beginning = { end: 0, depth: 0 }

/** In batches, a chunk's worth each. `chunks` go on behind the piece `from`. */
export async function* split(chunks: Bytes, from = START): AsyncGenerator<Piece[], void> {
  const splitter = createSplitter(from)
  for await (const chunk of chunks) {
    const pieces = splitter.push(chunk)
    if (pieces.length > 0) yield pieces
  }
  const last = splitter.end()
  if (last.length > 0) yield last
}

export function splitAll(bytes: Uint8Array): Piece[] {
  const splitter = createSplitter(START)
  return [...splitter.push(bytes), ...splitter.end()]
}

type Splitter = { push(chunk: Uint8Array): Piece[]; end(): Piece[] }

function createSplitter(from: Beginning): Splitter {
  const grammar = createGrammar()
  let store = Buffer.allocUnsafe(FIRST_CAPACITY)
  let length = 0
  /** Where `store[0]` is in the whole text. */
  let base = from.end
  let at = 0
  /** The first byte of the record under way; -1 between records. */
  let start = -1
  /** Looking for the next record after a bad one. */
  let isLost = false
  /** Blanks before the record on its line: after a bad one, the next is likely to stand as deep. */
  let indent = 0
  let depth = from.depth
  let found: Piece[] = []

  function append(chunk: Uint8Array): void {
    const from = start >= 0 ? start : at
    if (from > 0) {
      store.copyWithin(0, from, length)
      length -= from
      at -= from
      base += from
      if (start >= 0) start = 0
    }
    if (length + chunk.length > store.length) {
      const larger = Buffer.allocUnsafe(Math.max(store.length * 2, length + chunk.length))
      store.copy(larger, 0, 0, length)
      store = larger
    }
    store.set(chunk, length)
    length += chunk.length
  }

  function scan(isEnd: boolean): void {
    while (at < length || (isEnd && start >= 0)) {
      if (isLost) {
        if (!restart(isEnd)) return
      } else if (start < 0) {
        skipBetween()
      } else {
        const step = grammar.read(store, at, length)
        if (step.kind === 'value') take(step.at)
        else if (step.kind === 'fault') lose(step.why, step.at)
        else {
          at = length
          if (isEnd) lose('the text ends inside the record', length)
          else if (length - start > MAX_RECORD_BYTES) lose('the record is over 16 MiB', length)
          else return
        }
      }
    }
  }

  function skipBetween(): void {
    while (at < length) {
      const byte = store[at] ?? 0
      if (!isBetween[byte]) {
        start = at
        grammar.reset()
        if (byte !== BRACE) lose('an object should begin', at)
        return
      }
      if (byte === OPEN) depth += 1
      else if (byte === CLOSE) depth = Math.max(0, depth - 1)
      indent = byte === SPACE || byte === TAB ? indent + 1 : 0
      at += 1
    }
  }

  function take(end: number): void {
    const bytes = store.subarray(start, end)
    const whole = { at: base + start, end: base + end, depth }
    if (isUtf8(bytes)) found.push({ ...whole, text: store.toString('utf8', start, end) })
    else found.push({ ...whole, text: show(start, end), fault: 'not_json: it is not UTF-8' })
    start = -1
    at = end
    indent = 0
  }

  function lose(why: string, faultAt: number): void {
    const next = findRestart(store, start + 1, length, indent)
    found.push({
      at: base + start,
      end: base + (next < 0 ? length : next),
      depth,
      text: show(start, next < 0 ? length : next),
      fault: `not_json: ${why} (byte ${base + faultAt})`,
    })
    isLost = true
    at = start + 1
  }

  function restart(isEnd: boolean): boolean {
    const next = findRestart(store, at, length, indent)
    isLost = next < 0 && !isEnd
    start = next < 0 ? -1 : next
    if (next >= 0) {
      at = next
      grammar.reset()
      return true
    }
    // A beginning may be cut in two by the end of this chunk.
    at = isEnd ? length : Math.max(at, length - indent - RESTART_BYTES)
    return isEnd
  }

  function show(from: number, to: number): string {
    return store.toString('utf8', from, Math.min(to, from + SHOWN_BYTES))
  }

  return {
    push(chunk) {
      append(chunk)
      found = []
      scan(false)
      return found
    },
    end() {
      found = []
      scan(true)
      if (depth > 0) {
        const end = base + length
        found.push({ at: end, end, depth, text: '', fault: 'cut_short: the text ends inside an array' })
      }
      return found
    },
  }
}
