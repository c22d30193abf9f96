/**
 * The outbox's bookkeeping: how many events are in which state, by type, schema version and reason, kept in the same
 * transaction as the events themselves, so that the account closes at every moment.
 */

import { isHeld } from '../held.ts'
import type { Count, Counted } from '../queries.ts'
import { createDamageLog, type DamageLog } from './damage.ts'
import type { Durability, Sql } from './sql.ts'
import * as statements from './statements.ts'

export type Counters = {
  /** Runs `work` in one transaction; what it counted is written with it, or forgotten with it. */
  transaction<T>(durability: Durability, work: () => T): T
  kind(type: string, version: number): number
  add(kind: number, state: Counted, reason: string | null, n: number): void
  total(state: Counted): number
  /** Those of the pending events that are held back. */
  held(): number
  counts(): Count[]
}

function restoreKinds(sql: Sql, damage: Pick<DamageLog, 'found'>): void {
  for (const { kind } of sql.all<{ kind: number }>(statements.lostKinds)) {
    sql.all(statements.restoreKind, kind, `unknown (kind ${kind})`)
    damage.found('state_damaged', `kind ${kind}`)
  }
}

export function createCounters(sql: Sql, damage: Pick<DamageLog, 'found'> = createDamageLog()): Counters {
  restoreKinds(sql, damage)
  const kinds = new Map<string, number>()
  let deltas = new Map<string, { kind: number; state: Counted; reason: string; n: number }>()
  let held = 0
  let totals = loadTotals()

  function counts(): Count[] {
    return sql.all<Count>(statements.allCounts)
  }

  function loadTotals(): Map<Counted, number> {
    const loaded = new Map<Counted, number>()
    held = 0
    for (const count of counts()) add(loaded, count)
    return loaded
  }

  function add(sums: Map<Counted, number>, count: Pick<Count, 'state' | 'reason' | 'n'>): void {
    sums.set(count.state, (sums.get(count.state) ?? 0) + count.n)
    if (isHeld(count)) held += count.n
  }

  return {
    transaction(durability, work) {
      deltas = new Map()
      try {
        const result = sql.transaction(() => {
          const made = work()
          for (const { kind, state, reason, n } of deltas.values()) {
            if (n !== 0) sql.all(statements.addCount, kind, state, reason, n)
          }
          return made
        }, durability)
        for (const delta of deltas.values()) add(totals, delta)
        return result
      } catch (error) {
        // A kind made in the undone transaction is gone with it: the cache must not outlive it.
        kinds.clear()
        totals = loadTotals()
        throw error
      }
    },

    kind(type, version) {
      const name = `${version} ${type}`
      const known = kinds.get(name)
      if (known !== undefined) return known
      const [row] = sql.all<{ id: number }>(statements.findKind, type, version)
      const id = row?.id ?? sql.all<{ id: number }>(statements.insertKind, type, version)[0]?.id ?? 0
      kinds.set(name, id)
      return id
    },

    add(kind, state, reason, n) {
      const name = `${kind} ${state} ${reason ?? ''}`
      const delta = deltas.get(name)
      if (delta) delta.n += n
      else deltas.set(name, { kind, state, reason: reason ?? '', n })
    },

    total: state => totals.get(state) ?? 0,
    held: () => held,
    counts,
  }
}
