/**
 * Does what the outbox says about itself fit its rows? Asked at a start, before the first request: a file that lost pages can
 * open as if nothing were wrong, and count from zero again. Reads a bounded number of rows, and changes none.
 */
import type { State } from '../../reasons.ts'
import type { Counters } from './counters.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

/** Counting so many rows takes some 20 ms. */
const ROWS_COUNTED = 100_000

/** What contradicts itself, in a sentence; it may be a wrong count alone, which harms no event. `outbox`: what it believes. */
export function findContradiction(
  sql: Sql,
  outbox: Pick<Counters, 'total' | 'deliveries'>,
): string | undefined {
  const count = (query: string) => sql.all<{ n: number }>(query, ROWS_COUNTED)[0]?.n ?? 0
  const compare = (state: 'pending' | 'rejected' | 'refused'): [State, number, number] => {
    const rows = statements.countDeliveries[state].map(count)
    // Of more than are counted this cannot be said.
    const isAll = rows.every(n => n < ROWS_COUNTED)
    return [state, isAll ? rows.reduce((sum, n) => sum + n, 0) : ROWS_COUNTED, outbox.deliveries(state)]
  }
  const compared = [compare('pending'), compare('rejected'), compare('refused')]
  const wrong = compared.find(
    ([, rows, counted]) => counted < rows || (counted > rows && rows < ROWS_COUNTED),
  )
  if (wrong) return `${wrong[2]} events are counted as ${wrong[0]}, ${wrong[1]} are there`
  // Of the others rows are pruned, while their counts stay.
  const [rows, received] = [count(statements.countEvents), outbox.total('received')]
  if (received >= rows) return undefined
  return `${received} events are counted as received, ${rows} are there`
}
