/** The outbox's rules over a Durable Object's SQLite, inside workerd: the very suite that runs on node:sqlite. */
// @module-tag long
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { test } from 'vitest'
import { createSql, type ObjectStorage } from '../../../../src/hosts/workers/sqlite.ts'
import { registerOutboxContract } from '../../../support/outbox-contract.ts'
import { play, prunings, steps } from '../../../support/outbox-steps.ts'

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
    return body()
  })
})

test("[OB22] [DQ4] after any sequence of steps the outbox on a Durable Object's SQLite is what the model says", async () => {
  await fc.assert(
    fc.asyncProperty(prunings, steps, (pruning, steps) => {
      const object = env.BLANK.get(env.BLANK.newUniqueId())
      return runInDurableObject(object, (_, { storage }) => {
        const reopen = () => createSql(storage)
        play({ sql: reopen(), reopen, close: () => undefined }, pruning, steps)
      })
    }),
    { numRuns: 100 },
  )
})
