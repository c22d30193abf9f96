/**
 * When an operator is told: failures and recoveries in, at most one digest every `everyMs` out.
 * A pure state machine: no I/O, no clock. The state is plain JSON, so the host keeps it in its store and a restart
 * changes nothing. The host calls `take` after every `record` and at least once a tick while `due` is a number.
 *
 * The clock: a notice may go out `everyMs` after the last one by the wall clock, the only clock that outlives a
 * restart. When it jumps back to before the last notice, `take` counts anew from the jump: silence is at most
 * `everyMs` longer, and two notices are still never closer than `everyMs` of real time. When it jumps forward, the
 * next notice may be early by up to the jump: nobody can tell that from a long stop.
 */
import * as z from 'zod'
import { deliveryReasons, type Reason, reasons } from '../reasons.ts'
import { redact } from './redact.ts'

/** A failure to tell of. `count`: events or requests concerned. `answer`: what Segment said. */
export type Failure = {
  readonly reason: Reason
  /** Milliseconds since 1970. */
  readonly at: number
  readonly count: number
  readonly firstId?: string | undefined
  readonly lastId?: string | undefined
  readonly status?: number | undefined
  readonly answer?: string | undefined
}

/** What can be out of order for a while: 'delivery' until Segment takes a batch, 'door' until an intake is stored. */
export type Station = 'delivery' | 'door'

const ANSWER_CHARS = 300
const ID_CHARS = 100

const words = Object.keys(reasons).filter((word): word is Reason => Object.hasOwn(reasons, word))
const Word = z.enum(words)
/** `at`: the latest failure, or the recovery. */
const Span = z.object({ reason: Word, since: z.number(), at: z.number() })
const Stations = z.object({ delivery: Span.optional(), door: Span.optional() })

export const NoticeState = z.object({
  /** When the last notice went out. */
  toldAt: z.number().optional(),
  /** What is out of order. */
  open: Stations,
  /** What came right since the last notice and still is. */
  recovered: Stations,
  /** Everything below came since the last notice. */
  counts: z.partialRecord(Word, z.number()),
  since: z.number().optional(),
  firstId: z.string().optional(),
  lastId: z.string().optional(),
  /** The last failure that had an answer; outlives the notice while its station is open. */
  answered: z
    .object({ reason: Word, status: z.number().optional(), answer: z.string().optional() })
    .optional(),
})
export type NoticeState = Readonly<z.infer<typeof NoticeState>>

/** What one notice tells. `lead` decides its level and code. */
export type Digest = Omit<NoticeState, 'toldAt'> & { readonly lead: Reason | 'recovery' }

export const calm: NoticeState = { open: {}, recovered: {}, counts: {} }

/** Reason → what it puts out of order; `undefined`: an incident, told but over at once. */
export function toStation(reason: Reason): Station | undefined {
  if (Object.hasOwn(deliveryReasons, reason)) return 'delivery'
  switch (reason) {
    case 'outbox_unwritable':
    case 'outbox_damaged':
    case 'backlog_full':
    case 'signature_mismatch':
    case 'sink_uses_get':
      return 'door'
    default:
      return undefined
  }
}

/** Parsed JSON (`undefined`: none yet) → state. What does not parse starts silent: late by `everyMs`, but never a second notice. */
export function restore(stored: unknown, now: number): NoticeState {
  if (stored === undefined) return calm
  return NoticeState.safeParse(stored).data ?? { ...calm, toldAt: now }
}

export function record(state: NoticeState, failure: Failure): NoticeState {
  const { reason, at, count, status, answer, firstId, lastId } = failure
  const station = toStation(reason)
  const span = station && { reason, since: state.open[station]?.since ?? at, at }
  const last = tidy(lastId ?? firstId, ID_CHARS) ?? state.lastId
  const hasAnswer = status !== undefined || answer !== undefined
  return {
    ...state,
    open: station ? { ...state.open, [station]: span } : state.open,
    recovered: station ? { ...state.recovered, [station]: undefined } : state.recovered,
    counts: { ...state.counts, [reason]: (state.counts[reason] ?? 0) + count },
    since: state.since ?? at,
    firstId: state.firstId ?? tidy(firstId, ID_CHARS) ?? last,
    lastId: last,
    answered: hasAnswer ? { reason, status, answer: tidy(answer, ANSWER_CHARS) } : state.answered,
  }
}

