/** Whether a destination is stopped by a person, by its file, or by a change that nobody has confirmed. */
import type { OutboxAtHand } from '../outbox/store.ts'
import type { PauseReason } from '../reasons.ts'
import type { OpenDestination } from './destination.ts'

export type Pause = {
  /** Why nothing is delivered; undefined: nothing stops it. */
  reason(): PauseReason | undefined
  /** A sentence more on it, for people with the admin token. */
  text(): string | undefined
  /** What a person decides is kept, and wins over the file from then on. Throws what the store throws. */
  set(isPaused: boolean): void
  /** False: there is nothing to confirm by that hash. */
  confirm(hash: string): boolean
}

export function createPause(
  { id, isPaused, unconfirmed }: OpenDestination,
  store: Pick<OutboxAtHand, 'remember' | 'recall'>,
): Pause {
  const memory = `paused:${id}`
  const kept = store.recall(memory)
  // A damaged value counts as none: the file says what it says.
  let isStopped = kept === 'yes' || (isPaused === true && kept !== 'no')
  let waiting = unconfirmed
  return {
    reason: () => (waiting ? 'change_unconfirmed' : isStopped ? 'paused_by_operator' : undefined),
    text: () => waiting?.text,
    set(isPausedNow) {
      store.remember(memory, isPausedNow ? 'yes' : 'no')
      isStopped = isPausedNow
    },
    confirm(hash) {
      if (waiting?.hash !== hash) return false
      waiting.confirm()
      waiting = undefined
      return true
    },
  }
}
