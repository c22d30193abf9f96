/** Content codings by node:zlib, which workerd has natively: DecompressionStream knows no brotli. */
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'
import type { ContentCoding, Decompress } from '../../runtime.ts'

type Undo = (
  bytes: Uint8Array,
  options: { maxOutputLength: number },
  done: (error: Error | null, decoded: Uint8Array) => void,
) => void
const undo: Readonly<Record<ContentCoding, Undo>> = {
  gzip: gunzip,
  deflate: inflate,
  'deflate-raw': inflateRaw,
  br: brotliDecompress,
}

export const decompress: Decompress = (bytes, coding, limitBytes) =>
  new Promise(resolve => {
    // workerd doubles its room as it goes, and compares the room with the limit, not what is in it.
    undo[coding](bytes, { maxOutputLength: 2 * limitBytes }, (error, decoded) => {
      // zlib's own faults are plain Errors; the limit is the one RangeError.
      if (error) resolve(error instanceof RangeError ? 'body_too_large' : 'damaged')
      else resolve(decoded.length > limitBytes ? 'body_too_large' : decoded)
    })
  })
