/** Twilio Proxy's callbacks: an HTTP request → what the path needs of it, and the answer that Proxy expects. */
import type { Context } from 'hono'
import { PROXY_PATH, toProxyUrl } from '../ingest/public-url.ts'
import type { Answer } from '../ingest/receive.ts'
import { receiveForm } from '../ingest/receive-form.ts'
import { isOutOfSession, toCallbackEvents } from '../proxy/callbacks.ts'
import { split, toReceived, type Webhook, type WebhookParts } from './webhook.ts'

export type ProxyWebhookParts = Omit<WebhookParts, 'decompress'> & {
  /** Something was stored of which it is not known yet who the participant is, as a rule. */
  readonly onStored?: ((c: Context) => void) | undefined
}

export function createProxyWebhook(parts: ProxyWebhookParts): Webhook {
  const { settings, rawUrl, count, log, digests, onStored } = parts
  const { PUBLIC_URL } = settings
  const publicUrl = PUBLIC_URL === undefined ? undefined : toProxyUrl(PUBLIC_URL)
  const paths = new Set([PROXY_PATH, URL.parse(publicUrl ?? '')?.pathname ?? PROXY_PATH])

  async function take(c: Context): Promise<Answer & { readonly twiml: string | undefined }> {
    let twiml: string | undefined
    const answer = await receiveForm(toReceived(c, parts, publicUrl), {
      ...parts,
      toEvents(form, body) {
        if (isOutOfSession(form)) twiml = toTwiml(settings.PROXY_OUT_OF_SESSION, form.has('CallSid'))
        return toCallbackEvents(form, body, digests.sha256)
      },
    })
    return { ...answer, twiml }
  }

  return {
    isAt: c => paths.has(split(rawUrl(c)).path),
    async answer(c) {
      try {
        const { status, reason, body, headers, twiml } = await take(c)
        count(status, reason ?? 'stored')
        log.debug({ status, reason, ...body }, 'Proxy webhook')
        if (status === 200) onStored?.(c)
        if (status === 200 && twiml)
          return new Response(twiml, { headers: { 'content-type': 'application/xml' } })
        return Response.json(body, { status, ...(headers && { headers }) })
      } catch (error) {
        count(500, 'internal')
        throw error
      }
    },
  }
}

/** Empty TwiML ends a call, and drops a message; only a call can be refused. */
function toTwiml(how: 'empty' | 'reject', isCall: boolean): string {
  const response = how === 'reject' && isCall ? '<Response><Reject/></Response>' : '<Response/>'
  return `<?xml version="1.0" encoding="UTF-8"?>${response}`
}
