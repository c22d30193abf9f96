/** What a store is asked for people, and what it answers: lists, one event, changes, exports, figures. Plain data; times are ms since 1970. */
import { type State, states } from '../reasons.ts'

/** `received` counts each event once; a copy that came again is a `duplicate` and stored nowhere. */
export type Counted = State | 'received' | 'duplicate'
export const counted = ['received', ...states, 'duplicate'] as const satisfies readonly Counted[]

export type Count = { type: string; version: number; state: Counted; reason: string; n: number }

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

/** The attempts that held it from its receipt to its last one, oldest first. */
export type EventWithAttempts = EventView & { readonly attempts: readonly Attempt[] }

export type EventQuery = {
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
  /** Accepted from then on, and before then. */
  readonly since: number
  readonly until: number
  readonly type?: string | undefined
  /** Changes nothing, and counts what would be sent again. */
  readonly preview?: boolean | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
}

/** `matched`: accepted within that time. `pruned`: those of them whose bytes are gone, or cannot be read; they stay accepted. */
export type ResendPage = {
  readonly matched: number
  readonly pruned: number
  readonly done: number
  /** Undefined after the last page. */
  readonly next: string | undefined
}
