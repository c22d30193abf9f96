/** One request as the webhook received it: its bytes, and a verdict for each event in it. Made by ingest, stored by the outbox. */
import type { NotSent, State, WebhookReason } from '../reasons.ts'
import type { ValidationError } from './validation-errors.ts'

/** What a redelivery is known by. */
export type Identity = { readonly source: string; readonly id: string }

/** What validation found out about one element of a request's body. */
export type EventVerdict = {
  /** What a redelivery is known by: (source, id). `undefined`: never a duplicate (sink test events, events without an id). */
  readonly identity: Identity | undefined
  /** CloudEvent type as sent; '' when there is none. */
  readonly type: string
  /** The version in `dataschema`; 0 when there is none. */
  readonly version: number
  readonly state: Extract<State, 'pending' | 'rejected' | 'skipped'>
  readonly reason: NotSent | undefined
  /** Why it was rejected, fault by fault. */
  readonly faults: readonly ValidationError[]
  /** What quality-sample.ts saw of it; `undefined`: it is no part of the data-quality figures. */
  readonly observed?: number | undefined
  /** By a person's wish sent once more: it takes the place of a copy that is accepted or skipped. */
  readonly again?: boolean
  /** By a person's wish for one destination alone, by its id in the store: what is known already gets a delivery there. */
  readonly only?: number
  /** It comes from another outbox, and is here what it was there. */
  readonly carried?: ImportedState
}

export type ImportedState = {
  readonly state: State
  readonly reason: string | null
  readonly detail: string | null
  readonly settledAt: number | null
  /** All that is left of an event whose bytes are pruned: what its copies are known by. */
  readonly seen?: readonly [identity: number, proof: number]
}

/** One request as it goes into the outbox: the bytes as they came, and a verdict for each event in them. */
export type ReceivedRequest = {
  /** The body as text, or base64 of it when the bytes are not UTF-8. */
  readonly body: string
  readonly encoding: 'text' | 'base64'
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly entries: readonly EventVerdict[]
}

/** A body of more is one entry: several times what fits into a megabyte of real events, so noise that would cost seconds to judge. */
export const EVENTS_A_BODY = 10_000

/** `stored` only after the commit is on disk. */
export type Stored =
  | { readonly stored: true }
  | { readonly stored: false; readonly reason: WebhookReason; readonly detail: string }
