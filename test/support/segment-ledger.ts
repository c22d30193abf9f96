/**
 * What Segment does behind its edge, after the 200: drops what is over the cap, discards what is malformed,
 * drops what it has seen within a day, corrects the clock of the rest, and keeps it for a test to look at.
 */
import { type Delivery, isObject, type Json, limits } from './segment-request.ts'

const DEDUPE_WINDOW_MS = 24 * 60 * 60 * 1000

export type Call = Json & {
  readonly type: string
  readonly messageId: string
  readonly originalTimestamp: string
  readonly timestamp: string
  readonly receivedAt: string
}
export type TrackCall = Call & { readonly event: string; readonly properties: Json; readonly context: Json }

/** The codes Segment shows as "Failed on ingest"; the last two are the stand-in's own, where Segment's are not known. */
export type DiscardCode =
  | 'empty_batch'
  | 'no_user_anon_id'
  | 'id_not_string'
  | 'event_not_defined'
  | 'event_not_string'
  | 'properties_not_object'
  | 'traits_not_object'
  | 'name_not_string'
  | 'category_not_string'
  | 'type_unknown'
  | 'message_id_invalid'

/** `call` is left out with `keep: 'ids'`. */
export type Discard = { readonly code: DiscardCode; readonly messageId: unknown; readonly call?: unknown }

/** 'ids' keeps message ids and counts only: a million events then fit into some 400 MB. */
export type Keep = 'all' | 'ids'

export function createLedger(keep: Keep) {
  const events: TrackCall[] = []
  const others: Call[] = []
  const ids = new Set<string>()
  const discarded: Discard[] = []
  const counts = { accepted: 0, duplicates: 0, silentlyDropped: 0 }
  // In the order of arrival, so that what is out of the window is always at the front.
  const seenAt = new Map<string, number>()

  function takeCall(call: unknown, sentAt: unknown, receivedAt: number): void {
    const messageId = isObject(call) ? (call.messageId ?? crypto.randomUUID()) : undefined
    const code = judge(call, messageId)
    if (code !== undefined || !isObject(call) || typeof messageId !== 'string') {
      discard(code ?? 'type_unknown', call)
    } else if (seenAt.has(messageId)) {
      counts.duplicates++
    } else {
      seenAt.set(messageId, receivedAt)
      ids.add(messageId)
      counts.accepted++
      if (keep === 'all')
        store({ ...call, ...stamp(call, sentAt, receivedAt), type: String(call.type), messageId })
    }
  }

  function store(call: Call): void {
    const { event, properties, context } = call
    if (call.type !== 'track') others.push(call)
    else
      events.push({
        ...call,
        event: String(event),
        properties: toObject(properties),
        context: toObject(context),
      })
  }

  function discard(code: DiscardCode, call: unknown): void {
    const messageId = isObject(call) ? call.messageId : undefined
    discarded.push(keep === 'all' ? { code, messageId, call } : { code, messageId })
  }

  return {
    events,
    others,
    ids,
    discarded,
    counts,

    take({ calls, sentAt }: Delivery, receivedAt: number): void {
      for (const [id, at] of seenAt) {
        if (at > receivedAt - DEDUPE_WINDOW_MS) break
        seenAt.delete(id)
      }
      if (calls.length === 0) discard('empty_batch', undefined)
      counts.silentlyDropped += Math.max(0, calls.length - limits.batchCalls)
      for (const call of calls.slice(0, limits.batchCalls)) takeCall(call, sentAt, receivedAt)
    },
  }
}

/** Stricter than Segment where its documentation leaves room: a bridge must not live on that. */
function judge(call: unknown, messageId: unknown): DiscardCode | undefined {
  if (!isObject(call)) return 'type_unknown'
  if (!isText(messageId) || messageId.length > 100) return 'message_id_invalid'
  const { type, event, properties, traits, name, category } = call
  const ids = [call.userId, call.anonymousId].filter(isGiven)
  if (ids.length === 0) return 'no_user_anon_id'
  if (!ids.every(isText)) return 'id_not_string'

  switch (type) {
    case 'track':
      if (!isGiven(event) || event === '') return 'event_not_defined'
      if (!isText(event)) return 'event_not_string'
      return isGiven(properties) && !isObject(properties) ? 'properties_not_object' : undefined
    case 'page':
    case 'screen':
      if (isGiven(name) && !isText(name)) return 'name_not_string'
      if (isGiven(category) && !isText(category)) return 'category_not_string'
      return isGiven(properties) && !isObject(properties) ? 'properties_not_object' : undefined
    case 'identify':
    case 'group':
      return isGiven(traits) && !isObject(traits) ? 'traits_not_object' : undefined
    case 'alias':
      return undefined
    default:
      return 'type_unknown'
  }
}

/** `timestamp = receivedAt - (sentAt - originalTimestamp)`; without a `sentAt` nothing is corrected. */
function stamp(call: Json, batchSentAt: unknown, receivedAt: number) {
  const original = isText(call.timestamp) ? call.timestamp : toIso(receivedAt, receivedAt)
  const sentAt = call.sentAt ?? batchSentAt
  const skewMs = isText(sentAt) ? receivedAt - Date.parse(sentAt) : 0
  return {
    originalTimestamp: original,
    timestamp: toIso(Date.parse(original) + skewMs, receivedAt),
    receivedAt: toIso(receivedAt, receivedAt),
    ...(isGiven(sentAt) ? { sentAt } : {}),
  }
}

function toIso(ms: number, otherwise: number): string {
  const date = new Date(ms)
  return (Number.isNaN(date.getTime()) ? new Date(otherwise) : date).toISOString()
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function toObject(value: unknown): Json {
  return isObject(value) ? value : {}
}
