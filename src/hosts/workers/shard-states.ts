/**
 * What the notice clock knows of each shard (and of the door, which is no shard): how many wait there, and what is out of
 * order there. One shard's success says nothing about another's failure. Pure; plain JSON, for the clock sleeps between notices.
 */
import { type Failure, type Station, toStation } from '../../send/notify.ts'
import type { About } from '../../send/tell.ts'

/** `failing`: when each station last failed there, ms since 1970. */
type ShardState = {
  readonly about: About
  readonly failing: { readonly [Name in Station]?: number | undefined }
}
export type ShardStates = Readonly<Record<string, ShardState>>

export function afterFailures(
  states: ShardStates,
  shard: string,
  failures: readonly Failure[],
  about: About,
): ShardStates {
  let failing = states[shard]?.failing ?? {}
  for (const { reason, at } of failures) {
    const station = toStation(reason)
    if (station) failing = { ...failing, [station]: at }
  }
  return { ...states, [shard]: { about, failing } }
}

export function afterRecovery(
  states: ShardStates,
  shard: string,
  station: Station,
  about: About,
): ShardStates {
  return { ...states, [shard]: { about, failing: { ...states[shard]?.failing, [station]: undefined } } }
}

/** A stranger's bad signature is answered by whichever isolate is there; if none failed since then, the door is in order. */
export function withoutOld(states: ShardStates, station: Station, before: number): ShardStates {
  const fresh = Object.entries(states).map(([shard, { about, failing }]) => {
    const isOld = (failing[station] ?? before) < before
    return [shard, { about, failing: isOld ? { ...failing, [station]: undefined } : failing }] as const
  })
  return Object.fromEntries(fresh)
}

export function isFailing(states: ShardStates, station: Station): boolean {
  return Object.values(states).some(({ failing }) => failing[station] !== undefined)
}

export function sumUp(states: ShardStates): About {
  const abouts = Object.values(states).map(({ about }) => about)
  const waitingSince = abouts.flatMap(about => about.waitingSince ?? [])
  const nextAttemptAt = abouts.flatMap(about => about.nextAttemptAt ?? [])
  return {
    accountSid: abouts.find(({ accountSid }) => accountSid !== undefined)?.accountSid,
    waiting: abouts.reduce((sum, { waiting }) => sum + waiting, 0),
    waitingSince: waitingSince.length > 0 ? Math.min(...waitingSince) : undefined,
    nextAttemptAt: nextAttemptAt.length > 0 ? Math.min(...nextAttemptAt) : undefined,
  }
}
