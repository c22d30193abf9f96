/** What stands in for the answer of a shard that gives none, so that the others are heard: no figures, and a trouble that says why. */
import type { DeliveringNow, EventList } from '../../../admin/admin.ts'
import type { Pulse, PulseQuery } from '../../../admin/changes.ts'
import type { ChangedMany, Groups } from '../../../admin/dead-letters.ts'
import { atRest, type Stats } from '../../../admin/figures.ts'
import type { StatusFigures } from '../../../admin/status.ts'
import { toErrorText } from '../../../alerts/redact.ts'
import { allCalm, toStanding } from '../../../alerts/throttle.ts'
import { toStorageReason } from '../../../outbox/sqlite-errors.ts'
import type { Reason } from '../../../reasons.ts'
import { createOutboxMeters, type MetricsJson } from '../../../stats/metrics.ts'
import type { QualityHours } from '../../../stats/quality.ts'

/** An object that cannot be asked stores nothing either. */
export function toReason(error: unknown): Reason {
  return toStorageReason(error) ?? 'outbox_unwritable'
}

export function silentStats(error: unknown): Stats {
  return {
    ...{ received: 0, pending: 0, accepted: 0, rejected: 0, refused: 0, skipped: 0 },
    ...{ duplicates: 0, unsorted: 0, held: 0, oldestPendingSeconds: 0, counts: [] },
    unreadable: ['all figures'],
    troubles: [`does not answer: ${toErrorText(error)}`],
    delivery: atRest,
    destinations: [],
    notices: toStanding(allCalm, 0),
  }
}

export function silentStatus(error: unknown): StatusFigures {
  return {
    stats: silentStats(error),
    troubles: [toReason(error)],
    ...{ unsortedSince: undefined, lastNotice: null, arrivals: [] },
  }
}

export function silentPulse(error: unknown, { after = '' }: PulseQuery): Pulse {
  return { events: [], missed: 0, changes: [], cursor: after, stats: silentStats(error) }
}

/** Of a shard that is through. */
export const nothingMore: EventList = {
  ...{ events: [], next: undefined, reachedAt: undefined, cursor: '', unsorted: 0 },
}

/** It is passed over; `unreadable` says so. */
export const silentList: EventList = {
  ...nothingMore,
  unreadable: ['its events'],
}

export const silentGroups: Groups = { groups: [], unsorted: 0, unreadable: ['its dead letters'] }
export const silentQuality: QualityHours = { kinds: [], unreadable: ['its hours'] }

export const silentDelivering = (error: unknown): DeliveringNow => ({
  ...{ pending: 0, held: 0, notDone: toNotDone(error) },
})
export const silentChanges = (error: unknown): ChangedMany => ({
  ...{ matched: 0, ready: 0, done: 0, notDone: toNotDone(error) },
})

/** Of an action: nothing is known to be done there. */
const toNotDone = (error: unknown): readonly string[] => [`does not answer: ${toErrorText(error)}`]

export function silentMetrics(error: unknown): Promise<MetricsJson> {
  return createOutboxMeters().json({ ...silentStats(error), ready: false, quality: [] })
}
