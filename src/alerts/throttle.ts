/**
 * When an operator is told: failures and recoveries of one component in, at most one digest every `everyMs` out.
 * A pure state machine: no I/O, no clock. Each component has a state, and with it a clock, of its own, so that none
 * delays or silences another. The state is plain JSON, so the host keeps it in its store and a restart changes nothing.
 * The host calls `take` after every `record` and at least once a tick while `due` is a number.
 *
 * The clock: a notice may go out `everyMs` after the last one by the wall clock, the only clock that outlives a
 * restart. When it jumps back to before the last notice, `take` counts anew from the jump: silence is at most
 * `everyMs` longer, and two notices are still never closer than `everyMs` of real time. When it jumps forward, the
 * next notice may be early by up to the jump: nobody can tell that from a long stop.
 */
import * as z from 'zod'
import type { Level } from '../reasons/stop.ts'
import { type DeliveryReason, deliveryReasons, type PauseReason, type Reason, reasons } from '../reasons.ts'
import { type Component, toComponent } from './component.ts'
import { redact } from './redact.ts'

/**
 * A failure to tell of. `count`: events or requests concerned. `answer`: what Segment said. `destination`: which, where there
 * are several.
 */
export type Failure = {
  readonly reason: Reason
  readonly destination?: string | undefined
  /** Milliseconds since 1970. */
  readonly at: number
  readonly count: number
  readonly firstId?: string | undefined
  readonly lastId?: string | undefined
  readonly status?: number | undefined
  readonly answer?: string | undefined
  /** Of a delivery: it pauses now, until a person mends the cause. */
  readonly pauses?: boolean | undefined
}

/** What gets no events now. `destination`: which, where there are several. */
export type Failing = {
  readonly destination?: string | undefined
  readonly reason: DeliveryReason | PauseReason
}

const ANSWER_CHARS = 300
const ID_CHARS = 100

const words = Object.keys(reasons).filter((word): word is Reason => Object.hasOwn(reasons, word))
const Word = z.enum(words)
/** `at`: the latest failure, or the recovery. */
const Span = z.object({ reason: Word, since: z.number(), at: z.number() })
const Counts = z.partialRecord(Word, z.number())
const Answered = z.object({ reason: Word, status: z.number().optional(), answer: z.string().optional() })

/** Of one component. */
export const NoticeState = z.object({
  /** When the last notice went out. */
  toldAt: z.number().optional(),
  /** What is out of order. */
  open: Span.optional(),
  /** What came right since the last notice and still is. */
  recovered: Span.optional(),
  /** Everything below came since the last notice. */
  counts: Counts,
  since: z.number().optional(),
  firstId: z.string().optional(),
  lastId: z.string().optional(),
  /** The last failure that had an answer; outlives the notice while the component is open. */
  answered: Answered.optional(),
})
export type NoticeState = Readonly<z.infer<typeof NoticeState>>

/** What one notice tells. `lead` decides its code and, with what is open, its level. */
export type Digest = Omit<NoticeState, 'toldAt'> & {
  readonly lead: Reason | 'recovery'
  readonly level: Level
}

export const calm: NoticeState = { counts: {} }

/** Whether the component stays out of order until it recovers. If not it is an incident: told, but over at once. */
export function staysOpen(reason: Reason): boolean {
  if (Object.hasOwn(deliveryReasons, reason)) return true
  switch (reason) {
    case 'outbox_unwritable':
    case 'outbox_unreadable':
    case 'outbox_newer':
    case 'outbox_damaged':
    case 'backlog_full':
    case 'signature_mismatch':
    case 'shared_key_unknown':
    case 'sink_uses_get':
    case 'change_unconfirmed':
      return true
    default:
      return false
  }
}

/** What any stranger can cause: while other requests verify it is no outage but an incident, and only a warning. */
export function isForgeable(reason: Reason): boolean {
  return reason === 'signature_mismatch' || reason === 'shared_key_unknown'
}

/** `isStranger`: other requests verify meanwhile, so what can be forged is. */
export function record(state: NoticeState, failure: Failure, isStranger = false): NoticeState {
  const { reason, at, count, status, answer, firstId, lastId } = failure
  const opens = staysOpen(reason) && !(isStranger && isForgeable(reason))
  const last = tidy(lastId ?? firstId, ID_CHARS) ?? state.lastId
  const hasAnswer = status !== undefined || answer !== undefined
  return {
    ...state,
    open: opens ? { reason, since: state.open?.since ?? at, at } : state.open,
    recovered: opens ? undefined : state.recovered,
    counts: { ...state.counts, [reason]: (state.counts[reason] ?? 0) + count },
    since: state.since ?? at,
    firstId: state.firstId ?? tidy(firstId, ID_CHARS) ?? last,
    lastId: last,
    answered: hasAnswer ? { reason, status, answer: tidy(answer, ANSWER_CHARS) } : state.answered,
  }
}

