/**
 * A file's bytes → the text in them, still as bytes: gzip and zstd are known by how they begin, never by a name, also one
 * inside the other. What was unpacked before an archive breaks off comes out before the fault does.
 */
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib'

export type Bytes = AsyncIterable<Uint8Array>

/** Why a file could not be read to its end; a sentence for a person. */
export class Unreadable extends Error {}

type Packing = {
  readonly magic: readonly number[]
  readonly name: string
  readonly open?: () => Gunzip | ZstdDecompress
}

const UTF8_MARK = [0xef, 0xbb, 0xbf]
const packings: readonly Packing[] = [
  { name: 'gzip', magic: [0x1f, 0x8b], open: createGunzip },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], open: createZstdDecompress },
  { name: 'a zip archive', magic: [0x50, 0x4b, 0x03, 0x04] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { name: 'lz4', magic: [0x04, 0x22, 0x4d, 0x18] },
  { name: 'a Parquet file', magic: [0x50, 0x41, 0x52, 0x31] },
  { name: 'an Avro file', magic: [0x4f, 0x62, 0x6a, 0x01] },
  { name: 'UTF-32 text', magic: [0xff, 0xfe, 0x00, 0x00] },
]
/** What PowerShell writes. */
const utf16 = [
  { magic: [0xff, 0xfe], encoding: 'utf-16le' },
  { magic: [0xfe, 0xff], encoding: 'utf-16be' },
] as const
/** Also of text: binary files show themselves early. */
const LOOKED_AT = 512

export async function* toPlain(bytes: Bytes): AsyncGenerator<Uint8Array, void> {
  const { head, all } = await peek(bytes)
  const packing = packings.find(({ magic }) => begins(head, magic))
  if (packing?.open) return yield* toPlain(unpack(packing.open(), packing.name, all))
  if (packing)
    throw new Unreadable(`it is ${packing.name}: unpack it first (gzip and zstd are read as they are)`)
  const wide = utf16.find(({ magic }) => begins(head, magic))
  if (wide) return yield* transcode(all, wide.encoding)
  if (head.includes(0)) throw new Unreadable('it is a binary file: neither JSON, nor gzip, nor zstd')
  // A byte order mark is white space to the splitter, so that offsets stay those of the file.
  if (begins(head, UTF8_MARK)) return yield* withoutMark(all)
  yield* all
}

/** The first bytes, however small the chunks they come in. */
async function peek(bytes: Bytes): Promise<{ head: Uint8Array; all: Bytes }> {
  const reader = bytes[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let length = 0
  let fault: { error: unknown } | undefined
  while (length < LOOKED_AT && fault === undefined) {
    try {
      const { value, done } = await reader.next()
      if (done) break
      first.push(value)
      length += value.length
    } catch (error) {
      fault = { error }
    }
  }
  async function* all(): AsyncGenerator<Uint8Array, void> {
    try {
      yield* first.splice(0)
      if (fault) throw fault.error
      for (let next = await reader.next(); !next.done; next = await reader.next()) yield next.value
    } finally {
      await reader.return?.()
    }
  }
  return { head: Buffer.concat(first).subarray(0, LOOKED_AT), all: all() }
}

function begins(head: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => head[index] === byte)
}

async function* unpack(
  engine: Gunzip | ZstdDecompress,
  name: string,
  packed: Bytes,
): AsyncGenerator<Uint8Array, void> {
  const unpacked: Uint8Array[] = []
  let fault: Error | undefined
  engine.on('data', (chunk: Uint8Array) => unpacked.push(chunk))
  engine.on('error', error => {
    fault = error
  })
  const ended = new Promise<void>(resolve => engine.once('close', resolve))
  try {
    for await (const chunk of packed) {
      // In small pieces: one that unpacks to a thousand times its size must not fill the memory.
      for (let at = 0; at < chunk.length && !fault; at += PIECE_BYTES) {
        await new Promise<unknown>(resolve => engine.write(chunk.subarray(at, at + PIECE_BYTES), resolve))
        yield* unpacked.splice(0)
      }
      if (fault) break
    }
    if (!fault) engine.end()
    await ended
    yield* unpacked.splice(0)
  } finally {
    engine.destroy()
  }
  if (fault) throw new Unreadable(`the ${name} data ends too early or is damaged (${fault.message})`)
}

const PIECE_BYTES = 32 * 1_024

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
