/** Which events a change of state concerns: by their state, and whether they are held back. */
import { type State, waitReasons } from '../reasons.ts'

/** The state an event must be in for a change. `held`: pending, but for a reason of its own. */
export type From = State | 'held'

export function isAmong(event: { state: State; reason: string | null }, from: readonly From[]): boolean {
  return from.includes(event.state) || (isHeld(event) && from.includes('held'))
}

/** Whether it waits by itself: held back, or until a participant is known. */
export function isHeld({ state, reason }: { state: string; reason: string | null }): boolean {
  return state === 'pending' && reason !== null && Object.hasOwn(waitReasons, reason)
}
