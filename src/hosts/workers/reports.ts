/**
 * Failures at the webhook, on their way to the notice clock. What a stranger causes is counted in the isolate and reported at
 * most once a minute and reason; the first goes at once. A success costs the clock nothing.
 */

import { type Component, toComponent } from '../../alerts/component.ts'
import { createStateLog } from '../../alerts/state-log.ts'
import { type Failure, isForgeable, staysOpen } from '../../alerts/throttle.ts'
import type { Log } from '../../runtime.ts'

/** No timer runs in an isolate between requests: what is counted goes with the first one after that. */
const TOGETHER_MS = 60_000

export type WebhookReports = {
  report(failure: Failure): void
  /** A request was stored: it was signed, and the outbox can be written. */
  stored(): void
}

export function createWebhookReports(parts: {
  readonly failed: (failure: Failure) => void
  readonly recovered: (component: Component) => void
  readonly everyMs: number
  readonly log: Log
}): WebhookReports {
  const { failed, recovered, everyMs, log } = parts
  const changes = createStateLog(log)
  const gathered = new Map<Failure['reason'], { sentAt: number; count: number }>()
  /** The clock was told of a failure of the outbox, and of no success since. */
  let isOutboxOpen = false
  let verifiedAt = 0

  return {
    report(failure) {
      const { reason, at, count } = failure
      changes.failed(failure, isForgeable(reason) && at - verifiedAt < everyMs)
      const before = gathered.get(reason)
      if (before && Math.abs(at - before.sentAt) < TOGETHER_MS) {
        before.count += count
        return
      }
      gathered.set(reason, { sentAt: at, count: 0 })
      if (staysOpen(reason) && toComponent(reason) === 'outbox') isOutboxOpen = true
      failed({ ...failure, count: count + (before?.count ?? 0) })
    },
    stored() {
      verifiedAt = Date.now()
      changes.recovered('webhook', verifiedAt)
      changes.recovered('outbox', verifiedAt)
      if (!isOutboxOpen) return
      isOutboxOpen = false
      // So that the next failure is told at once.
      for (const reason of gathered.keys()) if (toComponent(reason) === 'outbox') gathered.delete(reason)
      recovered('outbox')
    },
  }
}
