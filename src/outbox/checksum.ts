/**
 * A 32-bit checksum of what a row keeps, to find damage that still parses. Not cryptographic: it is against disks, not people.
 * FNV-1a takes a byte a step, 1 ns each; this is MurmurHash3, which takes four. Pure.
 */
const utf8 = new TextEncoder()
/** Room for the text of a usual request: what is encoded is read at once, and never kept. */
const scratch = new Uint8Array(64 * 1_024)
const scratchView = new DataView(scratch.buffer)
const BYTES_A_CHARACTER = 3

/** Of one part after the other. A text counts as its UTF-8. */
export function checksumOf(...parts: readonly (string | Uint8Array)[]): number {
  return finish(parts.reduce(mixPart, 0x811c9dc5))
}

function mixPart(hash: number, part: string | Uint8Array): number {
  if (typeof part !== 'string') return mix(hash, viewOf(part), part.byteLength)
  if (part.length * BYTES_A_CHARACTER <= scratch.length) {
    return mix(hash, scratchView, utf8.encodeInto(part, scratch).written)
  }
  const bytes = utf8.encode(part)
  return mix(hash, viewOf(bytes), bytes.length)
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

function mix(start: number, bytes: DataView, length: number): number {
  let hash = start
  const whole = length - (length % 4)
  for (let at = 0; at < whole; at += 4) hash = step(hash, bytes.getInt32(at, true))
  for (let at = whole; at < length; at += 1) hash = step(hash, bytes.getUint8(at))
  // Two parts must not pass for others that are the same bytes cut elsewhere.
  return step(hash, length)
}

/** Each step can be undone, so damage within one word is always found. */
function step(hash: number, word: number): number {
  const turned = Math.imul(word, 0xcc9e2d51)
  const mixed = hash ^ Math.imul((turned << 15) | (turned >>> 17), 0x1b873593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const last = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (last ^ (last >>> 16)) >>> 0
}
