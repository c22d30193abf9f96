/** A text in which an event may stand: as JSON, as JSON once more escaped, in a form, or as base64, which may be packed. Pure. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { beginsGzip } from './gunzip.ts'
import { MAX_RECORD_BYTES } from './input.ts'
import { beginsZstd } from './unzstd.ts'

const MARKS = ['specversion', '{"bridge":1'] as const
/** Shorter than that, an event does not fit. */
const SHORTEST_BASE64 = 64
/** Room for the brackets before the first name of an event. */
const BEFORE_MARK = 200

export function mayHoldEvent(text: string): boolean {
  return hasMark(text) || decode(text) !== undefined
}

export function hasMark(text: string): boolean {
  return MARKS.some(mark => text.includes(mark))
}

/** The bytes of base64, when an event or something packed is in them. */
function decode(text: string): Buffer | undefined {
  if (text.length < SHORTEST_BASE64 || !/^[\w+/-]{32}/.test(text) || !/^[\w+/\s-]+=*\s*$/.test(text))
    return undefined
  const bytes = Buffer.from(text, 'base64')
  return isPacked(bytes) || MARKS.some(mark => bytes.includes(mark)) ? bytes : undefined
}

function isPacked(bytes: Uint8Array): boolean {
  return beginsGzip(bytes, 0) || beginsZstd(bytes, 0)
}

/** What a record may unpack to in all: a small one must not become large by holding much that is packed. */
export type Budget = { bytesLeft: number }
export const newBudget = (): Budget => ({ bytesLeft: 4 * MAX_RECORD_BYTES })

/** The JSON in a text, with what stands before it cut off. Throws a sentence when something in it cannot be unpacked. */
export function toJsonText(text: string, budget: Budget): string {
  const bytes = hasMark(text) ? undefined : decode(text)
  const plain = (bytes === undefined ? text : unpack(bytes, budget).toString()).trimStart()
  const form = fromForm(plain)
  if (form !== undefined) return form
  // Escaped once more, but not in quotes.
  if (isEscaped(plain)) return unescapeJson(plain)
  if (/^["[{]/.test(plain)) return plain
  const from = Math.max(0, plain.indexOf('specversion') - BEFORE_MARK)
  const begin = /[[{]\s*(?:\{\s*)?\\?"specversion/.exec(plain.slice(from))?.index ?? -from
  const cut = plain.slice(from + begin)
  return isEscaped(cut) ? unescapeJson(cut) : cut
}

/** `payload=%5B%7B…` → a list with an object for each field that may hold an event; `undefined`: there is none, or it is no form. */
export function fromForm(text: string): string | undefined {
  if (!/^[\w.%-]{1,64}=/.test(text)) return undefined
  const fields = [...new URLSearchParams(text.trim())].filter(([, value]) => mayHoldEvent(value))
  return fields.length > 0 ? JSON.stringify(fields.map(([name, value]) => ({ [name]: value }))) : undefined
}

function isEscaped(json: string): boolean {
  return /^(?:\[\s*)?\{\s*\\"/.test(json)
}

function unescapeJson(text: string): string {
  // What follows the JSON in a line of a log may be no such text.
  const whole = text.slice(0, Math.max(text.lastIndexOf('}'), text.lastIndexOf(']')) + 1)
  try {
    return String(JSON.parse(`"${whole}"`))
  } catch {
    return text
  }
}

function unpack(bytes: Buffer, budget: Budget): Buffer {
  if (!isPacked(bytes)) return bytes
  const limit = { maxOutputLength: Math.min(MAX_RECORD_BYTES, budget.bytesLeft) }
  if (limit.maxOutputLength <= 0) throw new Error('it unpacks to too much')
  const plain = beginsGzip(bytes, 0) ? gunzipSync(bytes, limit) : zstdDecompressSync(bytes, limit)
  budget.bytesLeft -= plain.length
  return plain
}
