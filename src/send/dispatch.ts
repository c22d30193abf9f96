/**
 * Leased events → track calls → as few requests as Segment's limits allow → what became of each event.
 * A batch that Segment refuses is halved until the one culprit stands alone; its neighbours go through. Touches neither
 * the outbox nor the clock's cadence: events that are in no settlement are simply tried again.
 */

import type { Delivery, Leased, Settlement, Tried, Tries } from '../outbox/lease.ts'
import type { EventReason } from '../reasons.ts'
import { toState } from '../reasons.ts'
import { type Deliver, type Failed, failed, type Outcome } from './deliver.ts'
import { type TrackCall, toTrack } from './map.ts'
import { byteLength, EVENT_BYTES, ID_CHARACTERS, pack, type Sized } from './pack.ts'

export type Overhead = { readonly perRequest: number; readonly perEvent: number }

export type DispatchPorts = {
  readonly deliver: Deliver
  readonly overhead: Overhead
  /** What an event becomes that `deliver` took. */
  readonly delivered: Pick<Settlement, 'state' | 'reason'>
  /** Whether a refusal of one event alone is believed, though nothing beside it went through. */
  readonly believes: () => boolean
  readonly note: (delivery: Delivery) => void
  readonly now: () => number
}

/** Why the line must wait. `events`: how many were concerned. */
export type LineFailure = Failed & { readonly events: readonly Leased[] }

export type Dispatched = {
  readonly settlements: readonly Settlement[]
  readonly failure: LineFailure | undefined
  /** In a request, and in no settlement. */
  readonly tried: readonly Tried[]
}

export async function dispatch(leased: readonly Leased[], ports: DispatchPorts): Promise<Dispatched> {
  const tries = new Map<Leased, Tries>()
  const { settlements, failure } = await send(leased, tries, ports)
  const settled = new Set(settlements.map(({ event }) => event))
  return {
    settlements: settlements.map(settlement => ({ ...settlement, tries: tries.get(settlement.event) })),
    failure,
    tried: [...tries].flatMap(([event, tried]) => (settled.has(event) ? [] : { event, ...tried })),
  }
}

async function send(
  leased: readonly Leased[],
  tries: Map<Leased, Tries>,
  ports: DispatchPorts,
): Promise<Omit<Dispatched, 'tried'>> {
  const { ready, settlements } = prepare(leased, ports.overhead)
  for (const batch of pack(ready, ports.overhead.perRequest)) {
    const sent: Sent = { accepted: [], refused: [], tries }
    await sendHalving(batch, sent, ports)
    const { accepted, refused, failure } = sent
    for (const { event } of accepted) settlements.push({ event, ...ports.delivered })
    if (accepted.length > 0 || (batch.length === 1 && ports.believes())) {
      for (const { event, answer } of refused) settlements.push(toRefused(event, 'segment_refused', answer))
    } else if (refused.length > 0 && !failure) {
      // Not every event of a batch can be at fault: then it is the key, the path or a proxy, and the events stay pending.
      return { settlements, failure: refusesAll(batch, refused) }
    }
    if (failure) return { settlements, failure }
  }
  return { settlements, failure: undefined }
}

function prepare(
  leased: readonly Leased[],
  overhead: Overhead,
): { ready: Sized<Leased>[]; settlements: Settlement[] } {
  const ready: Sized<Leased>[] = []
  const settlements: Settlement[] = []
  for (const event of leased) {
    const written = write(event)
    if (!written.ok) {
      settlements.push(toRefused(event, written.reason, ''))
      continue
    }
    const bytes = byteLength(written.json) + overhead.perEvent
    if (bytes > EVENT_BYTES) {
      settlements.push(toRefused(event, 'event_too_large', `${bytes} bytes as a track call`))
    } else if (written.track.messageId.length > ID_CHARACTERS) {
      settlements.push(toRefused(event, 'id_too_long', `${written.track.messageId.length} characters`))
    } else {
      ready.push({ event, track: written.track, bytes })
    }
  }
  return { ready, settlements }
}

