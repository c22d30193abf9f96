/**
 * What the notice clock knows of each shard (and of the door, which is no shard): how many wait there, and what is out of
 * order there. One shard's success says nothing about another's failure. Pure; plain JSON, for the clock sleeps between notices.
 */
import * as z from 'zod'
import { type Component, toComponent } from '../../../alerts/component.ts'
import type { About } from '../../../alerts/notifier.ts'
import { type Failure, staysOpen } from '../../../alerts/throttle.ts'
import { deliveryReasons, pauseReasons } from '../../../reasons.ts'

const At = z.number().optional()
const words = { ...deliveryReasons, ...pauseReasons }
const Failing = z.object({
  destination: z.string().optional(),
  reason: z.custom<keyof typeof words>(value => typeof value === 'string' && Object.hasOwn(words, value)),
})
const KeptAbout = z.object({
  accountSid: z.string().optional(),
  waiting: z.number(),
  waitingSince: At,
  nextAttemptAt: At,
  failing: z.array(Failing).readonly().optional().catch(undefined),
})
/** `failing`: when each component last failed there, ms since 1970. One of before may hold a `door`, which is dropped. */
const ShardState = z.object({
  about: KeptAbout,
  failing: z.object({ delivery: At, outbox: At, webhook: At, data: At }),
})
export const ShardStates = z.record(z.string(), ShardState)
export type ShardStates = Readonly<z.infer<typeof ShardStates>>

export function afterFailures(
  states: ShardStates,
  shard: string,
  failures: readonly Failure[],
  about: About,
): ShardStates {
  let failing = states[shard]?.failing ?? {}
  for (const { reason, at } of failures) {
    if (staysOpen(reason)) failing = { ...failing, [toComponent(reason)]: at }
  }
  return { ...states, [shard]: { about, failing } }
}

export function afterRecovery(
  states: ShardStates,
  shard: string,
  component: Component,
  about: About,
): ShardStates {
  return { ...states, [shard]: { about, failing: { ...states[shard]?.failing, [component]: undefined } } }
}

/**
 * An isolate that met a failure may be gone before it could tell of a success: what none has met since `before` at the
 * door, which is no shard, is in order.
 */
export function withoutOld(states: ShardStates, door: string, before: number): ShardStates {
  const state = states[door]
  if (!state) return states
  const fresh = Object.entries(state.failing).filter(([, at]) => at !== undefined && at >= before)
  return { ...states, [door]: { ...state, failing: Object.fromEntries(fresh) } }
}

export function isFailing(states: ShardStates, component: Component): boolean {
  return Object.values(states).some(({ failing }) => failing[component] !== undefined)
}

/** What is out of order where, without times and figures: as long as it is the same nothing need be written. */
export function toOutline(states: ShardStates): string {
  const failing = Object.entries(states).flatMap(([shard, state]) => {
    const components = Object.entries(state.failing).flatMap(([name, at]) => (at === undefined ? [] : name))
    return components.length > 0 ? [[shard, components.toSorted()]] : []
  })
  return JSON.stringify(failing)
}

export function sumUp(states: ShardStates): About {
  const abouts = Object.values(states).map(({ about }) => about)
  // One a destination, whichever shard says so.
  const failing = [
    ...new Map(abouts.flatMap(about => (about.failing ?? []).map(one => [one.destination, one]))).values(),
  ]
  const waitingSince = abouts.flatMap(about => about.waitingSince ?? [])
  const nextAttemptAt = abouts.flatMap(about => about.nextAttemptAt ?? [])
  return {
    accountSid: abouts.find(({ accountSid }) => accountSid !== undefined)?.accountSid,
    waiting: abouts.reduce((sum, { waiting }) => sum + waiting, 0),
    waitingSince: waitingSince.length > 0 ? Math.min(...waitingSince) : undefined,
    nextAttemptAt: nextAttemptAt.length > 0 ? Math.min(...nextAttemptAt) : undefined,
    ...(failing.length > 0 && { failing }),
  }
}
