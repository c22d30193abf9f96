/**
 * What a family of Twilio events is: the types it covers, the versions of its schema, and which field of `data` is the
 * customer's address. A family is data; reading, judging and mapping are done elsewhere and alike for all of them.
 * In: zod objects. Out: a `Family`. No I/O, no clock, no host.
 */
import * as z from 'zod'

/** Every family is either mapped, and then it says whose event it is, or skipped, and then it says why. */
type Purpose<Field> =
  | { readonly customer: Field; readonly skip?: never }
  | { readonly skip: 'sink_test'; readonly customer?: never }

export type Family = Purpose<string> & {
  /** Name of the schema in `dataschema`, without its version. */
  readonly schema: string
  readonly description: string
  /** The CloudEvent types it covers. */
  readonly types: readonly string[]
  readonly versions: ReadonlyMap<number, z.ZodObject>
  /** Judges versions newer than any listed, and events that name none. */
  readonly newest: z.ZodObject
}

/** Fields that are required in every version, and text or digits: only such a field can be the customer's address. */
type TextField<S extends z.ZodObject> = {
  [Key in keyof S['shape']]: S['shape'][Key] extends z.ZodType<string | number> ? Key : never
}[keyof S['shape']] &
  string

export function defineFamily<S extends z.ZodObject>(
  family: Purpose<TextField<NoInfer<S>>> & {
    readonly schema: string
    readonly description: string
    readonly types: readonly string[]
    readonly versions: Readonly<Record<number, S>>
  },
): Family {
  const versions = new Map<number, z.ZodObject>()
  // Integer keys of an object come in ascending order, so the last one is the newest.
  for (const [key, schema] of Object.entries(family.versions)) {
    versions.set(Number(key), describe(schema, family, key))
  }
  const newest = [...versions.values()].at(-1)
  if (newest === undefined) throw new Error(`${family.schema} has no versions`)
  return { ...family, versions, newest }
}

/** The schema an event of this version is judged by. */
export function schemaOf(family: Family, version: number): z.ZodObject {
  return family.versions.get(version) ?? family.newest
}

const compiled = new WeakMap<z.ZodObject, z.ZodObject>()

/**
 * Whether `data` is as the schema wants it, in a fifth of the time that its parser takes. Where code cannot be made while
 * running, as on Workers, it is that parser.
 */
export function fits(data: unknown, schema: z.ZodObject): boolean {
  return (compiled.get(schema) ?? compile(schema)).validate(data)
}

/** Beside the schema, not in its place: the descriptions are not copied. */
function compile(schema: z.ZodObject): z.ZodObject {
  const judge = z.compile(schema)
  compiled.set(schema, judge)
  return judge
}

export type Property = { readonly name: string; readonly required: boolean }
const properties = new WeakMap<z.ZodObject, readonly Property[]>()

/** The properties of `data` that the schema of this version lists, in its order. */
export function propertiesOf(family: Family, version: number): readonly Property[] {
  const schema = schemaOf(family, version)
  const known = properties.get(schema)
  if (known) return known
  const listed = Object.entries(schema.shape).map(([name, property]) => ({
    name,
    required: !z.safeParse(property, undefined).success,
  }))
  properties.set(schema, listed)
  return listed
}

function describe(schema: z.ZodObject, family: { schema: string; description: string }, version: string) {
  // `$id`, not zod's `id`: that one would move the whole schema into `$defs`.
  return schema.meta({
    $id: `urn:twilio-segment-bridge:${family.schema}:${version}`,
    title: `${family.schema} version ${version}`,
    description: family.description,
  })
}

// The fields families are made of. `error` is what a fault calls "expected", so it names the type and no more.

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
  textList: z.array(z.string()),
  textMap: z.record(z.string(), z.string()),
} as const

/**
 * A field that may be missing, null or anything else. The event is a fact without it, so how it looks never rejects an event;
 * the schema says what to expect for those who read it.
 */
export function optional(looks: keyof typeof usual, description: string) {
  return z.union([usual[looks], z.unknown()]).optional().meta({ description })
}
