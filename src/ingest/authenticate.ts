/**
 * Is this request Twilio's, and is the body the one Twilio sent? In: what was received, as received. Out: a body the
 * later stations accept, or the reason. Both halves count: the signature covers the URL only, and the URL holds the
 * hash of the body. On raw bytes, before any parsing. No I/O, no clock; the digests come from the host.
 */

import type { WebhookReason } from '../reasons.ts'
import type { Digests } from '../runtime.ts'
import { findSigners, hasSettings, type Keys } from './signing-keys.ts'
import { urlCandidates, withoutUserinfo } from './url-candidates.ts'

/** Of a request that says it is Twilio's: what the signature is made over. */
export type Claim = {
  /** The X-Twilio-Signature header; copies of it are joined by commas. */
  readonly signature: string | undefined
  /** The X-Twilio-Webhooks-Signature-Settings header, which comes with a SharedKey's signature. */
  readonly signatureSettings?: string | undefined
  /** What stands before the query in the sink's destination, see `toBaseUrls`. */
  readonly urls: readonly string[]
  /** As received: undecoded, without the `?`. */
  readonly query: string
  /** Why `urls` may be the wrong ones, see `toProxyHint`. */
  readonly hint?: () => string | undefined
}

export type ClaimedRequest = Claim & {
  readonly method: 'POST' | 'GET'
  readonly body: Uint8Array | undefined
}

declare const signed: unique symbol
/** The bytes Twilio signed. `authenticate` makes them, so no later station can run before it. */
export type SignedBody = Uint8Array & { readonly [signed]: true }

export type Verdict =
  | { readonly ok: true; readonly body: SignedBody }
  | { readonly ok: false; readonly reason: WebhookReason; readonly detail?: string }

type Refusal = Extract<Verdict, { ok: false }>

/** What needs neither the body nor a digest; `undefined`: nothing wrong so far. */
export function checkHeaders(claim: Omit<Claim, 'urls'>, keys: Keys): Refusal | undefined {
  const { signature, signatureSettings, query } = claim
  if (signature === undefined || signature === '') return refuse('signature_missing')
  if (toSignatures(signature).length === 0) return refuse('signature_malformed')
  if (toBodyHash(query) === null) return refuse('body_hash_missing')
  const signers = findSigners(signatureSettings, keys)
  return signers.ok ? undefined : refuse('shared_key_unknown', signers.detail)
}

/** The URL half alone: tells a real Twilio request that cannot be taken (too large, a GET) from a stranger's. */
export async function signsUrl(claim: Claim, keys: Keys, digests: Digests): Promise<boolean> {
  const { signature = '', signatureSettings, urls, query } = claim
  const signatures = toSignatures(signature)
  const signers = findSigners(signatureSettings, keys)
  if (signatures.length === 0 || !signers.ok) return false
  const hmac = signers.hash === 'sha1' ? digests.hmacSha1 : digests.hmacSha256
  for (const spelling of urlCandidates(urls, query)) {
    for (const secret of signers.secrets) {
      const expected = await hmac(secret, spelling)
      if (signatures.some(given => isSame(given, expected))) return true
    }
  }
  return false
}

/** A GET is never ok: the answer then is whether the sink needs mending or a stranger knocks. */
export async function authenticate(request: ClaimedRequest, keys: Keys, digests: Digests): Promise<Verdict> {
  const { signatureSettings, urls, query, hint, body = new Uint8Array() } = request
  if (request.method === 'GET') {
    return refuse((await signsUrl(request, keys, digests)) ? 'sink_uses_get' : 'method_not_allowed')
  }
  const fault = checkHeaders(request, keys)
  if (fault !== undefined) return fault
  if (!(await signsUrl(request, keys, digests))) {
    const key = hasSettings(signatureSettings) ? 'SharedKey' : 'token'
    const detail = `no ${key} signs ${toPlaces(urls)} with the query received`
    return refuse('signature_mismatch', [detail, hint?.()].filter(Boolean).join('; '))
  }
  // Only behind the signature: a stranger must not make the bridge hash a megabyte.
  if (!isSame(toBodyHash(query) ?? '', await digests.sha256(body))) {
    return refuse('signature_mismatch', `the URL is signed, but not these ${body.length} bytes of body`)
  }
  vouchFor(body)
  return { ok: true, body }
}

/** For ALLOW_UNSIGNED only. */
export function trustUnsigned(body: Uint8Array): SignedBody {
  vouchFor(body)
  return body
}

/** What was made of signed bytes and nothing else is as good as they are. */
export function trustDecoded(_from: SignedBody, body: Uint8Array): SignedBody {
  vouchFor(body)
  return body
}

/** The caller has seen the proof; the compiler takes its word. */
function vouchFor(_body: Uint8Array): asserts _body is SignedBody {}

/** The copies that are base64 of 20 bytes (SHA-1) or of 32 (SHA-256). A proxy that repeats the header must not cost events. */
export function toSignatures(header: string): readonly string[] {
  if (isSignature(header)) return [header]
  const copies = header.split(',').map(copy => copy.replace(/^[ \t]+|[ \t]+$/g, ''))
  return [...new Set(copies)].filter(isSignature)
}

function isSignature(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{27}|[A-Za-z0-9+/]{43})=$/.test(text)
}

/** Through the URL parser, not URLSearchParams alone: a `#` or a line break must mean what it means to Twilio's package. */
function toBodyHash(query: string): string | null {
  // What Twilio sends means the same to any parser, and needs none.
  const [, usual] = /^bodySHA256=([0-9a-f]{64})$/.exec(query) ?? []
  if (usual !== undefined) return usual
  return new URL(`https://host/?${query}`).searchParams.get('bodySHA256')
}

/** Looks at every character whatever the first ones are; the length is no secret. */
export function isSame(given: string, expected: string): boolean {
  if (given.length !== expected.length) return false
  let difference = 0
  for (let i = 0; i < expected.length; i++) difference |= given.charCodeAt(i) ^ expected.charCodeAt(i)
  return difference === 0
}

/** Without PUBLIC_URL the host is the caller's word, hence the limit. */
export function toPlaces(urls: readonly string[]): string {
  return (
    urls.map(withoutUserinfo).join(' or ').slice(0, 200) || 'an unknown URL (no Host header, no PUBLIC_URL)'
  )
}

function refuse(reason: WebhookReason, detail?: string): Refusal {
  return detail === undefined ? { ok: false, reason } : { ok: false, reason, detail }
}
