/** A kept body → the events in it, in order. */
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type Body = {
  readonly request: number
  readonly characters: number
  readonly elements: readonly unknown[]
}

/** `undefined` once the body is pruned. */
export function readBody(sql: Sql, request: number): Body | undefined {
  const [row] = sql.all<{ encoding: string; body: string }>(statements.requestBody, request)
  return row && { request, characters: row.body.length, elements: toElements(row.body, row.encoding) }
}

/** A body that is not JSON is one element, its text. */
function toElements(body: string, encoding: string): readonly unknown[] {
  if (encoding !== 'text') return [body]
  try {
    const parsed: unknown = JSON.parse(body)
    return Array.isArray(parsed) ? parsed : [parsed]
  } catch {
    return [body]
  }
}
