/**
 * What a family of Twilio events is: the types it covers, the versions of its schema, whose event each is, when it happened,
 * and what in it is personal. A family is data; reading, judging and mapping are done elsewhere and alike for all of them.
 * In: a declaration. Out: a `Family`. No I/O, no clock, no host.
 */
import * as z from 'zod'
import type { CustomerRule, Path, Personal, Subscribe, TimeRule } from './rules.ts'

/** What may differ from type to type of a family. */
type Traits = {
  readonly customer: CustomerRule
  readonly time: TimeRule
  /** The SID of what the event is about, never the account's: the first path that holds one. */
  readonly resource: readonly Path[]
  readonly subscribe: Subscribe
}

export type EventType = Traits & {
  readonly type: string
  /** For people: an object and what happened to it. */
  readonly name: string
  readonly family: Family
}

export type Family = {
  /** Name of the schema in `dataschema`, without its version. */
  readonly schema: string
  /** What people call it and its like. */
  readonly group: string
  readonly description: string
  /** The CloudEvent types it covers. */
  readonly types: readonly string[]
  readonly eventTypes: readonly EventType[]
  readonly personal: Personal
  readonly versions: ReadonlyMap<number, z.ZodObject>
  /** Judges versions newer than any listed, and events that name none. */
  readonly newest: z.ZodObject
  /** Why its events are never sent. */
  readonly skip?: 'sink_test' | undefined
}

type Declared = Partial<Traits> & {
  readonly schema: string
  readonly group: string
  readonly description: string
  /** What all its types start with. */
  readonly prefix: string
  /** The rest of the type → its name for people, and what it does not share with the others. */
  readonly types: Readonly<Record<string, string | (Partial<Traits> & { readonly name: string })>>
  /** Called when the schemas are needed for the first time: making those of every family would make each start slow. */
  readonly versions: () => Readonly<Record<number, z.ZodObject>>
  readonly personal?: Personal
  readonly skip?: 'sink_test'
}

const none: Traits = { customer: { rule: 'nobody' }, time: [], resource: [], subscribe: 'default' }

export function defineFamily(declared: Declared): Family {
  const { schema, group, description, prefix, personal = {}, skip } = declared
  const traits = { ...none, ...pick(declared) }
  const eventTypes: EventType[] = []
  let made: ReadonlyMap<number, z.ZodObject> | undefined
  const family: Family = {
    ...{ schema, group, description, personal, skip, eventTypes },
    types: Object.keys(declared.types).map(type => prefix + type),
    get versions() {
      made ??= describeAll(declared)
      return made
    },
    get newest() {
      const newest = [...this.versions.values()].at(-1)
      if (newest === undefined) throw new Error(`${schema} has no versions`)
      return newest
    },
  }
  for (const [type, own] of Object.entries(declared.types)) {
    const named = typeof own === 'string' ? { name: own } : own
    eventTypes.push({ ...traits, ...named, type: prefix + type, family })
  }
  return family
}

function pick({ customer, time, resource, subscribe }: Declared): Partial<Traits> {
  return {
    ...(customer && { customer }),
    ...(time && { time }),
    ...(resource && { resource }),
    ...(subscribe && { subscribe }),
  }
}

/** The same schema for every version from 1 on. */
export function upTo(newest: number, schema: z.ZodObject): Record<number, z.ZodObject> {
  return Object.fromEntries(Array.from({ length: newest }, (_, index) => [index + 1, schema]))
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

function describeAll({ schema, description, versions }: Declared): ReadonlyMap<number, z.ZodObject> {
  // Integer keys of an object come in ascending order, so the last one is the newest.
  return new Map(
    Object.entries(versions()).map(([version, object]) => [
      Number(version),
      // `$id`, not zod's `id`: that one would move the whole schema into `$defs`.
      object.meta({
        $id: `urn:twilio-segment-bridge:${schema}:${version}`,
        title: `${schema} version ${version}`,
        description,
      }),
    ]),
  )
}
