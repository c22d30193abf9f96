/** A shard's way to the one notice clock. Costs a call when something fails or comes right, none for a success. */
import type { DepotTeller } from '../../depot.ts'
import { calm, type Failure, type Station, toStanding, toStation } from '../../send/notify.ts'
import type { About } from '../../send/tell.ts'

export type Clock = {
  failed(shard: string, failures: readonly Failure[], about: About): Promise<void>
  recovered(shard: string, station: Station, about: About): Promise<void>
}

export function createRemoteTeller(
  clock: Clock,
  shard: string,
  about: () => About,
  waitUntil: (promise: Promise<void>) => void,
): DepotTeller {
  // A fresh shard cannot know what it told before it was evicted: the first success says that all is well.
  const open = new Set<Station>(['delivery', 'door'])
  return {
    failed(failures) {
      if (failures.length === 0) return
      for (const { reason } of failures) {
        const station = toStation(reason)
        if (station) open.add(station)
      }
      waitUntil(clock.failed(shard, failures, about()))
    },
    recovered(station) {
      if (open.delete(station)) waitUntil(clock.recovered(shard, station, about()))
    },
    // Only the clock knows how things stand; whoever is asked adds its word.
    standing: () => toStanding(calm, 0),
    tick() {},
  }
}
