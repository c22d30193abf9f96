/** `delivered` → `com.twilio.messaging.message.delivered`. In: what was typed. Out: types of the families, or why not. Pure. */
import { families } from '../../families/index.ts'
import { messageStatus } from '../../families/messaging.ts'
import { toNearest } from '../nearest.ts'

export const knownTypes: readonly string[] = families.flatMap(({ types }) => types)

export type Chosen =
  | { readonly ok: true; readonly types: readonly string[] }
  | { readonly ok: false; readonly fault: string }

/**
 * Each is a whole type, or the end of exactly one after a dot; of several that end alike a message's is meant, else one of Event
 * Streams. `*` stands for
 * any characters, `all` for one of each.
 */
export function toTypes(typed: readonly string[]): Chosen {
  const types: string[] = []
  for (const name of typed) {
    const isMany = name === 'all' || name.includes('*')
    const matching = isMany ? knownTypes.filter(toPattern(name)) : toNamed(name)
    if (matching.length === 0)
      return { ok: false, fault: `Unsupported event type ${name}. ${toNearest(name, knownTypes)}` }
    if (matching.length > 1 && !isMany) {
      return { ok: false, fault: `${name} may be ${matching.join(' or ')}` }
    }
    types.push(...matching)
  }
  return { ok: true, types }
}

function toPattern(name: string): (type: string) => boolean {
  if (name === 'all') return () => true
  const pattern = name.split('*').map(part => part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
  const whole = new RegExp(`^(?:com\\.twilio\\.)?${pattern.join('.*')}$`)
  return type => whole.test(type)
}

function toNamed(name: string): readonly string[] {
  const exact = knownTypes.filter(type => type === name)
  const ending = exact.length > 0 ? exact : knownTypes.filter(type => type.endsWith(`.${name}`))
  const message = ending.filter(type => messageStatus.types.includes(type))
  const streamed = ending.filter(type => type.startsWith('com.twilio.'))
  return [message, streamed].find(({ length }) => length > 0) ?? ending
}

/** What the types of a family start with, and how many there are. */
export function toPrefixes(): string[] {
  const counts = new Map<string, number>()
  for (const type of knownTypes) {
    const prefix = type.startsWith('com.') ? type.split('.').slice(0, 3).join('.') : type.replace(/\..*/, '')
    counts.set(prefix, (counts.get(prefix) ?? 0) + 1)
  }
  return [...counts].map(([prefix, n]) => `${prefix}.* (${n})`)
}
