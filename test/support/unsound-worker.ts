/**
 * The Worker, with a notice clock that can be out of order (`CLOCK_FAULT`), shards that a newer version has written
 * (`SHARD_FAULT`; or one of them, or one that fails), and an account of the rows that all its objects write, as Cloudflare bills them: `GET /test/rows`.
 */

import type { Env } from '../../src/hosts/workers/env.ts'
import { NoticeClock as SoundClock } from '../../src/hosts/workers/notifier-object.ts'
import { OutboxShard as SoundShard } from '../../src/hosts/workers/outbox-object.ts'
import worker from '../../src/hosts/workers/worker.ts'

type Fault = {
  readonly CLOCK_FAULT?: 'throws' | 'hangs' | 'damaged'
  readonly SHARD_FAULT?: 'newer' | 'one newer' | 'one fails'
}

/** Of all objects: they share the isolate. */
const rows = { clock: 0, shards: 0 }

/** To be called before the object opens its storage, or the first statements would go by uncounted. */
function countRows(storage: DurableObjectStorage, of: keyof typeof rows): void {
  const exec = storage.sql.exec.bind(storage.sql)
  const setAlarm = storage.setAlarm.bind(storage)
  const counting = (query: string, ...values: unknown[]) => {
    const cursor = exec(query, ...values)
    const found = cursor.toArray()
    rows[of] += cursor.rowsWritten
    return { toArray: () => found }
  }
  Object.defineProperty(storage.sql, 'exec', { value: counting })
  const arming = (at: number) => {
    rows[of] += 1
    return setAlarm(at)
  }
  Object.defineProperty(storage, 'setAlarm', { value: arming })
}

export class OutboxShard extends SoundShard {
  constructor(ctx: DurableObjectState, env: Env & Fault) {
    countRows(ctx.storage, 'shards')
    if (env.SHARD_FAULT === 'newer' && hasTable(ctx.storage.sql, 'migrations'))
      ctx.storage.sql.exec('INSERT OR IGNORE INTO migrations (id) VALUES (99)')
    if (ctx.id.equals(env.OUTBOX.idFromName('shard-1'))) spoil(ctx.storage.sql, env.SHARD_FAULT)
    super(ctx, env)
  }
}

export class NoticeClock extends SoundClock {
  readonly #fault: Fault['CLOCK_FAULT']

  constructor(ctx: DurableObjectState, env: Env & Fault) {
    countRows(ctx.storage, 'clock')
    if (env.CLOCK_FAULT === 'damaged') damage(ctx.storage.sql)
    super(ctx, env)
    this.#fault = env.CLOCK_FAULT
  }

  async #answer<Answer>(answer: () => Promise<Answer>): Promise<Answer> {
    if (this.#fault === 'hangs') await new Promise(() => undefined)
    if (this.#fault === 'throws') throw new Error('Durable Object is overloaded.')
    return answer()
  }

  override failed(...args: Parameters<SoundClock['failed']>): Promise<void> {
    return this.#answer(() => super.failed(...args))
  }

  override recovered(...args: Parameters<SoundClock['recovered']>): Promise<void> {
    return this.#answer(() => super.recovered(...args))
  }

  override standing(): ReturnType<SoundClock['standing']> {
    return this.#answer(() => super.standing())
  }

  override notices(limit: number): Promise<unknown[]> {
    return this.#answer(() => super.notices(limit))
  }

  override shards(count: number): ReturnType<SoundClock['shards']> {
    return this.#answer(() => super.shards(count))
  }

  override takeTry(client: string): Promise<number> {
    return this.#answer(() => super.takeTry(client))
  }

  override forgetTries(client: string): Promise<void> {
    return this.#answer(() => super.forgetTries(client))
  }

  override sessionEnded(...args: Parameters<SoundClock['sessionEnded']>): Promise<boolean> {
    return this.#answer(() => super.sessionEnded(...args))
  }

  override endSession(...args: Parameters<SoundClock['endSession']>): Promise<void> {
    return this.#answer(() => super.endSession(...args))
  }
}

function hasTable(sql: SqlStorage, name: string): boolean {
  return sql.exec('SELECT 1 FROM sqlite_master WHERE name = ?', name).toArray().length > 0
}

function spoil(sql: SqlStorage, fault: Fault['SHARD_FAULT']): void {
  if (fault === 'one fails') throw new Error('Durable Object storage operation exceeded timeout.')
  if (fault !== 'one newer') return
  sql.exec('CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY) STRICT')
  for (let id = 1; id <= 100; id++) sql.exec('INSERT OR IGNORE INTO migrations (id) VALUES (?)', id)
}

/** What it kept cannot be parsed any more. */
function damage(sql: SqlStorage): void {
  if (!hasTable(sql, 'memory')) return
  sql.exec(`UPDATE memory SET value = '{"broken' WHERE name NOT LIKE '%.damaged'`)
}

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== '/test/rows') return worker.fetch(request, env, context)
    return Response.json(rows)
  },
  scheduled: worker.scheduled,
} satisfies ExportedHandler<Env>
