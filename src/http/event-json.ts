/** Events as the API shows them: times in ISO 8601, faults as data. Pure. */

import type { Pulse } from '../admin/changes.ts'
import type { EventDetail, EventSummary } from '../admin/event-view.ts'
import type { EventState } from '../outbox/queries.ts'

export function toSummaryJson({ receivedAt, storedAt, occurredAt, ...summary }: EventSummary): object {
  return {
    ...summary,
    ...toStateJson(summary),
    attemptCount: undefined,
    receivedAt: toIso(receivedAt),
    storedAt: toIso(storedAt),
    occurredAt: toIso(occurredAt),
  }
}

/** What changes of an event once it is kept. */
function toStateJson({ key, state, reason, settledAt, triedAt, attemptCount }: EventState): object {
  return { key, state, reason, settledAt: toIso(settledAt), triedAt: toIso(triedAt), attempts: attemptCount }
}

/** As text, for what Twilio sent is text already: it may be nested deeper than this thread could write it. */
export function toEventJson(detail: EventDetail): string {
  const { attempts, received, mapped, faults, answer, origins, ...summary } = detail
  const shallow = {
    ...toSummaryJson(summary),
    attemptCount: summary.attemptCount,
    faults,
    answer,
    origins,
    attempts: attempts.map(({ at, ...attempt }) => ({ at: toIso(at), ...attempt })),
  }
  return `${JSON.stringify(shallow).slice(0, -1)},"received":${received},"mapped":${mapped}}`
}

/** What one message of the stream holds; where it goes on stands beside it. */
export function toPulseJson({ events, missed, changes, stats }: Omit<Pulse, 'cursor'>): object {
  return { events: events.map(toSummaryJson), missed, changes: changes.map(toStateJson), stats }
}

export function toIso(ms: number | null | undefined): string | null {
  return typeof ms === 'number' ? new Date(ms).toISOString() : null
}