/** Called for every success: without an open failure it hands back the very same object. */
export function recover(state: NoticeState, station: Station, now: number): NoticeState {
  const span = state.open[station]
  if (!span) return state
  return {
    ...state,
    open: { ...state.open, [station]: undefined },
    recovered: { ...state.recovered, [station]: { ...span, at: now } },
  }
}

/** How things stand, for people. `count`: events or requests since the last notice. */
export type Standing = {
  readonly open: readonly { readonly reason: Reason; readonly since: string; readonly count: number }[]
  /** When the next notice may go out; null while there is nothing to tell. */
  readonly nextAt: string | null
  readonly lastAt: string | null
}

export function toStanding(state: NoticeState, everyMs: number): Standing {
  const spans = [state.open.delivery, state.open.door].filter(span => span !== undefined)
  const toIso = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString())
  return {
    open: spans.map(({ reason, since }) => ({
      reason,
      since: new Date(since).toISOString(),
      count: state.counts[reason] ?? 0,
    })),
    nextAt: toIso(due(state, everyMs)),
    lastAt: toIso(state.toldAt),
  }
}

/** When the next notice may and should go out (the past: at once); `undefined`: there is nothing to tell. */
export function due(state: NoticeState, everyMs: number): number | undefined {
  if (!hasNews(state)) return undefined
  return state.toldAt === undefined ? state.since : state.toldAt + everyMs
}

/** At most one digest, when it is due. Keep the state it returns before the digest leaves: a crash must not tell twice. */
export function take(
  state: NoticeState,
  now: number,
  everyMs: number,
): { readonly state: NoticeState; readonly digest?: Digest | undefined } {
  const { toldAt, ...digest } = state
  if (toldAt !== undefined && now < toldAt) return { state: { ...state, toldAt: now } }
  if (!hasNews(state) || (toldAt !== undefined && now < toldAt + everyMs)) return { state }
  const { open, answered } = state
  const station = answered && toStation(answered.reason)
  return {
    state: { ...calm, toldAt: now, open, answered: station && open[station] ? answered : undefined },
    digest: { ...digest, lead: toLead(state) },
  }
}

function hasNews({ open, recovered, counts }: NoticeState): boolean {
  const spans = [open.delivery, open.door, recovered.delivery, recovered.door]
  return Object.keys(counts).length > 0 || spans.some(span => span !== undefined)
}

/** The worst level, then the open failure seen last, then the most counted. What has come right does not lead. */
function toLead({ open, recovered, counts }: NoticeState): Digest['lead'] {
  const spanOf = (word: Reason) => [open.delivery, open.door].find(span => span?.reason === word)
  const isGoingOn = (word: Reason) => {
    const station = toStation(word)
    return station === undefined || open[station] !== undefined
  }
  const [lead] = words
    .filter(word => spanOf(word) || (counts[word] !== undefined && isGoingOn(word)))
    .sort(
      (a, b) =>
        rank(a) - rank(b) ||
        (spanOf(b)?.at ?? 0) - (spanOf(a)?.at ?? 0) ||
        (counts[b] ?? 0) - (counts[a] ?? 0),
    )
  const isAllWell = lead === undefined || reasons[lead].level === 'NOTICE'
  return isAllWell && (recovered.delivery || recovered.door) ? 'recovery' : (lead ?? 'recovery')
}

function rank(reason: Reason): number {
  return ['ERROR', 'WARNING', 'NOTICE'].indexOf(reasons[reason].level)
}

/** Redacted before it is cut, so that the cut cannot disguise a number; the first cut bounds the work. */
function tidy(text: string | undefined, chars: number): string | undefined {
  if (text === undefined) return undefined
  return redact(text.slice(0, chars * 4))
    .slice(0, chars)
    .replace(/[\uD800-\uDBFF]$/, '')
}
