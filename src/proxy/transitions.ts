/**
 * What became of a session, read off what it is now and what was known of it: nothing tells of its changes, so it has to be looked
 * at. Pure.
 */
import { toMs } from './dates.ts'
import type { Session } from './resources.ts'

/** `at`: when it happened, ms since 1970. */
export type Transition = {
  readonly name: 'opened' | 'in-progress' | 'closed' | 'failed' | 'reopened'
  readonly at: number | undefined
}

/** What is remembered of a session between two looks at it. */
export type Life = {
  readonly closedAt?: number | undefined
  readonly reopenedAt?: number | undefined
}

/** All that is known of it, in order; and what to remember. */
export function toTransitions(
  session: Session,
  before: Life,
  now: number,
  defaultTtlSeconds = 0,
): { readonly transitions: readonly Transition[]; readonly life: Life } {
  const { status } = session
  const updated = toMs(session.date_updated)
  const started = toMs(session.date_started)
  const transitions: Transition[] = [{ name: 'opened', at: toMs(session.date_created) }]
  if (started !== undefined) transitions.push({ name: 'in-progress', at: started })

  const isActive = status !== 'closed' && status !== 'failed'
  const isReopened = isActive && before.closedAt !== undefined && (updated ?? 0) > before.closedAt
  const reopenedAt = isReopened ? updated : before.reopenedAt
  if (reopenedAt !== undefined) transitions.push({ name: 'reopened', at: reopenedAt })

  const expiredAt = toExpiry(session, reopenedAt, defaultTtlSeconds)
  const isExpired = expiredAt !== undefined && expiredAt <= now
  // Changed after it should have expired, and open all the same: it lives.
  const isOver = isExpired && !((updated ?? 0) > expiredAt)
  if (isActive && !isOver) return { transitions, life: { reopenedAt } }
  const endedAt = isActive ? undefined : (toMs(session.date_ended) ?? updated)
  // Twilio may close an expired session much later: both are one end.
  const closedAt = status !== 'failed' && isExpired ? Math.min(expiredAt, endedAt ?? expiredAt) : endedAt
  transitions.push({ name: status === 'failed' ? 'failed' : 'closed', at: closedAt })
  return { transitions, life: { closedAt: closedAt ?? now, reopenedAt } }
}

/** `date_expiry` overrides the ttl, which counts from the creation, the last interaction, or a reopening. */
function toExpiry(
  session: Session,
  reopenedAt: number | undefined,
  defaultTtlSeconds: number,
): number | undefined {
  const expiry = toMs(session.date_expiry)
  if (expiry !== undefined) return expiry > (reopenedAt ?? 0) ? expiry : undefined
  const ttl = session.ttl || defaultTtlSeconds
  const last = toMs(session.date_last_interaction) ?? toMs(session.date_created)
  if (ttl <= 0 || last === undefined) return undefined
  return Math.max(last, reopenedAt ?? 0) + ttl * 1_000
}
