/**
 * What a change of the destinations file means for what is under way. Whether a messageId bears a tag is decided when a destination
 * is first seen, and kept: another one would make a second event of each delivery that may have arrived. Pure.
 */
import * as z from 'zod'
import type { DestinationConfig } from '../config/destination-config.ts'
import { fnv1a64 } from '../event/hash.ts'
import type { Mapping } from '../event/mapping.ts'
import type { ConfiguredDestination, KeptDestination, RouteEvent } from '../outbox/deliveries.ts'
import { createJudge, type Rules } from './routing.ts'

/** What a file says about where events go and how they are named there: kept, to compare the next file with. */
export const Applied = z.array(
  z.object({
    name: z.string(),
    type: z.enum(['segment', 'files']),
    when: z.string().optional(),
    events: z.record(z.string(), z.string()),
    group: z.string().optional(),
  }),
)
export type Applied = z.infer<typeof Applied>

export function toApplied(configs: readonly DestinationConfig[]): Applied {
  // In the order in which it is read back, for it is compared as text.
  return Applied.parse(
    configs.map(({ name, type, when, events, group }) => ({ name, type, when, events, group })),
  )
}

/** One row a destination of the file. `tag`: as the store is to keep it. `doubt`: why it must not be applied unasked. */
export type PlannedRow = ConfiguredDestination & {
  readonly doubt: string | undefined
  readonly keptTag: string
}

export function planRows(
  configs: readonly DestinationConfig[],
  known: readonly KeptDestination[],
): PlannedRow[] {
  const pairs = configs.map(config => ({ config, before: findBefore(config, known) }))
  const taken = new Set(pairs.flatMap(({ before }) => before?.id ?? []))
  /** Who sends ids as they are: for ever, for what once bore an id may be sent again with it. */
  const verbatim = [
    ...known.flatMap(({ id, name, scope, tag }) => (tag === '' && !taken.has(id) ? { name, scope } : [])),
    ...pairs.flatMap(({ config, before }) =>
      isVerbatim(config, before) ? { name: config.name, scope: config.scope } : [],
    ),
  ]
  const groups = new Map(configs.map(({ name, group }) => [name, group]))
  return pairs.map(({ config, before }) => {
    const { name, scope, group } = config
    const other = verbatim.find(one => one.scope === scope && one.name !== name)
    const tag = toTag(config, before, other !== undefined)
    // Another new one of this scope that says nothing finds it here.
    if (tag === '' && verbatim.every(one => one.name !== name)) verbatim.push({ name, scope })
    const isShared = group !== undefined && other !== undefined && groups.get(other.name) === group
    const doubt =
      config.type === 'files'
        ? undefined
        : before !== undefined && before.tag !== tag
          ? `${name} would send other messageIds than before: what has arrived and is sent again, or waits and may have arrived, would come twice`
          : tag === '' && other !== undefined && !isShared && before?.scope !== scope
            ? `${name} would send the same messageIds as ${other.name} to one receiver (${scope}), which drops the second copy of each event without a word`
            : undefined
    return { id: before?.id, name, scope, tag, doubt, keptTag: before?.tag ?? tag }
  })
}

function findBefore(
  { name, was }: DestinationConfig,
  known: readonly KeptDestination[],
): KeptDestination | undefined {
  const present = known.find(kept => kept.name === name && kept.removedAt === undefined)
  const renamed = was === undefined ? undefined : known.findLast(kept => kept.name === was)
  return present ?? renamed ?? known.findLast(kept => kept.name === name)
}

function isVerbatim(config: DestinationConfig, before: KeptDestination | undefined): boolean {
  if (config.type === 'files') return false
  // Also one that is to bear a tag from now on: until somebody confirms it, it does not.
  return before?.tag === '' || config.messageId === 'verbatim'
}

function toTag(config: DestinationConfig, before: KeptDestination | undefined, isTaken: boolean): string {
  if (config.type === 'files') return ''
  if (config.messageId === 'verbatim') return ''
  if (config.messageId === 'tagged') return before?.tag || config.name
  return before?.tag ?? (isTaken ? config.name : '')
}

/**
 * What the file changes about these events, by the name of the destination: a sentence on what it no longer gets, or gets by another
 * name. New destinations are no change; nor is what comes in addition.
 */
export function describeChanges(
  before: Applied,
  configs: readonly DestinationConfig[],
  events: readonly Parameters<RouteEvent>[0][],
  mapping: Mapping,
): ReadonlyMap<string, string> {
  const old = toNaming(before, mapping)
  const next = toNaming(configs, mapping)
  const found = new Map<string, Set<string>>()
  for (const event of events) {
    const [from, to] = [old(event), next(event)]
    for (const { name, was } of configs) {
      const previous = from.get(name) ?? (was === undefined ? undefined : from.get(was))
      const current = to.get(name)
      if (previous === undefined || previous === current) continue
      const what =
        current === undefined ? `${previous} no longer goes there` : `${previous} becomes ${current}`
      const all = found.get(name) ?? new Set()
      found.set(name, all.add(what))
    }
  }
  return new Map(
    [...found].map(([name, whats]) => [name, `of what came in the last week: ${list([...whats])}`]),
  )
}

/** Destination → the name an event has there; those it does not go to are not in it. */
export function toNaming(
  configs: readonly Rules[],
  mapping: Mapping,
): (event: Parameters<RouteEvent>[0]) => ReadonlyMap<string, string> {
  const judge = createJudge(configs, mapping)
  const tables = new Map(configs.map(({ name, events }) => [name, events]))
  return event => {
    const { element } = event
    const type =
      typeof element === 'object' && element !== null && 'type' in element ? String(element.type) : ''
    return new Map(
      judge(event).flatMap(({ name, keptBack }) => {
        if (keptBack !== undefined) return []
        const table = tables.get(name) ?? {}
        const given = (Object.hasOwn(table, type) ? table[type] : table['*']) ?? 'verbatim'
        return [[name, given === 'verbatim' ? type : given] as const]
      }),
    )
  }
}

const SHOWN = 3

function list(whats: readonly string[]): string {
  const more = whats.length - SHOWN
  return whats.slice(0, SHOWN).join('; ') + (more > 0 ? `; and ${more} more` : '')
}

/** What a person confirms a change by: the same change has the same hash after a restart. */
export function toChangeHash(applied: Applied, rows: readonly ConfiguredDestination[]): string {
  const text = JSON.stringify([applied, rows.map(({ name, scope, tag }) => [name, scope, tag])])
  return BigInt(fnv1a64(text)).toString(16).padStart(16, '0')
}
