/**
 * Claimed events → dispatched → settled, one batch a call; and what each outcome means for the next one
 * (circuit-breaker.ts decides). Several lanes may be at it at once.
 */

import { toErrorText } from '../alerts/redact.ts'
import type { Failure } from '../alerts/throttle.ts'
import type { Leased, OutboxAtHand, Settlement } from '../outbox/store.ts'
import type { Log } from '../runtime.ts'
import { type Dispatched, type DispatchPorts, deliverBatch, type LineFailure, type Work } from './batch.ts'
import {
  afterFailure,
  afterLateFailure,
  afterSuccess,
  LONGEST_HOLD_MS,
  REFUSALS_BELIEVED,
  type Try,
  toHoldMs,
  toNextTry,
  toProbe,
  toWaitInForce,
} from './circuit-breaker.ts'
import { toCollectWait } from './collect.ts'
import { failed } from './destination.ts'
import { type IndexBudget, indexTurn } from './index-budget.ts'
import type { RateLimiter } from './rate-limiter.ts'
import { type Line, lineName, openLine, restoreLine, toRest } from './retry.ts'

export type NextBatchParts = Omit<DispatchPorts, 'hold'> & {
  /** The destination's, in the store. */
  readonly id: number
  readonly rate: RateLimiter
  /** While it is, nothing is claimed. */
  readonly isPaused: () => boolean
  readonly outbox: OutboxAtHand
  readonly budget: IndexBudget
  readonly log: Log
  readonly random: () => number
  readonly resume?: boolean | undefined
  /** False when the outbox cannot be written, or read, now. */
  readonly write: (work: () => void) => boolean
  readonly read: (work: () => void) => boolean
  readonly tellOfFaults: () => void
  readonly notifier: {
    failed(failures: readonly Failure[]): void
    recovered(): void
  }
}

export type NextBatch = {
  deliverNextBatch(): Promise<number | undefined>
  deliverNow(): void
  line(): Line
}

/** Half of what a request may hold: the SDK makes some hundred objects of each event, and two lanes hold theirs at once. */
const CLAIM_EVENTS = 250
/** How soon a failed write to the outbox is tried again. */
const MEND_MS = 1_000

/** `held`: one event that was held back. */
type Claimed = { readonly as: Try | 'held'; readonly work: Work }
type Unsettled = Pick<Dispatched, 'settlements' | 'tried'> & { readonly leased: readonly Leased[] }

