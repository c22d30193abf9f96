/**
 * A file's bytes → the text in them, still as bytes: gzip, zlib and zstd are known by how they begin, never by a name, also one
 * inside the other. What can be unpacked of a damaged archive comes out, and what cannot is said.
 */
import { beginsGzip, beginsZlib, gunzip } from './gunzip.ts'
import { type Bytes, openInput } from './input.ts'
import { type OnFault, Unreadable } from './unreadable.ts'
import { beginsZstd, unzstd } from './unzstd.ts'

type Format = { readonly magic: readonly number[]; readonly at?: number; readonly name: string }

const UTF8_MARK = [0xef, 0xbb, 0xbf]
const otherFormats: readonly Format[] = [
  { name: 'a zip archive', magic: [0x50, 0x4b, 0x03, 0x04] },
  { name: 'a tar archive', magic: [0x75, 0x73, 0x74, 0x61, 0x72], at: 257 },
  { name: 'a 7z archive', magic: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { name: 'lz4', magic: [0x04, 0x22, 0x4d, 0x18] },
  { name: 'snappy', magic: [0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50] },
]
const binaryFormats: readonly Format[] = [
  { name: 'a Parquet file', magic: [0x50, 0x41, 0x52, 0x31] },
  { name: 'an Avro file', magic: [0x4f, 0x62, 0x6a, 0x01] },
  { name: 'an ORC file', magic: [0x4f, 0x52, 0x43] },
  { name: 'a SQLite database', magic: [...Buffer.from('SQLite format 3\0')] },
  { name: 'UTF-32 text', magic: [0xff, 0xfe, 0x00, 0x00] },
]
/** What PowerShell writes. */
const utf16 = [
  { magic: [0xff, 0xfe], encoding: 'utf-16le' },
  { magic: [0xfe, 0xff], encoding: 'utf-16be' },
] as const
/** Also of text: binary files show themselves early. */
const LOOKED_AT = 512
/** An archive can be made that unpacks to itself. */
const DEEPEST = 4

/** `onFault` is told in its place: what was yielded before stands before it. */
export async function* toPlain(
  bytes: Bytes,
  onFault: OnFault,
  around: readonly string[] = [],
): AsyncGenerator<Uint8Array, void> {
  const input = openInput(bytes)
  try {
    const head = (await input.peek(LOOKED_AT)).subarray(0, LOOKED_AT)
    const packing = beginsGzip(head, 0)
      ? 'gzip'
      : beginsZlib(head)
        ? 'zlib'
        : beginsZstd(head, 0)
          ? 'zstd'
          : undefined
    if (packing !== undefined) {
      if (around.length === DEEPEST) throw new Unreadable(`it is packed more than ${DEEPEST} times`)
      const unpacked = packing === 'zstd' ? unzstd(input, onFault) : gunzip(input, packing, onFault)
      return yield* toPlain(unpacked, onFault, [...around, packing])
    }
    const within = around.length > 0 ? ` in ${around.join(' in ')}` : ''
    const other = otherFormats.find(format => begins(head, format))
    if (other)
      throw new Unreadable(
        `it is ${other.name}${within}: unpack it first (gzip and zstd are read as they are)`,
      )
    const binary = binaryFormats.find(format => begins(head, format))
    if (binary) throw new Unreadable(`it is ${binary.name}${within}: convert it to JSON first`)
    const wide = utf16.find(format => begins(head, format))
    if (wide) return yield* transcode(input.rest(), wide.encoding)
    if (head.includes(0))
      throw new Unreadable(`it is a binary file${within}: neither JSON, nor CSV, nor gzip, nor zstd`)
    // A byte order mark is white space to the splitter, so that offsets stay those of the file.
    if (begins(head, { magic: UTF8_MARK })) return yield* withoutMark(input.rest())
    yield* input.rest()
  } finally {
    await input.close()
  }
}

function begins(head: Uint8Array, { magic, at = 0 }: Pick<Format, 'magic' | 'at'>): boolean {
  return magic.every((byte, index) => head[at + index] === byte)
}

async function* transcode(bytes: Bytes, encoding: string): AsyncGenerator<Uint8Array, void> {
  const decoder = new TextDecoder(encoding)
  const encoder = new TextEncoder()
  for await (const chunk of bytes) yield encoder.encode(decoder.decode(chunk, { stream: true }))
  yield encoder.encode(decoder.decode())
}

async function* withoutMark(bytes: Bytes): AsyncGenerator<Uint8Array, void> {
  let blanks = UTF8_MARK.length
  for await (const chunk of bytes) {
    const copy = blanks > 0 ? Uint8Array.from(chunk) : chunk
    for (let at = 0; blanks > 0 && at < copy.length; at++, blanks--) copy[at] = 0x20
    yield copy
  }
}
