/** The event types a sink is subscribed to, each with the schema version it is pinned to. Pure. */
import type { EventType } from '../../families/family.ts'
import { families } from '../../families/index.ts'

export type Pin = { readonly type: string; readonly schema: string; readonly version: number }

/** Of Event Streams. */
const known: readonly EventType[] = families.flatMap(({ skip, eventTypes }) =>
  skip ? [] : eventTypes.filter(({ subscribe }) => subscribe !== 'never'),
)

export const knownTypes: ReadonlySet<string> = new Set(known.map(({ type }) => type))

const optIns = new Map(
  known.flatMap(({ type, subscribe }) =>
    typeof subscribe === 'string' ? [] : [[type, subscribe.optIn] as const],
  ),
)

/** Why a type is not subscribed to without being asked for; `undefined`: it is. */
export const optInOf = (type: string): string | undefined => optIns.get(type)

/** In the newest version that the bridge knows: without a pin Twilio chooses, and may choose the oldest. */
export function toPin({ type, family }: EventType): Pin {
  return { type, schema: family.schema, version: Math.max(...family.versions.keys()) }
}

/** What `sink create` subscribes to: what tells of a customer, and each thing once. */
export const defaultPins = (): readonly Pin[] =>
  known.flatMap(one => (one.subscribe === 'default' ? toPin(one) : []))

/** What belongs to these and is not among them: it may have been forgotten. Families that nobody asked for are none of it. */
export function missingOf(types: ReadonlySet<string>): readonly string[] {
  const groups = new Set(known.flatMap(({ type, family }) => (types.has(type) ? family.group : [])))
  return known
    .filter(
      ({ type, family, subscribe }) =>
        subscribe === 'default' && groups.has(family.group) && !types.has(type),
    )
    .map(({ type }) => type)
}

/** As far as the bridge knows them. */
export const pinsOf = (types: ReadonlySet<string>): readonly Pin[] =>
  known.flatMap(one => (types.has(one.type) ? toPin(one) : []))

/** A failing sink logs an error, and the error is an event for the sink again. */
export const isLoop = (type: string): boolean => type.startsWith('com.twilio.error-logs.')

/**
 * `a,b`, in the order of the families; `*` stands for any characters, `default` for what is subscribed to without a list, and
 * `com.twilio.` may be left out. What fits no type comes back by name. Only its whole name asks for a loop.
 */
export function toPins(list: string): { pins: readonly Pin[]; unknown: readonly string[] } {
  const wanted = list.split(',').flatMap(item => item.trim() || [])
  const fits = (item: string, type: string): boolean => {
    if (item === 'default') return optInOf(type) === undefined
    if (!item.includes('*')) return item === type || `com.twilio.${item}` === type
    const pattern = new RegExp(`^(?:com\\.twilio\\.)?${item.split('*').map(literally).join('.*')}$`)
    return pattern.test(type) && !isLoop(type)
  }
  return {
    pins: known.flatMap(one => (wanted.some(item => fits(item, one.type)) ? toPin(one) : [])),
    unknown: wanted.filter(item => !known.some(({ type }) => fits(item, type))),
  }
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
