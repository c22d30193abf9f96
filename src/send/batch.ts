/**
 * Leased events → messages → as few batches as the destination's limits allow → what became of each event.
 * A batch that the destination refuses is halved until the one culprit stands alone; its neighbours go through. While the destination
 * has just proven to be up, a batch that fails in any other way is halved as well. Touches neither the outbox nor the clock's
 * cadence: events that are in no settlement are simply tried again.
 */

import type { DeliveryAttempt, Hold, Leased, Settlement, Tried, Tries } from '../outbox/store.ts'
import { toState } from '../reasons/outcomes.ts'
import type { NotSent } from '../reasons.ts'
import type { Observe } from '../stats/metrics.ts'
import { CULPRITS_A_PROOF, isThrottle } from './circuit-breaker.ts'
import { type DeliveryFailure, type DeliveryOutcome, type Destination, failed } from './destination.ts'
import { type Packable, pack } from './pack.ts'

/** What is to be sent. */
export type Work = {
  /** Each is a run of events in the order of the outbox; no request holds events of two. */
  readonly groups: readonly (readonly Leased[])[]
  /** Whether a failure is halved like a refusal, and an event that fails alone is held back. */
  readonly isolates: boolean
  /** Whether the destination is known to accept other events: without that no event is blamed. */
  readonly isProven: boolean
}

export type DispatchPorts = {
  readonly destination: Destination
  /** Ends what is under way: the process is about to stop. */
  readonly signal?: AbortSignal | undefined
  readonly hold: (event: Leased) => Hold
  readonly note: (attempt: DeliveryAttempt) => void
  readonly observe?: Observe | undefined
  readonly now: () => number
  /** False once the requests that the host allows for now are spent: what is left is `rest`. Without it there is no limit. */
  readonly maySend?: (() => boolean) | undefined
}

/** Why the line must wait. `events`: how many were concerned. */
export type LineFailure = DeliveryFailure & { readonly events: readonly Leased[] }

export type Dispatched = {
  readonly settlements: readonly Settlement[]
  readonly failure: LineFailure | undefined
  /** In a request, and in no settlement. */
  readonly tried: readonly Tried[]
  /** What was not sent any more, to be gone on with. */
  readonly rest: Work | undefined
}

export async function deliverBatch(work: Work, ports: DispatchPorts): Promise<Dispatched> {
  const tries = new Map<Leased, Tries>()
  const { settlements, ...sent } = await send(work, tries, ports)
  const settled = new Set(settlements.map(({ event }) => event))
  return {
    ...sent,
    settlements: settlements.map(settlement => ({ ...settlement, tries: tries.get(settlement.event) })),
    tried: [...tries].flatMap(([event, tried]) => (settled.has(event) ? [] : { event, ...tried })),
  }
}

/** Events refused alone, and none accepted, after which the receiver is doubted. */
const REFUSALS_ENOUGH = 8

type Batch = readonly Packable<Leased>[]
/** An event that failed, or was refused, alone. */
type Culprit = {
  readonly event: Leased
  readonly outcome: Exclude<DeliveryOutcome, { kind: 'accepted' | 'aborted' }>
}

