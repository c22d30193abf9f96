/**
 * Undoes the Content-Encoding of a request. In: the bytes as they were sent, whose hash Twilio signed, and the header.
 * Out: the body that was meant. Twilio sends none today; whoever turns it on must not lose events by it. The host brings zlib.
 */
import type { ContentCoding, Decompress } from '../runtime.ts'
import { type SignedBody, trustDecoded } from './authenticate.ts'

/** `damaged`: the coding that could not be undone. The body is then the one that was sent, so that it can be kept. */
export type Content =
  | { readonly ok: true; readonly body: SignedBody; readonly damaged?: string }
  | { readonly ok: false; readonly reason: 'body_too_large' }
  | { readonly ok: false; readonly reason: 'encoding_unsupported'; readonly detail: string }

const SHOWN_CHARS = 100

/** `undefined`: nothing to undo. */
const codings: ReadonlyMap<string, ContentCoding | undefined> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['identity', undefined],
])

export async function undoContentEncoding(
  sent: SignedBody,
  header: string,
  decompress: Decompress,
  limitBytes: number,
): Promise<Content> {
  const names = header
    .toLowerCase()
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
  const unknown = names.find(name => !codings.has(name))
  if (unknown !== undefined) {
    return { ok: false, reason: 'encoding_unsupported', detail: unknown.slice(0, SHOWN_CHARS) }
  }
  let bytes: Uint8Array = sent
  // They are listed in the order in which they were applied.
  for (const name of names.reverse()) {
    const coding = codings.get(name)
    if (coding === undefined) continue
    const isRaw = coding === 'deflate' && !hasZlibHeader(bytes)
    const decoded = await decompress(bytes, isRaw ? 'deflate-raw' : coding, limitBytes)
    if (decoded === 'body_too_large') return { ok: false, reason: decoded }
    if (decoded === 'damaged') return { ok: true, body: sent, damaged: name }
    bytes = decoded
  }
  return { ok: true, body: trustDecoded(sent, bytes) }
}

/** RFC 1950: the method is 8, and the first two bytes are a multiple of 31. */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 15) === 8 && (first * 256 + second) % 31 === 0
}
