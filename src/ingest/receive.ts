/**
 * The path up to the outbox, where the caller waits; dispatcher.ts is the path from there on, where nobody does.
 *
 *   Twilio ─▶ receive: authenticate → decode → validate ─▶ outbox ─2xx─▶ Twilio
 */
import type { Failure } from '../alerts/throttle.ts'
import type { Settings } from '../config.ts'
import { type Mapping, toMapping } from '../event/mapping.ts'
import type { EventVerdict, ReceivedRequest, Stored } from '../event/received-request.ts'
import { toStatus } from '../reasons/outcomes.ts'
import { RETRY_AFTER_SECONDS, reasons, type WebhookReason } from '../reasons.ts'
import type { Awaitable, Decompress, Digests } from '../runtime.ts'
import {
  authenticate,
  type Claim,
  checkHeaders,
  type SignedBody,
  signsUrl,
  trustUnsigned,
} from './authenticate.ts'
import { type Content, undoContentEncoding } from './content-encoding.ts'
import { decode } from './decode.ts'
import { validateBy } from './validate.ts'

export type WebhookRequest = Claim & {
  readonly method: string
  readonly contentEncoding: string | undefined
  /** Bytes of the body as announced; undefined when it comes in chunks. */
  readonly length: number | undefined
  /** Reads no further than the limit. */
  readBody(limit: number): Promise<Body>
}

export type Body = Uint8Array | 'body_too_large' | 'body_cut_off'

export type Answer = {
  readonly status: number
  readonly body: Readonly<Record<string, string | number>>
  readonly headers?: Readonly<Record<string, string>>
  /** Why nothing was stored. */
  readonly reason?: WebhookReason
}

export type ReceiveParts = {
  readonly settings: Settings
  readonly digests: Digests
  readonly decompress: Decompress
  readonly outbox: Outbox
  readonly now: () => number
}

/** One request at the webhook → the answer Twilio gets. A 2xx is given only after the commit is on disk. */
export async function receive(
  request: WebhookRequest,
  { settings, digests, decompress, outbox, now }: ReceiveParts,
): Promise<Answer> {
  const refuse = (refusal: Refusal): Answer => {
    const { reason, detail, signed } = refusal
    if (isTwilios(refusal)) outbox.report({ reason, at: now(), count: 1, answer: detail })
    return turnAway(reason, detail, signed)
  }
  const admitted = await authorize(request, settings, digests)
  if (!admitted.ok) return refuse(admitted)
  const { contentEncoding } = request
  if (!contentEncoding) return keep(toIntake(admitted, now(), toMapping(settings)), outbox)
  const content = await undoContentEncoding(
    admitted.body,
    contentEncoding,
    decompress,
    settings.MAX_BODY_BYTES,
  )
  if (!content.ok) return refuse({ ...content, signed: request.signature !== undefined })
  return keep(toIntake(content, now(), toMapping(settings)), outbox)
}

function toIntake(
  content: Pick<Extract<Content, { ok: true }>, 'body' | 'damaged'>,
  receivedAt: number,
  mapping: Mapping,
): ReceivedRequest {
  const decoded = decode(content.body)
  const { body, encoding } = decoded
  const entries = decoded.ok
    ? decoded.elements.map(element => validateBy(mapping, element))
    : [toRejected(decoded.entry, content.damaged)]
  return { body, encoding, receivedAt, entries }
}

/** A body that says it is compressed, and is not, may still be JSON; if it is none, a person should hear of both. */
function toRejected(entry: EventVerdict, damaged: string | undefined): EventVerdict {
  if (damaged === undefined) return entry
  const fault = { path: '$', expected: `a body in the coding ${damaged}`, received: 'bytes that are damaged' }
  return { ...entry, faults: [fault, ...entry.faults] }
}

