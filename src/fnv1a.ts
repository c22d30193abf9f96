/**
 * FNV-1a, 64 bits, over the UTF-8 of a text. Twilio's own Segment sink makes its anonymousId with it.
 * Two 32-bit halves instead of BigInt, because it runs for every event. Pure; not a cryptographic hash.
 */

const PRIME_LOW = 0x1b3 // the prime is 2^40 + 0x1b3
const utf8 = new TextEncoder()

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

/** The upper 53 bits as a safe integer, of one text after the other: a key for a table, where two in 10^16 may share one. */
export function fnv1a53(...texts: readonly string[]): number {
  const { high, low } = hash(...texts)
  return high * 0x200000 + (low >>> 11)
}

type Hash = { readonly high: number; readonly low: number }

const start: Hash = { high: 0xcbf29ce4, low: 0x84222325 }

/** Texts are not put together first: that would cost as much again. */
function hash(...texts: readonly string[]): Hash {
  let state = start
  for (const text of texts) {
    const mixed = mix(text, state)
    // Addresses and ids are ASCII, one character a byte: encoding those would cost more than the hash.
    state = mixed.seen < 0x80 ? mixed : mix(toByteString(text), state)
  }
  return state
}

/** Whole numbers of 32 bits throughout, twice as fast as floating point. `seen`: the bits of all characters. */
function mix(text: string, { high, low }: Hash): Hash & { readonly seen: number } {
  let seen = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    seen |= code
    const mixed = low ^ code
    low = Math.imul(mixed, PRIME_LOW)
    const carry = ((mixed >>> 16) * PRIME_LOW + (((mixed & 0xffff) * PRIME_LOW) >>> 16)) >>> 16
    high = (Math.imul(high, PRIME_LOW) + carry + (mixed << 8)) | 0
  }
  return { high: high >>> 0, low: low >>> 0, seen }
}

/** One character a byte. */
function toByteString(text: string): string {
  return Array.from(utf8.encode(text), byte => String.fromCharCode(byte)).join('')
}

function sevenDigits(value: number): string {
  return String(value % 1e7).padStart(7, '0')
}
