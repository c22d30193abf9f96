/**
 * What a page that watches asks about once a second, in one reading of a few milliseconds: what came since, what became of
 * what it shows, and the figures. Lives on the outbox's side, like the admin.
 */

import type { Mapping } from '../event/mapping.ts'
import type { Changes, ChangesQuery, EventState } from '../outbox/queries.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import { type EventSummary, toSummary } from './event-view.ts'
import type { Stats } from './figures.ts'
import type { Readings } from './readings.ts'

export type PulseQuery = ChangesQuery

/** The figures without the long list of counts. */
export type LiveStats = Omit<Stats, 'counts'>

export type Pulse = {
  /** New since `after`, newest first. */
  readonly events: readonly EventSummary[]
  /** How many more came that are not among them, counted up to 10,000. */
  readonly missed: number
  readonly changes: readonly EventState[]
  /** Where the next reading goes on. */
  readonly cursor: string
  readonly stats: LiveStats
}

export function createPulse(
  outbox: OutboxAtHand,
  indexSome: () => void,
  open: () => Readings,
  figures: (readings: Readings) => LiveStats,
  mapping: Mapping,
): (query: PulseQuery) => Pulse {
  return query => {
    indexSome()
    const readings = open()
    const nothing: Changes = {
      events: [],
      missed: 0,
      states: [],
      cursor: query.after ?? outbox.figures().cursor,
    }
    const { events, states, ...rest } = readings.take('changes', () => outbox.changes(query), nothing)
    return {
      ...rest,
      events: events.map(event => toSummary(event, mapping)),
      changes: states,
      stats: figures(readings),
    }
  }
}
