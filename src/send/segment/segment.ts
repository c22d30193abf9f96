/** Segment, and whoever else speaks its protocol, as a destination: an event becomes a `track` call, a batch one request. */
import { isObject } from '../../event/event.ts'
import { asDefault, type Mapping } from '../../event/mapping.ts'
import type { Destination, MappableEvent, Mapped } from '../destination.ts'
import { byteLength } from '../pack.ts'
import {
  createDeliver,
  type Deliver,
  type DeliverPorts,
  measureOverhead,
  type Overhead,
  type Target,
} from './client.ts'
import { BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES, ID_CHARACTERS } from './limits.ts'
import { type TrackCall, toTrack } from './map.ts'

export type SegmentMessage = { readonly bytes: number; readonly content: TrackCall }

/** A destination for track calls, whatever is done with them. */
export type TrackDestination = Omit<Destination, 'deliver'> & {
  deliver(batch: readonly SegmentMessage[], signal: AbortSignal): ReturnType<Destination['deliver']>
}

export type SegmentOptions = {
  readonly name: string
  readonly target: Target
  /** Of one request. */
  readonly batchBytes: number
  /** 0: no limit. */
  readonly eventsPerSecond: number
  readonly mapping: Mapping
} & ForOne

/** What is this destination's alone. */
export type ForOne = {
  /** What its rules make of the call of an event of that type; must not change the call it is given. */
  readonly project?: ((track: TrackCall, type: string) => TrackCall) | undefined
  /** Stands behind a dot at the end of each messageId; '': they are sent as they are. Asked at each event. */
  readonly tag?: (() => string) | undefined
}

export async function createSegment(
  { target, ...options }: SegmentOptions,
  ports: DeliverPorts,
): Promise<TrackDestination> {
  return toDestination(createDeliver(target, ports), await measureOverhead(target), options)
}

const alone = { name: 'segment', batchBytes: BATCH_BYTES, eventsPerSecond: 0, mapping: asDefault }

export function toDestination(
  deliver: Deliver,
  overhead: Overhead,
  options: Partial<Omit<SegmentOptions, 'target'>> = {},
): TrackDestination {
  const { name, batchBytes, eventsPerSecond, mapping, ...forOne } = { ...alone, ...options }
  return {
    name,
    limits: {
      eventBytes: EVENT_BYTES,
      batchBytes: batchBytes - overhead.perRequest,
      batchEvents: BATCH_EVENTS,
      eventsPerSecond,
    },
    taken: { state: 'accepted' },
    map: event => toMessage(event, overhead.perEvent, mapping, forOne),
    deliver: (batch, signal) =>
      deliver(
        batch.map(({ content }) => content),
        signal,
      ),
  }
}

/** An event that breaks the mapping, or JSON, stops here, alone: in the SDK it would stop its whole batch for ever. */
function toMessage(
  { element, exact, receivedAt }: MappableEvent,
  overheadBytes: number,
  mapping: Mapping,
  forOne: ForOne,
): Mapped {
  try {
    const mapped = toTrack(element, receivedAt, exact, mapping)
    if (!mapped.ok) return { ...mapped, detail: '' }
    const track = toOne(mapped.track, typeOf(element), forOne)
    if (isDeeper(track, DEPTH)) return notSerializable
    const bytes = byteLength(JSON.stringify(track)) + overheadBytes
    if (bytes > EVENT_BYTES)
      return { ok: false, reason: 'event_too_large', detail: `${bytes} bytes as a track call` }
    const { length } = track.messageId
    if (length > ID_CHARACTERS) return { ok: false, reason: 'id_too_long', detail: `${length} characters` }
    return { ok: true, message: { bytes, content: track } }
  } catch {
    return notSerializable
  }
}

function toOne(track: TrackCall, type: string, { project = same, tag = untagged }: ForOne): TrackCall {
  const own = project(track, type)
  const behind = tag()
  return behind === '' ? own : { ...own, messageId: `${own.messageId}.${behind}` }
}

const same = (track: TrackCall): TrackCall => track
const untagged = (): string => ''
const typeOf = (element: unknown): string =>
  isObject(element) && typeof element.type === 'string' ? element.type : ''

const notSerializable = { ok: false, reason: 'not_serializable', detail: '' } as const

/**
 * JSON.parse takes any depth, JSON.stringify only what the stack still holds (some 4,000 levels on a main thread), and
 * the SDK calls it from deeper down: far below that an event is safe on every host.
 */
const DEPTH = 500

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(inner => isDeeper(inner, levels - 1))
}
