/**
 * JSON's punctuation, byte by byte: where an object or a text ends, and the first byte that cannot be JSON. It checks the structure
 * only; what stands in numbers and literals is for JSON.parse to judge. Keeps its place from chunk to chunk.
 */

const QUOTE = 0x22
const APOSTROPHE = 0x27
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const VALUE = 0
const VALUE_OR_END = 1
const KEY = 2
const KEY_OR_END = 3
const COLON_NEXT = 4
const COMMA_OR_END = 5
const IN_KEY = 6
const IN_TEXT = 7
const IN_SCALAR = 8

const isBlank = toSet(' \t\r\n')
const isScalar = toSet('+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ')

export type Step =
  /** The object, or the text, ends before `at`. */
  | { readonly kind: 'value'; readonly at: number }
  /** Everything was read, and the object goes on. */
  | { readonly kind: 'more' }
  /** The byte at `at` cannot stand there. */
  | { readonly kind: 'fault'; readonly at: number; readonly why: string }

export type Grammar = {
  /** From `from`, which is the object's first byte or the byte after what was read before. */
  read(bytes: Uint8Array, from: number, length: number): Step
  /** Before a new object. */
  reset(): void
}

const more: Step = { kind: 'more' }

export function createGrammar(): Grammar {
  let expected = VALUE
  let depth = 0
  let escaped = false
  /** 1 = object, 0 = array. */
  let stack = new Uint8Array(64)

  function push(container: 0 | 1): void {
    if (depth === stack.length) {
      const larger = new Uint8Array(stack.length * 2)
      larger.set(stack)
      stack = larger
    }
    stack[depth++] = container
  }

  function read(bytes: Uint8Array, from: number, length: number): Step {
    let at = from
    while (at < length) {
      const byte = bytes[at] ?? 0
      if (expected === IN_TEXT || expected === IN_KEY) {
        const end = endOfText(bytes, at, length)
        if (end === length) return more
        if (bytes[end] !== QUOTE) return { kind: 'fault', at: end, why: 'a line break inside a text' }
        at = end + 1
        expected = expected === IN_KEY ? COLON_NEXT : COMMA_OR_END
        if (depth === 0) return { kind: 'value', at }
      } else if (expected === IN_SCALAR) {
        while (at < length && isScalar[bytes[at] ?? 0]) at += 1
        if (at === length) return more
        expected = COMMA_OR_END
      } else if (isBlank[byte]) {
        at += 1
      } else if (expected === COLON_NEXT) {
        if (byte !== COLON) return unexpected(byte, at, 'a colon')
        expected = VALUE
        at += 1
      } else if (expected === KEY || (expected === KEY_OR_END && byte !== CLOSE_OBJECT)) {
        if (byte === APOSTROPHE)
          return { kind: 'fault', at, why: 'a name in single quotes: this looks like Python' }
        if (byte !== QUOTE) return unexpected(byte, at, 'a name in quotes')
        expected = IN_KEY
        at += 1
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        const mayEnd = expected !== VALUE
        if (!mayEnd || stack[depth - 1] !== (byte === CLOSE_OBJECT ? 1 : 0))
          return unexpected(byte, at, mayEnd ? 'the other bracket' : 'a value')
        depth -= 1
        at += 1
        expected = COMMA_OR_END
        if (depth === 0) return { kind: 'value', at }
      } else if (expected === COMMA_OR_END) {
        if (byte !== COMMA) return unexpected(byte, at, 'a comma or the end')
        expected = stack[depth - 1] === 1 ? KEY : VALUE
        at += 1
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        push(byte === OPEN_OBJECT ? 1 : 0)
        expected = byte === OPEN_OBJECT ? KEY_OR_END : VALUE_OR_END
        at += 1
      } else if (byte === QUOTE) {
        expected = IN_TEXT
        at += 1
      } else if (isScalar[byte]) {
        expected = IN_SCALAR
      } else {
        return unexpected(byte, at, 'a value')
      }
    }
    return more
  }

  /** The closing quote, or a byte that no text may hold, or the end of what there is. */
  function endOfText(bytes: Uint8Array, from: number, length: number): number {
    let at = from
    if (escaped) {
      escaped = false
      at += 1
    }
    while (at < length) {
      const byte = bytes[at] ?? 0
      if (byte === QUOTE || byte < 0x20) return at
      if (byte === BACKSLASH) {
        at += 1
        if (at === length) escaped = true
      }
      at += 1
    }
    return length
  }

  return {
    read,
    reset() {
      expected = VALUE
      depth = 0
      escaped = false
    },
  }
}

function unexpected(byte: number, at: number, expected: string): Step {
  const shown = byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte 0x${byte.toString(16)}`
  return { kind: 'fault', at, why: `${shown} where ${expected} should be` }
}

function toSet(characters: string): Uint8Array {
  const set = new Uint8Array(256)
  for (const character of characters) set[character.charCodeAt(0)] = 1
  return set
}
