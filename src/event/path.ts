/** Values in nested data by path (families/rules.ts): through objects, lists, and JSON that stands in a text. Pure; never throws. */
import type { Path } from '../families/rules.ts'
import { isObject } from './json-object.ts'

export type Walked = { readonly value: unknown; readonly keys: readonly (string | number)[] }

/** What stands at the path, `undefined` where nothing does. */
export function valueAt(root: unknown, path: Path): unknown {
  // Most paths are one step into an object.
  if (isObject(root) && Object.hasOwn(root, path)) return root[path]
  return path.includes('.') ? walk(root, path)?.value : undefined
}

/** Also how it came there. A key may hold dots: the rest of a path that is a key counts as one. */
export function walk(root: unknown, path: Path): Walked | undefined {
  const keys: (string | number)[] = []
  let value = root
  for (let rest: string | undefined = path; rest !== undefined; ) {
    const inner = open(value)
    const dot: number = Array.isArray(inner) || !hasOwn(inner, rest) ? rest.indexOf('.') : -1
    const step = dot < 0 ? rest : rest.slice(0, dot)
    rest = dot < 0 ? undefined : rest.slice(dot + 1)
    if (Array.isArray(inner)) {
      const index = step === 'last' ? inner.length - 1 : Number(step)
      if (!Number.isInteger(index) || index < 0 || index >= inner.length) return undefined
      keys.push(index)
      value = inner[index]
    } else {
      if (!isObject(inner) || !Object.hasOwn(inner, step)) return undefined
      keys.push(step)
      value = inner[step]
    }
  }
  return { value, keys }
}

/** The JSON in a text, if it holds an object or a list; anything else is what it is. */
export function open(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** The rest of a JSONPath. */
export function toJsonPath(keys: readonly (string | number)[]): string {
  return keys.map(key => (typeof key === 'number' ? `[${key}]` : toStep(key))).join('')
}

function toStep(key: string): string {
  return /^[A-Za-z_$][\w$-]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

function hasOwn(value: unknown, key: string): boolean {
  return isObject(value) && Object.hasOwn(value, key)
}
