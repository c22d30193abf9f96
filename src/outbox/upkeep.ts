/** What an outbox has done now and then, by the clock. */
import type { OutboxAtHand } from './store.ts'

/** Turns that may follow each other, each of some milliseconds. */
const TURNS = 20
const EVERY_MS = 60_000

/** To be called about once a second; prunes once a minute, and goes on with the next call while there is more. `always`: each time. */
export function createPruneTurns(
  { prune }: Pick<OutboxAtHand, 'prune'>,
  always: boolean,
): (now: number) => void {
  let dueAt = 0
  return now => {
    // Too far ahead: a clock that was wrong has been set back.
    const isDue = now >= dueAt || now + EVERY_MS < dueAt
    if (!isDue) return
    let more = true
    for (let turns = 0; more && turns < TURNS; turns++) more = prune(now)
    dueAt = more || always ? 0 : now + EVERY_MS
  }
}
