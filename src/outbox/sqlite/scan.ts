/**
 * The outbox from its oldest event on, page by page, each event as a line that another outbox can take in (export-format.ts reads
 * them): its state and reason, and the event to the letter. Never changes a row.
 */
import { toBase64 } from '../../event/base64.ts'
import { toIsoTime } from '../../event/event-time.ts'
import { toSlices } from '../../event/json-slices.ts'
import { parseJson } from '../kept-state.ts'
import { type Place, toKey, toPlace } from '../place.ts'
import type { ScanPage } from '../queries.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import { toElements } from './body.ts'
import { isOfType, mayBe, toType } from './list.ts'
import { readPast } from './read-past.ts'
import { readRequest } from './requests.ts'
import { type ScanRow, scanRequest } from './scan-requests.ts'
import { createSharedEvents, type DeliveryRow, type SharedEvents } from './shared-events.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type Scan = Synchronous<Pick<OutboxStore, 'scan'>>

/** One page is some milliseconds of work, for the outbox does nothing else meanwhile. */
const ROWS_A_PAGE = 1_000
const CHARACTERS_A_PAGE = 1_000_000
/** The last time that a Date can be, ms since 1970. */
/** Behind any event of a request; as long as a place may be written. */
const LAST_POSITION = 999_999_999

type Body = { readonly request: number; readonly kept: Kept }
type Kept =
  | { readonly kind: 'events'; readonly texts: readonly string[] }
  | { readonly kind: 'raw'; readonly raw: string; readonly encoding: string }
  | { readonly kind: 'unreadable'; readonly raw: string }
  | { readonly kind: 'pruned' }

