/** The figures of the bridge, as `GET /api/stats` answers them. */
import type { Standing } from '../alerts/throttle.ts'
import { counted as countedStates, type EventCount, type Figures } from '../outbox/queries.ts'
import type { PauseReason, State } from '../reasons.ts'
import type { Wait } from '../send/circuit-breaker.ts'

export type DeliveryStats = {
  readonly failures: number
  readonly reason: string | null
  readonly nextAttemptAt: string | null
  /** Absent while nothing fails. `retrying`: within the first two retries, a second or two apart. */
  readonly wait?: Wait | undefined
}

/** Deliveries of one destination: `pending + accepted + refused + skipped` is all that was routed there; what its filter kept away, beside. */
export type DestinationStats = Record<(typeof counted)[number], number> & {
  readonly name: string
  readonly oldestPendingSeconds: number
  /** For so long it gathers events on purpose; 0: it sends them as they come. */
  readonly collectSeconds: number
  readonly delivery: DeliveryStats
  /** Why it is stopped though nothing fails; null: it is not. */
  readonly paused: PauseReason | null
  /** A change that waits to be confirmed: what it is, and the hash to confirm it by. */
  readonly unconfirmed?: { readonly text: string; readonly hash: string } | undefined
}

export const counted = ['pending', 'held', 'accepted', 'refused', 'skipped', 'filtered'] as const

export const atRest: DeliveryStats = { failures: 0, reason: null, nextAttemptAt: null }

/** The one that has failed most often speaks for all. */
export function worstOf(all: readonly DeliveryStats[]): DeliveryStats {
  return all.toSorted((a, b) => b.failures - a.failures)[0] ?? atRest
}

/**
 * Events by state: `received = pending + accepted + rejected + refused + skipped`, duplicates beside. `unsorted`: kept, as in a
 * burst, and in none of the others yet. `held`: those of the pending ones that are held back.
 */
export type Stats = Record<State | 'received' | 'duplicates' | 'unsorted' | 'held', number> & {
  readonly oldestPendingSeconds: number
  /** Figures that could not be read, so that their values here mean nothing; absent when all could. */
  readonly unreadable?: readonly string[]
  readonly counts: readonly EventCount[]
  /** What keeps the bridge from taking events; empty when nothing does. */
  readonly troubles: readonly string[]
  /** Of the destination that is worst off. */
  readonly delivery: DeliveryStats
  readonly destinations: readonly DestinationStats[]
  readonly notices: Standing
}

/** The sums, which are in memory, in place of the table of counts. */
export function countsWithoutKinds(figures: Figures): EventCount[] {
  const unknown = { type: 'unknown', version: 0, reason: 'unknown' }
  return countedStates.map(state => ({ ...unknown, state, n: figures[state] }))
}
