/** What zod finds wrong with destinations.json → faults for people: where, what stands there (never a secret), what is allowed. Pure. */
import type * as z from 'zod'
import { keysOf } from './destinations-schema.ts'

/** `received` undefined: nothing stands there. */
export type FileFault = {
  /** Dots between its steps; empty: the whole file. */
  readonly path: string
  readonly received: string | undefined
  readonly expected: string
}

export const atPath = (received: string, path: string): string =>
  path === '' ? received : `${received} at ${path}`

type Issue = z.core.$ZodIssue

export function toFileFaults(issues: readonly Issue[], file: unknown): FileFault[] {
  return issues.flatMap(issue => {
    const path = issue.path.map(String)
    const at = path.join('.')
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(key => ({
        path: at,
        received: `"${key}"`,
        expected: `only ${keysAt(path, file).join(', ')}`,
      }))
    if (issue.code === 'invalid_key')
      return { path: at, received: 'the name', expected: issue.issues[0]?.message ?? issue.message }
    return { path: at, received: describe(valueAt(file, path), path), expected: toExpected(issue) }
  })
}

/** zod's own sentence, where the schema has none. */
function toExpected({ message }: Issue): string {
  return message.replace(/^Invalid input: expected (\w+), received .*$/, '$1').replace(/^record$/, 'object')
}

function keysAt(path: readonly string[], file: unknown): readonly string[] {
  if (path.length === 0) return keysOf.file
  if (path.length > 2) return keysOf.properties
  return valueAt(file, [...path, 'type']) === 'files' ? keysOf.files : keysOf.segment
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.entries(value).find(([key]) => key === step)?.[1]
  }
  return value
}

const SECRETS: ReadonlySet<string | undefined> = new Set(['writeKey', 'accessKeyId', 'secretAccessKey'])
const SHOWN = 200

function describe(value: unknown, path: readonly string[]): string | undefined {
  if (value === undefined) return undefined
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value !== 'string') return String(value)
  const isSecret = SECRETS.has(path.at(-1)) || path.includes('headers')
  return isSecret ? `a text of ${value.length} characters` : `"${value.slice(0, SHOWN)}"`
}
