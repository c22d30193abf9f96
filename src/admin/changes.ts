/**
 * What a page that watches asks about once a second, in one reading of a few milliseconds: what came since, what became of
 * what it shows, and the figures. Lives on the outbox's side, like the admin.
 */

import type { Mapping } from '../event/mapping.ts'
import type { EventState } from '../outbox/sqlite/changes.ts'
import type { OutboxStore } from '../outbox/sqlite/outbox.ts'
import { type EventSummary, toSummary } from './event-view.ts'
import type { Stats } from './figures.ts'

export type PulseQuery = {
  /** The `cursor` of an earlier answer; without one nothing is new yet. */
  readonly after?: string | undefined
  /** A later cursor to read up to, and no further. */
  readonly upTo?: string | undefined
  /** Events whose state is asked for. */
  readonly keys: readonly string[]
  /** So many of the events up to `after` tell their state as well. */
  readonly recent: number
  /** Most events told of. */
  readonly limit: number
}

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

/** The number of a request, which everything up to it has been sorted into events. */
export const toCursor = (request: number): string => String(request)

export function fromCursor(cursor: string): number | undefined {
  return /^\d{1,15}$/.test(cursor) ? Number(cursor) : undefined
}

/** `figures`: without sorting first, for intakes go before those who watch. */
export function createPulse(
  outbox: OutboxStore,
  sortSome: () => void,
  figures: () => Omit<Stats, 'counts'>,
  mapping: Mapping,
): (query: PulseQuery) => Pulse {
  return ({ after, upTo, keys, recent, limit }) => {
    sortSome()
    const newest = outbox.sortedUpTo()
    const from = (after === undefined ? undefined : fromCursor(after)) ?? newest
    const to = Math.min(newest, (upTo === undefined ? undefined : fromCursor(upTo)) ?? newest)
    const { events, missed } = outbox.since({ after: from, upTo: to }, limit)
    const known = recent > 0 ? outbox.statesUpTo(from, recent) : []
    return {
      events: events.map(event => toSummary(event, mapping)),
      missed,
      changes: [...known, ...outbox.statesOf(keys)],
      cursor: toCursor(to),
      stats: figures(),
    }
  }
}