/** Awaits nothing itself: an async function would hold the events until the commit, beyond the heap's young generation. */
export function keep(intake: ReceivedRequest, outbox: Outbox): Awaitable<Answer> {
  const received = intake.entries.length
  const rejected = intake.entries.filter(({ state }) => state === 'rejected').length
  const done: Answer = { status: 200, body: { received, rejected } }
  // Not its detail: that is what the storage said, and may quote what it was given.
  const toAnswer = (stored: Stored) => (stored.stored ? done : turnAway(stored.reason, undefined))
  return received === 0 ? done : outbox.put(intake).then(toAnswer)
}

type Admission = { readonly ok: true; readonly body: SignedBody } | Refusal
export type Refusal = {
  readonly ok: false
  readonly reason: WebhookReason
  readonly detail?: string
  /** Where the reason itself does not say whether Twilio sent it. */
  readonly signed?: boolean
}

/** A larger body is not read before its URL has proved to be signed: a stranger gets no memory to fill. */
const READ_UNPROVEN_BYTES = 65_536

async function authorize(request: WebhookRequest, settings: Settings, digests: Digests): Promise<Admission> {
  const { method, signature, length } = request
  const keys = { authTokens: settings.TWILIO_AUTH_TOKEN ?? [], sharedKeys: settings.TWILIO_SHARED_KEYS ?? [] }
  const limit = settings.MAX_BODY_BYTES
  const hasKey = keys.authTokens.length + keys.sharedKeys.length > 0
  const unsigned = settings.ALLOW_UNSIGNED && (!hasKey || signature === undefined)
  const isTrusted = async () => unsigned || (await signsUrl(request, keys, digests))
  // Without a key every signature counts: it may be Twilio's.
  const isSigned = async () => signature !== undefined && (await isTrusted())
  if (method === 'GET') return authenticate({ ...request, method, body: undefined }, keys, digests)
  if (method !== 'POST') return { ok: false, reason: 'method_not_allowed' }
  // Cheap first: a stranger is turned away before the body is read.
  const fault = unsigned ? undefined : checkHeaders(request, keys)
  if (fault) return fault
  const isTooLarge = length !== undefined && length > limit
  const isLarge = isTooLarge || length === undefined || length > READ_UNPROVEN_BYTES
  // Whatever its size: with a rotated token it is Twilio's, and a 413 would lose it.
  if (isLarge && !(await isTrusted())) {
    return authenticate({ ...request, method, body: undefined }, keys, digests)
  }
  if (isTooLarge) return { ok: false, reason: 'body_too_large', signed: await isSigned() }
  const body = await request.readBody(limit)
  if (typeof body === 'string') return { ok: false, reason: body, signed: await isSigned() }
  if (unsigned) return { ok: true, body: trustUnsigned(body) }
  return authenticate({ ...request, method, body }, keys, digests)
}

/** Each may be a setting that is wrong or out of date, as well as a forgery. */
const mayBeTwilios: readonly WebhookReason[] = ['signature_mismatch', 'shared_key_unknown', 'sink_uses_get']

/** What an operator should hear of. */
export function isTwilios({ reason, signed }: Refusal): boolean {
  return signed === true || mayBeTwilios.includes(reason)
}

export function turnAway(reason: WebhookReason, detail: string | undefined, signed = false): Answer {
  // What Twilio signed must not get a 4xx: it would be lost for good, where a person has four hours to help it.
  const status = signed ? 503 : toStatus(reason)
  const { title, remedy } = reasons[reason]
  const headers: Record<string, string> = {}
  if (status === 503) headers['retry-after'] = String(RETRY_AFTER_SECONDS)
  if (status === 405) headers.allow = 'POST'
  return {
    status,
    headers,
    reason,
    body: { error: reason, message: title, remedy, ...(detail && { detail }) },
  }
}

/** The outbox as the webhook sees it. */
export type Outbox = {
  put(intake: ReceivedRequest): Promise<Stored>
  /** A failure at the webhook that an operator should hear of. */
  report(failure: Failure): void
}
