/**
 * For what the outbox keeps: of ten events some 1 KB is left of 8, of a hundred 6 of 81. A call of zstd costs some 15 µs
 * however short the text, since it asks the processor what it can do, and a virtual one has to ask its host; brotli does not,
 * but takes half as long again a character. So short texts are left to brotli.
 */
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'
import type { Compression } from '../../outbox/encode-row.ts'

/** Below this, compressing costs more than the pages it saves. */
const LEAST_CHARACTERS = 4_096
/** From here on zstd is the faster one: some 30 usual events. */
const ZSTD_CHARACTERS = 24_576
/** Of UTF-8, at the most. */
const BYTES_A_CHARACTER = 3
const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const brotliOptions = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 18 },
  // What comes out fits as a rule, and so small a piece is cut from Node's pool of memory: 2 µs less.
  chunkSize: 2_048,
}
/** How a frame of zstd begins (RFC 8878, 3.1.1). What brotli makes with that window ends its first byte with 0011 (RFC 7932, 9.1). */
const ZSTD_BEGINS = 0x28

/** For the text as bytes, the same place again and again: memory beside V8's heap makes it collect all of the heap. */
const scratch = Buffer.alloc(384 * 1_024)

export const zlib: Compression = {
  compress(...texts) {
    const characters = texts.reduce((sum, { length }) => sum + length, 0)
    if (characters < LEAST_CHARACTERS) return undefined
    const isLarge = characters * BYTES_A_CHARACTER > scratch.length
    const bytes = isLarge ? Buffer.from(texts.join('')) : scratch.subarray(0, writeAll(texts))
    const compressed =
      characters < ZSTD_CHARACTERS
        ? brotliCompressSync(bytes, brotliOptions)
        : zstdCompressSync(bytes, zstdOptions)
    // A copy of what is used, for the rest of the buffer would cross to another thread with it.
    return new Uint8Array(compressed)
  },
  decompress(bytes) {
    const text = bytes[0] === ZSTD_BEGINS ? zstdDecompressSync(bytes) : brotliDecompressSync(bytes)
    return text.toString('utf8')
  },
}

/** How many bytes that is. */
function writeAll(texts: readonly string[]): number {
  return texts.reduce((end, text) => end + scratch.write(text, end), 0)
}
