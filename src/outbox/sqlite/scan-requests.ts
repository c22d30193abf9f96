/**
 * Events straight from the requests they came in, for an export: those that are not sorted yet, and those whose own rows
 * cannot be read. Each is as the webhook found it: a copy stands there once more, and what was accepted since is pending.
 */
import type { State } from '../../reasons.ts'
import type { Place } from '../place.ts'
import { arrivalsOf } from './arrivals.ts'
import { readPast } from './read-past.ts'
import { type KeptRequest, nextRequest } from './requests.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

/** An event as a line of the export wants it. `proof` is undefined where `seen` has to be asked for it. */
export type ScanRow = Place & {
  readonly identity: number | null
  readonly proof?: number
  readonly received_at: number
  readonly type: string
  readonly version: number
  readonly state: State
  readonly reason: string | null
  readonly settled_at: number | null
  readonly detail: string | null
}

/** A request whole, or how many events of a gap were lost; `upTo`: the request that was read last. */
export type ScannedRequest = {
  readonly upTo: number
  readonly rows: readonly ScanRow[]
  readonly unreadable: number
}

/** The next request behind `after`, not beyond `upTo`; `undefined`: there is none. */
export function scanRequest(sql: Sql, after: number, upTo: number): ScannedRequest | undefined {
  if (after >= upTo) return undefined
  const { row, readFrom } = readPast(after, at => nextRequest(sql, at))
  const end = Math.min(row ? row.id - 1 : newest(sql), upTo)
  const lost = readFrom > after ? countEvents(sql, after + 1, Math.min(readFrom, end)) : 0
  if (!row || row.id > upTo)
    return lost > 0 ? { upTo: Math.min(readFrom, upTo), rows: [], unreadable: lost } : undefined
  try {
    return { upTo: row.id, rows: toRows(row), unreadable: lost }
  } catch {
    return { upTo: row.id, rows: [], unreadable: lost + countEvents(sql, row.id, row.id) }
  }
}

function toRows(request: KeptRequest): ScanRow[] {
  return Array.from(arrivalsOf(request), ({ position, receivedAt, slot, proof, entry }) => {
    const [, , type, version, state, reason, detail, more] = entry
    return {
      ...{ request: request.id, position, received_at: receivedAt, type, version, state, reason, detail },
      ...{ identity: slot, proof, settled_at: more?.settledAt ?? (state === 'skipped' ? receivedAt : null) },
    }
  })
}

/** Of requests that cannot be read; one that does not even say how many it has counts as one. */
function countEvents(sql: Sql, from: number, upTo: number): number {
  let events = 0
  for (let request = from; request <= upTo; request++) {
    try {
      const [row] = sql.all<{ events: number | null }>(statements.eventsOfRequest, request)
      // Pruned, and so no open event is lost with it.
      if (row) events += row.events ?? 1
    } catch {
      events += 1
    }
  }
  return events
}

function newest(sql: Sql): number {
  try {
    return sql.all<{ id: number }>(statements.newestRequest)[0]?.id ?? 0
  } catch {
    return 0
  }
}
