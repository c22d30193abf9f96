/** What the Worker is given: its Durable Objects, and every setting that applies here as a variable or a secret. */
import { type ReadSettings, readSettings } from '../../config.ts'

export type Env = {
  readonly OUTBOX: DurableObjectNamespace
  readonly NOTICE_CLOCK: DurableObjectNamespace
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

/** `Methods`: what the caller asks of the object. Each caller says it, so that the objects' classes do not know each other. */
function objectAt<Methods>(namespace: DurableObjectNamespace, name: string): Methods {
  return namespace.get(namespace.idFromName(name)) as Methods
}
/** There is one for all shards, so that four shards never send four notices. */
export const clockAs = <Methods>(env: Env): Methods => objectAt(env.NOTICE_CLOCK, 'clock')
export const shardAs = <Methods>(env: Env, index: number): Methods => objectAt(env.OUTBOX, `shard-${index}`)
/** The name under which the notice clock keeps what fails before any shard; it is stored, so it stays. */
export const WEBHOOK = 'door'
