/**
 * Where an event goes: each destination's `when`, the types it drops, and of a group the first that takes it. The filter is asked
 * of the track call as mapped, before names and fields change. Pure; never throws.
 */
import type { DestinationConfig } from '../config/destination-config.ts'
import { matches, readFilter } from '../config/fql.ts'
import { isObject } from '../event/event.ts'
import type { Mapping } from '../event/mapping.ts'
import type { RouteEvent } from '../outbox/deliveries.ts'
import { type TrackCall, toTrack } from './segment/map.ts'

/** An event as it is indexed, and again before each delivery. */
type Asked = Parameters<RouteEvent>[0]

/** Why an event does not go to a destination: its filter, its table of types, or another one of its group took it. */
export type KeptBack = 'when' | 'events' | 'group'

type Ask = Pick<DestinationConfig, 'type' | 'events'> & { readonly when?: string | undefined }
/** What is asked of a destination's configuration. */
export type Rules = Ask & { readonly name: string; readonly group?: string | undefined }

/** Undefined when there is one destination and it takes every event. `ids`: of the destinations in the store, by name. */
export function createRouter(
  configs: readonly DestinationConfig[],
  ids: ReadonlyMap<string, number>,
  mapping: Mapping,
): RouteEvent | undefined {
  if (configs.length === 1 && configs.every(takesAll)) return undefined
  const judge = createJudge(configs, mapping)
  return asked =>
    judge(asked).flatMap(({ name, keptBack }) => {
      const destination = ids.get(name)
      return destination === undefined ? [] : { destination, filtered: keptBack !== undefined }
    })
}

/**
 * Asked again before delivery, by the rules of now; undefined when it takes every event. The group is not asked again: no other
 * destination of it was given the event.
 */
export function admitsOf(config: Ask, mapping: Mapping): ((event: Asked) => boolean) | undefined {
  if (takesAll(config)) return undefined
  const ask = toQuestion(config)
  return asked => ask(readOnce(asked, mapping)) === undefined
}

/** What becomes of an event, destination by destination; `keptBack` undefined: it goes there. */
export function createJudge(
  configs: readonly Rules[],
  mapping: Mapping,
): (asked: Asked) => { readonly name: string; readonly keptBack: KeptBack | undefined }[] {
  const doors = configs.map(config => ({ ...config, ask: toQuestion(config) }))
  return asked => {
    const event = readOnce(asked, mapping)
    const taken = new Set<string>()
    return doors.map(({ name, group, ask }) => {
      if (group !== undefined && taken.has(group)) return { name, keptBack: 'group' }
      const keptBack = ask(event)
      if (group !== undefined && keptBack === undefined) taken.add(group)
      return { name, keptBack }
    })
  }
}

/** An event, mapped when a filter first asks for it. */
type ReadEvent = { readonly type: string; readonly call: () => TrackCall | undefined }

function readOnce({ element, receivedAt }: Asked, mapping: Mapping): ReadEvent {
  let read: { readonly call: TrackCall | undefined } | undefined
  return {
    type: isObject(element) && typeof element.type === 'string' ? element.type : '',
    call() {
      read ??= { call: toCall(element, receivedAt, mapping) }
      return read.call
    },
  }
}

/** Numbers as JavaScript has them: with those that are kept as they were written, a filter cannot compare. */
function toCall(element: unknown, receivedAt: number, mapping: Mapping): TrackCall | undefined {
  try {
    const mapped = toTrack(element, receivedAt, null, mapping)
    return mapped.ok ? mapped.track : undefined
  } catch {
    return undefined
  }
}

function toQuestion({ type, when, events }: Ask): (event: ReadEvent) => KeptBack | undefined {
  const filter = when === undefined ? undefined : readFilter(when)
  return event => {
    if ((Object.hasOwn(events, event.type) ? events[event.type] : events['*']) === 'drop') return 'events'
    if (filter === undefined) return undefined
    const call = event.call()
    // Of what makes no call the mapping says why, and nothing leaves; a file would hold it.
    if (call === undefined) return type === 'segment' ? undefined : 'when'
    return filter.ok && matches(filter.filter, call) ? undefined : 'when'
  }
}

function takesAll({ when, events }: Ask): boolean {
  return when === undefined && !Object.values(events).includes('drop')
}
