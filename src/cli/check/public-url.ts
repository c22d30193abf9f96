/**
 * Does PUBLIC_URL lead to this bridge? Asked as Twilio would ask: an empty array, signed, to the destination to the letter.
 * It holds no event, so nothing is stored; a 200 proves path, query, body and signature to come through unchanged.
 */

import * as z from 'zod'
import type { Settings } from '../../config.ts'
import { withoutUserinfo } from '../../ingest/url-candidates.ts'
import { type Asked, asBearer, ask, findAdminToken, parse } from '../admin-client.ts'
import type { Target } from '../send/post.ts'
import { toSigningKey } from '../signing-key.ts'
import { toDestination } from '../twilio-credentials.ts'
import { postEmpty, Refusal } from './empty-request.ts'
import { explainMismatch } from './mismatch.ts'
import { type Finding, note, ok, wrong } from './result.ts'

const NAME = 'public URL'

const Taken = z.looseObject({ received: z.literal(0) })

export async function checkPublicUrl(settings: Settings, local: string | undefined): Promise<Finding[]> {
  const url = toDestination(settings)
  if (url === undefined) {
    return [
      note(
        NAME,
        'PUBLIC_URL is not set: what Twilio calls is taken from the request',
        "Set it to the sink's destination before Twilio sends.",
      ),
    ]
  }
  const target: Target = { url, signedFor: url, key: toSigningKey(settings) }
  const before = await countRequests(settings, local)
  const health = await ask(`${new URL(url).origin}/healthz`)
  const asked = await postEmpty(target)
  const after = await countRequests(settings, local)
  const answered = await judge(asked, target, local)
  const isThrough = answered.state === 'ok'
  return [
    ...judgeAddress(url),
    ...(health.ok || asked.ok ? judgeHealth(health, url, isThrough) : []),
    answered,
    ...(isThrough ? judgeIdentity(before, after, local) : []),
  ]
}

function judgeAddress(url: string): Finding[] {
  const { protocol } = new URL(url)
  if (protocol === 'https:') return []
  return [
    note(
      NAME,
      `${withoutUserinfo(url)} is not https`,
      'Twilio delivers to public https addresses: put a TLS proxy in front.',
    ),
  ]
}

/** Some proxies let the webhook through and nothing else: no fault then. */
function judgeHealth(health: Asked, url: string, isThrough: boolean): Finding[] {
  const { origin } = new URL(url)
  if (!health.ok)
    return isThrough
      ? []
      : [wrong(NAME, `${origin} cannot be reached (${health.cause})`, remedyFor(health.cause))]
  const isBridge = health.status === 200 && /"up"/.test(health.text)
  if (isBridge) return [ok(NAME, `${origin}/healthz is a bridge that is up`)]
  const detail = `${origin}/healthz answers ${health.status}, not as a bridge does`
  if (isThrough) return [note(NAME, `${detail}; the webhook is reached all the same`)]
  return [
    wrong(
      NAME,
      detail,
      'Point the proxy in front of this address at the bridge (its PORT), paths unchanged.',
    ),
  ]
}

async function judge(asked: Asked, target: Target, local: string | undefined): Promise<Finding> {
  const where = withoutUserinfo(target.url)
  if (!asked.ok) {
    const late = asked.cause === 'no answer in time'
    const remedy = late
      ? 'Twilio waits 5 s: check the proxy, and the load of the bridge.'
      : remedyFor(asked.cause)
    return wrong('webhook', `${where} cannot be reached (${asked.cause})`, remedy)
  }
  const { status, text, headers } = asked
  if (status === 200 && Taken.safeParse(parse(text)).success) {
    return ok(
      'webhook',
      `${where} accepts a signed request: path, query, body and signature arrive unchanged`,
    )
  }
  if (status >= 300 && status < 400) {
    const to = headers.get('location') ?? 'somewhere else'
    return wrong(
      'webhook',
      `${where} redirects to ${to}`,
      "Set PUBLIC_URL, and the sink's destination, to where it ends; or take the redirect out of the proxy.",
    )
  }
  const refusal = Refusal.safeParse(parse(text)).data
  if (refusal?.error === 'signature_missing' && target.key === undefined) {
    const remedy = 'Set TWILIO_AUTH_TOKEN (or TWILIO_SHARED_KEYS) here as that bridge has it.'
    return wrong('webhook', `${where} requires a signature, and no token is set here to sign with`, remedy)
  }
  if (refusal?.error === 'signature_mismatch') return explainMismatch(target, refusal, local)
  return wrong(
    'webhook',
    `${where} answers ${status}${refusal ? `: ${toText(refusal)}` : ', not as a bridge does'}`,
    remedyOf(refusal, status),
  )
}

function toText({ error, message, detail }: Refusal): string {
  return [error, message, detail].filter(Boolean).join(': ')
}

function remedyOf(refusal: Refusal | undefined, status: number): string {
  switch (refusal?.error) {
    case 'body_hash_missing':
      return 'A proxy in front drops the query string: pass it on unchanged.'
    case 'signature_missing':
    case 'signature_malformed':
      return 'A proxy in front drops or changes the header X-Twilio-Signature: pass it on unchanged.'
    case 'method_not_allowed':
    case 'sink_uses_get':
      return 'A proxy in front changes the method, perhaps by a redirect: pass POST on unchanged.'
    case 'not_found':
      return 'A proxy in front changes the path: pass it on unchanged, or set PUBLIC_URL in the bridge as here.'
    case undefined:
      if (status === 401 || status === 403)
        return 'Something in front asks for a login or blocks strangers: let Twilio through to this path.'
      if (status === 404)
        return 'Point the proxy in front of this address at the bridge (its PORT), paths unchanged.'
      if (status >= 500) return 'Is the bridge running, and does the proxy in front lead to its PORT?'
      return 'Something in front answers instead of the bridge: see its log.'
    default:
      return refusal?.remedy ?? "Look at the bridge's log."
  }
}

function remedyFor(cause: string): string {
  if (/certificate|self.signed|altname|CERT/i.test(cause))
    return 'Use a certificate from a public authority for this name: Twilio accepts no other.'
  if (/ENOTFOUND|EAI_AGAIN|getaddrinfo/.test(cause))
    return 'Check the name in PUBLIC_URL, and its DNS record.'
  return 'Start the bridge, and the proxy in front; check the firewall.'
}

/** Whether the request came to the bridge of this machine, and not to another with the same token. */
function judgeIdentity(
  before: number | undefined,
  after: number | undefined,
  local: string | undefined,
): Finding[] {
  if (before === undefined || after === undefined) return []
  if (after > before) return [ok('webhook', `and it is the bridge at ${local}`)]
  const detail = `another bridge received it: the one at ${local} has seen no request`
  return [
    wrong(
      'webhook',
      detail,
      'Point PUBLIC_URL at this bridge, or stop the other one; two bridges of one account need a sink each.',
    ),
  ]
}

/** All requests at the webhook so far, as the bridge of this machine counts them. */
async function countRequests(settings: Settings, local: string | undefined): Promise<number | undefined> {
  const token = findAdminToken(settings)
  if (local === undefined || token === undefined) return undefined
  const metrics = await ask(`${local}/metrics`, asBearer(token))
  if (!metrics.ok || metrics.status !== 200) return undefined
  const counts = [...metrics.text.matchAll(/^bridge_requests_total\{.*\} (\d+)/gm)]
  return counts.reduce((sum, [, n]) => sum + Number(n), 0)
}
