/** A notice on its way to NOTIFY_URL: as Twilio's Debugger posts, or as Slack and those that speak its format take it. */
import { type SigningKey, toSignatureHeaders } from '../config/signing-key.ts'
import type { Settings } from '../config.ts'
import type { Digests } from '../runtime.ts'
import { type Notice, toDebuggerForm, toSlackMessage } from './notice.ts'
import { toTarget } from './url-credentials.ts'

const PATIENCE_MS = 10_000

export type PostParts = {
  /** @default 'twilio' */
  readonly notifyFormat?: Settings['NOTIFY_FORMAT']
  /** Undefined: posts are not signed. */
  readonly signingKey: SigningKey | undefined
  readonly digests: Digests
  readonly send: typeof fetch
}

/** Rejects when nobody took it. */
export async function postNotice(url: string, notice: Notice, parts: PostParts): Promise<void> {
  const { target, headers } = toTarget(url)
  const { type, body, signature } =
    parts.notifyFormat === 'slack'
      ? { type: 'application/json', body: JSON.stringify(toSlackMessage(notice)), signature: {} }
      : await toSignedForm(url, notice, parts)
  // By itself: workerd's fetch refuses to be called as a method of anything else.
  const { send } = parts
  const response = await send(target, {
    method: 'POST',
    headers: { 'content-type': type, ...signature, ...headers },
    body,
    signal: AbortSignal.timeout(PATIENCE_MS),
    redirect: 'manual',
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`NOTIFY_URL answered ${response.status}`)
}

/** Signed over the URL and the sorted parameters, with a SharedKey if that is all there is. */
async function toSignedForm(url: string, notice: Notice, { signingKey, digests }: PostParts) {
  const form = toDebuggerForm(notice)
  const names = [...form.keys()].sort()
  const text = names.reduce((signed, name) => signed + name + form.get(name), url)
  const hmac = signingKey?.id === undefined ? digests.hmacSha1 : digests.hmacSha256
  const signature = signingKey && toSignatureHeaders(signingKey, await hmac(signingKey.secret, text))
  return { type: 'application/x-www-form-urlencoded', body: form.toString(), signature: signature ?? {} }
}
