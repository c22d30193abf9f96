/**
 * The body of an import → its elements, a slice at a time. Sixteen megabytes of them at once would fill a Worker's memory, and
 * hold up the webhook on any host, so each slice is parsed when its turn comes, and the host gets a turn between two.
 */
import { isNextLine, readUnreadableLine } from '../admin/export-format.ts'

/** Of the smallest real events no more fit into the largest body. */
export const IMPORT_EVENTS = 50_000
const SLICE_EVENTS = 1_000
const SLICE_CHARACTERS = 1_024 * 1_024

export type Element = readonly [element: unknown, text: string]

/** Whether all of it is JSON, and how much: nothing is imported of a body that is not. */
export async function checkImport(text: string): Promise<number | 'not_json' | 'too_many'> {
  let events = 0
  try {
    for (const slice of slicesOf(text)) {
      for (const element of slice) JSON.parse(element)
      events += slice.length
      if (events > IMPORT_EVENTS) return 'too_many'
      await turn()
    }
  } catch (error) {
    if (error instanceof SyntaxError) return 'not_json'
    throw error
  }
  return events
}

export function* readImport(text: string): Generator<Element[], void> {
  for (const slice of slicesOf(text)) yield slice.map(element => [JSON.parse(element), element])
}

const turn = () => new Promise<void>(resolve => setTimeout(resolve, 0))

function* slicesOf(text: string): Generator<string[], void> {
  let slice: string[] = []
  let characters = 0
  for (const element of text.trimStart().startsWith('[') ? elementsOf(text) : linesOf(text)) {
    slice.push(element)
    characters += element.length
    if (slice.length < SLICE_EVENTS && characters < SLICE_CHARACTERS) continue
    yield slice
    slice = []
    characters = 0
  }
  if (slice.length > 0) yield slice
}

function* linesOf(text: string): Generator<string, void> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at)
    const line = text.slice(at, end < 0 ? text.length : end)
    at = end < 0 ? text.length : end + 1
    if (line.trim() !== '' && readUnreadableLine(line) === undefined && !isNextLine(line)) yield line.trim()
  }
}

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const opens = new Set([0x5b, 0x7b])
const closes = new Set([0x5d, 0x7d])

/** An array's, as JSON text. An empty one, which JSON does not allow, is for JSON.parse to refuse. */
function* elementsOf(text: string): Generator<string, void> {
  const open = text.indexOf('[')
  const last = text.trimEnd().length - 1
  if (text[last] !== ']' || last === open) throw new SyntaxError('The array has no end')
  if (text.slice(open + 1, last).trimStart() === '') return
  let depth = 0
  let start = open + 1
  for (let at = start; at <= last; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at += 1
      while (at < last && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
    } else if (opens.has(code)) depth += 1
    else if (at === last || (code === COMMA && depth === 0)) {
      // Line breaks, which no JSON text can hold inside, would end the line of an export.
      yield text
        .slice(start, at)
        .trim()
        .replace(/[\r\n]+/g, ' ')
      start = at + 1
    } else if (closes.has(code)) depth -= 1
  }
}
