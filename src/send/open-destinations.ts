/** The destinations of the settings, matched with those that the store knows; and where events go from now on. */
import * as z from 'zod'
import type { DestinationConfig } from '../config/destination-config.ts'
import { toDestinationConfigs } from '../config/destinations.ts'
import type { Settings } from '../config.ts'
import { type Mapping, toMapping } from '../event/mapping.ts'
import type { RouteEvent } from '../outbox/deliveries.ts'
import { readKept } from '../outbox/kept-state.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import type { OpenDestination } from './destination.ts'
import { Applied, describeChanges, planRows, toApplied, toChangeHash } from './destination-changes.ts'
import { createDestination, type DestinationHost } from './destinations.ts'
import { createJudge, createRouter } from './routing.ts'

/** Under this name the store keeps what the file said when it was last applied. */
export const APPLIED = 'destinations'
const UNCONFIRMED = 'destinations-unconfirmed'
/** `doubts`: destination → why. */
const Unconfirmed = z.object({ hash: z.string(), doubts: z.array(z.tuple([z.string(), z.string()])) })
const nothing: z.infer<typeof Unconfirmed> = { hash: '', doubts: [] }
const WEEK_MS = 7 * 24 * 60 * 60_000
/** So many of the newest events are asked what a change of the file does to them. */
const SAMPLE = 500

/** Throws, with a sentence for a person, when the settings name one that cannot be opened. */
export async function openDestinations(
  settings: Settings,
  store: OutboxAtHand,
  host: DestinationHost,
): Promise<readonly OpenDestination[]> {
  const configs = toDestinationConfigs(settings)
  const mapping = toMapping(settings)
  const now = host.now()

  const applied = toApplied(configs)
  const before = readKept(store, APPLIED, Applied.optional(), undefined)
  const isChanged = JSON.stringify(before) !== JSON.stringify(applied)
  const rows = planRows(configs, store.destinations())
  const changes =
    isChanged && before !== undefined
      ? describeChanges(before, configs, readSample(store, now), mapping)
      : new Map<string, string>()
  const hash = toChangeHash(applied, rows)
  // What was doubted stays so until somebody confirms it: the events that it was about may be gone from the sample by now.
  const remembered = readKept(store, UNCONFIRMED, Unconfirmed, nothing)
  const doubted = new Map(remembered.hash === hash ? remembered.doubts : [])
  let lastKept = JSON.stringify(remembered)
  const doubts = new Map(
    settings.DESTINATIONS_CONFIRM === hash
      ? []
      : rows.flatMap(({ name, doubt }) => {
          const why = [doubt, changes.get(name)].filter(text => text !== undefined)
          const text = why.length > 0 ? why.join('; ') : doubted.get(name)
          return text === undefined ? [] : [[name, text] as const]
        }),
  )
  doubtGroups(configs, doubts)

  /** Of those without a doubt, and of those that were confirmed since. */
  const keep = () => {
    const wanted = rows.map(({ id, name, scope, tag, keptTag }) => ({
      ...{ id, name, scope },
      tag: doubts.has(name) ? keptTag : tag,
    }))
    try {
      return store.keepDestinations(wanted, now)
    } catch {
      // A store that cannot be written says so at the first delivery; that is no reason to take no events.
      const highest = Math.max(0, ...store.destinations().map(({ id }) => id))
      const added = wanted.filter(({ id }) => id === undefined)
      return wanted.map(one => ({
        ...one,
        id: one.id ?? highest + 1 + added.indexOf(one),
        ...{ since: now, removedAt: undefined },
      }))
    }
  }
  let kept = keep()
  const byName = () =>
    new Map(kept.flatMap(one => (one.removedAt === undefined ? [[one.name, one] as const] : [])))
  const ids = new Map([...byName()].map(([name, { id }]) => [name, id]))
  // Until everything is confirmed the next start asks again.
  const settle = () => {
    store.routeTo(toRouting(configs, ids, doubts, mapping))
    const unconfirmed = doubts.size === 0 ? nothing : { hash, doubts: [...doubts] }
    try {
      const next = JSON.stringify(unconfirmed)
      if (next !== lastKept) store.remember(UNCONFIRMED, next)
      lastKept = next
      if (doubts.size === 0 && isChanged) store.remember(APPLIED, JSON.stringify(applied))
    } catch {
      // Then the next start asks again.
    }
  }
  settle()

  return Promise.all(
    configs.map(async config => {
      const { name } = config
      const tag = () => byName().get(name)?.tag ?? ''
      const text = doubts.get(name)
      return {
        id: ids.get(name) ?? 0,
        destination: await createDestination(config, mapping, tag, host),
        isPaused: config.paused,
        ...(config.type === 'segment' && { workspace: config.workspace }),
        ...(text !== undefined && {
          unconfirmed: {
            ...{ hash, text },
            confirm() {
              doubts.delete(name)
              kept = keep()
              settle()
            },
          },
        }),
      }
    }),
  )
}

/** Those behind an unconfirmed one in its group wait as well: they would be sent what it may turn out to get. */
function doubtGroups(configs: readonly DestinationConfig[], doubts: Map<string, string>): void {
  for (const [at, { name, group }] of configs.entries()) {
    if (group === undefined || !doubts.has(name)) continue
    for (const later of configs.slice(at + 1))
      if (later.group === group && !doubts.has(later.name))
        doubts.set(later.name, `${name}, which comes before it in the group ${group}, is not confirmed`)
  }
}

/** An unconfirmed one gets everything: what its filter would keep away from it is skipped only once a person has said so. */
function toRouting(
  configs: readonly DestinationConfig[],
  ids: ReadonlyMap<string, number>,
  doubtful: ReadonlyMap<string, string>,
  mapping: Mapping,
): number | RouteEvent {
  const router = createRouter(configs, ids, mapping)
  const [first = 0] = ids.values()
  if (router === undefined || doubtful.size === 0) return router ?? first
  const judge = createJudge(configs, mapping)
  return event =>
    judge(event).map(({ name, keptBack }) => ({
      destination: ids.get(name) ?? first,
      filtered: doubtful.has(name) ? keptBack === 'group' : keptBack !== undefined,
    }))
}

function readSample(store: OutboxAtHand, now: number) {
  return readNewest(store).flatMap(({ element, exact, receivedAt }) =>
    element === undefined || receivedAt < now - WEEK_MS ? [] : { element, exact, receivedAt },
  )
}

/** What cannot be read is told of elsewhere. */
function readNewest(store: OutboxAtHand) {
  try {
    return store.list({ limit: SAMPLE }).events
  } catch {
    return []
  }
}
