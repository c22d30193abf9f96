import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fnv1a53, fnv1a64 } from '../../src/event/hash.ts'

/** FNV-1a as its authors write it, in arithmetic that cannot overflow. */
function reference(text: string): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of Buffer.from(text, 'utf8')) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  }
  return hash
}

const texts = fc.oneof(
  fc.string({ unit: 'grapheme-ascii' }),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map(units => String.fromCharCode(...units)),
)

describe('FNV-1a', () => {
  test("[MP5] +34606234664 gives 13460360364754414896, which Twilio's own sink published", () => {
    expect(fnv1a64('+34606234664')).toBe('13460360364754414896')
  })

  test.each([
    ['', '14695981039346656037'],
    ['a', '12638187200555641996'],
    ['foobar', '9625390261332436968'],
  ])('%j gives %s, as its authors published', (text, hash) => {
    expect(fnv1a64(text)).toBe(hash)
  })

  test('agrees with the reference on every text, lone surrogates included', () => {
    fc.assert(
      fc.property(texts, text => {
        expect(fnv1a64(text)).toBe(reference(text).toString())
      }),
      { numRuns: 2_000 },
    )
  })

  test('the 53-bit key is the upper bits of the same hash, and a safe integer', () => {
    fc.assert(
      fc.property(texts, text => {
        expect(fnv1a53(text)).toBe(Number(reference(text) >> 11n))
        expect(fnv1a53(text)).toSatisfy(Number.isSafeInteger)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a long text is hashed, ASCII or not', () => {
    for (const text of ['a'.repeat(100_000), 'ü'.repeat(50_000)]) {
      expect(fnv1a64(text)).toBe(reference(text).toString())
    }
  })
})
