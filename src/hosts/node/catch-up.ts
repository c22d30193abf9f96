/**
 * Who asks wants to hear of all that was kept by then, and that must be sorted first. In a burst intakes go before those
 * who ask: they get what is sorted within a second.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { EVENTS_A_LARGE_TURN, EVENTS_A_TURN } from '../../outbox/sqlite/index-events.ts'
import type { OutboxStore } from '../../outbox/sqlite/outbox.ts'
import type { Crowd } from './crowd.ts'

/** How long one waits for it: while a burst is on, and when none is. */
export type Patience = { readonly burstMs: number; readonly calmMs: number }

/** Of who asks. Prometheus gives up after 10 s. */
const usual: Patience = { burstMs: 1_000, calmMs: 8_000 }
/** Of what must have everything that was kept. */
export const untilAll: Patience = { burstMs: 60_000, calmMs: Number.POSITIVE_INFINITY }

type Parts = {
  readonly outbox: Pick<OutboxStore, 'keptUpTo' | 'sortedUpTo'>
  /** Sorts about so many events; nothing when the outbox cannot be written. */
  readonly sort: (events: number) => void
  readonly crowd: Pick<Crowd, 'isBurst' | 'breath'>
  readonly now: () => number
}

/** Ends early when sorting does not go on. */
export type CatchUp = (patience?: Patience) => Promise<void>

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
    return outbox.sortedUpTo() > sortedUpTo
  }

  return async ({ burstMs, calmMs } = usual) => {
    const upTo = outbox.keptUpTo()
    // No clock that may be set back.
    const from = performance.now()
    const waits = () => performance.now() - from < (crowd.isBurst(now()) ? burstMs : calmMs)
    while (outbox.sortedUpTo() < upTo && waits()) {
      turn ??= sortTurn().finally(() => {
        turn = undefined
      })
      if (!(await turn)) return
    }
  }
}
