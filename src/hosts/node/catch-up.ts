/**
 * Who asks wants to hear of all that was kept by then, and that must be sorted first. In a burst intakes go before those
 * who ask: they get what is sorted within a second.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { OutboxStore } from '../../outbox/outbox.ts'
import { EVENTS_A_LARGE_TURN, EVENTS_A_TURN } from '../../outbox/sort.ts'
import type { Crowd } from './crowd.ts'

/** How long a question waits in a burst. */
const PATIENCE_MS = 1_000

type Parts = {
  readonly outbox: Pick<OutboxStore, 'keptUpTo' | 'sortedUpTo'>
  /** Sorts about so many events; nothing when the outbox cannot be written. */
  readonly sort: (events: number) => void
  readonly crowd: Pick<Crowd, 'isBurst' | 'breath'>
  readonly now: () => number
}

/** `patienceMs`: for so long even in a burst. Ends early when sorting does not go on. */
export type CatchUp = (patienceMs?: number) => Promise<void>

export function createCatchUp({ outbox, sort, crowd, now }: Parts): CatchUp {
  /** One for all who ask, or each of them would take the share of intakes once more. */
  let turn: Promise<boolean> | undefined

  /** False when nothing could be sorted. */
  async function sortTurn(): Promise<boolean> {
    const sortedUpTo = outbox.sortedUpTo()
    const from = performance.now()
    sort(crowd.isBurst(now()) ? EVENTS_A_TURN : EVENTS_A_LARGE_TURN)
    const pauseMs = crowd.breath(performance.now() - from, now())
    await (pauseMs > 0 ? sleep(pauseMs) : nextTurn())
    turn = undefined
    return outbox.sortedUpTo() > sortedUpTo
  }

  return async (patienceMs = PATIENCE_MS) => {
    const upTo = outbox.keptUpTo()
    // No clock that may be set back.
    const until = performance.now() + patienceMs
    while (outbox.sortedUpTo() < upTo && (performance.now() < until || !crowd.isBurst(now()))) {
      turn ??= sortTurn()
      if (!(await turn)) return
    }
  }
}
