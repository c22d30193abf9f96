/**
 * The outbox from its oldest event on, page by page, each event as a line that another outbox can take in (carry.ts reads
 * them): its state and reason, and the event to the letter. Never changes a row.
 */
import { toBase64 } from '../base64.ts'
import type { State } from '../reasons.ts'
import { toElements } from './body.ts'
import type { Place } from './lease.ts'
import { toKey, toPlace } from './look.ts'
import { readRequest } from './requests.ts'
import { toSlices } from './slices.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type WalkQuery = {
  readonly states?: readonly State[] | undefined
  readonly type?: string | undefined
  readonly reason?: string | undefined
  /** Received from then on, and before then; milliseconds since 1970. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
}

/** `lines` is NDJSON; `next` is undefined after the last page. A page may be empty. */
export type WalkPage = { readonly lines: string; readonly events: number; readonly next: string | undefined }

export type Walk = { walk(query: WalkQuery): WalkPage }

/** One page is some milliseconds of work, for the outbox does nothing else meanwhile. */
const ROWS_A_PAGE = 1_000
const CHARACTERS_A_PAGE = 1_000_000
/** The last time that a Date can be, ms since 1970. */
const LATEST = 8.64e15

type Row = Place & {
  readonly identity: number | null
  readonly received_at: number
  readonly type: string
  readonly version: number
  readonly state: State
  readonly reason: string | null
  readonly settled_at: number | null
  readonly detail: string | null
}
type Body = { readonly request: number; readonly kept: Kept }
type Kept =
  | { readonly kind: 'events'; readonly texts: readonly string[] }
  | { readonly kind: 'raw'; readonly raw: string; readonly encoding: string }
  | { readonly kind: 'unreadable'; readonly raw: string }
  | { readonly kind: 'pruned' }

export function createWalk(sql: Sql): Walk {
  function read(request: number): Body {
    const found = readRequest(sql, request)
    if (!found) return { request, kept: { kind: 'pruned' } }
    if (found.unreadable)
      return { request, kept: { kind: 'unreadable', raw: toBase64(found.unreadable.stored) } }
    const { body, encoding } = found
    if (toElements(body, encoding)[0] === body) return { request, kept: { kind: 'raw', raw: body, encoding } }
    return { request, kept: { kind: 'events', texts: toSlices(body) } }
  }

  function toLine(row: Row, kept: Kept): string {
    const { received_at, settled_at, detail } = row
    // What waits will be found unreadable when it is claimed.
    const isLost = kept.kind === 'unreadable' && row.state === 'pending'
    const { state, reason } = isLost ? ({ state: 'rejected', reason: 'unreadable' } as const) : row
    const head = JSON.stringify({
      ...{ bridge: 1, state, reason, receivedAt: toIso(received_at) },
      ...(settled_at !== null && { settledAt: toIso(settled_at) }),
      ...(detail !== null && { detail }),
      ...(kept.kind === 'raw' && { raw: kept.raw, encoding: kept.encoding }),
      ...(kept.kind === 'unreadable' && { raw: kept.raw, encoding: 'base64' }),
      ...(kept.kind === 'pruned' && { type: row.type, version: row.version }),
      ...knownBy(row, kept),
    })
    const text = kept.kind === 'events' ? kept.texts[row.position] : undefined
    return text === undefined ? head : `${head.slice(0, -1)},"event":${text}}`
  }

  /** What the event itself does not tell: one that is neither rejected nor skipped has an identity of its own. */
  function knownBy(
    row: Row,
    { kind }: Kept,
  ): { key: string } | { seen: [number, number] | null } | undefined {
    if (row.identity === null && kind !== 'pruned') return { key: toKey(row) }
    const isTold = kind === 'events' && row.state !== 'rejected' && row.state !== 'skipped'
    return isTold ? undefined : { seen: seenOf(row) }
  }

  function seenOf({ identity, request, position }: Row): [number, number] | null {
    const [seen] =
      identity === null ? [] : sql.all<{ proof: number }>(statements.proofOf, identity, request, position)
    return identity !== null && seen ? [identity, seen.proof] : null
  }

  return {
    walk({ states, type, reason, since = 0, until = Number.MAX_SAFE_INTEGER, after }) {
      const from = (after && toPlace(after)) || { request: 0, position: -1 }
      const rows = sql.all<Row>(statements.eventsToCarry, from.request, from.position, ROWS_A_PAGE)
      const lines: string[] = []
      let characters = 0
      let body: Body | undefined
      for (const row of rows) {
        if (characters > CHARACTERS_A_PAGE) return toPage(row)
        if ((states && !states.includes(row.state)) || (type && row.type !== type)) continue
        if ((reason && row.reason !== reason) || row.received_at < since || row.received_at >= until) continue
        if (body?.request !== row.request) body = read(row.request)
        const line = toLine(row, body.kept)
        characters += line.length
        // They are the bytes of the whole request: its first event has them for all.
        if (body.kept.kind === 'unreadable') body = { ...body, kept: { ...body.kept, raw: '' } }
        lines.push(line)
      }
      return toPage(undefined)

      /** `left`: the first row that is not in it. */
      function toPage(left: Row | undefined): WalkPage {
        const last = left ? rows[rows.indexOf(left) - 1] : rows.at(-1)
        const isLast = !left && rows.length < ROWS_A_PAGE
        const text = lines.map(line => `${line}\n`).join('')
        return { lines: text, events: lines.length, next: isLast || !last ? undefined : toKey(last) }
      }
    },
  }
}

/** A damaged time may be none. */
function toIso(at: number): string {
  return new Date(Math.min(Math.max(0, at), LATEST)).toISOString()
}
