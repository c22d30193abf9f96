/**
 * The tries at the login, counted across isolates by the notice clock, the one object there is once. A try costs it a call
 * and a row, so each isolate holds back first what is too much by its own count: a flood of guesses must not keep the
 * clock from its notices.
 */
import { createTries, type Tries } from '../../http/tries.ts'
import { clockOf, type Env } from './env.ts'

export function createSharedTries(env: Env): Tries {
  const own = createTries(Date.now)
  return {
    take: async () => (await own.take()) || clockOf(env).takeTry(),
    async forget() {
      await own.forget()
      await clockOf(env).forgetTries()
    },
  }
}
