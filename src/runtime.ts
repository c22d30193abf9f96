/**
 * What a host must bring, and the outbox as the path sees it. Types only, and the one limit that both sides of it know.
 * A Worker reaches its outbox by RPC and Node reaches it in another thread, so everything here may be awaited.
 */
import type { Carrier } from './admin/transfer.ts'
import type { Desk } from './admin/admin.ts'
import type { DoorReason, EventReason, State } from './reasons.ts'
import type { Failure } from './alerts/throttle.ts'

export type Awaitable<T> = T | Promise<T>

/** The digests of a Twilio signature. node:crypto is five times faster on Node than Web Crypto, hence a port. */
export type Digests = {
  /** base64 of HMAC-SHA1 over the UTF-8 of `text`. */
  hmacSha1(key: string, text: string): Awaitable<string>
  /** base64 of HMAC-SHA256 over the UTF-8 of `text`. */
  hmacSha256(key: string, text: string): Awaitable<string>
  /** Lower-case hex of SHA-256. */
  sha256(bytes: Uint8Array): Awaitable<string>
}

/** The content codings of RFC 9110 that are in use, and the deflate without its header that some senders make of one. */
export type ContentCoding = 'gzip' | 'deflate' | 'deflate-raw' | 'br'

/** Undoes a content coding, and stops at the limit: a few bytes may be the coding of a gigabyte. */
export type Decompress = (
  bytes: Uint8Array,
  coding: ContentCoding,
  limitBytes: number,
) => Promise<Uint8Array | 'body_too_large' | 'damaged'>

/** One file of the debugger page. */
export type PageFile = {
  readonly type: string
  readonly etag: string
  readonly body: Uint8Array<ArrayBuffer>
}

/** The file of this name, such as `views/health.js`. Names come checked: they lead nowhere but into the page's folder. */
export type Page = (name: string) => Awaitable<PageFile | undefined>

/** One line an incident; `fields` never hold a secret or a full phone number. */
export type Log = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What a redelivery is known by. */
export type Identity = { readonly source: string; readonly id: string }

/** What validation found out about one element of a request's body. */
export type Entry = {
  /** What a redelivery is known by: (source, id). `undefined`: never a duplicate (sink test events, events without an id). */
  readonly identity: Identity | undefined
  /** CloudEvent type as sent; '' when there is none. */
  readonly type: string
  /** The version in `dataschema`; 0 when there is none. */
  readonly version: number
  readonly state: Extract<State, 'pending' | 'rejected' | 'skipped'>
  readonly reason: EventReason | undefined
  /** Why it was rejected, fault by fault. */
  readonly faults: readonly Fault[]
  /** What quality-sample.ts saw of it; `undefined`: it is no part of the data-quality figures. */
  readonly observed?: number | undefined
  /** By a person's wish sent once more: it takes the place of a copy that is accepted or skipped. */
  readonly again?: boolean
  /** It comes from another outbox, and is here what it was there. */
  readonly carried?: Carried
}

export type Carried = {
  readonly state: State
  readonly reason: string | null
  readonly detail: string | null
  readonly settledAt: number | null
  /** All that is left of an event whose bytes are pruned: what its copies are known by. */
  readonly seen?: readonly [identity: number, proof: number]
}

/** One thing wrong with an event. `path` is a JSONPath from the event's root, such as `$.data.to`. */
export type Fault = { readonly path: string; readonly expected: string; readonly received: string }

/** One request as it goes into the outbox: the bytes as they came, and a verdict for each event in them. */
export type Intake = {
  /** The body as text, or base64 of it when the bytes are not UTF-8. */
  readonly body: string
  readonly encoding: 'text' | 'base64'
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly entries: readonly Entry[]
}

/** A body of more is one entry: several times what fits into a megabyte of real events, so noise that would cost seconds to judge. */
export const EVENTS_A_BODY = 10_000

/** `stored` only after the commit is on disk. */
export type Stored =
  | { readonly stored: true }
  | { readonly stored: false; readonly reason: DoorReason; readonly detail: string }

/** The outbox as the door sees it. */
export type Outbox = {
  put(intake: Intake): Promise<Stored>
  /** A failure at the door that an operator should hear of. */
  report(failure: Failure): void
}

/** Everything the door's side asks of the outbox's side, over whatever lies between the two. */
export type Backroom = Outbox & {
  [Name in keyof Desk]: (...args: Parameters<Desk[Name]>) => Promise<Awaited<ReturnType<Desk[Name]>>>
} & {
  /** Events on their way from one outbox to another; a host may do without. */
  readonly carrier?: {
    [Name in keyof Carrier]: (
      ...args: Parameters<Carrier[Name]>
    ) => Promise<Awaited<ReturnType<Carrier[Name]>>>
  }
}
