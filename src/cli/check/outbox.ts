/** The outbox: of the bridge that runs here, or the file while none does. Nothing is changed. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import type { Settings } from '../../config.ts'
import { checkPages } from '../../hosts/node/damage.ts'
import { readOwner } from '../../hosts/node/data-folder.ts'
import { readMissing } from '../../hosts/node/side-files.ts'
import { type NodeSql, openReadOnly } from '../../hosts/node/sqlite.ts'
import { findUnreadable } from '../../outbox/sqlite/find-unreadable.ts'
import { inspect } from '../../outbox/sqlite/migrations.ts'
import { isDamage } from '../../outbox/sqlite-errors.ts'
import { reasons } from '../../reasons.ts'
import { ask, parse, toLocalOrigin } from '../admin-client.ts'
import { isInUse } from './folder.ts'
import { type Finding, note, ok, wrong } from './result.ts'

/** A large one would take minutes. */
const CHECKED_WITHIN_MS = 60_000
/** Of the requests that cannot be read. */
const NAMED = 5

const Ready = z.looseObject({ troubles: z.array(z.string()).default([]) })

export type LocalBridge = {
  readonly findings: readonly Finding[]
  /** Where it answers, when one runs on this data folder. */
  readonly origin: string | undefined
}

export async function checkOutbox(settings: Settings): Promise<LocalBridge> {
  const folder = settings.DATA_DIR
  const missing = findMissing(folder)
  if (!isInUse(folder))
    return { findings: [...missing, ...(await checkFile(join(folder, 'outbox.db')))], origin: undefined }
  const { pid, url } = readOwner(folder)
  const who = pid === undefined ? 'a process' : `process ${pid}`
  const origin = url ?? toLocalOrigin(settings)
  const ready = await ask(`${origin}/readyz`)
  if (!ready.ok) {
    const detail = `${who} has the data folder, but does not answer at ${origin} (${ready.cause})`
    return {
      findings: [wrong('bridge', detail, 'See its log; PORT and HOST here must match its settings.')],
      origin: undefined,
    }
  }
  if (ready.status === 200)
    return { findings: [...missing, ok('bridge', `${who} runs at ${origin} and accepts events`)], origin }
  const { troubles = [] } = Ready.safeParse(parse(ready.text)).data ?? {}
  const why = troubles.map(toText).join('; ') || `/readyz answers ${ready.status}`
  const remedy = troubles.includes('outbox_damaged') ? reasons.outbox_damaged.remedy : 'See docs/operate.md.'
  return { findings: [...missing, wrong('bridge', `${who} at ${origin}: ${why}`, remedy)], origin }
}

function toText(reason: string): string {
  const stop = Object.entries(reasons).find(([word]) => word === reason)?.[1]
  return stop ? `${reason}: ${stop.title}. ${stop.remedy}` : reason
}

/** Told until a person deletes the file that says it. */
function findMissing(folder: string): Finding[] {
  const missing = readMissing(join(folder, 'events-missing'))
  return missing ? [wrong('events', missing.text, reasons.events_missing.remedy)] : []
}

async function checkFile(file: string): Promise<Finding[]> {
  const idle = note('bridge', 'no bridge runs on this data folder', 'npx twilio-segment-bridge serve')
  if (!existsSync(file)) return [idle, note('outbox', 'does not exist yet: the first start creates it')]
  try {
    const sql = openReadOnly(file)
    try {
      return [idle, await judge(sql, file)]
    } finally {
      sql.close()
    }
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    return [
      idle,
      wrong(
        'outbox',
        `${file} cannot be opened (${cause})`,
        isDamage(error)
          ? reasons.outbox_damaged.remedy
          : 'Is this the right DATA_DIR? On a full or read-only disk copy outbox.db and outbox.db-wal elsewhere, and look there.',
      ),
    ]
  }
}

async function judge(sql: NodeSql, file: string): Promise<Finding> {
  const { applied, known } = inspect(sql)
  if (applied > known) {
    return wrong(
      'outbox',
      `was written by a newer version (migration ${applied}, this one knows ${known})`,
      'Start that version again.',
    )
  }
  const check = checkPages(file)
  const late = setTimeout(check.stop, CHECKED_WITHIN_MS)
  const verdict = await check.done.finally(() => clearTimeout(late))
  if (verdict.is === 'damaged')
    return wrong('outbox', `is damaged: ${verdict.detail}`, reasons.outbox_damaged.remedy)
  // Older tables have no checksums: the next start makes them, and finds what is damaged when it is claimed.
  const damaged = applied === known ? findUnreadable(sql) : []
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
  if (verdict.is === 'unknown')
    return note('outbox', `opens${behind}; not all of its pages could be checked (${verdict.detail})`)
  return ok('outbox', `opens${behind}`)
}
