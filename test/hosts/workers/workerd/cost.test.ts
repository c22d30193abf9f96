/** Rows written an event, which Cloudflare bills: counted by the storage itself. The README's arithmetic stands on them. */
// @module-tag long
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { createSql, type ObjectStorage } from '../../../../src/hosts/workers/sqlite.ts'
import { createOutbox } from '../../../../src/outbox/sqlite/outbox.ts'
import { DAY, NOW, pruning, requestRow } from '../../../support/outbox-bench.ts'

const EVENTS = 2_000

/** As the storage is, and counts. */
function counting(storage: DurableObjectStorage): { storage: ObjectStorage; rows: { written: number } } {
  const rows = { written: 0 }
  const sql = {
    exec(query: string, ...values: unknown[]) {
      const cursor = storage.sql.exec(query, ...values)
      const found = cursor.toArray()
      rows.written += cursor.rowsWritten
      return { toArray: () => found }
    },
  }
  return { rows, storage: { sql, transactionSync: work => storage.transactionSync(work) } }
}

test.each([
  { perRequest: 1, atMost: 14.5 },
  { perRequest: 10, atMost: 7 },
  { perRequest: 100, atMost: 6.5 },
])(
  '[WK12] $perRequest events a request cost at most $atMost rows written an event, from put to pruned',
  async ({ perRequest, atMost }) => {
    const object = env.BLANK.get(env.BLANK.newUniqueId())
    const steps = await runInDurableObject(object, (_, state) => {
      const { storage, rows } = counting(state.storage)
      const outbox = createOutbox(createSql(storage), pruning)
      const written: Record<string, number> = {}
      const measure = (step: string, work: () => void) => {
        const before = rows.written
        work()
        written[step] = (written[step] ?? 0) + (rows.written - before) / EVENTS
      }
      for (let at = 0; at < EVENTS; at += perRequest) {
        const events = Array.from({ length: perRequest }, (_, index) => ({ id: `EZ${at + index}` }))
        measure('put', () => outbox.append([requestRow(events)]))
        // An alarm finds what came since the last one; at a quiet time that is one request.
        measure('sort', () => outbox.index())
        measure('settle', () => {
          const leased = outbox.claim({ destination: 1, limit: 500, characters: 1e6 })
          outbox.settle(
            leased.map(event => ({ event, state: 'accepted' })),
            NOW,
          )
          outbox.release(leased)
        })
      }
      measure('prune', () => {
        while (outbox.prune(NOW + 30 * DAY));
      })
      return written
    })
    const total = Object.values(steps).reduce((sum, rows) => sum + rows, 0)
    expect(total).toBeLessThan(atMost)
  },
)