/** Called for every success: without an open failure it hands back the very same object. */
export function recover(state: NoticeState, now: number): NoticeState {
  if (!state.open) return state
  return { ...state, open: undefined, recovered: { ...state.open, at: now } }
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
  const isStill = open && answered && staysOpen(answered.reason)
  const lead = toLead(state)
  return {
    state: { ...calm, toldAt: now, open, answered: isStill ? answered : undefined },
    digest: { ...digest, lead, level: lead === 'recovery' ? 'NOTICE' : toLevel(state, lead) },
  }
}

function hasNews({ open, recovered, counts }: NoticeState): boolean {
  return Object.keys(counts).length > 0 || open !== undefined || recovered !== undefined
}

/** What can be forged and opened nothing is a stranger's. */
function toLevel({ open }: NoticeState, reason: Reason): Level {
  return isForgeable(reason) && !open ? 'WARNING' : reasons[reason].level
}

/** The worst level, then the open failure, then the most counted. What has come right does not lead. */
function toLead(state: NoticeState): Digest['lead'] {
  const { open, recovered, counts } = state
  const rank = (reason: Reason) => ['ERROR', 'WARNING', 'NOTICE'].indexOf(toLevel(state, reason))
  const isOver = (word: Reason) => !open && recovered !== undefined && staysOpen(word)
  const [lead] = words
    .filter(word => open?.reason === word || (counts[word] !== undefined && !isOver(word)))
    .sort(
      (a, b) =>
        rank(a) - rank(b) ||
        Number(open?.reason === b) - Number(open?.reason === a) ||
        (counts[b] ?? 0) - (counts[a] ?? 0),
    )
  const isAllWell = lead === undefined || toLevel(state, lead) === 'NOTICE'
  return isAllWell && recovered ? 'recovery' : (lead ?? 'recovery')
}

/** As much of an answer, or an id, as a notice or a line of the log shows. */
export function tidyAnswer(text: string | undefined): string | undefined {
  return tidy(text, ANSWER_CHARS)
}

/** Redacted before it is cut, so that the cut cannot disguise a number; the first cut bounds the work. */
function tidy(text: string | undefined, chars: number): string | undefined {
  if (text === undefined) return undefined
  return redact(text.slice(0, chars * 4))
    .slice(0, chars)
    .replace(/[\uD800-\uDBFF]$/, '')
}

/** Of every component. */
export type NoticeStates = Readonly<Record<Component, NoticeState>>

export function forEach<Value>(of: (component: Component) => Value): Record<Component, Value> {
  return { delivery: of('delivery'), outbox: of('outbox'), webhook: of('webhook'), data: of('data') }
}

/** As it was kept before each component had a clock: one for all, with two stations. */
const OldState = z
  .object({
    toldAt: z.number().optional(),
    open: z.object({ delivery: Span.optional(), door: Span.optional() }),
    counts: Counts,
    since: z.number().optional(),
  })
  .transform(({ toldAt, open, counts, since }): NoticeStates => {
    const spans = [open.delivery, open.door]
    return forEach(component => {
      const theirs = words.filter(word => counts[word] !== undefined && toComponent(word) === component)
      return {
        toldAt,
        open: spans.find(span => span && toComponent(span.reason) === component),
        counts: Object.fromEntries(theirs.map(word => [word, counts[word]])),
        since: theirs.length > 0 ? since : undefined,
      }
    })
  })

/** Parsed JSON → the states. */
export const KeptNotices: z.ZodType<NoticeStates> = z.union([z.object(forEach(() => NoticeState)), OldState])

/** How one component stands, for people. */
export type ComponentStanding = {
  /** `count`: events or requests since the last notice. */
  readonly open: readonly { readonly reason: Reason; readonly since: string; readonly count: number }[]
  /** When its next notice may go out; null while there is nothing to tell. */
  readonly nextAt: string | null
  readonly lastAt: string | null
}
export type Standing = Readonly<Record<Component, ComponentStanding>>

export function toStanding(states: NoticeStates, everyMs: number): Standing {
  const toIso = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString())
  return forEach(component => {
    const state = states[component]
    const { open, counts, toldAt } = state
    return {
      open: open
        ? [
            {
              reason: open.reason,
              since: new Date(open.since).toISOString(),
              count: counts[open.reason] ?? 0,
            },
          ]
        : [],
      nextAt: toIso(due(state, everyMs)),
      lastAt: toIso(toldAt),
    }
  })
}

export const allCalm: NoticeStates = forEach(() => calm)
