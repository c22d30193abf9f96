/** A JSON record → what is replayed of it, or why it cannot be. The words of the options that change an event stand here. Pure. */
import {
  type Arriving,
  dependsOnSettings,
  eventText,
  fromEvent,
  fromLine,
  type Line,
  readUnreadableLine,
  toLine,
} from '../../admin/export-format.ts'
import { isObject, type JsonObject, toData } from '../../event/event.ts'
import { toEventTime } from '../../event/event-time.ts'
import { toDataTime } from '../../event/family-time.ts'
import type { Mapping } from '../../event/mapping.ts'
import type { ValidationError } from '../../event/validation-errors.ts'
import { eventTypeOf } from '../../families/index.ts'

/** One event on its way through a replay. */
export type Item = {
  readonly arriving: Arriving
  /** JSON text that any bridge can import: the event, or the line of an export. */
  readonly record: string
  /** `undefined` where there is none: a body that was no JSON, an event whose bytes are gone. */
  readonly event: unknown
  /** When it happened, ms since 1970. */
  readonly at: number | undefined
}

export type Changes = {
  readonly again?: boolean | undefined
  /** Behind each id. */
  readonly newIds?: string | undefined
  /** What became of it elsewhere does not matter. */
  readonly isAnew?: boolean
}

export type Made = { readonly ok: true; readonly item: Item } | { readonly ok: false; readonly fault: string }

/** Segment takes no longer ones. */
const MESSAGE_ID_CHARACTERS = 100
const SHOWN_CHARACTERS = 100

export function toItem(
  value: unknown,
  text: string,
  { again, newIds, isAnew }: Changes,
  mapping?: Mapping,
): Made {
  const line = toLine(value)
  const unreadable = readUnreadableLine(text)
  if (unreadable !== undefined)
    return {
      ok: false,
      fault: `not_a_cloudevent: ${unreadable} events could not be read when this was exported`,
    }
  if (!line && isObject(value) && value.bridge === 1) {
    return { ok: false, fault: 'not_a_cloudevent: a line of an export that lacks something' }
  }
  if (line && line.event === undefined && isAnew)
    return { ok: false, fault: 'bytes_pruned: the export has no more of it than its state' }
  // Whoever has events sent anew does not want to hear that they were accepted elsewhere.
  if (line && (line.event === undefined || !(again || newIds || isAnew)))
    return { ok: true, item: fromExport(line, text, mapping) }
  const event = line ? line.event : value
  const changed =
    newIds && isObject(event) && typeof event.id === 'string' ? withSuffix(event, event.id + newIds) : event
  if (changed === undefined) {
    return {
      ok: false,
      fault: `not_a_cloudevent: with the suffix its id is over ${MESSAGE_ID_CHARACTERS} characters`,
    }
  }
  const record = changed !== event ? toJson(changed) : line ? eventText(text) : text
  if (record === undefined) return { ok: false, fault: 'not_serializable: it is nested too deeply' }
  const arriving = fromEvent(changed, record, mapping)
  const { entry } = arriving
  if (entry.state === 'rejected' && line) return { ok: true, item: fromExport(line, text, mapping) }
  if (entry.state === 'rejected')
    return { ok: false, fault: toSentence(entry.reason ?? 'rejected', entry.faults) }
  const at = timeOf(changed)
  const maySend = entry.state === 'pending' || dependsOnSettings(entry)
  if (at === undefined && maySend) return { ok: false, fault: toTimeFault(changed) }
  const asked = again ? { ...arriving, entry: { ...entry, again } } : arriving
  return {
    ok: true,
    item: { arriving: asked, record, event: changed, at },
  }
}

function fromExport(line: Line, text: string, mapping: Mapping | undefined): Item {
  return {
    arriving: fromLine(line, text, mapping),
    record: text,
    event: line.event,
    at: timeOf(line.event) ?? line.receivedAt,
  }
}

function withSuffix(event: Readonly<Record<string, unknown>>, id: string): unknown {
  return id.length > MESSAGE_ID_CHARACTERS ? undefined : { ...event, id }
}

/** `undefined`: nested too deeply, for JSON.stringify goes only as deep as the stack does. */
export function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

function toSentence(reason: string, faults: readonly ValidationError[]): string {
  const told = faults.map(({ path, expected, received }) => `${path} should be ${expected}, is ${received}`)
  return told.length > 0 ? `${reason}: ${told.join('; ')}` : reason
}

/** The event's own time, as the mapping reads it. */
function timeOf(event: unknown): number | undefined {
  if (!isObject(event)) return undefined
  const own = toEventTime(event.time)
  if (own) return own.ms
  const eventType = typeof event.type === 'string' ? eventTypeOf(event.type) : undefined
  const data = toData(event)
  return data && toDataTime(eventType?.time ?? [], data, Date.now())?.ms
}

/** Of one without a time. Live it would get that of its receipt, which is not now. */
function toTimeFault(event: unknown): string {
  const { time, ...rest }: JsonObject = isObject(event) ? event : {}
  const [path, value] = time === undefined ? ['$.data.timestamp', toData(rest)?.timestamp] : ['$.time', time]
  return `time_unreadable: ${path} should be a time with its zone, such as 2026-11-22T02:00:00Z, is ${show(value)}`
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : (toJson(value) ?? '').slice(0, SHOWN_CHARACTERS)
}
