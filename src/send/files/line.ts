/** An event → its line in a file: the CloudEvent as received, to the letter, after the destination's rules on `data`. Pure. */
import { isAttribute, isObject, type JsonObject, toData } from '../../event/event.ts'
import { parseExactly } from '../../event/exact-numbers.ts'
import type { MappableEvent, Mapped, Message } from '../destination.ts'
import { byteLength } from '../pack.ts'

/**
 * A destination's rules on an event's data, whose numbers may be raw JSON (exact-numbers.ts). Must not change what it is given.
 * It is not asked about an event without rules: then the line is what was received.
 */
export type Project = (data: JsonObject) => JsonObject

/** `key`: what the event is known by. `receivedAt`: ms since 1970. */
export type Line = {
  readonly text: string
  readonly type: string
  readonly key: string
  readonly receivedAt: number
}

export type FileMessage = Message & { readonly content: Line }

export type MappedLine = Extract<Mapped, { ok: false }> | { readonly ok: true; readonly message: FileMessage }

export function toLine(
  { element, exact = element, receivedAt }: MappableEvent,
  project: Project | undefined,
  mostBytes: number,
): MappedLine {
  try {
    if (!isObject(exact)) return notAnEvent
    const { type, source, id } = exact
    if (!isAttribute(type) || !isAttribute(source) || !isAttribute(id)) return notAnEvent
    const event = project ? withRules(exact, project) : exact
    if (event === undefined) return { ok: false, reason: 'schema_rejected', detail: 'data is no JSON object' }
    const text = JSON.stringify(event)
    const bytes = byteLength(text)
    if (bytes > mostBytes)
      return { ok: false, reason: 'event_too_large', detail: `${bytes} bytes, at most ${mostBytes}` }
    const key = JSON.stringify([source, id])
    return { ok: true, message: { bytes, content: { text, type, key, receivedAt } } }
  } catch {
    // JSON.stringify goes only as deep as the stack does.
    return { ok: false, reason: 'not_serializable', detail: '' }
  }
}

const notAnEvent = { ok: false, reason: 'not_a_cloudevent', detail: '' } as const

/** Whatever coding the data came in, it stands there as an object afterwards: a second copy would hold what the rules take away. */
function withRules(event: JsonObject, project: Project): JsonObject | undefined {
  const data = toData(event, text => parseExactly(text))
  if (data === undefined) return undefined
  const { data_base64, ...rest } = event
  return { ...rest, data: project(data) }
}
