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

/** The upper 53 bits as a safe integer: a key for a table, where two texts in 10^16 may share one. */
export function fnv1a53(text: string): number {
  const { high, low } = hash(text)
  return high * 0x200000 + (low >>> 11)
}

function hash(text: string): { high: number; low: number } {
  const bytes = toByteString(text)
  let high = 0xcbf29ce4
  let low = 0x84222325
  for (let index = 0; index < bytes.length; index += 1) {
    const mixed = (low ^ bytes.charCodeAt(index)) >>> 0
    const product = mixed * PRIME_LOW // below 2^41
    high = (Math.imul(high, PRIME_LOW) + Math.floor(product / 0x100000000) + (mixed << 8)) >>> 0
    low = product >>> 0
  }
  return { high, low }
}

/** One character a byte. Addresses and ids are ASCII, and encoding those would cost more than the hash. */
function toByteString(text: string): string {
  if (!/\P{ASCII}/u.test(text)) return text
  return Array.from(utf8.encode(text), byte => String.fromCharCode(byte)).join('')
}

function sevenDigits(value: number): string {
  return String(value % 1e7).padStart(7, '0')
}
