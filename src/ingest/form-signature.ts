/**
 * The classic signature of Twilio's form posts: over the URL and every parameter, sorted by name. In: what was received. Out: whether a
 * key signs it, or why none can. No I/O, no clock; the digests come from the host.
 */
import type { Digests } from '../runtime.ts'
import { type Claim, isSame, toPlaces, toSignatures } from './authenticate.ts'
import { findSigners, hasSettings, type Keys } from './signing-keys.ts'
import { urlCandidates } from './url-candidates.ts'

export type FormVerdict =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly reason:
        | 'signature_missing'
        | 'signature_malformed'
        | 'signature_mismatch'
        | 'shared_key_unknown'
      readonly detail?: string
    }

/** What needs no body; `undefined`: nothing wrong so far. */
export function checkFormHeaders(
  { signature, signatureSettings }: Pick<Claim, 'signature' | 'signatureSettings'>,
  keys: Keys,
): Extract<FormVerdict, { ok: false }> | undefined {
  if (signature === undefined || signature === '') return { ok: false, reason: 'signature_missing' }
  if (toSignatures(signature).length === 0) return { ok: false, reason: 'signature_malformed' }
  const signers = findSigners(signatureSettings, keys)
  return signers.ok ? undefined : { ok: false, reason: 'shared_key_unknown', detail: signers.detail }
}

export async function authenticateForm(
  claim: Claim,
  form: URLSearchParams,
  keys: Keys,
  digests: Digests,
): Promise<FormVerdict> {
  const fault = checkFormHeaders(claim, keys)
  if (fault) return fault
  const { signature = '', signatureSettings, urls, query, hint } = claim
  const signers = findSigners(signatureSettings, keys)
  const signatures = toSignatures(signature)
  const text = toSignedText(form)
  if (signers.ok) {
    const hmac = signers.hash === 'sha1' ? digests.hmacSha1 : digests.hmacSha256
    for (const spelling of urlCandidates(urls, query)) {
      for (const secret of signers.secrets) {
        const expected = await hmac(secret, spelling + text)
        if (signatures.some(given => isSame(given, expected))) return { ok: true }
      }
    }
  }
  const key = hasSettings(signatureSettings) ? 'SharedKey' : 'token'
  const detail = `no ${key} signs ${toPlaces(urls)} with the query and the parameters received`
  return {
    ok: false,
    reason: 'signature_mismatch',
    detail: [detail, hint?.()].filter(Boolean).join('; '),
  }
}

/** Case counts in sorting. Of a repeated parameter each value counts once. */
function toSignedText(form: URLSearchParams): string {
  // In one pass: asked by name, a form of thousands of names would cost a second, and anybody may send one.
  const values = new Map<string, Set<string>>()
  for (const [name, value] of form) values.set(name, (values.get(name) ?? new Set()).add(value))
  const names = [...values.keys()].sort()
  return names.flatMap(name => [...(values.get(name) ?? [])].sort().map(value => name + value)).join('')
}
