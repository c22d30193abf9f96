/** The figures of the bridge, as `GET /api/stats` answers them. */
import type { Standing } from '../alerts/throttle.ts'
import type { Count } from '../outbox/queries.ts'
import type { State } from '../reasons.ts'

/**
 * Events by state: `received = pending + accepted + rejected + refused + skipped`, duplicates beside. `unsorted`: kept, as in a
 * burst, and in none of the others yet. `held`: those of the pending ones that are held back.
 */
export type Stats = Record<State | 'received' | 'duplicates' | 'unsorted' | 'held', number> & {
  readonly oldestPendingSeconds: number
  readonly counts: readonly Count[]
  /** What keeps the bridge from taking events; empty when nothing does. */
  readonly troubles: readonly string[]
  readonly delivery: {
    readonly failures: number
    readonly reason: string | null
    readonly nextAttemptAt: string | null
  }
  readonly notices: Standing
}
