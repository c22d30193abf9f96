/**
 * Once a day: are the counts that are kept beside the events those of the events? Nothing depends on them but figures and
 * `MAX_BACKLOG`; where they differ they are corrected, and the operator is told. Only states whose rows are never pruned can be
 * counted anew; `received` follows from all of them.
 */
import * as z from 'zod'
import { type State, states } from '../../reasons.ts'
import { type DeliveryPlace, FIRST_DESTINATION, NO_DESTINATION, toDeciding } from '../deliveries.ts'
import { readKept } from '../kept-state.ts'
import { type Count, counted } from '../queries.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import { type Counters, SHARED } from './counters.ts'
import type { DamageLog } from './damage.ts'
import type { NoticeStore } from './notices.ts'
import type { SharedEvents } from './shared-events.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

const EVERY_MS = 24 * 3_600_000
const COMPARED_AT = 'compared_at'
/** Some 50 ms of reading, for the outbox does nothing else meanwhile. A state with more is left for another day. */
const ROWS = 50_000

export type Comparison = Synchronous<Pick<OutboxStore, 'compareCounts'>>

type CountRow = {
  readonly destination: number
  readonly kind: number
  readonly state: Count['state']
  readonly reason: string
  readonly n: number
}
type Row = DeliveryPlace & { readonly kind: number; readonly reason: string | null }

export function createComparison(
  sql: Sql,
  book: Counters,
  shared: SharedEvents,
  store: NoticeStore,
  damage: Pick<DamageLog, 'found'>,
): Comparison {
  let comparedAt: number | undefined

  function compare(): CountRow[] {
    const kept = sql.all<CountRow>(statements.countRows)
    const differences: CountRow[] = []
    for (const state of ['pending', 'rejected', 'refused'] as const) {
      const rows = shared.tables().flatMap(table => sql.all<Row>(statements.kindsOf[table][state], ROWS + 1))
      if (rows.length > ROWS) continue
      const found = new Map<string, CountRow>()
      const add = (destination: number, of: number, reason: string | null, n: number) => {
        const one = { destination, kind: book.countedAs(of), state, reason: reason ?? '' }
        const name = `${destination} ${one.kind} ${one.reason}`
        found.set(name, { ...one, n: n + (found.get(name)?.n ?? 0) })
      }
      for (const { destination, kind, reason } of rows) add(destination, kind, reason, 1)
      for (const deliveries of shared.among(rows).values()) {
        const deciding = toDeciding(...deliveries)
        for (const { kind, reason } of deliveries.filter(one => one.state === state))
          add(SHARED, kind, reason, -1)
        if (deciding.state === state) add(SHARED, deciding.kind, deciding.reason, 1)
      }
      for (const { destination, kind, reason, n } of kept.filter(row => row.state === state))
        add(destination, kind, reason, -n)
      differences.push(...[...found.values()].filter(({ n }) => n !== 0))
    }
    return [...differences, ...receivedOf(kept, differences)]
  }

  return {
    compareCounts(now) {
      comparedAt ??= readKept(store, COMPARED_AT, z.number(), 0)
      // Ahead: a clock that was wrong has been set back.
      if (now < comparedAt + EVERY_MS && now >= comparedAt - EVERY_MS) return
      book.transaction('relaxed', () => {
        for (const { kind, state, reason, destination } of sql.all<CountRow>(statements.countRows))
          if (!isCounted(state)) sql.all(statements.deleteCount, kind, state, reason, destination)
        for (const { destination, kind, state, reason, n } of compare()) {
          book.add(destination, kind, state, reason, n)
          const name = reason ? `${state} (${reason})` : state
          damage.found(
            'counts_differ',
            `${name} of kind ${kind}${whereTo(destination)}: ${Math.abs(n)} too ${n > 0 ? 'few' : 'many'}`,
          )
        }
        sql.all(statements.remember, COMPARED_AT, String(now))
      })
      comparedAt = now
    },
  }
}

function whereTo(destination: number): string {
  if (destination === SHARED) return ' (events with several deliveries)'
  return destination > FIRST_DESTINATION ? ` to destination ${destination}` : ''
}

/** received = pending + accepted + rejected + refused + skipped, of each kind. */
function receivedOf(kept: readonly CountRow[], differences: readonly CountRow[]): CountRow[] {
  const missing = new Map<number, number>()
  for (const { kind, state, n } of [...kept, ...differences]) {
    const sign = state === 'received' ? -1 : isState(state) ? 1 : 0
    missing.set(kind, (missing.get(kind) ?? 0) + sign * n)
  }
  return [...missing].flatMap(([kind, n]) =>
    n === 0 ? [] : [{ destination: NO_DESTINATION, kind, state: 'received', reason: '', n }],
  )
}

function isState(word: string): word is State {
  return states.some(state => state === word)
}

function isCounted(word: string): boolean {
  return word === 'filtered' || counted.some(name => name === word)
}
