/** After a record that is no JSON: where the next one seems to begin. A guess; JSON.parse has the last word. */

/** How an event begins that Twilio wrote, and a line of our own export: found also where nothing parts the records. */
const beginnings = ['{"specversion"', '{"bridge"']
const LINE_FEED = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c
const CLOSE = 0x5d
const BRACE = 0x7b
const BRACKET = 0x5b
const BLANKS: readonly number[] = [0x20, 0x09]

/** The first place from `from` on; -1 when there is none before `length`. A line counts when it is `indent` blanks deep. */
export function findRestart(bytes: Buffer, from: number, length: number, indent: number): number {
  const line = findLine(bytes, from, length, indent)
  // Nothing is searched beyond it: many bad records must not cost a search of all that follows each.
  const beginning = findBeginning(bytes, from, line < 0 ? length : line)
  return beginning < 0 ? line : beginning
}

/** Where a line begins that is `indent` blanks deep and opens an object or an array. */
function findLine(bytes: Buffer, from: number, length: number, indent: number): number {
  const within = bytes.subarray(0, length)
  for (let line = within.indexOf(LINE_FEED, Math.max(0, from - 1)); line >= 0; ) {
    const at = line + 1 + indent
    const byte = within[at]
    const isDeep = within.subarray(line + 1, at).every(blank => BLANKS.includes(blank))
    if (at >= from && isDeep && (byte === BRACE || byte === BRACKET)) return at
    line = within.indexOf(LINE_FEED, line + 1)
  }
  return -1
}

function findBeginning(bytes: Buffer, from: number, limit: number): number {
  const within = bytes.subarray(0, limit)
  const found = beginnings.map(beginning => within.indexOf(beginning, from, 'latin1')).filter(at => at >= 0)
  return found.length > 0 ? Math.min(...found) : -1
}

/** A text at the top that may hold JSON, or base64 of it; any other in quotes is a line of text like all. */
export const QUOTED_BYTES = 8
export function beginsQuoted(bytes: Buffer, at: number, length: number): boolean {
  if (bytes[at] !== QUOTE) return false
  const text = bytes.toString('latin1', at + 1, Math.min(length, at + QUOTED_BYTES))
  return /^\s*(?:[[{]|\\"|eyJ|ewo|W3s|Wwo|H4sI|KLUv)/.test(text)
}

/** What is no JSON from its beginning on: enough of it to tell what it is, for it may hold JSON all the same. */
export const LINE_HEAD_BYTES = 80
const form = /^[\w.%-]{1,64}=/
const log = /^(?:<\d{1,3}>|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\d{4}-\d\d-\d\d[T ]\d\d:\d\d)/
/** Of a log line: what stands before the JSON in it. */
const LOG_HEADER_BYTES = 1_024

export function beginsForm(bytes: Buffer, at: number, length: number): boolean {
  return form.test(bytes.toString('latin1', at, Math.min(length, at + LINE_HEAD_BYTES)))
}

/** The JSON in a log line that begins `at`; -1: none; undefined: there is too little to tell. */
export function findLogged(bytes: Buffer, at: number, length: number): number | undefined {
  if (!log.test(bytes.toString('latin1', at, Math.min(length, at + LINE_HEAD_BYTES)))) return -1
  const header = bytes.subarray(at, Math.min(length, at + LOG_HEADER_BYTES))
  const [line, brace] = [header.indexOf(LINE_FEED), header.indexOf(BRACE)]
  if (brace >= 0 && (line < 0 || brace < line)) return at + brace
  return line >= 0 || header.length === LOG_HEADER_BYTES ? -1 : undefined
}

/** Where a line of text ends: at its line break, at an event in it or, in an array, behind the element. -1: it goes on. */
export function findTextEnd(bytes: Buffer, from: number, length: number, isElement: boolean): number {
  const within = bytes.subarray(0, length)
  const line = within.indexOf(LINE_FEED, from)
  let limit = line < 0 ? length : line
  for (let at = from; isElement && at < limit; at++)
    if (within[at] === COMMA || within[at] === CLOSE) limit = at
  const beginning = findBeginning(bytes, from, limit)
  if (beginning >= 0) return beginning
  return limit < length ? limit : -1
}

/** What a line that is no JSON seems to be: for people. */
export function lookOf(text: string): string {
  const line = text.split(/[\r\n]/, 1)[0] ?? ''
  const look = looks.find(([, isLike]) => isLike(line))?.[0]
  return look === undefined ? '' : `; this looks like ${look}`
}

const looks: readonly [string, (line: string) => boolean][] = [
  ['a line of a log', line => log.test(line)],
  ['HTML or XML', line => line.startsWith('<')],
  ['a quoted JSON text that is not whole', line => /^"\s*[[{]/.test(line)],
  ['an HTML form', line => /^[\w.-]+=[^&\s]*(?:&[\w.-]+=[^&\s]*)+$/.test(line)],
  ['base64', line => /^[\w+/-]{40,}={0,2}$/.test(line)],
  ['CSV', line => !/[{}]/.test(line) && [',', ';', '\t'].some(delimiter => line.split(delimiter).length > 2)],
]
