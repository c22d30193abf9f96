/**
 * The package as a library: `import { toTrack, verifySignature } from 'twilio-segment-bridge'`, on Node, on Workers and in
 * bundles. docs/library.md shows it. Pure but for the digests, which are Web Crypto's; it stores and sends nothing.
 */
import { toBase64 } from './event/base64.ts'
import { toEvent } from './event/event.ts'
import { toMapping } from './event/mapping.ts'
import type { ValidationError } from './event/validation-errors.ts'
import { families as declared } from './families/index.ts'
import { authenticate } from './ingest/authenticate.ts'
import { type EventReason, type NotSent, reasons, type WebhookReason, webhookReasons } from './reasons.ts'
import type { Digests } from './runtime.ts'
import { type TrackCall, toCall } from './send/segment/map.ts'

export type { ExternalId, TrackCall } from './send/segment/map.ts'
export { version } from './version.ts'
export type { EventReason, NotSent, ValidationError, WebhookReason }

/** What the settings of the same names say in docs/configuration.md. */
export type TrackOptions = {
  /** @default 'verbatim' */
  readonly eventNames?: 'verbatim' | 'title'
  /** Paths such as `data.tags.userId`. */
  readonly userIdFrom?: readonly string[]
  /** The business's own numbers: never the customer. */
  readonly ownNumbers?: readonly string[]
  /** @default 'skip' */
  readonly noCustomer?: 'skip' | 'resource'
  /** @default ['customerAddress', 'customers.phone', 'customers.email'] */
  readonly taskAddressKeys?: readonly string[]
}

export type TrackResult =
  | { readonly ok: true; readonly track: TrackCall }
  | {
      readonly ok: false
      readonly reason: NotSent
      /** The reason in words. */
      readonly title: string
      /** Of an event that fits no schema: each fault with its path. */
      readonly faults: readonly ValidationError[]
    }

/**
 * One CloudEvent as Twilio sends it → Segment's `track` call, or why there is none. Does not throw, whatever the event is, and
 * changes nothing in it: `track.properties` is its `data`.
 *
 * `receivedAt`: milliseconds since 1970, the `timestamp` of an event that says nowhere when it happened.
 */
export function toTrack(event: unknown, receivedAt: number, options: TrackOptions = {}): TrackResult {
  const mapping = toMappingOf(options)
  const reading = toEvent(event, mapping)
  if (reading.ok) return { ok: true, track: toCall(reading, receivedAt, event, mapping) }
  const { reason, faults } = reading
  return { ok: false, reason, title: reasons[reason].title, faults }
}

function toMappingOf(options: TrackOptions) {
  const { eventNames = 'verbatim', userIdFrom = [], ownNumbers = [], noCustomer = 'skip' } = options
  const { taskAddressKeys = ['customerAddress', 'customers.phone', 'customers.email'] } = options
  return toMapping({
    EVENT_NAMES: eventNames,
    USER_ID_FROM: [...userIdFrom],
    OWN_NUMBERS: [...ownNumbers],
    NO_CUSTOMER: noCustomer,
    TASK_ADDRESS_KEYS: [...taskAddressKeys],
  })
}

export type SignedRequest = {
  /** The sink's destination as Twilio has it, with the query that came: `https://…/webhooks/twilio?bodySHA256=…`. */
  readonly url: string
  /** The header X-Twilio-Signature. */
  readonly signature: string | null | undefined
  /** The header X-Twilio-Webhooks-Signature-Settings, which comes with a SharedKey's signature. */
  readonly signatureSettings?: string | null | undefined
  /** As it came: undecoded and unparsed. */
  readonly body: Uint8Array | string
}

export type SigningKeys = {
  readonly authTokens?: readonly string[]
  readonly sharedKeys?: readonly { readonly id: string; readonly secret: string }[]
}

export type Verified =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: WebhookReason; readonly title: string; readonly detail?: string }

/** Did Twilio's Event Streams send these bytes to this URL? The signature covers the URL, and the URL the hash of the body. */
export async function verifySignature(request: SignedRequest, keys: SigningKeys): Promise<Verified> {
  const { url, signature, signatureSettings, body } = request
  const question = url.indexOf('?')
  const verdict = await authenticate(
    {
      method: 'POST',
      signature: signature ?? undefined,
      signatureSettings: signatureSettings ?? undefined,
      urls: [question < 0 ? url : url.slice(0, question)],
      query: question < 0 ? '' : url.slice(question + 1),
      body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
    },
    { authTokens: keys.authTokens ?? [], sharedKeys: keys.sharedKeys ?? [] },
    webDigests,
  )
  if (verdict.ok) return { ok: true }
  const { reason, detail } = verdict
  return { ok: false, reason, title: webhookReasons[reason].title, ...(detail !== undefined && { detail }) }
}

const webDigests: Digests = {
  hmacSha1: (key, text) => hmac('SHA-1', key, text),
  hmacSha256: (key, text) => hmac('SHA-256', key, text),
  async sha256(bytes) {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice()))
    return Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('')
  },
}

async function hmac(hash: string, key: string, text: string): Promise<string> {
  const utf8 = new TextEncoder()
  const imported = await crypto.subtle.importKey('raw', utf8.encode(key), { name: 'HMAC', hash }, false, [
    'sign',
  ])
  return toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', imported, utf8.encode(text))))
}

/** Event types that belong together: they share a schema. */
export type Family = {
  /** Its name in `dataschema`, such as `Messaging.MessageStatus`. */
  readonly schema: string
  readonly description: string
  /** The versions known; `schemas/<schema>.<version>.json` has each as JSON Schema. */
  readonly versions: readonly number[]
  /** The CloudEvent types, each with the name that `eventNames: 'title'` gives it. */
  readonly types: readonly { readonly type: string; readonly name: string }[]
}

/** Every event type that `toTrack` knows. */
export const families: readonly Family[] = declared.map(family => ({
  schema: family.schema,
  description: family.description,
  // Asked for one by one: making all schemas takes time that few callers have a use for.
  get versions() {
    return [...family.versions.keys()]
  },
  types: family.eventTypes.map(({ type, name }) => ({ type, name })),
}))