type Written =
  | { readonly ok: true; readonly track: TrackCall; readonly json: string }
  | { readonly ok: false; readonly reason: EventReason }

/** An event that breaks the mapping, or JSON, stops here, alone: in the SDK it would stop its whole batch for ever. */
function write({ element, exact, receivedAt }: Leased): Written {
  try {
    const mapped = toTrack(element, receivedAt, exact)
    if (!mapped.ok) return mapped
    if (isDeeper(mapped.track, DEPTH)) return { ok: false, reason: 'not_serializable' }
    return { ok: true, track: mapped.track, json: JSON.stringify(mapped.track) }
  } catch {
    return { ok: false, reason: 'not_serializable' }
  }
}

/**
 * JSON.parse takes any depth, JSON.stringify only what the stack still holds (some 4,000 levels on a main thread), and
 * the SDK calls it from deeper down: far below that an event is safe on every host.
 */
const DEPTH = 500

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(inner => isDeeper(inner, levels - 1))
}

type Sent = {
  readonly accepted: Sized<Leased>[]
  readonly refused: { readonly event: Leased; readonly answer: string; readonly status: number }[]
  /** Of each event that was in a request. */
  readonly tries: Map<Leased, Tries>
  failure?: LineFailure
}

/** Events refused alone, and none accepted, after which halving on would only cost requests: two for every event left. */
const REFUSALS_ENOUGH = 8

/** Adds to `sent`. False when the rest of the batch is not to be sent. */
async function sendHalving(
  batch: readonly Sized<Leased>[],
  sent: Sent,
  ports: DispatchPorts,
): Promise<boolean> {
  const outcome = await attempt(batch, sent.tries, ports)
  if (outcome.kind === 'accepted') {
    sent.accepted.push(...batch)
    return true
  }
  if (outcome.kind === 'failed') {
    sent.failure = { ...outcome, events: batch.map(({ event }) => event) }
    return false
  }
  const [first] = batch
  if (batch.length === 1 && first) {
    sent.refused.push({ event: first.event, answer: outcome.answer, status: outcome.status })
    return sent.accepted.length > 0 || sent.refused.length < REFUSALS_ENOUGH
  }
  const middle = Math.ceil(batch.length / 2)
  return (
    (await sendHalving(batch.slice(0, middle), sent, ports)) &&
    (await sendHalving(batch.slice(middle), sent, ports))
  )
}

async function attempt(
  batch: readonly Sized<Leased>[],
  tries: Map<Leased, Tries>,
  { deliver, note, now }: DispatchPorts,
): Promise<Outcome> {
  const at = now()
  for (const { event } of batch) {
    tries.set(event, { attempts: (tries.get(event)?.attempts ?? 0) + 1, triedAt: at })
  }
  const outcome = await deliver(batch.map(({ track }) => track))
  const canary = canaryOf(batch)
  const first = batch[canary ? 1 : 0]?.event
  const last = batch.at(-1)?.event
  if (first && last) {
    const reason =
      outcome.kind === 'failed' ? outcome.reason : outcome.kind === 'refused' ? 'segment_refused' : null
    const { status = null, answer, headers } = outcome
    const tookMs = now() - at
    note({ at, tookMs, events: batch.length, first, last, canary, reason, status, answer, headers })
  }
  return outcome
}

/** The newest event, when it goes before the oldest ones. */
function canaryOf([first, second]: readonly Sized<Leased>[]): Leased | undefined {
  if (!first || !second) return undefined
  const [a, b] = [first.event, second.event]
  return a.request > b.request || (a.request === b.request && a.position > b.position) ? a : undefined
}

function refusesAll(batch: readonly Sized<Leased>[], refused: Sent['refused']): LineFailure {
  const [first] = refused
  const failure = failed('segment_refuses_all', first?.status, first?.answer ?? '')
  return { ...failure, events: batch.map(({ event }) => event) }
}

function toRefused(event: Leased, reason: EventReason, detail: string): Settlement {
  return { event, state: toState(reason), reason, detail }
}
