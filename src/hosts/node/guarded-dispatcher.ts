/**
 * The dispatcher of an outbox whose file may be damaged. Then nothing is taken, for nobody could promise that it will be found
 * again, and Twilio keeps it for 4 hours; nothing is delivered either, for that could not be written down.
 */
import { isStorageReason } from '../../outbox/sqlite-errors.ts'
import type { Dispatcher } from '../../send/dispatcher.ts'
import type { Damage } from './damage.ts'

const LATER_MS = 1_000
/** Most checks of all pages end sooner; meanwhile every event is answered 503, of which somebody must hear. */
const DOUBT_MS = 60_000

export function guardDispatcher(dispatcher: Dispatcher, damage: Damage, now: () => number): Dispatcher {
  let doubtSince: number | undefined

  /** Again each second, so that it stays open: what is known, and a doubt that a check of the pages does not soon end. */
  function tell(count: number): void {
    const isLongDoubt = doubtSince !== undefined && Math.abs(now() - doubtSince) >= DOUBT_MS
    if (damage.isFound() || isLongDoubt)
      dispatcher.report({ reason: 'outbox_damaged', at: now(), count, answer: damage.current() })
  }

  return {
    ...dispatcher,
    append(rows) {
      const detail = damage.current()
      if (detail === undefined) return dispatcher.append(rows)
      tell(rows.length)
      return rows.map(() => ({ stored: false, reason: 'outbox_damaged', detail }))
    },
    import(rows) {
      const detail = damage.current()
      if (detail === undefined) return dispatcher.import(rows)
      tell(rows.length)
      return { stored: false, reason: 'outbox_damaged', detail }
    },
    deliverNextBatch: async destination =>
      damage.current() === undefined ? dispatcher.deliverNextBatch(destination) : now() + LATER_MS,
    tick() {
      if (damage.current() === undefined) {
        doubtSince = undefined
        dispatcher.tick()
        return
      }
      // Upkeep deletes and corrects rows: not in a file that may be damaged.
      doubtSince ??= now()
      tell(0)
    },
    indexPending(events) {
      if (damage.current() === undefined) dispatcher.indexPending(events)
    },
    async indexAll() {
      if (damage.current() === undefined) await dispatcher.indexAll()
    },
    health() {
      const detail = damage.current()
      const health = dispatcher.health()
      if (detail === undefined) return health
      return {
        ...health,
        troubles: [
          {
            reason: 'outbox_damaged',
            text: `${damage.isFound() ? 'the outbox is damaged' : 'the outbox may be damaged, its pages are being checked'}: ${detail}`,
          },
          // What fails in a file that is written no more is no cause of its own.
          ...health.troubles.filter(({ reason }) => !isStorageReason(reason)),
        ],
      }
    },
  }
}
