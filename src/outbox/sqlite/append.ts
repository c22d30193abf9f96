/**
 * Rows → one commit, and nothing else: this is the commit that Twilio waits for.
 * Sorting into events follows in index-events.ts, from what is kept here.
 */

import type { RequestRow } from '../request-row.ts'
import { toRows } from './byte-limits.ts'
import { insertRequest } from './requests.ts'
import type { Sql } from './sql.ts'

/** `now`: when the commit begins, ms since 1970. Returns how many rows that makes. */
export function appendAll(
  sql: Sql,
  firstId: number,
  parcels: readonly RequestRow[],
  now: number | null,
): number {
  const rows = parcels.flatMap(toRows)
  sql.transaction(() => {
    for (const [index, row] of rows.entries()) insertRequest(sql, firstId + index, row, now)
  }, 'on-disk')
  return rows.length
}
