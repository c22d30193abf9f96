/** Events out of an outbox and into one, by a person's wish. Lives where the outbox lives, like the admin. */

import type { ReceivedRequest, Stored } from '../event/received-request.ts'
import { encodeRow } from '../outbox/encode-row.ts'
import type { ScanPage, ScanQuery } from '../outbox/queries.ts'
import type { SqliteOutbox as OutboxStore } from '../outbox/sqlite/outbox.ts'
import type { Awaitable } from '../runtime.ts'
import type { Dispatcher } from '../send/dispatcher.ts'

/** What came of the events of an import; they add up to what was sent. */
export type Imported = {
  /** Kept as events of their own. */
  readonly stored: number
  /** Known already. */
  readonly duplicates: number
  /** Of those stored: they wait for delivery. */
  readonly pending: number
  /** Of those stored: they will never be sent. */
  readonly skipped: number
  /** Known already, and waiting once more: in the place of a dead letter or, when that was wished, of one already sent. */
  readonly again: number
}

/** Nothing that could be counted on: the outbox cannot be written. */
export type NotStored = Extract<Stored, { stored: false }>

export type Transfer = {
  exportPage(query: ScanQuery): Awaitable<ScanPage | NotStored>
  /** All of it, or none is acknowledged; what was stored before a failure is known by its ids when it comes again. */
  import(intakes: readonly ReceivedRequest[]): Awaitable<Imported | NotStored>
}

export function createTransfer(
  outbox: OutboxStore,
  dispatcher: Pick<Dispatcher, 'append' | 'indexPending' | 'indexAll'>,
): Transfer {
  return {
    async exportPage(query) {
      await dispatcher.indexAll()
      // What cannot be indexed now is exported as it came.
      return outbox.scan(query)
    },
    async import(intakes) {
      await dispatcher.indexAll()
      // From here on at a stretch, so that what is counted is theirs alone.
      const unsettled = settle()
      if (unsettled) return unsettled
      const before = figures()
      const fault = dispatcher
        .append(
          intakes.map(intake => encodeRow(intake)),
          'import',
        )
        .find(result => !result.stored)
      if (fault && !fault.stored) return fault
      const uncounted = settle()
      if (uncounted) return uncounted
      const after = figures()
      const again = after.replaced - before.replaced
      return {
        stored: after.received - before.received,
        pending: after.pending - before.pending - again,
        // One that gives its place to another is skipped no more.
        skipped: Math.max(0, after.skipped - before.skipped),
        duplicates: after.duplicate - before.duplicate - again,
        again,
      }
    },
  }

  /** What cannot be indexed is counted nowhere. */
  function settle(): NotStored | undefined {
    dispatcher.indexPending()
    const left = outbox.unsorted()
    if (left === 0) return undefined
    return { stored: false, reason: 'outbox_unwritable', detail: `${left} events cannot be sorted` }
  }

  function figures() {
    return {
      received: outbox.total('received'),
      pending: outbox.total('pending'),
      skipped: outbox.total('skipped'),
      duplicate: outbox.total('duplicate'),
      replaced: outbox.replaced(),
    }
  }
}
