/** Which events has this outbox stored within `DEDUPE_HOURS`? Asked by a host that divides it, while the division changes. */
import type { Identity } from '../ports.ts'
import { toProof, toSlot } from './put.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type Known = { knows(identities: readonly Identity[]): boolean[] }

export function createKnown(sql: Sql, sortAll: () => void): Known {
  return {
    knows(identities) {
      sortAll()
      const slots = identities.map(toSlot)
      const seen = sql.all<{ proof: number }>(statements.seenAmong, JSON.stringify(slots))
      const proofs = new Set(seen.map(({ proof }) => proof))
      return identities.map(identity => proofs.has(toProof(identity)))
    },
  }
}
