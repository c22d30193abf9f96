/** The Worker, counting what Cloudflare bills: rows written, calls and rings of its shard. For `npm run bench` only. */

import type { Stored } from '../src/event/received-request.ts'
import type { Env } from '../src/hosts/workers/env.ts'
import { OutboxShard as SoundShard } from '../src/hosts/workers/outbox-object.ts'
import worker from '../src/hosts/workers/worker.ts'
import type { RequestRow } from '../src/outbox/request-row.ts'

export { NoticeClock } from '../src/hosts/workers/notifier-object.ts'

export type Counted = { readonly rowsWritten: number; readonly puts: number; readonly rings: number }

export class OutboxShard extends SoundShard {
  #puts = 0
  #rings = 0
  readonly #rows: { written: number }

  constructor(ctx: DurableObjectState, env: Env) {
    // Before the shard opens its outbox, or the first statements would go by uncounted.
    const rows = countRows(ctx.storage)
    super(ctx, env)
    this.#rows = rows
  }

  override async put(parcel: RequestRow): Promise<Stored> {
    this.#puts += 1
    return super.put(parcel)
  }

  override async alarm(): Promise<void> {
    this.#rings += 1
    return super.alarm()
  }

  counted(): Counted {
    return { rowsWritten: this.#rows.written, puts: this.#puts, rings: this.#rings }
  }
}

function countRows(storage: DurableObjectStorage): { written: number } {
  const rows = { written: 0 }
  const exec = storage.sql.exec.bind(storage.sql)
  const setAlarm = storage.setAlarm.bind(storage)
  const counting = (query: string, ...values: unknown[]) => {
    const cursor = exec(query, ...values)
    const found = cursor.toArray()
    rows.written += cursor.rowsWritten
    return { toArray: () => found }
  }
  Object.defineProperty(storage.sql, 'exec', { value: counting })
  const arming = (at: number) => {
    rows.written += 1
    return setAlarm(at)
  }
  Object.defineProperty(storage, 'setAlarm', { value: arming })
  return rows
}

type CountingEnv = Omit<Env, 'OUTBOX'> & { readonly OUTBOX: DurableObjectNamespace<OutboxShard> }

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== '/counted') return worker.fetch(request, env, context)
    const shard = env.OUTBOX.get(env.OUTBOX.idFromName('shard-0'))
    return Response.json(await shard.counted())
  },
} satisfies ExportedHandler<CountingEnv>
