/**
 * The path up to the outbox of a form that Twilio posts: authenticate → events → validate → append. The form's own fields are signed,
 * so it has to be read before it is known whose it is; hence the small limit.
 */
import { toMapping } from '../event/mapping.ts'
import { authenticateForm, checkFormHeaders } from './form-signature.ts'
import { type Answer, isTwilios, keep, type ReceiveParts, turnAway, type WebhookRequest } from './receive.ts'
import { validateBy } from './validate.ts'

export type FormParts = Omit<ReceiveParts, 'decompress'> & {
  /** What is stored of it: events as JSON can hold them. */
  readonly toEvents: (form: ReadonlyMap<string, string>, body: Uint8Array) => Promise<readonly object[]>
}

/** Many times what Twilio posts. */
const FORM_BYTES = 65_536

export async function receiveForm(request: WebhookRequest, parts: FormParts): Promise<Answer> {
  const { settings, digests, outbox, now, toEvents } = parts
  const { method, signature, length } = request
  const keys = { authTokens: settings.TWILIO_AUTH_TOKEN ?? [], sharedKeys: settings.TWILIO_SHARED_KEYS ?? [] }
  const hasKey = keys.authTokens.length + keys.sharedKeys.length > 0
  const isUnsigned = settings.ALLOW_UNSIGNED && (!hasKey || signature === undefined)
  /** `signed`: a 4xx could lose what is Twilio's. */
  const refuse = (refusal: Parameters<typeof isTwilios>[0]): Answer => {
    const { reason, detail, signed } = refusal
    if (isTwilios(refusal)) outbox.report({ reason, at: now(), count: 1, answer: detail })
    return turnAway(reason, detail, signed)
  }

  if (method !== 'POST') return refuse({ ok: false, reason: 'method_not_allowed' })
  const fault = isUnsigned ? undefined : checkFormHeaders(request, keys)
  if (fault) return refuse(fault)
  const mayBeSigned = signature !== undefined
  const { contentEncoding } = request
  if (contentEncoding && contentEncoding.trim().toLowerCase() !== 'identity')
    return refuse({ ok: false, reason: 'encoding_unsupported', detail: contentEncoding.slice(0, 100) })
  if (length !== undefined && length > FORM_BYTES)
    return refuse({ ok: false, reason: 'body_too_large', signed: mayBeSigned })
  const body = await request.readBody(FORM_BYTES)
  if (typeof body === 'string') return refuse({ ok: false, reason: body, signed: mayBeSigned })
  const form = new URLSearchParams(new TextDecoder().decode(body))
  if (!isUnsigned) {
    const verdict = await authenticateForm(request, form, keys, digests)
    if (!verdict.ok) return refuse(verdict)
  }
  const events = await toEvents(toFirstValues(form), body)
  const mapping = toMapping(settings)
  return keep(
    {
      body: JSON.stringify(events),
      encoding: 'text',
      receivedAt: now(),
      entries: events.map(event => validateBy(mapping, event)),
    },
    outbox,
  )
}

function toFirstValues(form: URLSearchParams): ReadonlyMap<string, string> {
  return new Map([...form].reverse())
}
