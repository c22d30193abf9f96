/**
 * The bridge at PUBLIC_URL answered signature_mismatch: which string was signed, which ones it would take, and whose setting
 * is wrong. Asked by signing what the bridge says it checks: if that is taken, the URL is wrong and the token right.
 */
import { urlCandidates, withoutUserinfo } from '../../ingest/url-candidates.ts'
import { ask } from '../admin-client.ts'
import { sign, type Target, TIMEOUT_MS } from '../send/post.ts'
import { EMPTY, postEmpty, type Refusal } from './empty-request.ts'
import { type Finding, wrong } from './result.ts'

const NAME = 'webhook'
const SHOWN = 4

export async function explainMismatch(
  target: Target,
  { detail = '' }: Refusal,
  local: string | undefined,
): Promise<Finding> {
  const { text } = sign(target, EMPTY)
  const setting = target.key?.setting ?? 'TWILIO_AUTH_TOKEN'
  const signed = `the bridge there answers 503 signature_mismatch\nsigned:  ${withoutUserinfo(text)}`
  const checked = toChecked(detail)
  if (detail.includes('bytes of body')) {
    return wrong(
      NAME,
      `${signed}\nit says:  ${detail}`,
      'A proxy in front changes the body: pass it on unchanged.',
    )
  }
  if (checked === undefined)
    return wrong(
      NAME,
      `${signed}\nit says:  ${detail}`,
      `Compare PUBLIC_URL and ${setting} here with those of that bridge.`,
    )
  const query = text.slice(text.lastIndexOf('bodySHA256='))
  const tried = [...urlCandidates([checked], query)].slice(0, SHOWN)
  const report = `${signed}\n${tried.map((spelling, index) => `${index === 0 ? 'checked: ' : '     or  '}${spelling}`).join('\n')}`
  if (checked !== withoutUserinfo(target.signedFor).replace(/\?.*$/s, '')) {
    const matching = await findMatching(target, [checked])
    if (matching !== undefined) {
      return wrong(
        NAME,
        `${report}\nmatches: a signature over ${matching}`,
        `Set PUBLIC_URL=${withoutUserinfo(target.signedFor)} where that bridge runs and restart it; or, if the sink delivers to ${matching}, set that here.`,
      )
    }
    return wrong(
      NAME,
      `${report}\nmatches: none of them with this ${setting}`,
      `Both differ: set PUBLIC_URL and ${setting} of that bridge as they are here, and restart it.`,
    )
  }
  if (local !== undefined && (await isTakenBy(local, target))) {
    return wrong(
      NAME,
      `${report}\nthe same request, made to ${local} directly, is accepted`,
      'A proxy in front changes the query string (adds, sorts or re-encodes parameters), or leads to another bridge: pass it on unchanged.',
    )
  }
  return wrong(
    NAME,
    `${report}\nthe URL is right, so the ${target.key?.id === undefined ? 'token' : 'secret of the SharedKey'} differs, or a proxy changes the query`,
    `Set ${setting} of that bridge to the one here (after a rotation list both, comma-separated) and restart it.`,
  )
}

/** The detail of the answer names the URL that the bridge checked. */
function toChecked(detail: string): string | undefined {
  return /signs (https?:\/\/\S+)/.exec(detail)?.[1]
}

async function findMatching(target: Target, bases: readonly string[]): Promise<string | undefined> {
  for (const signedFor of bases) {
    const asked = await postEmpty({ ...target, signedFor })
    if (asked.ok && asked.status === 200) return signedFor
  }
  return undefined
}

async function isTakenBy(local: string, target: Target): Promise<boolean> {
  const { pathname } = new URL(target.url)
  const { headers, url } = sign(target, EMPTY)
  const query = url.slice(url.indexOf('?'))
  const asked = await ask(local + pathname + query, { method: 'POST', body: EMPTY, headers }, TIMEOUT_MS)
  return asked.ok && asked.status === 200
}
