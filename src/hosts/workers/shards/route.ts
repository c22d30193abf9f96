/**
 * Which shard an event belongs to, also while the number of shards changes. Pure.
 *
 * A new number gives most events a new home, but their copies may have come to the old one: for as long as ids are
 * remembered, the old homes are asked first. Shards above the new number drain by their own alarms and stay readable.
 */
import * as z from 'zod'
import { fnv1a53 } from '../../../event/hash.ts'
import { toSlices } from '../../../event/json-slices.ts'
import type { EventVerdict, Identity, ReceivedRequest } from '../../../event/received-request.ts'

export const ShardHistory = z.object({
  /** The number in force. */
  count: z.int().min(0),
  /** The most there ever were: all of them may hold something to look at. */
  highest: z.int().min(0),
  /** Numbers that were in force, and until when ids stored under them are remembered. */
  former: z.array(z.object({ count: z.int().min(1), until: z.number() })),
})
export type ShardHistory = Readonly<z.infer<typeof ShardHistory>>

export const noShards: ShardHistory = { count: 0, highest: 0, former: [] }

export function afterCount(before: ShardHistory, count: number, now: number, dedupeMs: number): ShardHistory {
  const left =
    before.count === 0 || before.count === count ? [] : [{ count: before.count, until: now + dedupeMs }]
  const former = [
    ...before.former.filter(({ until, count: old }) => until > now && old !== before.count),
    ...left,
  ]
  return {
    count,
    highest: Math.max(before.highest, count),
    former: former.filter(({ count: old }) => old !== count),
  }
}

/** Events without an identity are never copies of each other: every home will do. */
export function toHome(identity: Identity | undefined, count: number): number {
  return identity ? fnv1a53(`${identity.id}\n${identity.source}`) % count : 0
}

/** Of an event whose bytes are pruned, an export knows the proof, which is what homes are reckoned from. */
export function homeOf({ identity, carried }: EventVerdict, count: number): number {
  return identity || !carried?.seen ? toHome(identity, count) : carried.seen[1] % count
}

/** One part per home. A request that stays whole keeps its bytes as Twilio sent them. */
export function splitByHome(intake: ReceivedRequest, homes: readonly number[]): Map<number, ReceivedRequest> {
  const [first = 0] = homes
  if (homes.every(home => home === first)) return new Map([[first, intake]])
  const texts = toSlices(intake.body)
  const parts = new Map<number, ReceivedRequest>()
  for (const home of new Set(homes)) {
    const mine = (_: unknown, at: number) => homes[at] === home
    parts.set(home, {
      ...intake,
      entries: intake.entries.filter(mine),
      body: `[${texts.filter(mine).join(',')}]`,
    })
  }
  return parts
}
