/**
 * One lane a destination, each with its own circuit breaker, rate and pause: one that is down, slow or refusing holds up no other.
 */
import type { Failing, Failure } from '../alerts/throttle.ts'
import type { PauseReason } from '../reasons.ts'
import type { OpenDestination } from './destination.ts'
import { createNextBatch, type NextBatch, type NextBatchParts } from './next-batch.ts'
import { createPause, type Pause } from './pause.ts'
import { createRateLimiter, type RateLimiter } from './rate-limiter.ts'
import type { Line } from './retry.ts'

export type Lanes = {
  readonly ids: readonly number[]
  readonly names: readonly string[]
  /** A batch of that destination, or of each. Returns when to come back, as NextBatch does. */
  deliverNextBatch(name?: string): Promise<number | undefined>
  /** Ends the waits of that destination, or of all. A pause goes on. */
  deliverNow(name?: string): void
  /** These throw what the store throws: what a person decided and is not kept would be gone with the next start. */
  pause(name: string): void
  resume(name: string): void
  /** Says which destinations it concerned. */
  confirm(hash: string): string[]
  health(): DestinationHealth[]
  failing(): Failing[]
  /** The earliest attempt of those that wait after a failure. */
  nextAttemptAt(): number | undefined
}

/** `paused`: why it is stopped though nothing fails. `text`: more on that, for people with the admin token. */
export type DestinationHealth = {
  readonly id: number
  readonly name: string
  readonly line: Line
  /** For so long it gathers events on purpose. */
  readonly collectMs: number
  readonly paused: PauseReason | undefined
  readonly text: string | undefined
  /** What a person confirms a change by. */
  readonly hash: string | undefined
}

type Lane = OpenDestination & NextBatch & { readonly name: string; readonly pause: Pause }

export type LanesParts = Omit<NextBatchParts, 'id' | 'destination' | 'rate' | 'isPaused' | 'notifier'> & {
  readonly destinations: readonly OpenDestination[]
  readonly notifier: {
    failed(failures: readonly Failure[]): void
    recovered(component: 'delivery', by: { destination: string | undefined; isLast: boolean }): void
  }
}

export function createLanes({ destinations, notifier, ...parts }: LanesParts): Lanes {
  const { outbox } = parts
  /** One alone needs no name. */
  const label = (name: string) => (destinations.length > 1 ? name : undefined)

  const rates = new Map<string, RateLimiter>()
  /** A workspace's ceiling is for all that goes there; the first of its destinations says what it is. */
  function rateOf({ destination, workspace }: OpenDestination): RateLimiter {
    const rate = workspace === undefined ? undefined : rates.get(workspace)
    const own = rate ?? createRateLimiter(destination.limits.eventsPerSecond)
    if (workspace !== undefined) rates.set(workspace, own)
    return own
  }

  const lanes: Lane[] = destinations.map(open => {
    const { id, destination } = open
    const { name } = destination
    const pause = createPause(open, outbox)
    const batch = createNextBatch({
      ...parts,
      id,
      destination,
      rate: rateOf(open),
      isPaused: () => pause.reason() !== undefined,
      notifier: {
        failed: failures =>
          notifier.failed(failures.map(failure => ({ ...failure, destination: label(name) }))),
        recovered: () => recovered(name),
      },
    })
    return { ...open, ...batch, name, pause }
  })

  /** Delivery as a whole is in order again with the last of them. */
  function recovered(name: string): void {
    notifier.recovered('delivery', { destination: label(name), isLast: failing().length === 0 })
  }

  function failing(): Failing[] {
    return lanes.flatMap(({ name, line, pause }) => {
      const isUnconfirmed = pause.reason() === 'change_unconfirmed'
      const reason = line().reason ?? (isUnconfirmed ? 'change_unconfirmed' : undefined)
      return reason === undefined || (line().failures === 0 && !isUnconfirmed)
        ? []
        : { destination: label(name), reason }
    })
  }

  const find = (name: string) => lanes.find(lane => lane.name === name)

  return {
    ids: lanes.map(({ id }) => id),
    names: lanes.map(({ name }) => name),
    async deliverNextBatch(name) {
      const due = lanes.filter(lane => name === undefined || lane.name === name)
      const dues = await Promise.all(due.map(lane => lane.deliverNextBatch()))
      const known = dues.filter(at => at !== undefined)
      return known.length > 0 ? Math.min(...known) : undefined
    },
    deliverNow(name) {
      for (const lane of lanes) if (name === undefined || lane.name === name) lane.deliverNow()
    },
    pause: name => find(name)?.pause.set(true),
    resume: name => find(name)?.pause.set(false),
    confirm(hash) {
      const confirmed = lanes.filter(({ pause }) => pause.confirm(hash))
      for (const { name, line } of confirmed) if (line().failures === 0) recovered(name)
      return confirmed.map(({ name }) => name)
    },
    health: () =>
      lanes.map(({ id, name, destination, line, pause, unconfirmed }) => ({
        collectMs: destination.collectMs ?? 0,
        ...{ id, name, line: line(), paused: pause.reason(), text: pause.text() },
        hash: pause.reason() === 'change_unconfirmed' ? unconfirmed?.hash : undefined,
      })),
    failing,
    nextAttemptAt() {
      const ats = lanes.flatMap(({ line }) => (line().failures > 0 ? line().notBefore : []))
      return ats.length > 0 ? Math.min(...ats) : undefined
    },
  }
}
