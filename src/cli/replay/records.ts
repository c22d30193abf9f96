/** Plain bytes → records, whatever they are written in: JSON in all its forms, or the rows of a CSV with a header. */
import { readHeader, splitRows } from './csv.ts'
import { type Bytes, openInput } from './input.ts'
import { type Beginning, type Piece, START, split } from './split.ts'

/** Some rows of a table, each with an event or two. */
const HEAD_BYTES = 64 * 1_024

/** In batches, a chunk's worth each; on behind the piece `from`. */
export async function* readRecords(bytes: Bytes, from: Beginning = START): AsyncGenerator<Piece[], void> {
  const input = openInput(bytes)
  try {
    const header = readHeader(Buffer.from(await input.peek(HEAD_BYTES)))
    if (header) yield* splitRows(skip(input.rest(), Math.max(from.end, header.end)), header, from.end)
    else yield* split(skip(input.rest(), from.end), from)
  } finally {
    await input.close()
  }
}

async function* skip(bytes: Bytes, count: number): AsyncGenerator<Uint8Array, void> {
  let left = count
  for await (const chunk of bytes) {
    if (left >= chunk.length) left -= chunk.length
    else {
      yield left > 0 ? chunk.subarray(left) : chunk
      left = 0
    }
  }
}
