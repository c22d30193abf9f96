/**
 * The path up to the outbox, where the caller waits; depot.ts is the path from there on, where nobody does.
 *
 *   Twilio ─▶ accept: authenticate → decode → validate ─▶ outbox ─2xx─▶ Twilio
 *                                                          │
 *                              drain: claim → map → pack → deliver ─▶ Segment
 */
import type { Settings } from './config.ts'
import {
  authenticate,
  checkHeaders,
  type SignedBody,
  signsUrl,
  trustUnsigned,
} from './ingest/authenticate.ts'
import { decode } from './ingest/decode.ts'
import { validate } from './ingest/validate.ts'
import type { Awaitable, Digests, Intake, Outbox, Stored } from './ports.ts'
import { type DoorReason, RETRY_AFTER_SECONDS, reasons, toStatus } from './reasons.ts'

export type WebhookRequest = {
  readonly method: string
  readonly signature: string | undefined
  /** What Twilio may have called, without query. */
  readonly urls: readonly string[]
  /** As received, undecoded, without `?`. */
  readonly query: string
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
  readonly reason?: DoorReason
}

export type DoorParts = {
  readonly settings: Settings
  readonly digests: Digests
  readonly outbox: Outbox
  readonly now: () => number
}

/** One request at the webhook → the answer Twilio gets. A 2xx is given only after the commit is on disk. */
export async function accept(
  request: WebhookRequest,
  { settings, digests, outbox, now }: DoorParts,
): Promise<Answer> {
  const verdict = await admit(request, settings, digests)
  if (!verdict.ok) {
    const { reason, detail } = verdict
    if (isTwilios(verdict)) outbox.report({ reason, at: now(), count: 1, answer: detail })
    return turnAway(reason, detail)
  }
  return keep(toIntake(verdict.body, now()), outbox)
}

function toIntake(signed: SignedBody, receivedAt: number): Intake {
  const decoded = decode(signed)
  const { body, encoding } = decoded
  const entries = decoded.ok ? decoded.elements.map(validate) : [decoded.entry]
  return { body, encoding, receivedAt, entries }
}

/** Awaits nothing itself: an async function would hold the events until the commit, beyond the heap's young generation. */
function keep(intake: Intake, outbox: Outbox): Awaitable<Answer> {
  const received = intake.entries.length
  const rejected = intake.entries.filter(({ state }) => state === 'rejected').length
  const done: Answer = { status: 200, body: { received, rejected } }
  // Not its detail: that is what the storage said, and may quote what it was given.
  const toAnswer = (stored: Stored) => (stored.stored ? done : turnAway(stored.reason, undefined))
  return received === 0 ? done : outbox.put(intake).then(toAnswer)
}

type Admission = { readonly ok: true; readonly body: SignedBody } | Refusal
type Refusal = {
  readonly ok: false
  readonly reason: DoorReason
  readonly detail?: string
  /** Where the reason itself does not say whether Twilio sent it. */
  readonly signed?: boolean
}

/** A larger body is not read before its URL has proved to be signed: a stranger gets no memory to fill. */
const READ_UNPROVEN_BYTES = 65_536

async function admit(request: WebhookRequest, settings: Settings, digests: Digests): Promise<Admission> {
  const { method, signature, urls, query, length } = request
  const tokens = settings.TWILIO_AUTH_TOKEN ?? []
  const limit = settings.MAX_BODY_BYTES
  const unsigned = settings.ALLOW_UNSIGNED && (tokens.length === 0 || signature === undefined)
  const claim = { signature, urls, query }
  const isSigned = async () => unsigned || (await signsUrl(claim, tokens, digests))
  if (method === 'GET') return authenticate({ ...claim, method, body: undefined }, tokens, digests)
  if (method !== 'POST') return { ok: false, reason: 'method_not_allowed' }
  // Cheap first: a stranger is turned away before the body is read.
  const fault = unsigned ? undefined : checkHeaders(signature, query)
  if (fault) return { ok: false, reason: fault }
  if (length !== undefined && length > limit) {
    return { ok: false, reason: 'body_too_large', signed: await isSigned() }
  }
  const isLarge = length === undefined || length > READ_UNPROVEN_BYTES
  if (isLarge && !(await isSigned())) {
    return authenticate({ ...claim, method, body: undefined }, tokens, digests)
  }
  const body = await request.readBody(limit)
  if (typeof body === 'string') return { ok: false, reason: body, signed: await isSigned() }
  if (unsigned) return { ok: true, body: trustUnsigned(body) }
  return authenticate({ ...claim, method, body }, tokens, digests)
}

/** What an operator should hear of; a mismatch may be a rotated token or a wrong PUBLIC_URL as well as a forgery. */
function isTwilios({ reason, signed }: Refusal): boolean {
  return signed === true || reason === 'signature_mismatch' || reason === 'sink_uses_get'
}

function turnAway(reason: DoorReason, detail: string | undefined): Answer {
  const status = toStatus(reason)
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
