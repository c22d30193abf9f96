/** The webhook: an HTTP request → what the path needs of it, and the path's answer back. */
import type { Context } from 'hono'
import { toBaseUrls, toProxyHint, WEBHOOK_PATH, webhookPath } from '../ingest/public-url.ts'
import { type Answer, type ReceiveParts, receive } from '../ingest/receive.ts'
import type { Log } from '../runtime.ts'
import { type ReadBody, readStream } from './body.ts'

export type WebhookParts = ReceiveParts & {
  readonly log: Log
  readonly count: (status: number, reason: string) => void
  /** The path and query exactly as the caller wrote them; only the host knows. */
  readonly rawUrl: (c: Context) => string
  /** @default the stream of the request */
  readonly readBody?: ReadBody<Context>
}

type ReceivedParts = Pick<WebhookParts, 'settings' | 'rawUrl' | 'readBody'>

export type Webhook = {
  /** By the path as it stands: the router would read a path of PUBLIC_URL as a pattern, and compare it decoded. */
  isAt(c: Context): boolean
  answer(c: Context): Promise<Response>
}

export function createWebhook(parts: WebhookParts): Webhook {
  const { settings, rawUrl, count, log } = parts
  // Twilio may know the webhook by another path; a proxy in front may or may not change it back.
  const paths = new Set([WEBHOOK_PATH, webhookPath(settings.PUBLIC_URL)])

  async function take(c: Context): Promise<Answer> {
    return receive(toReceived(c, parts, settings.PUBLIC_URL), parts)
  }

  return {
    isAt(c) {
      const { path } = split(rawUrl(c))
      return paths.has(path) || paths.has(normalize(path))
    },
    async answer(c) {
      try {
        const { status, reason, body, headers } = await take(c)
        count(status, reason ?? 'stored')
        log.debug({ status, reason, ...body }, 'webhook')
        return Response.json(body, { status, ...(headers && { headers }) })
      } catch (error) {
        count(500, 'internal')
        throw error
      }
    },
  }
}

/** What a webhook of Twilio has to know of a request. `publicUrl`: the one that was signed, if it is known. */
export function toReceived(
  c: Context,
  { settings, rawUrl, readBody = (c, limit) => readStream(c.req.raw.body, limit) }: ReceivedParts,
  publicUrl: string | undefined,
) {
  const { path, query } = split(rawUrl(c))
  const length = c.req.header('content-length')
  const received = {
    publicUrl,
    trustProxy: settings.TRUST_PROXY,
    headers: c.req.raw.headers,
    scheme: c.req.url.startsWith('https:') ? 'https' : 'http',
    host: c.req.header('host'),
    path,
  } as const
  return {
    method: c.req.method,
    signature: c.req.header('x-twilio-signature'),
    signatureSettings: c.req.header('x-twilio-webhooks-signature-settings'),
    contentEncoding: c.req.header('content-encoding'),
    urls: toBaseUrls(received),
    hint: () => toProxyHint(received),
    query,
    length: length === undefined ? undefined : Number(length),
    readBody: (limit: number) => readBody(c, limit),
  }
}

/** An absolute form (`POST http://host/path`) is as good as the usual one. */
export function split(url: string): { path: string; query: string } {
  const target = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const at = target.indexOf('?')
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) }
}

/** As `webhookPath` spells it. */
function normalize(path: string): string {
  return URL.parse(`http://host${path}`)?.pathname ?? ''
}
