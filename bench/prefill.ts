/** Fills a data folder through the outbox's own code, without waiting for the disk: what a bridge finds when it starts. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { EventVerdict, ReceivedRequest } from '../src/event/received-request.ts'
import { openSqlite } from '../src/hosts/node/sqlite.ts'
import { validate } from '../src/ingest/validate.ts'
import { encodeRow } from '../src/outbox/encode-row.ts'
import { createOutbox } from '../src/outbox/sqlite/outbox.ts'
import type { Sql } from '../src/outbox/sqlite/sql.ts'
import { messageStatus } from '../test/support/twilio.ts'

const EVENTS_A_BODY = 100
const BODIES_A_COMMIT = 100
const DAY_MS = 86_400_000

export type Filling = {
  readonly events: number
  /** `accepted`: long since delivered, still kept. */
  readonly state: 'pending' | 'accepted'
  tell?(done: number): void
}

/** Returns how many seconds it took. */
export async function prefill(dataDir: string, { events, state, tell }: Filling): Promise<number> {
  const start = performance.now()
  const sqlite = openSqlite(join(dataDir, 'outbox.db'))
  // As many pages as the indexes need: their rows come in no order.
  sqlite.exec('PRAGMA cache_size = -1048576')
  const sql: Sql = { ...sqlite, transaction: work => sqlite.transaction(work, 'relaxed') }
  const outbox = createOutbox(sql, { retentionMs: 7 * DAY_MS, dedupeMs: 3 * DAY_MS })
  const now = Date.now()
  const [entry] = [validate(messageStatus())]
  for (let done = 0; done < events; ) {
    const intakes: ReceivedRequest[] = []
    while (intakes.length < BODIES_A_COMMIT && done < events) {
      const count = Math.min(EVENTS_A_BODY, events - done)
      intakes.push(toIntake(count, entry, state, now))
      done += count
    }
    outbox.append(intakes.map(intake => encodeRow(intake)))
    while (outbox.index() > 0);
    tell?.(done)
    // Ctrl-C must be heard.
    await new Promise(resolve => setImmediate(resolve))
  }
  const stored = outbox.total(state)
  if (stored !== events) throw new Error(`the folder holds ${stored} ${state} events, not ${events}`)
  sqlite.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  sqlite.close()
  return (performance.now() - start) / 1_000
}

const template = JSON.stringify(messageStatus({ id: `EZ${'e'.repeat(32)}` }))

function toIntake(count: number, entry: EventVerdict, state: Filling['state'], now: number): ReceivedRequest {
  const settled = { state: 'accepted', reason: null, detail: null, settledAt: now } as const
  const ids = Array.from({ length: count }, () => `EZ${randomBytes(16).toString('hex')}`)
  const source = entry.identity?.source ?? ''
  return {
    body: `[${ids.map(id => template.replace(`EZ${'e'.repeat(32)}`, id)).join(',')}]`,
    encoding: 'text',
    receivedAt: now,
    entries: ids.map(id => ({
      ...entry,
      identity: { source, id },
      ...(state === 'accepted' && { carried: settled }),
    })),
  }
}
