/**
 * A log line is not a notice: each change of a component's state is one line at once, whatever the notice clocks say.
 * Bounded by the changes, never one a request. What it knows is in memory: a start tells anew what still fails.
 */

import { toRetry } from '../reasons/outcomes.ts'
import { type DeliveryReason, deliveryReasons, type Reason, reasons } from '../reasons.ts'
import type { Log } from '../runtime.ts'
import { type Component, toComponent } from './component.ts'
import { type Failing, type Failure, isForgeable, staysOpen, tidyAnswer } from './throttle.ts'

export type StateLog = {
  failed(failure: Failure, isStranger?: boolean): void
  /** `destination`: which, where there are several. */
  recovered(component: Component, now: number, destination?: string): void
  /** What is out of order, as far as it was seen from here. */
  isOpen(component: Component): boolean
}

/** `causes`: those seen since it opened. */
type Seen = {
  readonly reason: Reason
  readonly since: number
  readonly causes: ReadonlySet<Reason>
  readonly pauses: boolean
}

/** `failing`: what delivery fails of already, as an outbox that slept remembers. */
export function createStateLog(log: Log, failing: readonly Failing[] = []): StateLog {
  const open = new Map<string, Seen>()
  for (const { destination, reason } of failing)
    open.set(toName('delivery', destination), {
      ...{ reason, since: 0, causes: new Set([reason]) },
      // A pause may have been in force when it fell asleep: it is not told again each time it wakes.
      pauses: mayPause(reason),
    })

  function write(state: string, component: Component, failure: Failure, since: number): void {
    const { reason, status, answer, count, firstId, destination } = failure
    const { level, title, remedy } = reasons[reason]
    const fields = {
      ...{
        component,
        ...(destination !== undefined && { destination }),
        state,
        reason,
        since: toIso(since),
        count,
        status,
      },
      ...{ answer: tidyAnswer(answer), firstId: tidyAnswer(firstId), remedy },
    }
    log[level === 'ERROR' ? 'error' : 'warn'](fields, `${toName(component, destination)}: ${state}: ${title}`)
  }

  return {
    isOpen: component =>
      [...open.keys()].some(name => name === component || name.startsWith(`${component} `)),
    failed(failure, isStranger = false) {
      const { reason, at, pauses = false } = failure
      if (!staysOpen(reason) || (isStranger && isForgeable(reason))) return
      const component = toComponent(reason)
      const name = toName(component, failure.destination)
      const seen = open.get(name)
      if (seen?.reason === reason && (seen.pauses || !pauses)) return
      const causes = new Set(seen?.causes).add(reason)
      open.set(name, { reason, since: seen?.since ?? at, causes, pauses })
      // A stranger who changes the way he fails must not fill the log.
      if (component === 'webhook' && seen?.causes.has(reason)) return
      const state = pauses ? 'paused' : seen ? 'cause changed' : 'failing'
      write(state, component, failure, seen?.since ?? at)
    },
    recovered(component, now, destination) {
      const name = toName(component, destination)
      const seen = open.get(name)
      if (!seen) return
      open.delete(name)
      const state = seen.pauses ? 'resumed' : 'recovered'
      const { reason, since } = seen
      const whose = { component, ...(destination !== undefined && { destination }) }
      const fields = { ...whose, state, reason, since: since === 0 ? null : toIso(since), at: toIso(now) }
      log.warn(fields, `${name}: ${state}`)
    },
  }
}

/** For a notifier that others tell of what they have logged themselves. */
export const noStateLog: StateLog = { failed: () => {}, recovered: () => {}, isOpen: () => false }

function toName(component: Component, destination: string | undefined): string {
  return destination === undefined ? component : `${component} to ${destination}`
}

function mayPause(reason: Reason): boolean {
  return isDelivery(reason) && toRetry(reason) === 'pause'
}

function isDelivery(reason: Reason): reason is DeliveryReason {
  return Object.hasOwn(deliveryReasons, reason)
}

function toIso(ms: number): string {
  return new Date(ms).toISOString()
}
