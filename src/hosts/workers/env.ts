/** What the Worker is given: its Durable Objects, and every setting that applies here as a variable or a secret. */
import { type ReadSettings, readSettings } from '../../config.ts'
import type { NoticeClock } from './notifier-object.ts'
import type { OutboxShard } from './outbox-object.ts'

export type Env = {
  readonly OUTBOX: DurableObjectNamespace<OutboxShard>
  readonly NOTICE_CLOCK: DurableObjectNamespace<NoticeClock>
  /** The debugger page. */
  readonly ASSETS: Fetcher
}

export function readEnv(env: Env): ReadSettings {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries<unknown>(env)) if (typeof value === 'string') texts[name] = value
  return readSettings(texts, 'workers')
}

/** For the Durable Objects, which only a Worker with sound settings calls. */
export function settingsOf(env: Env): Extract<ReadSettings, { ok: true }>['settings'] {
  const read = readEnv(env)
  if (!read.ok) throw new Error(`Wrong settings: ${read.faults.map(({ name }) => name).join(', ')}`)
  return read.settings
}

/** There is one clock for all shards, so that four shards never tell four times. */
export const clockOf = (env: Env) => env.NOTICE_CLOCK.get(env.NOTICE_CLOCK.idFromName('clock'))
export const shardOf = (env: Env, index: number) => env.OUTBOX.get(env.OUTBOX.idFromName(`shard-${index}`))
/** The name under which the clock knows what fails before any shard. */
export const DOOR = 'door'
