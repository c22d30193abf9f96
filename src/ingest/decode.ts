/**
 * Bytes → text → elements. In: a request's body as it came. Out: the body as the outbox can keep it, and what stands in
 * it; a body that is no JSON is one rejected entry. It judges nothing else, never throws, and does no I/O.
 */

import { toBase64 } from '../event/base64.ts'
import { EVENTS_A_BODY, type EventVerdict, type ReceivedRequest } from '../event/received-request.ts'
import type { ValidationError } from '../event/validation-errors.ts'
import type { EventReason } from '../reasons.ts'
import { NOTHING_SEEN } from '../stats/quality-sample.ts'

type Kept = Pick<ReceivedRequest, 'body' | 'encoding'>

export type Decoded =
  | (Kept & { readonly ok: true; readonly elements: readonly unknown[] })
  | (Kept & { readonly ok: false; readonly entry: EventVerdict })

// It drops a byte order mark, over which JSON.parse would stumble here and at every later reading.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

export function decode(bytes: Uint8Array): Decoded {
  const body = toText(bytes)
  if (body === undefined)
    return notJson({ body: toBase64(bytes), encoding: 'base64' }, 'bytes that are no text')
  const kept: Kept = { body, encoding: 'text' }
  try {
    const parsed: unknown = JSON.parse(body)
    const elements: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed]
    if (elements.length <= EVENTS_A_BODY) return { ...kept, ok: true, elements }
    const fault = { path: '$', expected: `at most ${EVENTS_A_BODY} events`, received: `${elements.length}` }
    return toRejected(kept, 'not_a_cloudevent', fault)
  } catch (error) {
    return notJson(kept, body === '' ? 'missing' : error instanceof Error ? error.message : 'text')
  }
}

function notJson(kept: Kept, received: string): Decoded {
  return toRejected(kept, 'body_not_json', { path: '$', expected: 'JSON', received })
}

function toRejected(kept: Kept, reason: EventReason, fault: ValidationError): Decoded {
  const nothing = { identity: undefined, type: '', version: 0, observed: NOTHING_SEEN }
  return { ...kept, ok: false, entry: { ...nothing, state: 'rejected', reason, faults: [fault] } }
}

/** `undefined` when the outbox could not keep it as text: not UTF-8, or with a NUL, at which SQLite may end a text. */
function toText(bytes: Uint8Array): string | undefined {
  try {
    const text = utf8.decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}
