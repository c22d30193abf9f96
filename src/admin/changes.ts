/**
 * What a page that watches asks about once a second, in one reading of a few milliseconds: what came since, what became of
 * what it shows, and the figures. Lives on the outbox's side, like the admin.
 */

import type { ChangesQuery, EventState } from '../outbox/queries.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import { type EventSummary, toSummary } from './event-view.ts'
import type { Stats } from './figures.ts'

export type PulseQuery = ChangesQuery

export type Pulse = {
  /** New since `after`, newest first. */
  readonly events: readonly EventSummary[]
  /** How many more came that are not among them, counted up to 10,000. */
  readonly missed: number
  readonly changes: readonly EventState[]
  /** Where the next reading goes on. */
  readonly cursor: string
  readonly stats: Omit<Stats, 'counts'>
}

export function createPulse(
  outbox: OutboxAtHand,
  indexSome: () => void,
  figures: () => Omit<Stats, 'counts'>,
): (query: PulseQuery) => Pulse {
  return query => {
    indexSome()
    const { events, states, ...rest } = outbox.changes(query)
    return { ...rest, events: events.map(toSummary), changes: states, stats: figures() }
  }
}
