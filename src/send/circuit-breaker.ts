/**
 * What is tried next when a destination fails, and when. Pure: no clock, no dice. Every number of it stands here.
 *
 *   batch ─ fails ─▶ 1 s ─ fails ─▶ 2 s ─ fails ─▶ probe: one event alone ─ passes ─▶ isolate: halve whatever fails,
 *     ▲                                              │    ▲                          hold the culprits back
 *     └──────────── a whole batch passes ────────────┼────┼──────────────────────────────┘
 *                                                    └ fails: back off, or pause; then another event is the probe
 *
 * So one event that its way always answers with an error blocks nothing, and a destination that is down costs one small
 * request a try. Nothing is ever given up by age or by count of attempts.
 */
import { toRetry } from '../reasons/outcomes.ts'
import type { DeliveryReason } from '../reasons.ts'
import { type Line, openLine, toRest } from './retry.ts'

/** After the first two failures, of whatever kind. */
const QUICK_RETRIES_MS = [1_000, 2_000] as const
/** The back-off of an outage doubles up to this. */
export const LONGEST_BACKOFF_MS = 60_000
/** Only a person can fix the cause (credentials, routing), so there is no hurry. */
export const PAUSE_MS = 5 * 60_000
/** How long a passed probe, or a culprit found, proves that the destination is up. */
const PROOF_MS = 60_000
/** Events held back in a row, with nothing accepted in between, after which the destination needs a new proof. */
export const CULPRITS_A_PROOF = 20
/** Refusals of single events in a row, with nothing accepted in between, after which the receiver is doubted instead. */
export const REFUSALS_BELIEVED = 10
/** An event held back is tried again after about this long, then twice as long, and so on. */
const FIRST_HOLD_MS = 60_000
export const LONGEST_HOLD_MS = 60 * 60_000

export type Try = 'batch' | 'probe' | 'isolate'
export type Told = { readonly reason: DeliveryReason; readonly waitToldMs: number }

export function toNextTry({ strikes, isolatingUntil }: Line, now: number): Try {
  if (strikes >= QUICK_RETRIES_MS.length) return 'probe'
  const isProven = isolatingUntil > now && isolatingUntil <= now + PROOF_MS
  return isProven ? 'isolate' : 'batch'
}

/** What the destination is waited for: a quick retry, a back-off (or a wait that it named), a pause until a person mends the cause. */
export type Wait = 'retrying' | 'failing' | 'paused'

/** Undefined: nothing has failed since the last success. */
export function toWaitInForce(line: Line, now: number): Wait | undefined {
  const { failures, strikes, reason } = line
  if (failures === 0) return undefined
  const isPause = reason !== undefined && toRetry(reason) === 'pause'
  if (isPause && strikes > QUICK_RETRIES_MS.length + 1) return 'paused'
  const isQuick = failures <= QUICK_RETRIES_MS.length && toRest(line, now) <= QUICK_RETRIES_MS[1]
  return isQuick ? 'retrying' : 'failing'
}

/** A throttled answer that names its wait is about the rate, never about an event: it is waited out, and proves nothing. */
export function isThrottle({ reason, waitToldMs }: Told): boolean {
  return (reason === 'segment_throttled' || reason === 'bucket_throttled') && waitToldMs > 0
}

/** `random` from 0 to 1. A wait that the destination names is waited out whole. */
export function afterFailure(line: Line, failure: Told, tried: Try, now: number, random: number): Line {
  const { reason, waitToldMs } = failure
  const throttled = isThrottle(failure)
  // An isolation that came to nothing goes straight to the next probe.
  const strikes = throttled ? line.strikes : tried === 'isolate' ? QUICK_RETRIES_MS.length : line.strikes + 1
  const wait = throttled ? 0 : tried === 'isolate' ? QUICK_RETRIES_MS[0] : toWait(strikes, reason, random)
  return {
    failures: line.failures + 1,
    strikes,
    notBefore: now + Math.ceil(Math.max(wait, waitToldMs, toRest(line, now))),
    isolatingUntil: throttled ? line.isolatingUntil : 0,
    reason,
  }
}

/** A failure of a batch that was under way before the line failed: it tells nothing new but a wait. */
export function afterLateFailure(line: Line, { waitToldMs }: Told, now: number): Line {
  return { ...line, notBefore: Math.max(line.notBefore, now + waitToldMs) }
}

/** `foundCulprits`: events were held back or refused beside those that passed. */
export function afterSuccess(line: Line, tried: Try, foundCulprits: boolean, now: number): Line {
  const isolates = tried === 'probe' || (tried === 'isolate' && foundCulprits)
  return isolates
    ? { ...openLine, isolatingUntil: now + PROOF_MS }
    : line.failures > 0 || line.isolatingUntil > 0
      ? openLine
      : line
}

/** One probe may itself be the culprit, so the first that fails does not decide on the long pause. */
function toWait(strikes: number, reason: DeliveryReason, random: number): number {
  const quick = QUICK_RETRIES_MS[strikes - 1]
  if (quick !== undefined) return quick
  const isFirstProbe = strikes === QUICK_RETRIES_MS.length + 1
  if (toRetry(reason) === 'pause' && !isFirstProbe) return PAUSE_MS
  return Math.min(LONGEST_BACKOFF_MS, QUICK_RETRIES_MS[0] * 2 ** Math.min(strikes - 1, 16)) * random
}

/**
 * Which event is the probe: 0 = the newest, towards 1 = the oldest. The first is the newest; the next ones are spread evenly
 * over the backlog (by the golden ratio), so that no run of culprits, however long, is all that is probed.
 */
export function toProbe({ strikes }: Line): number {
  const probesFailed = Math.max(0, strikes - QUICK_RETRIES_MS.length)
  return (probesFailed * 0.618_033_988_75) % 1
}

/** `holds`: how often it was held back before. Half of the wait is jitter, so that culprits do not come back together. */
export function toHoldMs(holds: number, random: number): number {
  const ceiling = Math.min(LONGEST_HOLD_MS, FIRST_HOLD_MS * 2 ** Math.min(holds, 16))
  return Math.ceil(ceiling * (0.5 + random / 2))
}
