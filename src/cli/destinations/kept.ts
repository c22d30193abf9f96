/** What the outbox of this machine knows of its destinations, read without taking it from the bridge that may run on it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openReadOnly } from '../../hosts/node/sqlite.ts'
import type { KeptDestination } from '../../outbox/deliveries.ts'
import { parseJson } from '../../outbox/kept-state.ts'
import { createDestinationList } from '../../outbox/sqlite/destinations.ts'
import { recall } from '../../outbox/sqlite/statements.ts'
import { Applied } from '../../send/destination-changes.ts'
import { APPLIED } from '../../send/open-destinations.ts'

export type Known = {
  readonly destinations: readonly KeptDestination[]
  /** What the file said when it was last applied. */
  readonly applied: Applied | undefined
}

const nothing: Known = { destinations: [], applied: undefined }

/** Nothing where there is no outbox, or one that cannot be read: then all destinations are new. */
export function readKnown(folder: string): Known {
  const file = join(folder, 'outbox.db')
  if (!existsSync(file)) return nothing
  try {
    const sql = openReadOnly(file)
    try {
      const [kept] = sql.all<{ value: string }>(recall, APPLIED)
      const applied = Applied.safeParse(parseJson(kept?.value ?? '')).data
      return { destinations: createDestinationList(sql).destinations(), applied }
    } finally {
      sql.close()
    }
  } catch {
    return nothing
  }
}
