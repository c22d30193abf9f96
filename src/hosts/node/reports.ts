/** Failures at the door, on their way to the outbox's thread: a stranger's knocks must not cost a write there each. */
import type { Failure } from '../../alerts/throttle.ts'

/** Within this time the failures of one reason travel as one; the first goes at once. */
const TOGETHER_MS = 1_000

export type Reports = {
  report(failure: Failure): void
  /** Sends what is gathered. */
  flush(): void
}

export function gatherReports(send: (failure: Failure) => void): Reports {
  /** By reason: what came since the last one was sent. */
  const gathered = new Map<Failure['reason'], Failure | undefined>()

  function open(failure: Failure): void {
    send(failure)
    gathered.set(failure.reason, undefined)
    setTimeout(() => close(failure.reason), TOGETHER_MS).unref()
  }

  function close(reason: Failure['reason']): void {
    const failure = gathered.get(reason)
    gathered.delete(reason)
    if (failure) open(failure)
  }

  return {
    report(failure) {
      const { reason, count } = failure
      if (!gathered.has(reason)) open(failure)
      else gathered.set(reason, { ...failure, count: (gathered.get(reason)?.count ?? 0) + count })
    },
    flush() {
      for (const failure of gathered.values()) if (failure) send(failure)
      gathered.clear()
    },
  }
}