export function createScan(sql: Sql, shared: SharedEvents = createSharedEvents(sql)): Scan {
  function read(request: number): Body {
    const found = readRequest(sql, request)
    if (!found) return { request, kept: { kind: 'pruned' } }
    if (found.unreadable)
      return { request, kept: { kind: 'unreadable', raw: toBase64(found.unreadable.stored) } }
    const { body, encoding } = found
    if (toElements(body, encoding)[0] === body) return { request, kept: { kind: 'raw', raw: body, encoding } }
    return { request, kept: { kind: 'events', texts: toSlices(body) } }
  }

  /** What waits will be found unreadable when it is claimed. */
  function fateOf(row: ScanRow, kept: Kept): Pick<ScanRow, 'state' | 'reason'> {
    const isLost = kept.kind === 'unreadable' && row.state === 'pending'
    return isLost ? { state: 'rejected', reason: 'unreadable' } : row
  }

  function toLine(row: ScanRow, kept: Kept): string {
    const { received_at, settled_at, detail } = row
    const { state, reason } = fateOf(row, kept)
    const head = JSON.stringify({
      ...{ bridge: 1, state, reason, receivedAt: toIsoTime(received_at) },
      ...(settled_at !== null && { settledAt: toIsoTime(settled_at) }),
      ...(detail !== null && { detail }),
      ...(kept.kind === 'raw' && { raw: kept.raw, encoding: kept.encoding }),
      ...(kept.kind === 'unreadable' && { raw: kept.raw, encoding: 'base64' }),
      ...(kept.kind === 'pruned' && { type: row.type, version: row.version }),
      ...knownBy(row, kept),
    })
    const text = kept.kind === 'events' ? kept.texts[row.position] : undefined
    return text === undefined ? head : `${head.slice(0, -1)},"event":${text}}`
  }

  function typeOf({ type, position }: ScanRow, kept: Kept): string {
    const text = kept.kind === 'events' ? kept.texts[position] : undefined
    return text === undefined ? type : toType(type, parseJson(text))
  }

  /** What the event itself does not tell: one that is neither rejected nor skipped has an identity of its own. */
  function knownBy(
    row: ScanRow,
    { kind }: Kept,
  ): { key: string } | { seen: [number, number] | null } | undefined {
    if (row.identity === null && kind !== 'pruned') return { key: toKey(row) }
    const isTold = kind === 'events' && row.state !== 'rejected' && row.state !== 'skipped'
    return isTold ? undefined : { seen: seenOf(row) }
  }

  function seenOf({ identity, proof, request, position }: ScanRow): [number, number] | null {
    if (identity !== null && proof !== undefined) return [identity, proof]
    if (identity === null) return null
    try {
      const [seen] = sql.all<{ proof: number }>(statements.proofOf, identity, request, position)
      return seen ? [identity, seen.proof] : null
    } catch {
      return null
    }
  }

  /** Each in the state that all its deliveries make; in that of the first, where the others cannot be read. */
  function gather(rows: readonly (ScanRow & DeliveryRow)[]): ScanRow[] {
    try {
      return shared.gather(rows)
    } catch {
      return [...rows]
    }
  }

  /** Rows behind a place, up to the first that cannot be read; `gapTo`: then requests up to there have none that can. */
  function readRows({ request, position }: Place): { rows: ScanRow[]; isLast: boolean; gapTo: number } {
    for (let limit = ROWS_A_PAGE; limit >= 1; limit = Math.floor(limit / 2)) {
      try {
        const rows = sql.all<ScanRow & DeliveryRow>(statements.eventsToCarry, request, position, limit)
        return { rows: gather(rows), isLast: rows.length < limit, gapTo: 0 }
      } catch {
        // A page that SQLite cannot read: fewer rows may stand before it.
      }
    }
    const behind = (at: number) => sql.all<ScanRow>(statements.eventsToCarry, at, LAST_POSITION, 1)[0]
    const { row, readFrom } = readPast(request, behind)
    return { rows: [], isLast: row === undefined, gapTo: readFrom }
  }

  /** Behind it requests go on that are not sorted. When that cannot be read, they go on behind the last event. */
  function sortedUpTo(): number {
    try {
      const [kept] = sql.all<{ value: string }>(statements.recall, 'sorted_up_to')
      return Number(kept?.value ?? 0) || 0
    } catch {
      return 0
    }
  }

  return {
    scan({ states, type, reason, since = -Infinity, until = Infinity, after }) {
      let place: Place = (after && toPlace(after)) || { request: 0, position: -1 }
      const lines: string[] = []
      let characters = 0
      let unreadable = 0
      let looked = 0
      let body: Body | undefined
      const isFull = () => characters > CHARACTERS_A_PAGE || looked >= ROWS_A_PAGE

      function add(row: ScanRow): void {
        place = row
        looked += 1
        if (!mayBe(row.type, type) || row.received_at < since || row.received_at >= until) return
        const fits = ({ state, reason: why }: Pick<ScanRow, 'state' | 'reason'>) =>
          (!states || states.includes(state)) && (!reason || why === reason)
        // One that waits may turn out to be lost with its row.
        if (!fits(row) && !(row.state === 'pending' && fits({ state: 'rejected', reason: 'unreadable' })))
          return
        try {
          if (body?.request !== row.request) body = read(row.request)
          if (!fits(fateOf(row, body.kept)) || (type && !isOfType(typeOf(row, body.kept), type))) return
          // Bytes are pruned of finished events only.
          if (body.kept.kind === 'pruned' && row.state !== 'accepted' && row.state !== 'skipped')
            throw new Error('Its request is gone')
          const line = toLine(row, body.kept)
          characters += line.length
          // They are the bytes of the whole request: its first event has them for all.
          if (body.kept.kind === 'unreadable') body = { ...body, kept: { ...body.kept, raw: '' } }
          lines.push(line)
        } catch {
          unreadable += 1
        }
      }

      /** True when there is nothing more up to there. */
      function addRequests(upTo: number): boolean {
        while (!isFull()) {
          const { request, position } = place
          // One that a page broke off in goes on behind its last event.
          const isBegun = position >= 0 && position < LAST_POSITION
          const walked = scanRequest(sql, isBegun ? request - 1 : request, upTo)
          if (!walked) return true
          unreadable += walked.unreadable
          for (const row of walked.rows) {
            if (row.request === request && row.position <= position) continue
            if (isFull()) return false
            add(row)
          }
          place = { request: walked.upTo, position: LAST_POSITION }
        }
        return false
      }

      const { rows, isLast, gapTo } = readRows(place)
      for (const row of rows) {
        if (characters > CHARACTERS_A_PAGE) return toPage(false)
        add(row)
      }
      if (gapTo > 0) {
        if (!addRequests(gapTo)) return toPage(false)
        place = { request: gapTo, position: LAST_POSITION }
      }
      if (!isLast) return toPage(false)
      const end = sortedUpTo()
      if (place.request < end) place = { request: end, position: LAST_POSITION }
      return toPage(addRequests(Number.MAX_SAFE_INTEGER))

      function toPage(isEnd: boolean): ScanPage {
        const text = lines.map(line => `${line}\n`).join('')
        return { lines: text, events: lines.length, next: isEnd ? undefined : toKey(place), unreadable }
      }
    },
  }
}
