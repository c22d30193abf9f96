/**
 * Whether refusals are the events' fault or the receiver's. An event is blamed when something beside it was accepted; so
 * a batch that may hold nothing but poison takes a canary along, the newest event, far from the oldest ones that fail.
 */
import type { Settlement } from '../outbox/lease.ts'
import type { Line } from './retry.ts'

/** Refusals of single events in a row, with nothing taken between them, after which the receiver is doubted instead. */
const REFUSALS_BELIEVED = 10

export type Doubt = {
  /** Whether a refusal of one event alone is believed, though nothing beside it went through. */
  believes(): boolean
  wantsCanary(line: Line): boolean
  count(settlements: readonly Settlement[]): void
}

export function createDoubt(isDelivered: (settlement: Settlement) => boolean): Doubt {
  let refusedInARow = 0
  let refusedLately = false
  return {
    believes: () => refusedInARow < REFUSALS_BELIEVED,
    // Also right after a refusal: else a long run of poison would cost a pause for every batch of it.
    wantsCanary: ({ reason }) => refusedLately || reason === 'segment_refuses_all',
    count(settlements) {
      const refused = settlements.filter(({ reason }) => reason === 'segment_refused').length
      refusedInARow = settlements.some(isDelivered) ? 0 : refusedInARow + refused
      refusedLately = refused > 0
    },
  }
}
