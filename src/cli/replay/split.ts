/**
 * Bytes → the JSON records in them, one by one: one object, arrays, NDJSON, objects run together, pretty-printed, texts that
 * hold JSON, any mix. Between records white space, commas and brackets mean nothing, so every such form is read alike, and the
 * elements of an array are records wherever it begins. What is no JSON comes out as a bad record, a line of text as one, and
 * reading goes on where the next record seems to begin. Memory holds one record, 16 MiB at most.
 */
import { isUtf8 } from 'node:buffer'
import { type Bytes, MAX_RECORD_BYTES } from './input.ts'
import { createGrammar } from './json-scanner.ts'
import { fromForm } from './packed-text.ts'
import {
  beginsForm,
  beginsQuoted,
  findLogged,
  findRestart,
  findTextEnd,
  LINE_HEAD_BYTES,
  lookOf,
  QUOTED_BYTES,
} from './resync.ts'

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

/** Of a bad record only its beginning is shown. */
const SHOWN_BYTES = 8_000
const FIRST_CAPACITY = 128 * 1_024
/** Longer than what findRestart looks for. */
const RESTART_BYTES = 64
const isBetween = new Uint8Array(256)
for (const byte of Buffer.from(' \t\r\n,[]\x1e')) isBetween[byte] = 1
const BRACE = 0x7b
const QUOTE = 0x22
const OPEN = 0x5b
const CLOSE = 0x5d
const SPACE = 0x20
const TAB = 0x09
const LINE_FEED = 0x0a

export const START: Beginning = { end: 0, depth: 0 }

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
  /** Looking for the next record after a bad one: behind an object that broke, or behind a line of text. */
  let lost: 'object' | 'text' | undefined
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
      if (lost !== undefined) {
        if (!restart(isEnd)) return
      } else if (start < 0) {
        if (!skipBetween(isEnd)) return
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

  /** False: there is too little to tell what begins. */
  function skipBetween(isEnd: boolean): boolean {
    while (at < length) {
      const byte = store[at] ?? 0
      if (!isBetween[byte]) {
        if (byte === QUOTE && length - at < QUOTED_BYTES && !isEnd) return false
        if (byte !== BRACE && byte !== QUOTE) {
          const line = readLine(isEnd)
          if (line === 'more') return false
          if (line === 'read') continue
        }
        start = at
        grammar.reset()
        if (byte !== BRACE && !beginsQuoted(store, at, length)) lose('an object should begin', at)
        return true
      }
      if (byte === OPEN) depth += 1
      else if (byte === CLOSE) depth = Math.max(0, depth - 1)
      indent = byte === SPACE || byte === TAB ? indent + 1 : 0
      at += 1
    }
    return true
  }

  /** A line that is no JSON, but has some: in a form, or behind the header of a log. */
  function readLine(isEnd: boolean): 'read' | 'more' | 'none' {
    const feed = store.subarray(0, length).indexOf(LINE_FEED, at)
    const isWhole = feed >= 0 || isEnd || length - at > MAX_RECORD_BYTES
    if (!isWhole && length - at < LINE_HEAD_BYTES) return 'more'
    const logged = findLogged(store, at, length)
    if (logged === undefined && !isWhole) return 'more'
    if (logged !== undefined && logged >= 0) {
      at = logged
      return 'read'
    }
    if (!beginsForm(store, at, length)) return 'none'
    if (!isWhole) return 'more'
    const end = feed < 0 ? length : feed
    const text = fromForm(store.toString('utf8', at, end))
    if (text === undefined) return 'none'
    found.push({ at: base + at, end: base + end, depth, text })
    at = end
    return 'read'
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
    lost = store[start] === BRACE ? 'object' : 'text'
    const next = findNext(start + 1)
    const text = show(start, next < 0 ? length : next)
    found.push({
      at: base + start,
      end: base + (next < 0 ? length : next),
      depth,
      text,
      fault: `not_json: ${why} (byte ${base + faultAt})${lost === 'text' ? lookOf(text) : ''}`,
    })
    at = start + 1
  }

  /** -1: not in what is there. */
  function findNext(from: number): number {
    if (lost === 'text') return findTextEnd(store, from, length, depth > 0)
    return findRestart(store, from, length, indent)
  }

  function restart(isEnd: boolean): boolean {
    const next = findNext(at)
    if (next < 0) {
      // A beginning may be cut in two by the end of this chunk.
      at = isEnd ? length : Math.max(at, length - indent - RESTART_BYTES)
      if (isEnd) lost = undefined
      start = -1
      return isEnd
    }
    at = next
    start = store[next] === BRACE ? next : -1
    // An array that begins a line is a new one, whatever was open before it.
    if (lost === 'object' && store[next] === OPEN) depth = 0
    lost = undefined
    grammar.reset()
    return true
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
