/**
 * What a destination is sent, as a tracking plan (JSON Schema draft-07): one rule an event name, for every type that can be routed
 * there, after its rules for names and fields. Whatever the bridge sends fits it: a field that Twilio may leave out or fill in
 * differently is described, and not constrained. Pure; the same configuration gives the same text.
 */
import * as z from 'zod'
import type { FieldRules, SegmentConfig } from '../config/destination-config.ts'
import { mayGoTo } from '../config/identity-check.ts'
import { isObject, type JsonObject } from '../event/json-object.ts'
import type { Mapping } from '../event/mapping.ts'
import type { EventType, Family } from '../families/family.ts'
import { families } from '../families/index.ts'
import { nameOf } from './projection.ts'

export type PlannedEvent = {
  readonly name: string
  readonly description: string
  readonly properties: Readonly<Record<string, JsonObject>>
  readonly required: readonly string[]
}

const DRAFT = 'http://json-schema.org/draft-07/schema#'

/** By name. */
export function toPlan(config: SegmentConfig, mapping: Mapping): PlannedEvent[] {
  const byName = new Map<string, PlannedEvent>()
  const types = families.flatMap(({ skip, eventTypes }) => (skip === undefined ? eventTypes : []))
  for (const type of types) {
    if (!mayGoTo(config, type, mapping.eventNames)) continue
    const planned = toEvent(config, type, mapping)
    const other = byName.get(planned.name)
    byName.set(planned.name, other ? merge(other, planned) : planned)
  }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The body that Segment's Public API takes for the rules of a tracking plan. */
export function toSegmentPlan(events: readonly PlannedEvent[]): object {
  return {
    rules: events.map(event => ({
      key: event.name,
      type: 'TRACK',
      // Calls bear no version, and Segment takes such for the oldest.
      version: 1,
      jsonSchema: {
        ...toRules(event, { context: {}, traits: {} }),
        labels: {},
        description: event.description,
      },
    })),
  }
}

/** The body that RudderStack's Data Catalog API takes for the events of a tracking plan. */
export function toRudderStackPlan(events: readonly PlannedEvent[]): object {
  return {
    events: events.map(event => ({
      ...{ name: event.name, description: event.description, eventType: 'track' },
      identitySection: 'properties',
      rules: toRules(event, {}),
    })),
  }
}

function toRules({ properties, required }: PlannedEvent, beside: object): JsonObject {
  const inner = { type: 'object', properties, required }
  return {
    $schema: DRAFT,
    type: 'object',
    properties: { ...beside, properties: inner },
    required: ['properties'],
  }
}

function toEvent(config: SegmentConfig, { type, name, family }: EventType, mapping: Mapping): PlannedEvent {
  const { properties, required } = describe(family)
  const kept = Object.entries(properties).flatMap(([field, schema]) => {
    const changed = applyRules(schema, field, config.properties)
    return changed === undefined ? [] : [[field, changed] as const]
  })
  const fields = new Map(kept)
  return {
    name: nameOf(config.events, type) ?? (mapping.eventNames === 'title' ? name : type),
    description: `${name} (${type}): ${family.description}`,
    properties: Object.fromEntries(fields),
    required: required.filter(field => fields.has(field)),
  }
}

/** Several types by one name: what is certain of each of them. */
function merge(one: PlannedEvent, other: PlannedEvent): PlannedEvent {
  const properties = { ...one.properties }
  for (const [field, schema] of Object.entries(other.properties)) {
    const before = properties[field]
    const isSame = before === undefined || JSON.stringify(before) === JSON.stringify(schema)
    properties[field] = isSame ? schema : (toLoose(before) ?? {})
  }
  return {
    name: one.name,
    description: one.description.endsWith(' and others') ? one.description : `${one.description} and others`,
    properties,
    required: one.required.filter(field => other.required.includes(field)),
  }
}

type Described = Pick<PlannedEvent, 'properties' | 'required'>

const described = new WeakMap<Family, Described>()

/** The fields of the newest version; required is what every version requires. */
function describe(family: Family): Described {
  const known = described.get(family)
  if (known) return known
  const versions = [...family.versions.values()].map(schema =>
    z.toJSONSchema(schema, { io: 'input', target: 'draft-07' }),
  )
  const newest = versions.at(-1)
  const properties = Object.entries(newest?.properties ?? {}).map(
    ([field, schema]) => [field, isObject(schema) ? simplify(schema) : {}] as const,
  )
  const required = (newest?.required ?? []).filter(field =>
    versions.every(version => version.required?.includes(field)),
  )
  const made = { properties: Object.fromEntries(properties), required }
  described.set(family, made)
  return made
}

/** Without what constrains nothing, such as "a text or anything". */
function simplify(schema: JsonObject): JsonObject {
  const { anyOf, additionalProperties: _, ...rest } = schema
  const choices = Array.isArray(anyOf) ? anyOf.filter(isObject) : []
  if (choices.some(one => Object.keys(one).length === 0)) return rest
  const inner = isObject(rest.properties)
    ? {
        properties: Object.fromEntries(
          Object.entries(rest.properties).map(([key, one]) => [key, isObject(one) ? simplify(one) : {}]),
        ),
      }
    : {}
  return { ...rest, ...(choices.length > 0 && { anyOf: choices }), ...inner }
}

/** Undefined: the field is not sent. */
function applyRules(schema: JsonObject, field: string, rules: FieldRules): JsonObject | undefined {
  const { deny, allow, hash } = rules
  const isAt = (path: string) => path === field
  const isBelow = (path: string) => path.startsWith(`${field}.`)
  if (deny.some(isAt)) return undefined
  if (allow && !allow.some(path => isAt(path) || isBelow(path))) return undefined
  if (hash.some(isAt))
    return { description: `HMAC-SHA-256, in hex, of: ${String(schema.description ?? field)}` }
  // What stands below is changed in part: no more is said of it.
  const isChanged = [...deny, ...hash].some(isBelow) || (allow && !allow.some(isAt))
  return isChanged ? toLoose(schema) : schema
}

function toLoose({ description }: JsonObject): JsonObject {
  return description === undefined ? {} : { description }
}
