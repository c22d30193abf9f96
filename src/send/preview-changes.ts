/** What one configuration does to events that another one does not: counts and samples, destination by destination. Pure. */
import { isObject } from '../event/json-object.ts'

/** Destination → JSON text of what an event becomes there; those it does not go to are not in it. */
export type Outcome = ReadonlyMap<string, string>

export type Changes = {
  same: number
  /** It did not go there. */
  added: number
  /** It went there. */
  gone: number
  changed: number
  /** The first of each kind of change. */
  readonly samples: { readonly key: string; readonly text: string }[]
}

const SAMPLES = 5

/** `was`: the names that destinations had before. */
export function createComparison(was: ReadonlyMap<string, string>): {
  add(key: string, before: Outcome, after: Outcome): void
  readonly changes: ReadonlyMap<string, Changes>
} {
  const changes = new Map<string, Changes>()
  const seen = new Set<string>()
  const renamed = new Map([...was].map(([name, old]) => [old, name]))

  function count(name: string, what: 'same' | 'added' | 'gone' | 'changed', key: string, text: string): void {
    const all = changes.get(name) ?? { same: 0, added: 0, gone: 0, changed: 0, samples: [] }
    changes.set(name, all)
    all[what] += 1
    const id = JSON.stringify([name, text])
    if (what === 'same' || seen.has(id) || all.samples.length >= SAMPLES) return
    seen.add(id)
    all.samples.push({ key, text })
  }

  return {
    changes,
    add(key, before, after) {
      const last = new Map([...before].map(([name, payload]) => [renamed.get(name) ?? name, payload]))
      for (const name of new Set([...after.keys(), ...last.keys()])) {
        const [from, to] = [last.get(name), after.get(name)]
        if (from === undefined) count(name, 'added', key, `${toName(to)} goes there now`)
        else if (to === undefined) count(name, 'gone', key, `${toName(from)} no longer goes there`)
        else if (to === from) count(name, 'same', key, '')
        else count(name, 'changed', key, `${toName(from)}: ${differences(from, to).join(', ')}`)
      }
    },
  }
}

function toName(payload = ''): string {
  const value: unknown = JSON.parse(payload)
  if (!isObject(value)) return 'an event'
  return String(value.event ?? value.type)
}

/** The paths at which two payloads differ: - is no longer there, + is new, → has another value. */
function differences(last: string, next: string): string[] {
  const [from, to] = [leaves(JSON.parse(last), ''), leaves(JSON.parse(next), '')]
  const paths = [...new Set([...from.keys(), ...to.keys()])]
  const found = paths.flatMap(path => {
    const [a, b] = [from.get(path), to.get(path)]
    if (a === b) return []
    if (b === undefined) return `-${path}`
    if (a === undefined) return `+${path}`
    return path === 'event' ? `event → ${b}` : `→${path}`
  })
  return found.length > 0 ? found : ['written in another way']
}

function leaves(value: unknown, path: string): Map<string, string> {
  if (typeof value !== 'object' || value === null) return new Map([[path, JSON.stringify(value)]])
  const inner = Object.entries(value).flatMap(([key, one]) => [
    ...leaves(one, path === '' ? key : `${path}.${key}`),
  ])
  return new Map(inner.length > 0 ? inner : [[path, JSON.stringify(value)]])
}
