/** The text of each event in a body, to the letter: numbers keep their digits, and nesting costs no stack. Pure. */

/** `body` is JSON: an array of events, or one event. Line breaks, which no JSON text can hold inside, become spaces. */
export function toSlices(body: string): string[] {
  const text = body.trim().replace(/[\r\n]+/g, ' ')
  if (!text.startsWith('[')) return [text]
  const slices: string[] = []
  let depth = 0
  let start = 1
  for (let at = 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfText(text, at)
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1
    else if (depth > 0 && (code === CLOSE_BRACE || code === CLOSE_BRACKET)) depth -= 1
    else if (depth === 0 && (code === COMMA || code === CLOSE_BRACKET)) {
      const slice = text.slice(start, at).trim()
      if (slice !== '') slices.push(slice)
      start = at + 1
    }
  }
  return slices
}

/** The text of an object's member, to the letter; of the last one, as JSON.parse reads it. `undefined`: it has none. */
export function toMember(object: string, name: string): string | undefined {
  // In brackets, the members of the object stand as elements do.
  const members = toSlices(`[${object.trim().slice(1, -1)}]`)
  let found: string | undefined
  for (const member of members) {
    const end = endOfText(member, 0) + 1
    if (JSON.parse(member.slice(0, end)) === name) found = member.slice(member.indexOf(':', end) + 1).trim()
  }
  return found
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Where the text that begins at `quote` has its closing quote. */
function endOfText(text: string, quote: number): number {
  let at = quote + 1
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}
