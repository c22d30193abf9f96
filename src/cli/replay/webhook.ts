/** `--to`: through the webhook of any bridge, on any host, signed as Twilio signs. */
import { toUnsent } from '../../admin/export-format.ts'
import { digests } from '../../hosts/node/digests.ts'
import { toBaseUrls } from '../../ingest/public-url.ts'
import { type SigningKey, toSignatureHeaders } from '../signing-key.ts'
import { CliError } from '../terminal.ts'
import { type Destination, nothing } from './destination.ts'
import type { Item } from './record.ts'
import { packs, retrying } from './request.ts'

/** Not to be sent again, since where they come from it is known that they need not be. */
const DONE: readonly string[] = ['accepted', 'skipped']

export function toWebhook(to: string, key: SigningKey, signal: AbortSignal): Destination {
  const { url, authorization } = toTarget(to)
  const name = `the bridge at ${new URL(url).origin}`

  async function post(body: Uint8Array<ArrayBuffer>): Promise<Response> {
    const query = `bodySHA256=${await digests.sha256(body)}`
    const signature = toSignatureHeaders(key, `${url}?${query}`)
    return retrying(
      during =>
        fetch(`${url}?${query}`, {
          method: 'POST',
          body,
          redirect: 'manual',
          signal: during,
          headers: {
            'content-type': 'application/json',
            ...signature,
            ...(authorization && { authorization }),
          },
        }),
      name,
      signal,
    )
  }

  async function send(items: readonly Item[]): Promise<void> {
    const [first] = items
    if (!first) return
    const { body, encoding, isRaw } = first.arriving
    const text = isRaw ? body : `[${items.map(({ arriving }) => arriving.body).join(',')}]`
    const response = await post(Uint8Array.from(Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8')))
    const answer = response.ok ? '' : await response.text()
    const isTooLarge = response.status === 413 || answer.includes('"body_too_large"')
    if (isTooLarge && items.length > 1) {
      const half = Math.ceil(items.length / 2)
      await send(items.slice(0, half))
      return send(items.slice(half))
    }
    if (!response.ok) throw new CliError(explain(response.status, answer, name))
    await response.body?.cancel()
  }

  return {
    name,
    mapping: undefined,
    async send(items) {
      const left = items.filter(({ arriving: { entry }, event }) => {
        const isThere = event !== undefined || entry.carried?.state === 'rejected'
        // Base64 of a damaged row is no body that Twilio ever sent.
        if (entry.carried?.reason === 'unreadable') return false
        return isThere && !DONE.includes(entry.carried?.state ?? 'pending')
      })
      const together = packs(
        left.filter(({ arriving }) => !arriving.isRaw),
        ({ arriving }) => arriving.body,
      )
      const alone = left.filter(({ arriving }) => arriving.isRaw).map(item => [item])
      await Promise.all([...together, ...alone].map(send))
      const unsent = toUnsent(items.map(({ arriving }) => arriving))
      return { ...nothing, sent: left.length, leftOut: items.length - left.length, unsent }
    },
  }
}

/** fetch takes no userinfo in a URL, and a bridge needs none in what is signed. */
function toTarget(to: string): { url: string; authorization: string | undefined } {
  const [base = to] = toBaseUrls({
    publicUrl: to,
    trustProxy: false,
    headers: new Headers(),
    scheme: 'https',
    host: undefined,
    path: '',
  })
  const url = new URL(base)
  const { username, password } = url
  if (username === '' && password === '') return { url: base, authorization: undefined }
  url.username = ''
  url.password = ''
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { url: url.href, authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

function explain(status: number, answer: string, name: string): string {
  const text = answer.slice(0, 500)
  const tooLarge = 'Raise MAX_BODY_BYTES there: one event alone is larger.'
  const hints: Readonly<Record<number, string>> = {
    403: 'Is this the webhook of a bridge, and does nothing on the way strip the signature?',
    404: 'Is this where the bridge listens? Give its origin, or the whole URL of its webhook.',
    413: tooLarge,
    503: answer.includes('"body_too_large"')
      ? tooLarge
      : 'TWILIO_AUTH_TOKEN here must be one of those there, and --to must be what is PUBLIC_URL there.',
  }
  const hint = status < 400 && status >= 300 ? 'It redirects: give the URL it leads to.' : hints[status]
  return `${name} refuses the events with ${status}: ${text}${hint ? `\n${hint}` : ''}`
}
