/**
 * FNV-1a, 64 bits, over the UTF-8 of a text. Twilio's own Segment sink makes its anonymousId with it.
 * Two 32-bit halves instead of BigInt, because it runs for every event. Pure; not a cryptographic hash.
 */

const PRIME_LOW = 0x1b3 // the prime is 2^40 + 0x1b3
const BYTES_A_CHARACTER = 3
const utf8 = new TextEncoder()
/** Room for any usual text: what is encoded is read at once, and never kept. */
const scratch = new Uint8Array(1_024)

/** The hash in unsigned decimal. */
export function fnv1a64(text: string): string {
  const { high, low } = hash(text)
  // high · 2^32 + low in base 10^7, where every step stays below 2^53: 2^48 = 2·10^14 + 8147497·10^7 + 6710656.
  const upper = high >>> 16
  const lower = high & 0xffff
  const ones = upper * 6_710_656 + lower * 4_967_296 + low
  const middles = upper * 8_147_497 + lower * 429 + Math.floor(ones / 1e7)
  const tops = upper * 2 + Math.floor(middles / 1e7)
  return `${tops}${sevenDigits(middles)}${sevenDigits(ones)}`.replace(/^0+(?=\d)/, '')
}

/** The upper 53 bits as a safe integer: a key for a table, where two in 10^16 may share one. */
export function fnv1a53(text: string): number {
  const { high, low } = hash(text)
  return high * 0x200000 + (low >>> 11)
}

type Hash = { readonly high: number; readonly low: number }

function hash(text: string): Hash {
  if (text.length * BYTES_A_CHARACTER <= scratch.length) {
    return mix(scratch, utf8.encodeInto(text, scratch).written)
  }
  const bytes = utf8.encode(text)
  return mix(bytes, bytes.length)
}

/** Whole numbers of 32 bits throughout, and bytes: floating point takes twice as long, characters three times. */
function mix(bytes: Uint8Array, length: number): Hash {
  let high = 0xcbf29ce4 | 0
  let low = 0x84222325 | 0
  for (let index = 0; index < length; index += 1) {
    const mixed = low ^ (bytes[index] ?? 0)
    low = Math.imul(mixed, PRIME_LOW)
    const carry = ((mixed >>> 16) * PRIME_LOW + (((mixed & 0xffff) * PRIME_LOW) >>> 16)) >>> 16
    high = (Math.imul(high, PRIME_LOW) + carry + (mixed << 8)) | 0
  }
  return { high: high >>> 0, low: low >>> 0 }
}

function sevenDigits(value: number): string {
  return String(value % 1e7).padStart(7, '0')
}
