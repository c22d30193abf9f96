/**
 * Once a day: are the counts that are kept beside the events those of the events? Nothing depends on them but figures and
 * `MAX_BACKLOG`; where they differ they are corrected, and the operator is told. Only states whose rows are never pruned can be
 * counted anew; `received` follows from all of them.
 */
import * as z from 'zod'
import { type State, states } from '../../reasons.ts'
import { readKept } from '../kept-state.ts'
import { type Counted, counted } from '../queries.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import type { Counters } from './counters.ts'
import type { DamageLog } from './damage.ts'
import type { NoticeStore } from './notices.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

const EVERY_MS = 24 * 3_600_000
const COMPARED_AT = 'compared_at'
/** Some 50 ms of reading, for the outbox does nothing else meanwhile. A state with more is left for another day. */
const ROWS = 50_000

export type Comparison = Synchronous<Pick<OutboxStore, 'compareCounts'>>

type CountRow = { readonly kind: number; readonly state: string; readonly reason: string; readonly n: number }
type Difference = {
  readonly kind: number
  readonly state: Counted
  readonly reason: string | null
  readonly n: number
}

export function createComparison(
  sql: Sql,
  book: Counters,
  store: NoticeStore,
  damage: Pick<DamageLog, 'found'>,
): Comparison {
  let comparedAt: number | undefined

  function compare(): Difference[] {
    const kept = sql.all<CountRow>(statements.countRows)
    const differences: Difference[] = []
    for (const state of ['pending', 'rejected', 'refused'] as const) {
      const rows = sql.all<{ kind: number; reason: string | null }>(statements.kindsOf[state], ROWS + 1)
      if (rows.length > ROWS) continue
      const found = new Map<string, Difference>()
      const add = (of: number, reason: string | null, n: number) => {
        const kind = book.countedAs(of)
        const name = `${kind} ${reason ?? ''}`
        found.set(name, { kind, state, reason, n: n + (found.get(name)?.n ?? 0) })
      }
      for (const { kind, reason } of rows) add(kind, reason, 1)
      for (const { kind, reason, n } of kept.filter(row => row.state === state)) add(kind, reason, -n)
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
        for (const { kind, state, reason } of sql.all<CountRow>(statements.countRows))
          if (!isCounted(state)) sql.all(statements.deleteCount, kind, state, reason)
        for (const { kind, state, reason, n } of compare()) {
          book.add(kind, state, reason, n)
          const name = reason ? `${state} (${reason})` : state
          damage.found(
            'counts_differ',
            `${name} of kind ${kind}: ${Math.abs(n)} too ${n > 0 ? 'few' : 'many'}`,
          )
        }
        sql.all(statements.remember, COMPARED_AT, String(now))
      })
      comparedAt = now
    },
  }
}

/** received = pending + accepted + rejected + refused + skipped, of each kind. */
function receivedOf(kept: readonly CountRow[], differences: readonly Difference[]): Difference[] {
  const missing = new Map<number, number>()
  for (const { kind, state, n } of [...kept, ...differences]) {
    const sign = state === 'received' ? -1 : isState(state) ? 1 : 0
    missing.set(kind, (missing.get(kind) ?? 0) + sign * n)
  }
  return [...missing].flatMap(([kind, n]) => (n === 0 ? [] : [{ kind, state: 'received', reason: null, n }]))
}

function isState(word: string): word is State {
  return states.some(state => state === word)
}

function isCounted(word: string): boolean {
  return counted.some(name => name === word)
}
