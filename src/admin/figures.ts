/** The figures of the bridge, as `GET /api/stats` answers them. */
import type { Standing } from '../alerts/throttle.ts'
import type { EventCount } from '../outbox/queries.ts'
import type { State } from '../reasons.ts'
import type { Wait } from '../send/circuit-breaker.ts'

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
  readonly delivery: {
    readonly failures: number
    readonly reason: string | null
    readonly nextAttemptAt: string | null
    /** Absent while nothing fails. `retrying`: within the first two retries, a second or two apart. */
    readonly wait?: Wait | undefined
  }
  readonly notices: Standing
}
