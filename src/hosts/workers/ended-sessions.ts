/**
 * Which sessions were logged out: the notice clock knows for all isolates. An isolate asks about a session once in some
 * seconds; of a logout that it served itself it knows at once. While the clock does not answer, that alone counts: an
 * operator must be able to use the page just then.
 */
import { createEndedSessions, type EndedSessions } from '../../http/auth/ended-sessions.ts'
import type { Env } from './env.ts'
import { clockOf } from './shards/stubs.ts'
import { within } from './within.ts'

const PATIENCE_MS = 2_000
const ASK_EVERY_MS = 5_000
const SESSIONS_KNOWN = 1_000

export function createSharedEndedSessions(env: Env): EndedSessions {
  const own = createEndedSessions(Date.now)
  /** When the clock last said that it has not ended. */
  const askedAt = new Map<string, number>()

  async function ask(session: { readonly id: string; readonly since: number }): Promise<boolean> {
    const isOver = await within(PATIENCE_MS, clockOf(env).sessionEnded(session)).catch(() => false)
    if (isOver) own.add(session)
    if (askedAt.size >= SESSIONS_KNOWN) askedAt.clear()
    askedAt.set(session.id, Date.now())
    return isOver
  }

  return {
    has(session) {
      if (own.has(session)) return true
      const isKnown = Math.abs(Date.now() - (askedAt.get(session.id) ?? 0)) < ASK_EVERY_MS
      return isKnown ? false : ask(session)
    },
    async add(session) {
      own.add(session)
      await clockOf(env).endSession(session)
    },
  }
}
