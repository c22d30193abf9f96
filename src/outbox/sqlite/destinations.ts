/** Which destinations there are and were. Their names come from the settings; their ids are given here, and never change. */
import { type ConfiguredDestination, FIRST_DESTINATION, type KeptDestination } from '../deliveries.ts'
import type { OutboxStore, Synchronous } from '../store.ts'
import * as statements from './delivery-statements.ts'
import type { Sql } from './sql.ts'

export type DestinationList = Synchronous<Pick<OutboxStore, 'destinations' | 'keepDestinations'>>

type Row = Omit<KeptDestination, 'removedAt'> & { readonly removed_at: number | null }

export function createDestinationList(sql: Sql): DestinationList {
  const destinations = (): KeptDestination[] =>
    sql
      .all<Row>(statements.allDestinations)
      .map(({ removed_at, ...kept }) => ({ ...kept, removedAt: removed_at ?? undefined }))

  return {
    destinations,
    keepDestinations(configured, now) {
      const known = destinations()
      const kept = merge(known, configured, now)
      if (JSON.stringify(kept) === JSON.stringify(known)) return kept
      sql.transaction(() => {
        sql.all(statements.deleteDestinations)
        for (const { id, name, scope, tag, since, removedAt } of kept)
          sql.all(statements.insertDestination, id, name, scope, tag, since, removedAt ?? null)
      }, 'on-disk')
      return kept
    },
  }
}

/** One without an id is the one of that name, if there is or was one. Pure. */
export function merge(
  known: readonly KeptDestination[],
  configured: readonly ConfiguredDestination[],
  now: number,
): KeptDestination[] {
  let next = Math.max(FIRST_DESTINATION - 1, ...known.map(({ id }) => id))
  const present = configured.map(({ id, name, scope, tag }): KeptDestination => {
    const before =
      known.find(kept => kept.id === id) ??
      (id === undefined ? known.findLast(kept => kept.name === name) : undefined)
    if (!before) next += 1
    return { id: before?.id ?? next, name, scope, tag, since: before?.since ?? now, removedAt: undefined }
  })
  const gone = known
    .filter(({ id }) => present.every(one => one.id !== id))
    .map(one => ({ ...one, removedAt: one.removedAt ?? now }))
  return [...present, ...gone].sort((a, b) => a.id - b.id)
}
