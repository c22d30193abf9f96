/**
 * A shard's way to the notice clock. Costs a call when something fails or comes right, none for a success. Changes of state
 * are logged here, where they are seen.
 */

import { type Component, toComponent } from '../../alerts/component.ts'
import type { About } from '../../alerts/notifier.ts'
import { createStateLog } from '../../alerts/state-log.ts'
import { allCalm, type Failure, staysOpen, toStanding } from '../../alerts/throttle.ts'
import type { Log } from '../../runtime.ts'
import type { DispatcherNotifier } from '../../send/dispatcher.ts'

export type Clock = {
  failed(shard: string, failures: readonly Failure[], about: About): Promise<void>
  recovered(shard: string, component: Component, about: About): Promise<void>
}

export function createNotifierClient(
  clock: Clock,
  shard: string,
  about: () => About,
  waitUntil: (promise: Promise<void>) => void,
  log: Log,
): DispatcherNotifier {
  // A fresh shard cannot know what it told before it was evicted: the first success says that all is well.
  const open = new Set<Component>(['delivery', 'outbox'])
  // What it failed of it does know, and has logged.
  const changes = createStateLog(log, about().failing)
  return {
    failed(failures) {
      if (failures.length === 0) return
      for (const failure of failures) {
        if (staysOpen(failure.reason)) open.add(toComponent(failure.reason))
        changes.failed(failure)
      }
      waitUntil(clock.failed(shard, failures, about()))
    },
    recovered(component, by) {
      changes.recovered(component, Date.now(), by?.destination)
      if (by?.isLast === false) return
      if (open.delete(component)) waitUntil(clock.recovered(shard, component, about()))
    },
    // The clock asks for it when it needs to know.
    verified() {},
    // Only the clock knows how things stand; whoever is asked adds its word.
    standing: () => toStanding(allCalm, 0),
    tick() {},
  }
}
