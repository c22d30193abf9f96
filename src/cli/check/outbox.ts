/** The outbox: of the bridge that runs here, or the file while none does. Nothing is changed. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import * as z from 'zod'
import type { Settings } from '../../config.ts'
import { zlib } from '../../hosts/node/compression.ts'
import { readOwner } from '../../hosts/node/folder.ts'
import { findUnreadable } from '../../outbox/find-unreadable.ts'
import { inspect } from '../../outbox/migrations.ts'
import type { SqlValue } from '../../outbox/sql.ts'
import { ask, parse, toLocalOrigin } from '../bridge-api.ts'
import { type Finding, note, ok, wrong } from '../finding.ts'
import { isInUse } from './folder.ts'

/** Of the requests that cannot be read. */
const NAMED = 5
/** Larger ones would take minutes. */
const VERIFIED_BYTES = 256 * 1_048_576

const Ready = z.looseObject({ troubles: z.array(z.string()).default([]) })

export type LocalBridge = {
  readonly findings: readonly Finding[]
  /** Where it answers, when one runs on this data folder. */
  readonly origin: string | undefined
}

export async function checkOutbox(settings: Settings): Promise<LocalBridge> {
  const folder = settings.DATA_DIR
  if (!isInUse(folder)) return { findings: checkFile(join(folder, 'outbox.db')), origin: undefined }
  const { pid, url } = readOwner(folder)
  const who = pid === undefined ? 'a process' : `process ${pid}`
  const origin = url ?? toLocalOrigin(settings)
  const ready = await ask(`${origin}/readyz`)
  if (!ready.ok) {
    const detail = `${who} has the data folder, but does not answer at ${origin} (${ready.cause})`
    return {
      findings: [wrong('bridge', detail, 'Look at its log; PORT and HOST here should be as it has them.')],
      origin: undefined,
    }
  }
  if (ready.status === 200)
    return { findings: [ok('bridge', `${who} runs at ${origin} and takes events`)], origin }
  const troubles =
    Ready.safeParse(parse(ready.text)).data?.troubles.join('; ') || `/readyz answers ${ready.status}`
  return {
    findings: [wrong('bridge', `${who} at ${origin}: ${troubles}`, 'See README, "At 3 a.m.".')],
    origin,
  }
}

function checkFile(file: string): Finding[] {
  const idle = note('bridge', 'none runs on this data folder', 'npm start')
  if (!existsSync(file)) return [idle, note('outbox', 'is not there yet: the first start makes it')]
  try {
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      return [idle, judge(database, file)]
    } finally {
      database.close()
    }
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    return [
      idle,
      wrong(
        'outbox',
        `${file} cannot be opened (${cause})`,
        'Is this the right DATA_DIR? If it is damaged, keep a copy, and take events out of that with sqlite3 .recover.',
      ),
    ]
  }
}

function judge(database: DatabaseSync, file: string): Finding {
  const sql = {
    all: <Row>(query: string, ...values: SqlValue[]) => database.prepare(query).all(...values) as Row[],
  }
  const { applied, known } = inspect(sql)
  if (applied > known) {
    return wrong(
      'outbox',
      `was written by a newer version (migration ${applied}, this one knows ${known})`,
      'Start that version again.',
    )
  }
  if (statSync(file).size <= VERIFIED_BYTES) {
    const [result] = database.prepare('PRAGMA quick_check(1)').all()
    const said = Object.values(result ?? {})[0]
    if (said !== 'ok')
      return wrong(
        'outbox',
        `is damaged: ${said}`,
        'Keep a copy, then take events out of it with sqlite3 .recover.',
      )
  }
  // Older tables have no checksums: the next start makes them, and finds what is damaged when it is claimed.
  const damaged = applied === known ? findUnreadable({ ...sql, compression: zlib }) : []
  if (damaged.length > 0) {
    const named = damaged.slice(0, NAMED).map(({ request, cause }) => `request ${request}: ${cause}`)
    const more = damaged.length > NAMED ? ` and ${damaged.length - NAMED} more` : ''
    return wrong(
      'outbox',
      `${damaged.length} of its open requests cannot be read (${named.join('; ')}${more})`,
      'Keep a copy of the data folder and check the disk. The bridge goes on without them: their events become dead letters, rejected as unreadable.',
    )
  }
  const behind = applied < known ? `; the next start brings it from migration ${applied} to ${known}` : ''
  return ok('outbox', `opens${behind}`)
}
