/** The answers of several shards, put together as if there were one outbox. Pure. */

import type { DeliveringNow, EventList } from '../../../admin/admin.ts'
import type { Pulse } from '../../../admin/changes.ts'
import { type ChangedMany, type Groups, SAMPLES } from '../../../admin/dead-letters.ts'
import { counted, type DestinationStats, type Stats, worstOf } from '../../../admin/figures.ts'
import type { StatusFigures } from '../../../admin/status.ts'
import type { Standing } from '../../../alerts/throttle.ts'
import type { State } from '../../../reasons.ts'
import type { QualityHours } from '../../../stats/quality.ts'
import { type Positions, toCursor, toStreamCursor, withShard } from './cursors.ts'

type Figures = Omit<Stats, 'counts'>

export function sumUpStats(all: readonly Figures[], notices: Standing): Figures {
  const sum = (name: State | 'received' | 'duplicates' | 'unsorted' | 'held') =>
    all.reduce((total, stats) => total + stats[name], 0)
  const unreadable = nameShards(all.map(stats => stats.unreadable ?? []))
  return {
    received: sum('received'),
    duplicates: sum('duplicates'),
    pending: sum('pending'),
    accepted: sum('accepted'),
    rejected: sum('rejected'),
    refused: sum('refused'),
    skipped: sum('skipped'),
    unsorted: sum('unsorted'),
    held: sum('held'),
    oldestPendingSeconds: Math.max(0, ...all.map(stats => stats.oldestPendingSeconds)),
    ...(unreadable.length > 0 && { unreadable }),
    troubles: nameShards(all.map(({ troubles }) => troubles)),
    delivery: worstOf(all.map(({ delivery }) => delivery)),
    destinations: addUp(all.map(({ destinations }) => destinations)),
    notices,
  }
}

/** Added up by name. */
function addUp(all: readonly (readonly DestinationStats[])[]): DestinationStats[] {
  const byName = Map.groupBy(all.flat(), ({ name }) => name)
  return [...byName.values()].flatMap(same => {
    const [first] = same
    if (!first) return []
    const sums = Object.fromEntries(
      counted.map(word => [word, same.reduce((sum, one) => sum + one[word], 0)]),
    )
    return {
      ...first,
      ...sums,
      oldestPendingSeconds: Math.max(...same.map(one => one.oldestPendingSeconds)),
      delivery: worstOf(same.map(({ delivery }) => delivery)),
      paused: same.find(({ paused }) => paused !== null)?.paused ?? null,
      unconfirmed: same.find(({ unconfirmed }) => unconfirmed)?.unconfirmed,
    }
  })
}

export function mergeStatus(
  all: readonly StatusFigures[],
  notices: Standing,
  lastNotice: StatusFigures['lastNotice'],
): StatusFigures {
  const stats = all.map(one => one.stats)
  const unsortedSince = all.flatMap(one => one.unsortedSince ?? [])
  return {
    stats: { ...sumUpStats(stats, notices), counts: addCounts(stats) },
    troubles: [...new Set(all.flatMap(one => one.troubles))],
    unsortedSince: unsortedSince.length > 0 ? Math.min(...unsortedSince) : undefined,
    lastNotice,
    // Confirmed for all of them at the first.
    arrivals: all[0]?.arrivals ?? [],
    left: addLeft(all.flatMap(one => one.left ?? [])),
  }
}

function addLeft(all: NonNullable<StatusFigures['left']>): NonNullable<StatusFigures['left']> {
  const byName = Map.groupBy(all, ({ name }) => name)
  return [...byName].map(([name, same]) => ({
    name,
    pending: same.reduce((sum, { pending }) => sum + pending, 0),
  }))
}

export function addCounts(all: readonly Stats[]): Stats['counts'] {
  const counts = new Map<string, Stats['counts'][number]>()
  for (const count of all.flatMap(stats => stats.counts)) {
    const name = JSON.stringify([count.type, count.version, count.state, count.reason])
    counts.set(name, { ...count, n: count.n + (counts.get(name)?.n ?? 0) })
  }
  return [...counts.values()]
}

export function nameShards(all: readonly (readonly string[])[]): string[] {
  if (all.length === 1) return all.flat()
  return all.flatMap((troubles, index) => troubles.map(trouble => `shard ${index}: ${trouble}`))
}