async function send(
  work: Work,
  tries: Map<Leased, Tries>,
  ports: DispatchPorts,
): Promise<Omit<Dispatched, 'tried'>> {
  const { queue, settlements } = prepareAll(work, ports.destination)
  const [first = []] = queue
  const culprits: Culprit[] = []
  let { isProven } = work
  let failure: LineFailure | undefined
  /** Culprits since something was accepted. */
  let inARow = 0
  while (!failure && (ports.maySend?.() ?? true)) {
    const batch = queue.shift()
    if (!batch) break
    const outcome = await attempt(batch, tries, ports)
    const [one] = batch
    if (outcome.kind === 'aborted') {
      queue.unshift(batch)
      break
    }
    if (outcome.kind === 'accepted') {
      for (const { event } of batch) settlements.push({ event, ...ports.destination.taken })
      isProven = true
      inARow = 0
    } else if (outcome.kind === 'failed' && (!work.isolates || isThrottle(outcome))) {
      failure = { ...outcome, events: eventsOf(batch) }
    } else if (batch.length > 1) {
      const middle = Math.ceil(batch.length / 2)
      queue.unshift(batch.slice(0, middle), batch.slice(middle))
    } else if (one) {
      culprits.push({ event: one.event, outcome })
      inARow += 1
      if (outcome.kind === 'failed' && inARow >= CULPRITS_A_PROOF)
        failure = { ...outcome, events: [one.event] }
      // Halving on would only cost requests: two for every event left.
      if (outcome.kind === 'refused' && !isProven && inARow >= REFUSALS_ENOUGH)
        failure = refusesAll(first, outcome)
    }
  }
  const [culprit] = culprits
  // Not every event of a batch can be at fault: then it is the key, the path or a proxy, and the events stay pending.
  if (culprit && !isProven && !work.isolates && !failure && queue.length === 0)
    failure = refusesAll(first, culprit.outcome)
  if (isProven || work.isolates) {
    for (const one of culprits) settlements.push(blame(one, isProven, ports))
  }
  const groups = queue.map(eventsOf)
  return {
    settlements,
    failure,
    rest: failure || queue.length === 0 ? undefined : { ...work, groups, isProven },
  }
}

const eventsOf = (batch: Batch): Leased[] => batch.map(({ event }) => event)

/** Only a 400 or a 413 is a judgement of the event itself. */
function blame({ event, outcome }: Culprit, isProven: boolean, { hold }: DispatchPorts): Settlement {
  if (outcome.kind === 'refused' && isProven) return toRefused(event, 'segment_refused', outcome.answer)
  const { status, answer } = outcome
  const detail = [status, answer].filter(Boolean).join(' ')
  return { event, state: 'pending', reason: 'held_back', detail, hold: hold(event) }
}

function prepareAll(
  { groups }: Work,
  destination: Destination,
): { queue: Batch[]; settlements: Settlement[] } {
  const settlements: Settlement[] = []
  const queue = groups.flatMap(group => {
    const ready: Packable<Leased>[] = []
    for (const event of group) {
      if (destination.admits && !destination.admits(event)) {
        settlements.push({ event, state: 'skipped', reason: 'filtered' })
        continue
      }
      const mapped = destination.map(event)
      if (mapped.ok) ready.push({ event, message: mapped.message })
      else settlements.push(toRefused(event, mapped.reason, mapped.detail))
    }
    return pack(ready, destination.limits)
  })
  return { queue, settlements }
}

async function attempt(
  batch: Batch,
  tries: Map<Leased, Tries>,
  { destination, signal = new AbortController().signal, note, observe, now }: DispatchPorts,
): Promise<DeliveryOutcome> {
  const at = now()
  const outcome = await destination.deliver(
    batch.map(({ message }) => message),
    signal,
  )
  if (outcome.kind === 'aborted') return outcome
  for (const { event } of batch) {
    tries.set(event, { attempts: (tries.get(event)?.attempts ?? 0) + 1, triedAt: at })
  }
  if (outcome.kind === 'accepted' && destination.taken.state === 'accepted') {
    const agesSeconds = batch.map(({ event }) => Math.max(0, now() - event.receivedAt) / 1_000)
    observe?.({ destination: destination.name, at: now(), agesSeconds })
  }
  const first = batch[0]?.event
  const last = batch.at(-1)?.event
  if (first && last) {
    const reason =
      outcome.kind === 'failed' ? outcome.reason : outcome.kind === 'refused' ? 'segment_refused' : null
    const { status = null, answer, headers } = outcome
    const tookMs = now() - at
    const { destination: to } = first
    note({ destination: to, at, tookMs, events: batch.length, first, last, reason, status, answer, headers })
  }
  return outcome
}

function refusesAll(batch: Batch, { status, answer }: Culprit['outcome']): LineFailure {
  return { ...failed('segment_refuses_all', status, answer), events: eventsOf(batch) }
}

function toRefused(event: Leased, reason: NotSent, detail: string): Settlement {
  return { event, state: toState(reason), reason, detail }
}
