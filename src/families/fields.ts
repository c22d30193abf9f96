/**
 * The fields families are made of. A family requires only what is certain; any other field may be missing, null or anything.
 * In: descriptions. Out: zod schemas. Pure.
 */
import * as z from 'zod'

// `error` is what a fault calls "expected", so it names the type and no more.

export function text(description: string) {
  return z.string({ error: 'string' }).meta({ description })
}

/** Short codes have three digits or more: a smaller number is nobody's address. */
const LEAST_ADDRESS = 100
const addressNumber = (error: string) => z.int({ error }).min(LEAST_ADDRESS, { error })

export function isAddressNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= LEAST_ADDRESS
}

/** An address of anybody's. One of digits alone may be sent as a number. */
export function party(description: string) {
  const error = 'string'
  return z.union([z.string(), addressNumber(error)], { error }).meta({ description })
}

/** The customer's address. Not empty: all customers with an empty one would become the same profile. */
export function address(description: string) {
  const error = 'non-empty string'
  return z
    .union([z.string().min(1, { error }), addressNumber(error)], { error })
    .meta({ description, identityType: 'phone' })
}

/** How an optional field usually looks. */
const usual = {
  text: z.string(),
  integer: z.int(),
  integerOrText: z.union([z.int(), z.string()]),
  number: z.number(),
  boolean: z.boolean(),
  textList: z.array(z.string()),
  textMap: z.record(z.string(), z.string()),
  object: z.record(z.string(), z.unknown()),
  list: z.array(z.unknown()),
} as const

/**
 * A field that may be missing, null or anything else. The event is a fact without it, so how it looks never rejects an event;
 * the schema says what to expect for those who read it.
 */
export function optional(looks: keyof typeof usual, description: string) {
  return z.union([usual[looks], z.unknown()]).optional().meta({ description })
}

type Optional = ReturnType<typeof optional>

/** Several of them that usually look alike: name → what it is. */
export function optionals(
  looks: keyof typeof usual,
  fields: Readonly<Record<string, string>>,
): Record<string, Optional> {
  return Object.fromEntries(Object.entries(fields).map(([name, about]) => [name, optional(looks, about)]))
}
