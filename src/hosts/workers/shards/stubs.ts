/** The way from the Worker to its Durable Objects, with all their methods. */
import { clockAs, type Env, shardAs } from '../env.ts'
import type { NoticeClock } from '../notifier-object.ts'
import type { OutboxShard } from '../outbox-object.ts'

export const clockOf = (env: Env) => clockAs<DurableObjectStub<NoticeClock>>(env)
export const shardOf = (env: Env, index: number) => shardAs<DurableObjectStub<OutboxShard>>(env, index)
