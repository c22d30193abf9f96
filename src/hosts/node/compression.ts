/**
 * For what the outbox stores: of a hundred events, 6 of 81 KB are left. Short texts stay text, which `sqlite3` can read: a call
 * of zstd costs some 15 µs however little there is to compress.
 */
import { brotliDecompressSync, constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Compression } from '../../outbox/encode-row.ts'

/** Some six usual events. */
const LEAST_CHARACTERS = 4_096
/** Of UTF-8, at the most. */
const BYTES_A_CHARACTER = 3
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
/** How a frame of zstd begins (RFC 8878, 3.1.1). Rows of earlier versions may be brotli, which here begins otherwise. */
const ZSTD_BEGINS = 0x28

/** For the text as bytes, the same place again and again: memory beside V8's heap makes it collect all of the heap. */
const scratch = Buffer.alloc(384 * 1_024)

export const zlib: Compression = {
  compress(...texts) {
    const characters = texts.reduce((sum, { length }) => sum + length, 0)
    if (characters < LEAST_CHARACTERS) return undefined
    const isLarge = characters * BYTES_A_CHARACTER > scratch.length
    const bytes = isLarge ? Buffer.from(texts.join('')) : scratch.subarray(0, writeAll(texts))
    // A copy of what is used, for the rest of the buffer would cross to another thread with it.
    return new Uint8Array(zstdCompressSync(bytes, options))
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
