/**
 * The outbox's bookkeeping: how many events are in which state, by type, schema version and reason, kept in the same
 * transaction as the events themselves, so that the account closes at every moment.
 */

import { isHeld } from '../held.ts'
import type { Count, Counted } from '../queries.ts'
import { createDamageLog, type DamageLog } from './damage.ts'
import { createKinds, type Kinds } from './kinds.ts'
import type { Durability, Sql } from './sql.ts'
import * as statements from './statements.ts'

export type Counters = Pick<Kinds, 'kind' | 'countedAs'> & {
  /** Runs `work` in one transaction; what it counted is written with it, or forgotten with it. */
  transaction<T>(durability: Durability, work: () => T): T
  add(kind: number, state: Counted, reason: string | null, n: number): void
  total(state: Counted): number
  /** Those of the pending events that are held back. */
  held(): number
  counts(): Count[]
}

type Sums = { readonly totals: Map<Counted, number>; held: number }

function restoreKinds(sql: Sql, damage: Pick<DamageLog, 'found'>): void {
  for (const { kind } of sql.all<{ kind: number }>(statements.lostKinds)) {
    sql.all(statements.restoreKind, kind, `unknown (kind ${kind})`)
    damage.found('state_damaged', `kind ${kind}`)
  }
}

export function createCounters(sql: Sql, damage: Pick<DamageLog, 'found'> = createDamageLog()): Counters {
  restoreKinds(sql, damage)
  const kinds = createKinds(sql)
  let deltas = new Map<string, { kind: number; state: Counted; reason: string; n: number }>()
  let sums = loadSums()

  function counts(): Count[] {
    return sql.all<Count>(statements.allCounts)
  }

  function loadSums(): Sums {
    const loaded: Sums = { totals: new Map(), held: 0 }
    for (const count of counts()) add(loaded, count)
    return loaded
  }

  function add(to: Sums, count: Pick<Count, 'state' | 'reason' | 'n'>): void {
    to.totals.set(count.state, (to.totals.get(count.state) ?? 0) + count.n)
    if (isHeld(count)) to.held += count.n
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
        for (const delta of deltas.values()) add(sums, delta)
        return result
      } catch (error) {
        // A kind made in the undone transaction is gone with it: the cache must not outlive it.
        kinds.forget()
        try {
          sums = loadSums()
        } catch {
          // They are as before the transaction, and the first error says more.
        }
        throw error
      }
    },

    kind: kinds.kind,
    countedAs: kinds.countedAs,

    add(of, state, reason, n) {
      const kind = kinds.countedAs(of)
      const name = `${kind} ${state} ${reason ?? ''}`
      const delta = deltas.get(name)
      if (delta) delta.n += n
      else deltas.set(name, { kind, state, reason: reason ?? '', n })
    },

    total: state => sums.totals.get(state) ?? 0,
    held: () => sums.held,
    counts,
  }
}
