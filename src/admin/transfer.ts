/** Events out of an outbox and into one, by a person's wish. Lives where the outbox lives, like the admin. */

import type { ReceivedRequest, Stored } from '../event/received-request.ts'
import { encodeRow } from '../outbox/encode-row.ts'
import type { ImportCounts, ScanPage, ScanQuery } from '../outbox/queries.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import type { Awaitable } from '../runtime.ts'
import type { Dispatcher } from '../send/dispatcher.ts'
import type { DestinationNames } from './destination-names.ts'

export type Imported = ImportCounts

/** Nothing that could be counted on: the outbox cannot be written. */
export type NotStored = Extract<Stored, { stored: false }>

export type Transfer = {
  exportPage(query: ScanQuery): Awaitable<ScanPage | NotStored>
  /** `only`: to the destination of that name alone, also what is known already. All of it, or none is acknowledged; what was stored before a failure is known by its ids when it comes again. */
  import(intakes: readonly ReceivedRequest[], only?: string): Awaitable<Imported | NotStored>
}

export function createTransfer(
  outbox: OutboxAtHand,
  dispatcher: Pick<Dispatcher, 'import' | 'indexAll'>,
  names: Pick<DestinationNames, 'idOf'>,
): Transfer {
  return {
    async exportPage(query) {
      await dispatcher.indexAll()
      // What cannot be indexed now is exported as it came.
      return outbox.scan(query)
    },
    async import(intakes, name) {
      await dispatcher.indexAll()
      return dispatcher.import(toAsked(intakes, name).map(intake => encodeRow(intake)))
    },
  }

  function toAsked(
    intakes: readonly ReceivedRequest[],
    name: string | undefined,
  ): readonly ReceivedRequest[] {
    if (name === undefined) return intakes
    const only = names.idOf(name)
    if (only === undefined) throw new Error(`No destination is named ${name}`)
    return intakes.map(intake => ({ ...intake, entries: intake.entries.map(entry => ({ ...entry, only })) }))
  }
}
