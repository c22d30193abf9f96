/**
 * The outbox's bookkeeping: how many deliveries are in which state, by destination, type, schema version and reason, kept in the
 * same transaction as the deliveries themselves, so that the account closes at every moment. Events are counted by their
 * deliveries; of one that has several only the delivery that decides may count, and SHARED takes the others off.
 */

import type { State } from '../../reasons.ts'
import { FIRST_DESTINATION, NO_DESTINATION, toDeciding } from '../deliveries.ts'
import { isHeld } from '../held.ts'
import type { Count, DestinationFigures, EventCount } from '../queries.ts'
import { createDamageLog, type DamageLog } from './damage.ts'
import { allDestinations } from './delivery-statements.ts'
import { createKinds, type Kinds } from './kinds.ts'
import type { Durability, Sql } from './sql.ts'
import * as statements from './statements.ts'

/** In place of a destination. */
export const SHARED = -1

export type Counters = Pick<Kinds, 'kind' | 'countedAs'> & {
  /** Runs `work` in one transaction; what it counted is written with it, or forgotten with it. */
  transaction<T>(durability: Durability, work: () => T): T
  add(destination: number, kind: number, state: Count['state'], reason: string | null, n: number): void
  /** `n` events of these deliveries each: that one of them counts for the event. */
  addShared(kind: number, deliveries: readonly Judged[], n: number): void
  /** Of events. */
  total(state: EventCount['state']): number
  /** Those of the pending events that are held back. */
  held(): number
  /** Of deliveries in that state, wherever to. */
  deliveries(state: State): number
  destinations(): DestinationFigures[]
  counts(): Count[]
  eventCounts(): EventCount[]
}

type Judged = { readonly state: State; readonly reason: string | null }
type Totals = Map<Count['state'] | 'held', number>
/** Of events under `undefined`, and of each destination. */
type Sums = Map<number | undefined, Totals>
type Delta = Pick<Count, 'destination' | 'state' | 'reason' | 'n'> & { kind: number }

function restoreKinds(sql: Sql, damage: Pick<DamageLog, 'found'>): void {
  for (const { kind } of sql.all<{ kind: number }>(statements.lostKinds)) {
    sql.all(statements.restoreKind, kind, `unknown (kind ${kind})`)
    damage.found('state_damaged', `kind ${kind}`)
  }
}

export function createCounters(sql: Sql, damage: Pick<DamageLog, 'found'> = createDamageLog()): Counters {
  restoreKinds(sql, damage)
  const kinds = createKinds(sql)
  let deltas = new Map<string, { -readonly [Name in keyof Delta]: Delta[Name] }>()
  let sums = loadSums()

  function loadSums(): Sums {
    const known = sql.all<{ id: number }>(allDestinations).map(({ id }) => id)
    const loaded: Sums = new Map([NO_DESTINATION, FIRST_DESTINATION, ...known].map(id => [id, new Map()]))
    for (const count of sql.all<Count>(statements.allCounts)) addTo(loaded, count)
    return loaded
  }

  function add(of: number, { destination, state, reason, n }: Omit<Delta, 'kind'>): void {
    const kind = kinds.countedAs(of)
    const name = `${kind} ${destination} ${state} ${reason}`
    const delta = deltas.get(name)
    if (delta) delta.n += n
    else deltas.set(name, { destination, kind, state, reason, n })
  }

  const total = (of: number | undefined, name: Count['state'] | 'held') => sums.get(of)?.get(name) ?? 0

  return {
    transaction(durability, work) {
      deltas = new Map()
      try {
        const result = sql.transaction(() => {
          const made = work()
          for (const { destination, kind, state, reason, n } of deltas.values()) {
            if (n !== 0) sql.all(statements.addCount, kind, state, reason, destination, n)
          }
          return made
        }, durability)
        for (const delta of deltas.values()) addTo(sums, delta)
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

    add(destination, kind, state, reason, n) {
      add(kind, { destination, state, reason: reason ?? '', n })
    },
    addShared(kind, deliveries, n) {
      const [first, ...others] = deliveries
      if (!first || others.length === 0) return
      const { state, reason } = toDeciding(first, ...others)
      for (const one of deliveries)
        add(kind, { destination: SHARED, state: one.state, reason: one.reason ?? '', n: -n })
      add(kind, { destination: SHARED, state, reason: reason ?? '', n })
    },

    total: state => total(undefined, state),
    held: () => total(undefined, 'held'),
    deliveries: state => total(undefined, state) - total(SHARED, state),
    destinations: () =>
      [...sums.keys()]
        .flatMap(of => (of === undefined || of === SHARED ? [] : of))
        .sort((a, b) => a - b)
        .map(destination => ({
          ...{ destination, pending: total(destination, 'pending'), held: total(destination, 'held') },
          ...{ accepted: total(destination, 'accepted'), rejected: total(destination, 'rejected') },
          ...{ refused: total(destination, 'refused'), skipped: total(destination, 'skipped') },
          filtered: total(destination, 'filtered'),
        })),

    counts: () => sql.all<Count>(statements.allCounts).filter(({ destination }) => destination !== SHARED),
    eventCounts() {
      const counts: EventCount[] = []
      for (const { type, version, state, reason, n } of sql.all<Count>(statements.allCounts)) {
        if (state === 'filtered') continue
        const last = counts.at(-1)
        const isSame =
          last?.type === type && last.version === version && last.state === state && last.reason === reason
        // Neighbours, by the order of the statement.
        if (last && isSame) last.n += n
        else counts.push({ type, version, state, reason, n })
      }
      return counts
    },
  }
}

function addTo(sums: Sums, { destination, state, reason, n }: Omit<Delta, 'kind'>): void {
  for (const whose of [undefined, destination]) {
    const totals: Totals = sums.get(whose) ?? new Map()
    sums.set(whose, totals)
    totals.set(state, (totals.get(state) ?? 0) + n)
    if (isHeld({ state, reason })) totals.set('held', (totals.get('held') ?? 0) + n)
  }
}
