/**
 * The families this bridge knows. To add one: a file beside this one that calls `defineFamily`, and a line in the list.
 * In: a CloudEvent type. Out: its family, if there is one.
 */
import { sinkTest } from './event-streams.ts'
import type { Family } from './family.ts'
import { inboundMessage, messageStatus } from './messaging.ts'

export const families: readonly Family[] = [messageStatus, inboundMessage, sinkTest]

// A Map, not an object: the type comes from outside, and may be "constructor".
const byType = new Map(families.flatMap(family => family.types.map(type => [type, family] as const)))

export function familyOf(type: string): Family | undefined {
  return byType.get(type)
}
