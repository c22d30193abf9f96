/** Dead letters in bulk: how many there are of each reason, and what a person may do to all that fit a filter. */

import type { Mapping } from '../event/mapping.ts'
import { validateBy } from '../ingest/validate.ts'
import type { From } from '../outbox/held.ts'
import { toPlace } from '../outbox/place.ts'
import type { EventView } from '../outbox/queries.ts'
import type { OutboxAtHand, Target } from '../outbox/store.ts'
import { deadLetterStates, type State } from '../reasons.ts'
import { type EventSummary, toSummary } from './event-view.ts'
import type { Readings } from './readings.ts'

export type Filter = {
  /** Only deliveries there. */
  readonly destination?: number | undefined
  /** `held`: those that are held back; without a state, the dead letters alone. */
  readonly state?: From | undefined
  readonly reason?: string | undefined
  readonly type?: string | undefined
  /** Changes nothing, and tells how many would be changed. */
  readonly preview?: boolean | undefined
}
/** `ready`: of those that fit the filter, how many the action is possible for. */
export type ChangedMany = {
  readonly matched: number
  readonly ready: number
  readonly done: number
  /** Parts of the outbox that did not answer, so that nothing is known to be done there; absent when all did. */
  readonly notDone?: readonly string[]
}

export type Group = {
  readonly state: State
  readonly reason: string
  readonly count: number
  /** The newest first; fewer when their requests are very large. */
  readonly samples: readonly EventSummary[]
}
/** `unsorted`: the index lag. `unreadable`: what is missing, for it could not be read; absent when nothing is. */
export type Groups = {
  readonly groups: readonly Group[]
  readonly unsorted: number
  readonly unreadable?: readonly string[]
}

/** What a person's action makes of an event. */
export type Change = {
  readonly from: readonly From[]
  readonly to: Target
  readonly isReady: (event: EventView) => boolean
  /** What becomes of one that is not ready; `undefined`: it stays as it is. */
  readonly otherwise?: (event: EventView) => Target | undefined
  /** What a filter means that names no state. @default the dead letters */
  readonly unnamed?: readonly From[]
}

export const SAMPLES = 10
const heldBack = { state: 'pending', reason: 'held_back' } as const
/** In one commit, so that an intake never waits long behind it. */
const MANY_A_TURN = 200

/** Of events, or of the deliveries to one destination. */
export function toGroups(
  outbox: OutboxAtHand,
  mapping: Mapping,
  readings: Readings,
  destination?: number,
): Groups['groups'] {
  const counts = new Map<string, { state: State; reason: string; count: number }>()
  const read = () =>
    destination === undefined
      ? outbox.eventCounts()
      : outbox.counts().filter(count => count.destination === destination)
  for (const { state, reason, n } of readings.take('counts', read, [])) {
    const dead = deadLetterStates.find(one => one === state)
    if (!dead || n === 0) continue
    const name = `${dead} ${reason}`
    counts.set(name, { state: dead, reason, count: n + (counts.get(name)?.count ?? 0) })
  }
  const groups = [...counts.values()].sort((a, b) => b.count - a.count)
  return groups.map(group => ({ ...group, samples: samplesOf(group) }))

  function samplesOf({ state, reason }: { state: State; reason: string }): EventSummary[] {
    const read = () => outbox.list({ destination, state, reason, limit: SAMPLES }).events
    return readings.take(`samples of ${reason}`, read, []).map(event => toSummary(event, mapping))
  }
}

/** A retry judges anew. One that names no customer is no dead letter any more, and says so from then on. */
export function newVerdict(event: EventView, mapping: Mapping): Target | undefined {
  const { state, reason: before, element, unreadable } = event
  if (unreadable !== undefined || element === undefined || (state !== 'skipped' && state !== 'rejected'))
    return undefined
  const { state: judged, reason } = validateBy(mapping, element)
  return judged === 'skipped' && reason !== before ? { state: judged, reason } : undefined
}

/** Whoever retries what was refused here does not mean what was skipped there. */
export function alike(state: From): readonly From[] {
  return deadLetterStates.some(dead => dead === state) ? deadLetterStates : [state]
}

/** `room`: how many may be changed now; the others stay as they are. */
export async function changeMany(
  outbox: OutboxAtHand,
  { to, isReady, otherwise = () => undefined, unnamed = deadLetterStates }: Change,
  { destination, state, reason, type, preview = false }: Filter,
  now: () => number,
  room: () => number = () => Number.MAX_SAFE_INTEGER,
): Promise<ChangedMany> {
  let matched = 0
  let ready = 0
  let done = 0
  for (const dead of state ? [state] : unnamed) {
    for (let before: string | undefined, more = true; more; ) {
      const asked = dead === 'held' ? heldBack : { state: dead, reason }
      const page = outbox.list({ destination, ...asked, type, before, limit: MANY_A_TURN })
      const places = page.events.filter(isReady).flatMap(({ key }) => toPlace(key) ?? [])
      matched += page.events.length
      ready += places.length
      if (!preview) {
        const changed = places.slice(0, room())
        done += outbox.transition(changed, alike(dead), to, now(), destination)
        changeOthers(page.events.filter(event => !isReady(event)))
      }
      before = page.next
      more = before !== undefined
      // Intakes go first.
      await new Promise(resolve => setTimeout(resolve, 0))
    }
  }
  return { matched, ready, done }

  function changeOthers(events: readonly EventView[]): void {
    const changed = new Map<string, { readonly target: Target; readonly events: EventView[] }>()
    for (const event of events) {
      const target = otherwise(event)
      if (!target) continue
      const name = `${target.state} ${target.reason}`
      const same = changed.get(name) ?? { target, events: [] }
      changed.set(name, same)
      same.events.push(event)
    }
    for (const { target, events } of changed.values()) {
      const places = events.flatMap(({ key }) => toPlace(key) ?? [])
      outbox.transition(places, ['skipped', 'rejected'], target, now(), destination)
    }
  }
}
