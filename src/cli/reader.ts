/**
 * The outbox of this machine for a command that only reads: through the bridge that runs on its folder, or from the file as it
 * is. Nothing is written, locked or repaired, so that a full, read-only or damaged disk still gives what it has.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../config.ts'
import { toMapping } from '../event/mapping.ts'
import { readOwner } from '../hosts/node/data-folder.ts'
import { type NodeSql, openReadOnly } from '../hosts/node/sqlite.ts'
import { createTransferApi } from '../http/transfer-routes.ts'
import { inspect } from '../outbox/sqlite/migrations.ts'
import { createScan } from '../outbox/sqlite/scan.ts'
import { isDamage } from '../outbox/sqlite-errors.ts'
import { isInUse } from './check/folder.ts'
import { type OutboxAccess, openOutbox } from './outbox-access.ts'
import { CliError } from './terminal.ts'

/** A command that streams has better use for its memory than pages the system keeps anyway. */
const CACHE_KIB = 4_096

/** Throws CliError. */
export async function openReader(settings: Settings): Promise<OutboxAccess> {
  const { DATA_DIR } = settings
  const file = join(DATA_DIR, 'outbox.db')
  const isServed = isInUse(DATA_DIR) && readOwner(DATA_DIR).url !== undefined
  if (!existsSync(file) || isServed) return openOutbox(settings)
  const sql = open(file)
  const { applied, known } = versionsOf(sql)
  if (applied !== known) {
    sql.close()
    // Tables of an older version lack columns until they are added, which takes the folder; a newer one is refused there.
    return openOutbox(settings)
  }
  sql.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
  const scanner = createScan(sql)
  const api = createTransferApi(
    {
      destinationNames: () => [],
      exportPage: async query => scanner.scan(query),
      import: async () => ({
        stored: false,
        reason: 'outbox_unwritable',
        detail: 'it is opened for reading only',
      }),
    },
    toMapping(settings),
  )
  return {
    name: `the outbox in ${DATA_DIR}`,
    request: async (path, init) => api.request(path, init),
    close: () => sql.close(),
  }
}

function open(file: string): NodeSql {
  try {
    return openReadOnly(file)
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new CliError(
      isDamage(error)
        ? `${file} cannot be read as a database (${cause}): keep a copy of the data folder, and take events out of it with sqlite3 .recover.`
        : `${file} cannot be opened (${cause}): copy outbox.db and outbox.db-wal to a disk with room, and set DATA_DIR to the copy.`,
    )
  }
}

function versionsOf(sql: NodeSql): ReturnType<typeof inspect> {
  try {
    return inspect(sql)
  } catch {
    // Damaged there: the rest is read for what it is worth.
    return { applied: 0, known: 0 }
  }
}
