/** `delivered` → `com.twilio.messaging.message.delivered`. In: what was typed. Out: types of the families, or why not. Pure. */
import { families } from '../../families/index.ts'

export const knownTypes: readonly string[] = families.flatMap(({ types }) => types)

export type Chosen =
  | { readonly ok: true; readonly types: readonly string[] }
  | { readonly ok: false; readonly fault: string }

/** Each is a whole type, or the end of exactly one after a dot; `all` is one of each. */
export function toTypes(typed: readonly string[]): Chosen {
  const types: string[] = []
  for (const name of typed) {
    const matching =
      name === 'all' ? knownTypes : knownTypes.filter(type => type === name || type.endsWith(`.${name}`))
    if (matching.length === 0) return { ok: false, fault: `Unsupported event type ${name}` }
    if (matching.length > 1 && name !== 'all') {
      return { ok: false, fault: `${name} may be ${matching.join(' or ')}` }
    }
    types.push(...matching)
  }
  return { ok: true, types }
}
