/**
 * The depot of an outbox whose file may be damaged. Then nothing is taken, for nobody could promise that it will be found
 * again, and Twilio keeps it for 4 hours; nothing is delivered either, for that could not be written down.
 */
import type { Depot } from '../../depot.ts'
import type { Damage } from './damage.ts'

const LATER_MS = 1_000

export function guardDepot(depot: Depot, damage: Damage, now: () => number): Depot {
  /** Again each second, so that it stays open: what is known, and no mere doubt. */
  function tell(count: number): void {
    if (damage.isFound())
      depot.report({ reason: 'outbox_damaged', at: now(), count, answer: damage.current() })
  }

  return {
    ...depot,
    put(parcels) {
      const detail = damage.current()
      if (detail === undefined) return depot.put(parcels)
      tell(parcels.length)
      return parcels.map(() => ({ stored: false, reason: 'outbox_damaged', detail }))
    },
    drain: async events => (damage.current() === undefined ? depot.drain(events) : now() + LATER_MS),
    tick() {
      if (damage.isFound()) tell(0)
      else depot.tick()
    },
    settleAccounts(events) {
      if (damage.current() === undefined) depot.settleAccounts(events)
    },
    health() {
      const detail = damage.current()
      const health = depot.health()
      if (detail === undefined) return health
      return {
        ...health,
        troubles: [
          { reason: 'outbox_damaged', text: `the outbox is damaged: ${detail}` },
          ...health.troubles,
        ],
      }
    },
  }
}
