/**
 * The Worker, with shards that can be neglected: their alarm lost (`GET /test/lose-alarm`; `/test/alarm` tells when it is
 * armed, `/test/watch` runs the cron), or their store left behind by a newer version (`NEWER_STORE`). For one shard.
 */
import type { Env } from '../../src/hosts/workers/env.ts'
import { OutboxShard as SoundShard } from '../../src/hosts/workers/outbox-object.ts'
import worker from '../../src/hosts/workers/worker.ts'

export { NoticeClock } from '../../src/hosts/workers/notifier-object.ts'

const MORE_MIGRATIONS = 1_000

export class OutboxShard extends SoundShard {
  constructor(ctx: DurableObjectState, env: Env & { readonly NEWER_STORE?: string }) {
    if (env.NEWER_STORE) {
      ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY) STRICT')
      for (let id = 1; id <= MORE_MIGRATIONS; id++)
        ctx.storage.sql.exec('INSERT OR IGNORE INTO migrations (id) VALUES (?)', id)
    }
    super(ctx, env)
  }

  async loseAlarm(): Promise<void> {
    await this.ctx.storage.deleteAlarm()
  }

  async armedAt(): Promise<number | null> {
    return this.ctx.storage.getAlarm()
  }
}

export default {
  async fetch(request, env: Env, context) {
    const shard = env.OUTBOX.get(env.OUTBOX.idFromName('shard-0')) as unknown as OutboxShard
    switch (new URL(request.url).pathname) {
      case '/test/lose-alarm':
        await shard.loseAlarm()
        return Response.json({})
      case '/test/alarm':
        return Response.json({ at: await shard.armedAt() })
      case '/test/watch':
        await worker.scheduled({} as ScheduledController, env)
        return Response.json({})
      default:
        return worker.fetch(request, env, context)
    }
  },
  scheduled: worker.scheduled,
} satisfies ExportedHandler<Env>
