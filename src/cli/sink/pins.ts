/** The event types a sink is subscribed to, each with the schema version it is pinned to. Pure. */
import { families } from '../../families/index.ts'

export type Pin = { readonly type: string; readonly schema: string; readonly version: number }

/** What the bridge can map, in the newest version it knows: without a pin Twilio chooses, and may choose the oldest. */
export const mappedPins: readonly Pin[] = families
  .filter(({ customer }) => customer !== undefined)
  .flatMap(({ types, schema, versions }) =>
    types.map(type => ({ type, schema, version: Math.max(...versions.keys()) })),
  )

export const mappedTypes: ReadonlySet<string> = new Set(mappedPins.map(({ type }) => type))

/** `a,b`, in the order of the families. Types without a family come back by name. */
export function toPins(list: string): { pins: readonly Pin[]; unknown: readonly string[] } {
  const wanted = list.split(',').flatMap(type => type.trim() || [])
  return {
    pins: mappedPins.filter(({ type }) => wanted.includes(type)),
    unknown: wanted.filter(type => !mappedTypes.has(type)),
  }
}
