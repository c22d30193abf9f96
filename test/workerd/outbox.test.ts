/** The outbox's rules over a Durable Object's SQLite, inside workerd: the very suite that runs on node:sqlite. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { createSql, type ObjectStorage } from '../../src/hosts/workers/sqlite.ts'
import { registerOutboxContract } from '../support/outbox-contract.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      BLANK: DurableObjectNamespace
    }
  }
}

/** Of the object that the rule runs in: its database can be reached from nowhere else. */
let storage: ObjectStorage | undefined

function openSql() {
  const within = storage
  if (!within) throw new Error('Only inside of an object')
  return { sql: createSql(within), reopen: () => createSql(within), close: () => undefined }
}

registerOutboxContract("a Durable Object's SQLite", openSql, async body => {
  const object = env.BLANK.get(env.BLANK.newUniqueId())
  await runInDurableObject(object, (_, state) => {
    storage = state.storage
    body()
  })
})
