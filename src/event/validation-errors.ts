/**
 * What zod found wrong → faults a person can act on: where, what was expected there, what came instead.
 * In: a schema and a value. Out: at most 20 faults, each short whatever the event held. Pure; it changes and stores nothing.
 */
import type * as z from 'zod'

const FAULTS_KEPT = 20
const CHARACTERS_SHOWN = 60

/** An issue carries the value it is about, and its message is what was expected, in few words. */
const options = { reportInput: true, error: toExpected } satisfies z.core.ParseContext<z.core.$ZodIssue>

/** None when the value is as the schema wants it. `root` is its JSONPath. */
export function findFaults(root: string, schema: z.ZodType, value: unknown): ValidationError[] {
  const { error } = schema.safeParse(value, options)
  return (error?.issues ?? [])
    .slice(0, FAULTS_KEPT)
    .map(({ path, message, input }) => toFault(root + path.map(toStep).join(''), message, input))
}

export function toFault(path: string, expected: string, value: unknown): ValidationError {
  return { path, expected, received: toReceived(value) }
}

/** For schemas that do not say it themselves by their `error`. */
function toExpected(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') return issue.expected
  if (issue.code === 'invalid_value') return issue.values.map(value => JSON.stringify(value)).join(' or ')
  return undefined
}

function toStep(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`
  const text = String(key)
  return /^[A-Za-z_$][\w$]{0,59}$/.test(text) ? `.${text}` : `[${quote(text)}]`
}

function toReceived(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return 'array'
  return typeof value === 'object' ? 'object' : `${typeof value} ${String(value)}`
}

/** As JSON, which escapes NUL and half surrogate pairs: the outbox can keep it. */
function quote(text: string): string {
  return JSON.stringify(text.length > CHARACTERS_SHOWN ? `${text.slice(0, CHARACTERS_SHOWN)}…` : text)
}

/** One thing wrong with an event. `path` is a JSONPath from the event's root, such as `$.data.to`. */
export type ValidationError = { readonly path: string; readonly expected: string; readonly received: string }
