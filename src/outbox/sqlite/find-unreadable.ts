/** Reads every open row from outside, while no bridge runs: what waits, and what is not sorted yet. Changes nothing. */
import { readBody } from './body.ts'
import { countedDestinations, deliveriesIn } from './delivery-statements.ts'
import { nextRequest, readRequest } from './requests.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type UnreadableRequest = { readonly request: number; readonly cause: string }

export function findUnreadable(sql: Pick<Sql, 'all' | 'compression'>): UnreadableRequest[] {
  const found: UnreadableRequest[] = []
  const note = (request: number, cause: string) => found.push({ request, cause })
  const counted = sql.all<{ destination: number }>(countedDestinations)
  const destinations = [...new Set(counted.map(({ destination }) => destination))]
  const queries = [deliveriesIn.events, deliveriesIn.further].flatMap(of => [
    of.nextOpenRequest,
    of.nextHeldRequest,
  ])
  let last = 0
  for (;;) {
    const next = queries.flatMap(query =>
      destinations.flatMap(destination => sql.all<{ request: number }>(query, destination, last)),
    )
    if (next.length === 0) break
    last = Math.min(...next.map(({ request }) => request))
    const kept = readRequest(sql, last)
    if (!kept) note(last, 'it is missing')
    else if (kept.unreadable) note(last, kept.unreadable.cause)
    else if (readBody(sql, last)?.elements.length !== kept.entries.length) note(last, 'its text is damaged')
  }
  const [sorted] = sql.all<{ id: number }>(statements.newestSorted)
  const after = Math.max(sorted?.id ?? 0, last)
  for (let next = nextRequest(sql, after); next; next = nextRequest(sql, next.id))
    if (next.unreadable) note(next.id, next.unreadable.cause)
  return found
}
