/** A request's body from its stream. Knows no host: one that has a shorter way to the bytes brings its own. */
import type { Body } from '../ingest/receive.ts'

export type ReadBody<From> = (from: From, limit: number) => Promise<Body>

export const readStream: ReadBody<Request['body']> = async (body, limit) => {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (const reader = body?.getReader(); reader; ) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      if (length > limit) {
        await reader.cancel()
        return 'body_too_large'
      }
      chunks.push(value)
    }
  } catch {
    return 'body_cut_off'
  }
  const [only] = chunks
  return only && chunks.length === 1 ? only : join(chunks, length)
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
