/** The way from the Worker to its Durable Objects, with all their methods. */
import type { Admin } from '../../../admin/admin.ts'
import { clockAs, type Env, shardAs } from '../env.ts'
import type { NoticeClock } from '../notifier-object.ts'
import type { OutboxShard } from '../outbox-object.ts'

export const clockOf = (env: Env) => clockAs<DurableObjectStub<NoticeClock>>(env)
export const shardOf = (env: Env, index: number) => shardAs<DurableObjectStub<OutboxShard>>(env, index)

type Answer<Name extends keyof Admin> = Awaited<ReturnType<Admin[Name]>>

/** Asks the admin of one shard, each of its methods by RPC. */
export type AskShard = <Name extends keyof Admin>(
  name: Name,
  ...args: Parameters<Admin[Name]>
) => Promise<Answer<Name>>

/** A stub for each question: one that failed is of no more use. */
export function adminOf(env: Env, index: number): AskShard {
  return <Name extends keyof Admin>(name: Name, ...args: Parameters<Admin[Name]>) => {
    const answer: Promise<unknown> = shardOf(env, index).ask(name, args)
    return answer as Promise<Answer<Name>>
  }
}
