/** Events out of an outbox and into one, by a person's wish. Lives where the outbox lives, like the admin. */

import type { ReceivedRequest, Stored } from '../event/received-request.ts'
import { encodeRow } from '../outbox/encode-row.ts'
import type { ImportCounts, ScanPage, ScanQuery } from '../outbox/queries.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import type { Awaitable } from '../runtime.ts'
import type { Dispatcher } from '../send/dispatcher.ts'

export type Imported = ImportCounts

/** Nothing that could be counted on: the outbox cannot be written. */
export type NotStored = Extract<Stored, { stored: false }>

export type Transfer = {
  exportPage(query: ScanQuery): Awaitable<ScanPage | NotStored>
  /** All of it, or none is acknowledged; what was stored before a failure is known by its ids when it comes again. */
  import(intakes: readonly ReceivedRequest[]): Awaitable<Imported | NotStored>
}

export function createTransfer(
  outbox: OutboxAtHand,
  dispatcher: Pick<Dispatcher, 'import' | 'indexAll'>,
): Transfer {
  return {
    async exportPage(query) {
      await dispatcher.indexAll()
      // What cannot be indexed now is exported as it came.
      return outbox.scan(query)
    },
    async import(intakes) {
      await dispatcher.indexAll()
      return dispatcher.import(intakes.map(intake => encodeRow(intake)))
    },
  }
}
