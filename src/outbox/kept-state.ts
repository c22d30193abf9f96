/**
 * The one way to read small state that the bridge keeps by name (table `memory`). A value that does not parse, or does not
 * fit its schema, must never stop a start: it is set aside as `<name>.damaged`, reported once as `state_damaged`, and the
 * caller begins anew with its fallback.
 */
import type * as z from 'zod'

/** Values by name, as texts. `setAside` keeps a damaged one under another name. */
export type StateStore = {
  recall(name: string): string | undefined
  setAside(name: string): void
}

/** `fallback` also stands for a value that was never kept. */
export function readKept<Value>(
  store: StateStore,
  name: string,
  schema: z.ZodType<Value>,
  fallback: Value,
): Value {
  const text = store.recall(name)
  if (text === undefined) return fallback
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  store.setAside(name)
  return fallback
}

/** `undefined` when it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
