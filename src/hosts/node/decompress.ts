/** Content codings by zlib, in its thread pool: a body of 16 MB must not hold up the others. */
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
    undo[coding](bytes, { maxOutputLength: limitBytes }, (error, decoded) => {
      // zlib's own faults are plain Errors; the limit is the one RangeError.
      if (error) resolve(error instanceof RangeError ? 'body_too_large' : 'damaged')
      else resolve(decoded)
    })
  })
