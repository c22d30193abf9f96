/** A kept body → the events in it, in order. */
import { mayDiffer, parseExactly } from '../../event/exact-numbers.ts'
import { toSlices } from '../../event/json-slices.ts'
import { EVENTS_A_BODY, type ReceivedRequest } from '../../event/received-request.ts'
import { readRequest, type Unreadable } from './requests.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type Body = {
  readonly request: number
  readonly characters: number
  readonly elements: readonly unknown[]
  /** One of them for printing, where it must differ: with its numbers as they were written. See exact-numbers.ts. */
  exact(position: number): unknown
  /** When its commit began; null of what came before that was kept. */
  readonly keptAt: number | null
  /** Then there are no elements. */
  readonly unreadable?: Unreadable | undefined
}

/** `undefined` once the body is pruned. */
export function readBody(sql: Pick<Sql, 'all' | 'compression'>, request: number): Body | undefined {
  const kept = readRequest(sql, request)
  if (!kept) return undefined
  const { keptAt, unreadable } = kept
  if (kept.unreadable) {
    const { length: characters } = kept.unreadable.stored
    return { request, characters, elements: [], exact: () => undefined, keptAt, unreadable }
  }
  const { encoding, body } = kept
  const elements = toElements(body, encoding)
  return { request, characters: body.length, elements, exact: createExact(body, elements), keptAt }
}

/** A body that is not JSON, or was too many events to be taken apart, is one element, its text. */
export function toElements(body: string, encoding: ReceivedRequest['encoding']): readonly unknown[] {
  if (encoding !== 'text') return [body]
  try {
    const parsed: unknown = JSON.parse(body)
    if (!Array.isArray(parsed)) return [parsed]
    return parsed.length <= EVENTS_A_BODY ? parsed : [body]
  } catch {
    return [body]
  }
}

/** Each by itself: one that is nested too deeply to be read exactly must not cost its neighbours their digits. */
export function createExact(body: string, elements: readonly unknown[]): Body['exact'] {
  const slices = mayDiffer(body) ? toSlices(body) : []
  const isApart = slices.length === elements.length && elements[0] !== body
  return position => {
    const slice = isApart ? slices[position] : undefined
    const element = elements[position]
    const exact = slice === undefined ? element : parseExactly(slice, element)
    return exact === element ? undefined : exact
  }
}

/** Characters from which on it is worth while to keep what was read. */
const LARGE = 64 * 1_024
const REMEMBERED = 4

/** `parsed`: characters that had to be read and parsed for it. */
export type BodyReader = (request: number) => { readonly body: Body | undefined; readonly parsed: number }

/**
 * Remembers the large bodies it read last, for as long as nobody else needs the memory: a list goes through a body of
 * thousands of events page by page, and would parse it once a page.
 */
export function createBodyReader(sql: Sql): BodyReader {
  const large = new Map<number, WeakRef<Body>>()
  return request => {
    const known = large.get(request)?.deref()
    if (known && sql.all(statements.requestIsKept, request).length > 0) return { body: known, parsed: 0 }
    const body = readBody(sql, request)
    if (body && body.characters > LARGE) {
      large.delete(request)
      large.set(request, new WeakRef(body))
      for (const oldest of large.keys()) if (large.size > REMEMBERED) large.delete(oldest)
    }
    return { body, parsed: body?.characters ?? 0 }
  }
}
