/**
 * The port: where events are kept. Whoever stores, delivers or shows events knows only this; `sqlite/` stands behind it. Adding a
 * store is a folder beside `sqlite/`; the contract suite in test/support/outbox-contract.ts must pass.
 *
 * Each method is one transaction: all of it happens, or it throws and nothing has changed. Whoever needs two things to be one asks
 * for them in one call, for between two awaits others have their turn. What cannot be reached, written or read throws.
 * Times are ms since 1970; sizes of what is stored are in characters. Stored events have one owner, who alone claims them.
 */

import type { EventReason, OutboxReason, State, WaitReason } from '../reasons.ts'
import type { Awaitable } from '../runtime.ts'
import type { KindHours, KindTotals, Span } from '../stats/quality.ts'
import type { ConfiguredDestination, DeliveryPlace, KeptDestination, RouteEvent } from './deliveries.ts'
import type { From } from './held.ts'
import type { Place } from './place.ts'
import type {
  BackfillQuery,
  Changes,
  ChangesQuery,
  Count,
  EventCount,
  EventPage,
  EventQuery,
  EventWithDeliveries,
  Figures,
  ImportCounts,
  ResendPage,
  ResendQuery,
  ScanPage,
  ScanQuery,
} from './queries.ts'
import type { RequestRow } from './request-row.ts'

export type OutboxStore = {
  /** All there ever were, by id. */
  destinations(): Awaitable<KeptDestination[]>
  /**
   * What is configured now: the new ones get ids, the others their names, scopes and tags; whoever is not among them is marked as
   * removed, and keeps its deliveries.
   */
  keepDestinations(configured: readonly ConfiguredDestination[], now: number): Awaitable<KeptDestination[]>
  /** Where events go that are indexed from now on: all to one destination, for which nothing is parsed, or as a router says. */
  routeTo(to: number | RouteEvent): Awaitable<void>

  /**
   * Stores all of them in one commit, which is on disk when it resolves. Their events are told apart later, by `index`, in the
   * order they were stored. `now`: when the commit begins.
   */
  append(rows: readonly RequestRow[], now?: number): Awaitable<void>
  /** Indexes about so many of the events that are stored and not indexed yet, oldest first. Returns how many; 0: there are none. */
  index(events?: number): Awaitable<number>
  /** `append`, and then everything that is stored is indexed; says what became of the events of these rows. */
  import(rows: readonly RequestRow[], now: number): Awaitable<ImportCounts>

  /**
   * Leases the oldest pending deliveries of one destination: at most `limit`, and no further request once `characters` of requests
   * have been read; one event in any case. Nobody else gets them until they are settled or released, or until their owner's process
   * ends. Events that it cannot read become `rejected: unreadable` on the way; so it is with the other claims. None is held back.
   */
  claim(query: ClaimQuery): Awaitable<Leased[]>
  /**
   * How many `claim` could give, counted from the events up to `limit`: sums kept beside them may be wrong. Here and below, without
   * a destination: of all.
   */
  claimable(limit: number, destination?: number): Awaitable<number>
  /**
   * One pending delivery alone: the newest, or the one about so far down the backlog (0 = the newest, towards 1 = the oldest).
   * Another than `except` if there is one.
   */
  claimNewest(query: ClaimNewestQuery): Awaitable<Leased[]>
  /** One that is held back until `now` (or later than `latest`, by a clock that was wrong), or none. One at a time is leased. */
  claimHeld(query: ClaimHeldQuery): Awaitable<Leased[]>
  /** Until when the next one is held back; `undefined`: there is none, or one is under lease. */
  nextHeldAt(destination?: number): Awaitable<number | undefined>
  /** All that are held back are due at once. */
  endHolds(destination?: number): Awaitable<void>
  /** Ends leases. What is under none is passed over. */
  release(places: readonly DeliveryPlace[]): Awaitable<void>
  /**
   * Gives deliveries their new state and ends their leases. What is not pending any more keeps its state: a settling that is
   * repeated counts once. `tried`: those that stay pending and leased, but were in a request.
   */
  settle(settlements: readonly Settlement[], now: number, tried?: readonly Tried[]): Awaitable<void>
  /** Keeps one attempt, for people to see. */
  recordAttempt(attempt: DeliveryAttempt): Awaitable<void>

  /**
   * By a person: deliveries that are in none of the states `from` stay as they are; says of how many events one was changed.
   * What the webhook judged, and waits now, is routed first. `destination`: only the deliveries there.
   */
  transition(
    places: readonly Place[],
    from: readonly From[],
    to: Target,
    now: number,
    destination?: number,
  ): Awaitable<number>
  /** One page of accepted deliveries, of at most so many events, made pending again. */
  resendPage(query: ResendQuery, now: number, most?: number): Awaitable<ResendPage>

  /** One page of events that have no delivery to that destination yet, and are routed there by now, with one added. */
  backfillPage(query: BackfillQuery, now: number, most?: number): Awaitable<ResendPage>

  /** What is counted, as of one moment. Cheap: no row is read for it. */
  figures(): Awaitable<Figures>
  /** Events by type, version, state and reason; rows with 0 may be among them. */
  eventCounts(): Awaitable<EventCount[]>
  /** Deliveries by destination, type, version, state and reason. */
  counts(): Awaitable<Count[]>
  /** When the oldest pending event that is not held back came. */
  oldestPendingAt(destination?: number): Awaitable<number | undefined>
  /** When the oldest request that is not indexed was stored. */
  oldestUnsortedAt(): Awaitable<number | undefined>
  /** One page of the list, newest first, an event once. */
  list(query: EventQuery): Awaitable<EventPage>
  /** `undefined`: there is none at that place (any more). */
  get(place: Place): Awaitable<EventWithDeliveries | undefined>
  /** What came since a cursor, and what became of events that are watched. */
  changes(query: ChangesQuery): Awaitable<Changes>
  /** One page of an export, from the oldest event on, of what is indexed and what is not. Reads on behind what cannot be read. */
  scan(query: ScanQuery): Awaitable<ScanPage>
  /** Which of these were stored within the time that ids are kept. */
  knows(identities: readonly { readonly source: string; readonly id: string }[]): Awaitable<boolean[]>
  /** What came, by the hour and kind. */
  kindHours(span: Span): Awaitable<KindHours[]>
  /** What came since the beginning, by kind; it never falls. */
  kindTotals(): Awaitable<KindTotals[]>

  /** Lets go of what nobody needs any more, a slice of it; true: there is more to do. */
  prune(now: number): Awaitable<boolean>
  /** To be called about once a second: once a day the counts are compared with the events, and mended. */
  compareCounts(now: number): Awaitable<void>
  /** What was found damaged since the last call. */
  takeDamage(): Awaitable<Damage[]>
} & KeyValues

