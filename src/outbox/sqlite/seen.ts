/** Which events has this outbox stored within `DEDUPE_HOURS`? Asked by a host that divides it, while the division changes. */

import { toBucket, toFingerprint } from '../encode-row.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import { toJsonLists } from './byte-limits.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type SeenReader = Synchronous<Pick<OutboxStore, 'knows'>>

export function createSeenReader(sql: Sql, sortAll: () => void): SeenReader {
  return {
    knows(identities) {
      sortAll()
      const slots = identities.map(toBucket)
      const seen = toJsonLists(slots).flatMap(list => sql.all<{ proof: number }>(statements.seenAmong, list))
      const proofs = new Set(seen.map(({ proof }) => proof))
      return identities.map(identity => proofs.has(toFingerprint(identity)))
    },
  }
}