/** `from`: where each shard's page begins. */
export function mergeLists(pages: readonly EventList[], from: Positions, limit: number): EventList {
  const newest = pages
    .flatMap(({ events }, index) => events.map(event => ({ index, event })))
    .sort((a, b) => b.event.receivedAt - a.event.receivedAt || b.index - a.index)
    .slice(0, limit)
  const ends = pages.map((page, index) => {
    const shown = newest.filter(({ index: from }) => from === index)
    if (shown.length === page.events.length) return { next: page.next ?? null, at: page.reachedAt }
    const last = shown.at(-1)?.event
    // What is read and not shown is read again with the next page.
    return { next: last?.key ?? from[index], at: (last ?? page.events[0])?.receivedAt }
  })
  const unreadable = nameShards(pages.map(page => page.unreadable ?? []))
  const isOver = ends.every(({ next }) => next === null)
  const reached = ends.flatMap(({ next, at }) => (isOver || next !== null ? (at ?? []) : []))
  return {
    events: newest.map(({ index, event }) => withShard(index, event)),
    next: isOver ? undefined : toCursor(ends.map(({ next }) => next)),
    // Where every shard has been read to.
    reachedAt: reached.length === 0 ? undefined : isOver ? Math.min(...reached) : Math.max(...reached),
    cursor: toStreamCursor(pages.map(({ cursor }) => cursor)),
    ...(unreadable.length > 0 && { unreadable }),
    unsorted: pages.reduce((sum, { unsorted }) => sum + unsorted, 0),
  }
}

export function mergePulses(all: readonly Pulse[], limit: number, notices: Standing): Pulse {
  const came = newestFirst(all.flatMap(({ events }, index) => events.map(event => withShard(index, event))))
  const events = came.slice(0, limit)
  return {
    events,
    missed: all.reduce((sum, { missed }) => sum + missed, 0) + came.length - events.length,
    changes: all.flatMap(({ changes }, index) => changes.map(change => withShard(index, change))),
    cursor: toStreamCursor(all.map(({ cursor }) => cursor)),
    stats: sumUpStats(
      all.map(({ stats }) => stats),
      notices,
    ),
  }
}

export function mergeGroups(all: readonly Groups[]): Groups {
  const byName = Map.groupBy(
    all.flatMap(({ groups }, index) => groups.map(group => ({ ...group, index }))),
    ({ state, reason }) => `${state} ${reason}`,
  )
  const groups = [...byName.values()].flatMap(same => {
    const [first] = same
    if (!first) return []
    const samples = newestFirst(same.flatMap(group => group.samples.map(one => withShard(group.index, one))))
    const count = same.reduce((sum, group) => sum + group.count, 0)
    return { state: first.state, reason: first.reason, count, samples: samples.slice(0, SAMPLES) }
  })
  const unsorted = all.reduce((sum, one) => sum + one.unsorted, 0)
  const unreadable = nameShards(all.map(one => one.unreadable ?? []))
  return {
    groups: groups.sort((a, b) => b.count - a.count),
    unsorted,
    ...(unreadable.length > 0 && { unreadable }),
  }
}

export function mergeQuality(all: readonly QualityHours[]): QualityHours {
  const unreadable = nameShards(all.map(one => one.unreadable ?? []))
  return { kinds: all.flatMap(({ kinds }) => kinds), ...(unreadable.length > 0 && { unreadable }) }
}

export function mergeDelivering(all: readonly DeliveringNow[]): DeliveringNow {
  const sum = (name: 'pending' | 'held') => all.reduce((total, one) => total + one[name], 0)
  return { pending: sum('pending'), held: sum('held'), ...toNotDone(all) }
}

export function mergeChanges(all: readonly ChangedMany[]): ChangedMany {
  const sum = (name: 'matched' | 'ready' | 'done') => all.reduce((total, one) => total + one[name], 0)
  return { matched: sum('matched'), ready: sum('ready'), done: sum('done'), ...toNotDone(all) }
}

function toNotDone(all: readonly { readonly notDone?: readonly string[] }[]): {
  readonly notDone?: readonly string[]
} {
  const notDone = nameShards(all.map(one => one.notDone ?? []))
  return notDone.length > 0 ? { notDone } : {}
}

function newestFirst<View extends { readonly receivedAt: number }>(views: readonly View[]): View[] {
  return views.toSorted((a, b) => b.receivedAt - a.receivedAt)
}
