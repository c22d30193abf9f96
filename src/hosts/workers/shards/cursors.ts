/** Keys and cursors over several shards: `<shard>.<key in the shard>`; a cursor is one such position a shard. Pure. */
import type { PulseQuery } from '../../../admin/changes.ts'

export function toShardKey(key: string): { shard: number; key: string } | undefined {
  const [, shard, rest] = /^(\d{1,4})\.(\d+-\d+)$/.exec(key) ?? []
  return shard !== undefined && rest !== undefined ? { shard: Number(shard), key: rest } : undefined
}

export function withShard<View extends { readonly key: string }>(shard: number, view: View): View {
  return { ...view, key: `${shard}.${view.key}` }
}

/** Where each shard goes on: a key, `undefined` = at its newest, `null` = it is through. */
export type Positions = readonly (string | undefined | null)[]

export function toCursor(positions: Positions): string {
  return positions.map(position => (position === null ? 'x' : (position ?? '')).replace('-', '.')).join('_')
}

export function fromCursor(cursor: string, shards: number): Positions {
  const given = cursor.split('_')
  return Array.from({ length: shards }, (_, index) => {
    const position = given[index]
    // A shard that came since the list was begun has newer events only.
    if (position === undefined || position === 'x') return null
    return position === '' ? undefined : position.replace('.', '-')
  })
}

/** Where a stream goes on: the cursor of each shard. */
export function toStreamCursor(cursors: readonly string[]): string {
  return cursors.join('_')
}

/** What each shard is asked. One that came since the cursor was given has only newer events. */
export function toShardQueries(query: PulseQuery, shards: number): PulseQuery[] {
  const { after, upTo, keys, recent, limit } = query
  const [from, to] = [after?.split('_'), upTo?.split('_')]
  const asked = keys.flatMap(key => toShardKey(key) ?? [])
  return Array.from({ length: shards }, (_, index) => ({
    after: from && (from[index] ?? '0'),
    upTo: to?.[index],
    keys: asked.flatMap(({ shard, key }) => (shard === index ? key : [])),
    recent: Math.ceil(recent / shards),
    limit,
  }))
}

/** Where a walk through one shard after the other goes on: `<shard>.<place in it>`. */
export function fromStep(after: string | undefined): [shard: number, after: string | undefined] {
  const [shard = '0', place] = after?.split('.') ?? []
  return [Number(shard), place || undefined]
}

export function toStep(shard: number, next: string | undefined, shards: number): string | undefined {
  if (next !== undefined) return `${shard}.${next}`
  return shard + 1 < shards ? `${shard + 1}.` : undefined
}