export function createNextBatch(parts: NextBatchParts): NextBatch {
  const { id, destination, rate, isPaused, outbox, budget, now, write, read, notifier } = parts
  const lineMemory = lineName(id)
  const { limits, taken, collectMs = 0 } = destination
  let line: Line = parts.resume ? restoreLine(outbox.recall(lineMemory)) : openLine
  /** A lane tries the line that failed; the others wait for what it finds. */
  let isTrying = false
  let wasHeld = false
  /** When a person last asked to deliver what is gathered. */
  let askedAt: number | undefined
  let underWay = 0
  let refusedInARow = 0
  /** The last probe, and how far was indexed when the newest event was the probe. */
  let probed: Leased | undefined
  let probedUpTo: string | undefined
  let wasNewest = false
  /** Begun in an earlier call, and still under lease. */
  const begun: Claimed[] = []
  const unsettled: Unsettled[] = []

  const isDelivered = ({ state, reason }: Settlement) => state === taken.state && reason === taken.reason
  const ports: DispatchPorts = {
    ...parts,
    hold: ({ holds = 0 }) => ({ until: now() + toHoldMs(holds, parts.random()), times: holds + 1 }),
  }

  async function deliverNextBatch(): Promise<number | undefined> {
    for (const batch of unsettled.splice(0)) settle(batch)
    if (unsettled.length > 0) return now() + MEND_MS
    let indexAt: number | undefined
    if (!write(() => (indexAt = indexTurn(outbox, budget, now())))) return now() + MEND_MS
    if (isPaused()) return indexAt
    const rest = toRest(line, now())
    if (rest > 0) return earliest(indexAt, now() + rest)
    if (line.failures > 0 && isTrying) return indexAt
    if (parts.maySend && !parts.maySend()) return now()
    let claimed: ReturnType<typeof claim>
    if (!read(() => (claimed = claim()))) return now() + MEND_MS
    if (typeof claimed !== 'object') return earliest(indexAt, claimed)
    await deliver(claimed)
    return now()
  }

  /** What goes next, or when to come back; `undefined`: nothing is due. */
  function claim(): Claimed | number | undefined {
    if (line.failures > 0 && nothingWaits()) reopen()
    const as = toNextTry(line, now())
    if (as !== 'probe') {
      const resumed = begun.shift()
      if (resumed) return resumed
    }
    const ordinary = () =>
      as === 'probe'
        ? take(as, 1, () =>
            outbox.claimNewest({ destination: id, share: nextProbe(), except: probed, now: now() }),
          )
        : takeBatch(as)
    const held = () =>
      take('held', 1, () =>
        outbox.claimHeld({ destination: id, now: now(), latest: now() + LONGEST_HOLD_MS }),
      )
    // They take turns, so that neither waits for the other. A line that fails is tried with what waits in it.
    const turns = line.failures > 0 || wasHeld ? [ordinary, held] : [held, ordinary]
    let comeBackAt: number | undefined
    for (const turn of turns) {
      const claimed = turn()
      if (typeof claimed === 'object') return claimed
      comeBackAt ??= claimed
    }
    const nextHeldAt = outbox.nextHeldAt(id)
    // A clock set back must not hold an event back for longer than it would be anyway.
    const heldAt = nextHeldAt === undefined ? undefined : Math.min(nextHeldAt, now() + LONGEST_HOLD_MS)
    return earliest(comeBackAt, heldAt)
  }

  /** Nothing but what is held back; what another lane has under way waits, too. */
  function nothingWaits(): boolean {
    const { destinations, isIndexed } = outbox.figures()
    const ours = destinations.find(({ destination }) => destination === id)
    return ours?.pending === ours?.held && isIndexed
  }

  /** A failure keeps nothing from being delivered any more, and there is nothing to find out with whether it is over. */
  function reopen(): void {
    line = openLine
    keepLine()
    notifier.recovered()
  }

  /** One that has come since goes first; but not twice in a row, for all that come may be culprits. */
  function nextProbe(): number {
    const { cursor } = outbox.figures()
    const isNewer = cursor !== probedUpTo && !wasNewest
    const share = isNewer ? 0 : toProbe(line)
    wasNewest = share === 0
    if (wasNewest) probedUpTo = cursor
    return share
  }

  function takeBatch(as: Try): Claimed | number | undefined {
    const most = collectMs > 0 ? limits.batchEvents : CLAIM_EVENTS
    // One at a time: another lane would find a few that came meanwhile, and make a file of them.
    if (collectMs > 0 && underWay > 0) return undefined
    const wanted = outbox.claimable(Math.min(most, rate.most), id)
    if (wanted === 0) return undefined
    if (collectMs > 0 && line.failures === 0) {
      const oldestAt = outbox.oldestPendingAt(id)
      const gathering = { collectMs, batchEvents: limits.batchEvents, waiting: wanted, oldestAt, askedAt }
      const wait = toCollectWait(gathering, now())
      if (wait > 0) return now() + wait
    }
    return take(as, wanted, () =>
      outbox.claim({ destination: id, limit: wanted, characters: limits.batchBytes * 2, now: now() }),
    )
  }

  function take(as: Claimed['as'], wanted: number, lease: () => Leased[]): Claimed | number | undefined {
    const wait = rate.take(wanted, now())
    if (wait > 0) return now() + wait
    let leased: Leased[] = []
    try {
      leased = lease()
    } finally {
      rate.giveBack(wanted - leased.length)
    }
    if (leased.length === 0) return undefined
    const isLone = as === 'held' || (as === 'batch' && leased.length === 1)
    const isProven = as === 'isolate' || (isLone && refusedInARow < REFUSALS_BELIEVED)
    const isolates = as === 'isolate' || as === 'held'
    return { as, work: { groups: [leased], isolates, isProven } }
  }

  async function deliver({ as, work }: Claimed): Promise<void> {
    const leased = work.groups.flat()
    const before = line
    const isFirstAfterFailure = line.failures > 0
    if (isFirstAfterFailure) isTrying = true
    wasHeld = as === 'held'
    if (as === 'probe') probed = leased[0]
    underWay += 1
    const { settlements, failure, tried, rest } = await deliverBatch(work, ports).catch(
      blameOurselves(leased),
    )
    underWay -= 1
    if (isFirstAfterFailure) isTrying = false
    const kept = new Set(rest?.groups.flat())
    if (rest) begun.push({ as, work: rest })
    settle({ leased: leased.filter(event => !kept.has(event)), settlements, tried })
    const refused = settlements.filter(({ reason }) => reason === 'segment_refused').length
    const hasDelivered = settlements.some(isDelivered)
    refusedInARow = hasDelivered ? 0 : refusedInARow + refused
    if (failure) fail(failure, as, before)
    // What another lane has learned meanwhile, such as a wait it was told, is newer.
    else if (hasDelivered && line === before) succeed(as, refused + settlements.filter(isHold).length > 0)
  }

  /** A bug of ours: the events stay pending, and the line backs off like for any other failure. */
  function blameOurselves(events: readonly Leased[]): (error: unknown) => Dispatched {
    return error => {
      parts.log.error({ err: error }, 'batch delivery threw')
      const failure = { ...failed('bridge_fault', undefined, toErrorText(error)), events }
      return { settlements: [], tried: [], rest: undefined, failure }
    }
  }

  /** What the destination has answered must be kept, or it would be sent again: until the outbox takes it, nothing else goes. */
  function settle(batch: Unsettled): void {
    const { leased, settlements, tried } = batch
    if (!write(() => outbox.settle(settlements, now(), tried))) {
      parts.tellOfFaults()
      unsettled.push(batch)
      return
    }
    outbox.release(leased)
    // That an event stays held back is no news.
    const news = settlements.filter(one =>
      isHold(one) ? one.hold?.times === 1 : one.state === 'refused' || one.state === 'rejected',
    )
    notifier.failed(
      news.flatMap(({ reason, detail, event: { element } }) =>
        reason ? [{ reason, at: now(), count: 1, answer: detail, firstId: idOf(element) }] : [],
      ),
    )
  }

  function fail(failure: LineFailure, as: Claimed['as'], before: Line): void {
    const isLate = line !== before && line.failures > 0
    line = isLate
      ? afterLateFailure(line, failure, now())
      : afterFailure(line, failure, as === 'held' ? 'batch' : as, now(), parts.random())
    for (const { work } of begun.splice(0)) outbox.release(work.groups.flat())
    keepLine()
    const { reason, status, answer, events } = failure
    const [firstId, lastId] = [events[0], events.at(-1)].map(event => idOf(event?.element))
    const pauses = toWaitInForce(line, now()) === 'paused'
    notifier.failed([{ reason, at: now(), count: events.length, status, answer, firstId, lastId, pauses }])
  }

  function succeed(as: Claimed['as'], foundCulprits: boolean): void {
    // One that was held back says nothing of a line that is open.
    if (as !== 'held' || line.failures > 0) {
      const after = afterSuccess(line, as === 'held' ? 'batch' : as, foundCulprits, now())
      const isChanged = after !== line
      line = after
      if (isChanged) keepLine()
    }
    notifier.recovered()
  }

  function keepLine(): void {
    if (parts.resume) write(() => outbox.remember(lineMemory, JSON.stringify(line)))
  }

  return {
    deliverNextBatch,
    deliverNow() {
      askedAt = now()
      line = { ...line, notBefore: 0 }
      keepLine()
      write(() => outbox.endHolds(id))
    },
    line: () => line,
  }
}

function earliest(...dues: readonly (number | undefined)[]): number | undefined {
  const known = dues.filter(due => due !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}

const isHold = ({ reason }: Settlement): boolean => reason === 'held_back'

function idOf(element: unknown): string | undefined {
  if (typeof element !== 'object' || element === null || !('id' in element)) return undefined
  return typeof element.id === 'string' ? element.id : undefined
}
