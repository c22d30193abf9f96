/**
 * The tries at the login, counted across isolates by the notice clock, the one object there is once. A try costs it a call
 * and a row, so each isolate holds back first what is too much by its own count: a flood of guesses must not keep the
 * clock from its notices. While the clock does not answer, that own count alone holds guesses back: an operator must be able
 * to log in just then.
 */
import { createLoginRateLimit, type LoginRateLimit } from '../../http/auth/login-rate-limit.ts'
import type { Env } from './env.ts'
import { clockOf } from './shards/stubs.ts'
import { within } from './within.ts'

const PATIENCE_MS = 2_000

export function createSharedTries(env: Env): LoginRateLimit {
  const own = createLoginRateLimit(Date.now)
  return {
    take: async client =>
      own.take(client) || within(PATIENCE_MS, clockOf(env).takeTry(client)).catch(() => 0),
    async forget(client) {
      own.forget(client)
      await within(PATIENCE_MS, clockOf(env).forgetTries(client)).catch(() => undefined)
    },
  }
}
