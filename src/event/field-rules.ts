/**
 * Rules of a destination for an event's fields: deny → allow → hash. Paths lead through objects, lists (each item) and the JSON in
 * texts. What a rule cannot see into goes as a whole, for it may hold what the rule takes away. Pure; changes nothing that it is
 * given. Throws where JSON is nested deeper than the stack.
 */
import type { FieldRules } from '../config/destination-config.ts'
import { isRawNumber, parseExactly } from './exact-numbers.ts'
import { isObject, type JsonObject } from './json-object.ts'

/** A keyed hash, in hex. */
export type HashText = (text: string) => string

/** Undefined when the rules let every field pass as it is. */
export function createFieldRules(
  { deny, allow, hash }: FieldRules,
  hashText: HashText | undefined,
): ((data: JsonObject) => JsonObject) | undefined {
  const passes = [
    ...(deny.length > 0 ? [{ paths: deny, edit: denied }] : []),
    ...(allow ? [{ paths: allow, edit: allowed }] : []),
    ...(hash.length > 0 && hashText ? [{ paths: hash, edit: hashed(hashText) }] : []),
  ]
  if (passes.length === 0) return undefined
  return data =>
    passes.reduce((rest: JsonObject, { paths, edit }) => {
      const edited = apply(edit, rest, paths)
      return isObject(edited) ? edited : {}
    }, data)
}

/** What a pass makes of values; undefined: it is gone. */
type Edit = {
  /** Of one at the end of a path. */
  readonly at: (value: unknown) => unknown
  /** Of a text that a path leads into and that cannot be read. */
  readonly unreadable: (text: string) => unknown
  /** Whether what no path leads to stays. */
  readonly keepsOthers: boolean
}

const gone = () => undefined
const denied: Edit = { at: gone, unreadable: gone, keepsOthers: true }
const allowed: Edit = { at: value => value, unreadable: gone, keepsOthers: false }

function hashed(hashText: HashText): Edit {
  /** What is empty has nothing to hide; hashed, it would look like one and the same person everywhere. */
  function at(value: unknown): unknown {
    if (value === null || value === '') return value
    if (Array.isArray(value)) return value.map(at)
    return hashText(typeof value === 'string' ? value : JSON.stringify(value))
  }
  return { at, unreadable: at, keepsOthers: true }
}

/** `paths`: from this value on; '' ends here. */
function apply(edit: Edit, value: unknown, paths: readonly string[]): unknown {
  if (paths.includes('')) return edit.at(value)
  if (typeof value === 'string' && /^\s*["[{]/.test(value)) {
    const parsed = parse(value)
    // Written anew in any case: of a key that stands in it twice, the parser shows one.
    if (parsed !== undefined) return toText(apply(edit, parsed, paths))
    if (!/^\s*"/.test(value)) return edit.unreadable(value)
  }
  const here = paths.flatMap(overItems)
  if (Array.isArray(value)) {
    const items = value.map(item => apply(edit, item, here)).filter(item => item !== undefined)
    return items.length === 0 && !edit.keepsOthers ? undefined : items
  }
  if (paths.some(path => endsAt(path, value))) return edit.at(value)
  if (!isObject(value) || isRawNumber(value)) return edit.keepsOthers ? value : undefined
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    const further = here.flatMap(path => behind(path, key) ?? [])
    const own = edit.keepsOthers ? inner : undefined
    const edited = further.length === 0 ? own : apply(edit, inner, further)
    return edited === undefined ? [] : [[key, edited]]
  })
  return entries.length === 0 && !edit.keepsOthers ? undefined : Object.fromEntries(entries)
}

const toText = (value: unknown) => (value === undefined ? undefined : JSON.stringify(value))

function parse(text: string): unknown {
  try {
    return parseExactly(text)
  } catch {
    return undefined
  }
}

/** Every item of a list is meant, whichever a path names; so it leads on without that step, too. */
function overItems(path: string): string[] {
  const shorter = path.replace(/^(?:\d+|last|\*)(?:\.|$)/, '')
  return shorter === path ? [path] : [path, ...overItems(shorter)]
}

/** Such as `items.0` where items is no list. */
function endsAt(path: string, value: unknown): boolean {
  // A number as it was written is an object with a key that is none of the event's.
  const leadsOn =
    isObject(value) && !isRawNumber(value) && Object.keys(value).some(key => behind(path, key) !== undefined)
  return !leadsOn && overItems(path).includes('')
}

/** What is left of a path behind a key, which may hold dots itself. */
function behind(path: string, key: string): string | undefined {
  if (path === '*') return ''
  if (path.startsWith('*.')) return path.slice(2)
  if (path === key) return ''
  return path.startsWith(key) && path[key.length] === '.' ? path.slice(key.length + 1) : undefined
}
