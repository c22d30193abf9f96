/** What a store is asked for people, and what it answers: lists, one event, changes, exports, figures. Plain data; times are ms since 1970. */
import { type State, states } from '../reasons.ts'

/** `received` counts each event once; a copy that came again is a `duplicate` and stored nowhere. */
export type Counted = State | 'received' | 'duplicate'
export const counted = ['received', ...states, 'duplicate'] as const satisfies readonly Counted[]

/** Events, each counted once, however many deliveries it has. */
export type EventCount = { type: string; version: number; state: Counted; reason: string; n: number }

/** Deliveries. `received` and `duplicate` stand under destination 0; `filtered`: events that a destination does not take. */
export type Count = Omit<EventCount, 'state'> & {
  readonly destination: number
  readonly state: Counted | 'filtered'
}

/** Deliveries of one destination: what was routed there is the sum of its states. */
export type DestinationFigures = Readonly<Record<State | 'filtered', number>> & {
  readonly destination: number
  /** Those of the pending ones that are held back. */
  readonly held: number
}

/** Events by what they are counted as: `received` is the sum of the states, at every moment. */
export type Figures = Readonly<Record<Counted, number>> & {
  /** Those of the pending events that are held back. */
  readonly held: number
  /** Events that are stored and not indexed yet: in none of the others. */
  readonly unsorted: number
  /** False while any request is stored that is not indexed, also one that is damaged and does not say of how many events. */
  readonly isIndexed: boolean
  /** How far `changes` can tell by now. */
  readonly cursor: string
  /** Those that anything was ever counted for, 0 among them. */
  readonly destinations: readonly DestinationFigures[]
}

/** What came of the events of an import; they add up to what was sent. */
export type ImportCounts = {
  /** Kept as events of their own. */
  readonly stored: number
  /** Of those stored: they wait for delivery. */
  readonly pending: number
  /** Of those stored: they will never be sent. */
  readonly skipped: number
  /** Known already. */
  readonly duplicates: number
  /** Known already, and waiting once more: in the place of a dead letter or, when that was wished, of one already sent. */
  readonly again: number
}

/** An event as the debugger lists it. `key` names it in URLs; opaque to everybody else. */
export type EventView = {
  readonly key: string
  readonly receivedAt: number
  /** When the commit that keeps it began; null once its bytes are pruned. */
  readonly storedAt: number | null
  /** When the last request that held it began. */
  readonly triedAt: number | null
  readonly settledAt: number | null
  /** How many requests held it. */
  readonly attemptCount: number
  readonly type: string
  readonly version: number
  readonly state: State
  readonly reason: string | null
  /** Faults as JSON, or the destination's answer, when it is a dead letter. */
  readonly detail: string | null
  /** The event as Twilio sent it; undefined once its bytes are pruned, or when they cannot be read. */
  readonly element: unknown
  /** The same for printing, with its numbers as they were written; undefined where that is no other. */
  readonly exact?: unknown
  /** Why its bytes, which are there, cannot be read. */
  readonly unreadable?: string
}

export type Attempt = {
  readonly at: number
  readonly tookMs: number
  readonly events: number
  readonly reason: string | null
  readonly status: number | null
  readonly answer: string
  readonly headers: Readonly<Record<string, string>>
}

/** One delivery of an event. `attempts`: those that held it from its receipt to its last one, oldest first. */
export type DeliveryView = Pick<
  EventView,
  'state' | 'reason' | 'detail' | 'settledAt' | 'triedAt' | 'attemptCount'
> & { readonly destination: number; readonly attempts: readonly Attempt[] }

/** `attempts`: of all its deliveries, oldest first. */
export type EventWithDeliveries = EventView & {
  readonly attempts: readonly Attempt[]
  readonly deliveries: readonly DeliveryView[]
}

export type EventQuery = {
  /** Events that have a delivery there, each in the state of that delivery. */
  readonly destination?: number | undefined
  readonly state?: State | undefined
  /** Here and in every other query: a type, or what several begin with and a `*`. */
  readonly type?: string | undefined
  readonly reason?: string | undefined
  /** Text anywhere in the event. */
  readonly q?: string | undefined
  /** The key to list before (older than). */
  readonly before?: string | undefined
  readonly limit: number
}

/** `next` is the key to go on before, when there may be more; `reachedAt` when the last event that was read came. */
export type EventPage = {
  readonly events: EventView[]
  readonly next: string | undefined
  readonly reachedAt: number | undefined
}

/** What changes of an event once it is kept. */
export type EventState = Pick<
  EventView,
  'key' | 'state' | 'reason' | 'settledAt' | 'triedAt' | 'attemptCount'
>

export type ChangesQuery = {
  /** The `cursor` of an earlier answer; without one, or with one that is none, nothing is new yet. */
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

export type Changes = {
  /** New since `after`, newest first. */
  readonly events: EventView[]
  /** How many more came that are not among them, counted up to 10,000. */
  readonly missed: number
  /** The recent ones, and then those of the keys. */
  readonly states: EventState[]
  /** Where the next reading goes on. */
  readonly cursor: string
}

export type ScanQuery = {
  readonly states?: readonly State[] | undefined
  readonly type?: string | undefined
  readonly reason?: string | undefined
  /** Received from then on, and before then. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
}

/** `lines` is NDJSON; `next` is undefined after the last page. A page may be empty. `unreadable`: events that are not in it. */
export type ScanPage = {
  readonly lines: string
  readonly events: number
  readonly next: string | undefined
  readonly unreadable: number
}

export type ResendQuery = {
  /** Deliveries to this one alone. */
  readonly destination?: number | undefined
  /** Accepted from then on, and before then. */
  readonly since: number
  readonly until: number
  readonly type?: string | undefined
  /** Changes nothing, and counts what would be sent again. */
  readonly preview?: boolean | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
}

/** Received from `since` on, and before `until`. */
export type BackfillQuery = ResendQuery & { readonly destination: number }

/** `matched`: accepted within that time, or without a delivery there. `pruned`: those of them whose bytes are gone, or cannot be read; they stay accepted. */
export type ResendPage = {
  readonly matched: number
  readonly pruned: number
  readonly done: number
  /** Undefined after the last page. */
  readonly next: string | undefined
}
