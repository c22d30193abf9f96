/**
 * What keeps the outbox from being written, and what keeps it from being read: two faults with two remedies, told apart in
 * this one place. A full disk can still be read; a damaged file may still be written.
 */

import { toErrorText } from '../alerts/redact.ts'
import { isDamage, isReadFault, isWriteFault } from '../outbox/sqlite-errors.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import type { Log } from '../runtime.ts'

export type StorageReason = 'outbox_unwritable' | 'outbox_unreadable'

const verbs = { outbox_unwritable: 'written', outbox_unreadable: 'read' } as const

/** `during`: what was done, which decides where SQLite does not say more. */
export function classify(error: unknown, during: 'read' | 'write'): StorageReason {
  if (isDamage(error) || isReadFault(error)) return 'outbox_unreadable'
  return during === 'write' || isWriteFault(error) ? 'outbox_unwritable' : 'outbox_unreadable'
}

export type StorageFaults = {
  /** `undefined`: `work` went well. What to do if not is up to the caller. */
  attempt(during: 'read' | 'write', work: () => void): StorageReason | undefined
  /** Those that are open, each with what SQLite said last. */
  open(): readonly (readonly [StorageReason, string])[]
  mended(reason: StorageReason): void
  troubles(): { readonly reason: StorageReason; readonly text: string }[]
}

export function createStorageFaults(log: Log): StorageFaults {
  const faults = new Map<StorageReason, string>()
  return {
    attempt(during, work) {
      try {
        work()
        return undefined
      } catch (error) {
        const reason = classify(error, during)
        if (!faults.has(reason)) log.error({ err: error }, `the outbox cannot be ${verbs[reason]}`)
        faults.set(reason, toErrorText(error))
        return reason
      }
    },
    open: () => [...faults],
    mended: reason => void faults.delete(reason),
    troubles: () =>
      [...faults].map(([reason, text]) => ({
        reason,
        text: `the outbox cannot be ${verbs[reason]}: ${text}`,
      })),
  }
}

/** As much as a usual request, so that a probe does not pass where an intake would fail. */
const PROBE_BYTES = 64 * 1_024

/** Tries again what failed, and says whether it works. What cannot be sorted is a fault too, though all else could be done. */
export function probe(
  reason: StorageReason,
  faults: StorageFaults,
  outbox: OutboxAtHand,
  now: number,
): boolean {
  if (reason === 'outbox_unwritable') {
    const write = () => {
      outbox.remember('probe', 'x'.repeat(PROBE_BYTES))
      outbox.index(1)
    }
    return faults.attempt('write', write) === undefined
  }
  const read = () => {
    outbox.index(1)
    outbox.oldestPendingAt()
    for (const { destination } of outbox.figures().destinations)
      outbox.release(outbox.claim({ destination, limit: 1, characters: 1, now }))
  }
  return faults.attempt('read', read) === undefined
}