/** Small things by name, which outlive a restart; and the notices. */
export type KeyValues = {
  /** In the same commit the notice that it led to, which is on disk when it resolves. */
  remember(name: string, value: string, notice?: { at: number; body: object }): Awaitable<void>
  recall(name: string): Awaitable<string | undefined>
  /** A damaged value is kept as `<name>.damaged` and reported. Use `readKept` (kept-state.ts) rather than this. */
  setAside(name: string): Awaitable<void>
  /** Newest first. */
  notices(limit: number): Awaitable<unknown[]>
}

/** The port of one whose every method answers at once; it fits the port itself. */
export type Synchronous<Port> = {
  [Name in keyof Port]: Port[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Awaited<Answer>
    : Port[Name]
}

/**
 * A store that never has to be waited for, as one that has its file in this very thread. Dispatcher, admin and notifier ask for
 * one: a store that lies elsewhere begins with awaiting in them.
 */
export type OutboxAtHand = Synchronous<OutboxStore>

export type ClaimQuery = {
  readonly destination: number
  readonly limit: number
  readonly characters: number
  readonly now?: number | undefined
}
export type ClaimNewestQuery = {
  readonly destination: number
  readonly share?: number | undefined
  readonly except?: Place | undefined
  readonly now?: number | undefined
}
export type ClaimHeldQuery = {
  readonly destination: number
  readonly now: number
  readonly latest: number
}

/** A delivery under lease. `element` is the JSON value as Twilio sent it. `holds`: how often it was held back. */
export type Leased = DeliveryPlace & {
  readonly receivedAt: number
  readonly element: unknown
  /** The same for printing, with its numbers as they were written; undefined where that is no other. */
  readonly exact?: unknown
  readonly holds?: number
}

/** Requests that held an event, and when the last of them began. */
export type Tries = { readonly attempts: number; readonly triedAt: number }
export type Tried = Tries & { readonly event: DeliveryPlace }

/** What becomes of a delivery. `pending` with a reason and a hold: it is held back. */
export type Target = {
  readonly state: State
  readonly reason?: EventReason | WaitReason | undefined
  readonly detail?: string | undefined
  readonly tries?: Tries | undefined
  readonly hold?: Hold | undefined
}

export type Settlement = Target & { readonly event: Leased }

/** Until when an event is held back, and for how many times it has been. */
export type Hold = { readonly until: number; readonly times: number }

/** One attempt at a run of events, as people are shown it. `reason` is null when it was accepted. */
export type DeliveryAttempt = {
  readonly destination: number
  readonly at: number
  readonly tookMs: number
  readonly events: number
  readonly first: Place
  readonly last: Place
  readonly reason: string | null
  readonly status: number | null
  readonly answer: string
  /** The answer's headers worth seeing. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** `count`: events for `unreadable`, else things of that kind. `answer`: which ones. */
export type Damage = { readonly reason: DamageReason; readonly count: number; readonly answer: string }
export type DamageReason = OutboxReason | Extract<EventReason, 'unreadable'>

/** How long what is finished is kept: its bytes, and its ids. */
export type Pruning = { readonly retentionMs: number; readonly dedupeMs: number }
