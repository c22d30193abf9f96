/**
 * The port: where events go. The dispatcher, batching, packing and the circuit breaker know only this; whoever stands behind it
 * knows a protocol. Adding one is a folder beside `segment/` and a line in destinations.ts; the contract suite in test/send/
 * must pass. Types, and the one way to write a failure.
 */

import type { Leased, Settlement } from '../outbox/store.ts'
import type { DeliveryReason, NotSent } from '../reasons.ts'

export type Destination = {
  /** As people, logs and the outbox name it: lower case, at most 20 characters. Never changes, for what is kept is kept by it. */
  readonly name: string
  readonly limits: DestinationLimits
  /** What an event becomes once `deliver` has taken it. */
  readonly taken: Pick<Settlement, 'state' | 'reason'>
  /** It gathers events for so long: a batch goes when it is full, or when its oldest event has waited for this time. */
  readonly collectMs?: number
  /** False: its filter, as it is now, keeps the event from going there (`skipped: filtered`). Absent: it takes every event. */
  admits?(event: MappableEvent): boolean
  /**
   * What an event becomes there, or why it becomes nothing; then it is set aside, alone. Pure: the same event gives the same
   * message to the byte, after a week as well. Never throws, whatever the event holds. What it gives keeps to `limits.eventBytes`.
   */
  map(event: MappableEvent): Mapped
  /**
   * One attempt to hand over a batch that keeps to `limits`: at least one message, in order, each made by this destination's own
   * `map`. The outcome is that of all of them, so nothing may be called accepted that the other side may not have taken.
   * Resolves in a bounded time, without a second attempt that could outlive it. When `signal` aborts it resolves at once.
   * Should not reject; when it does, that counts as `bridge_fault` for the whole batch.
   */
  deliver(batch: readonly Message[], signal: AbortSignal): Promise<DeliveryOutcome>
}

/** A destination at work. */
export type OpenDestination = {
  /** Its deliveries bear it in the store. */
  readonly id: number
  readonly destination: Destination
  /** As its file says. */
  readonly isPaused?: boolean
  /** Destinations of one workspace share its rate. @default one of its own */
  readonly workspace?: string | undefined
  /** A change of the file that could send events twice, or lose some: it is paused until a person confirms it by this hash. */
  readonly unconfirmed?: {
    readonly hash: string
    /** What changed and what would come of it: one sentence. */
    readonly text: string
    readonly confirm: () => void
  }
}

/** All are whole numbers. Bytes are those of UTF-8, as the receiver counts them. */
export type DestinationLimits = {
  /** Of one message. */
  readonly eventBytes: number
  /** What the messages of one batch may add up to, with one byte between two of them. */
  readonly batchBytes: number
  /** Messages in one batch. */
  readonly batchEvents: number
  /** Shared by all who deliver to it; 0: no limit. */
  readonly eventsPerSecond: number
}

/** An event as the outbox gives it. `exact`: the element with its numbers as they were written; undefined where that is no other. */
export type MappableEvent = Pick<Leased, 'element' | 'exact' | 'receivedAt'>

/** `bytes`: what it adds to a batch. `content`: the destination's own; nobody else looks into it. */
export type Message = { readonly bytes: number; readonly content: object }

export type Mapped =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly reason: NotSent; readonly detail: string }

/**
 * How one attempt ended. `refused`: some message in the batch is not acceptable, and it is worth while to find out which.
 * `aborted`: by the signal; the batch may have arrived or not, and will be sent again.
 */
export type DeliveryOutcome =
  | ({ readonly kind: 'accepted' | 'refused'; readonly status: number } & Answer)
  | DeliveryFailure
  | { readonly kind: 'aborted' }

/** Any other end: no event is known to be at fault. */
export type DeliveryFailure = Answer & {
  readonly kind: 'failed'
  readonly reason: DeliveryReason
  /** Undefined when there was no answer. */
  readonly status: number | undefined
  /** How long the destination asks to be left alone, ms; 0: it says nothing. */
  readonly waitToldMs: number
}

/** What the other side said, short, printable, and without any secret. */
type Answer = {
  readonly answer: string
  /** Those of its headers that are worth seeing. */
  readonly headers?: Readonly<Record<string, string>>
}

export function failed(reason: DeliveryReason, status: number | undefined, answer: string): DeliveryFailure {
  return { kind: 'failed', reason, status, answer, waitToldMs: 0 }
}
