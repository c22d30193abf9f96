/**
 * When to try again. Pure: an answer's headers and a failure's history in, milliseconds out; no clock, no randomness.
 * Nothing is ever given up by age or by count of attempts.
 */
import { type DeliveryReason, toRetry } from '../reasons.ts'

export const FIRST_RETRY_MS = 1_000
export const LONGEST_RETRY_MS = 5 * 60_000
export const PAUSE_MS = 5 * 60_000
/** No receiver may silence the bridge for longer: beyond this a header is taken for a mistake. */
export const LONGEST_WAIT_TOLD_MS = 60 * 60_000

/** How the destination does. `notBefore` is in ms since 1970; 0 = at once. */
export type Line = {
  readonly failures: number
  readonly notBefore: number
  readonly reason: DeliveryReason | undefined
}
export const openLine: Line = { failures: 0, notBefore: 0, reason: undefined }

/**
 * The line after one more failure. Full jitter (`random` from 0 to 1) keeps many bridges from knocking at once; a wait
 * that the receiver told is waited out whole.
 */
export function afterFailure(
  line: Line,
  reason: DeliveryReason,
  waitToldMs: number,
  now: number,
  random: number,
): Line {
  const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(line.failures, 16))
  const wait = toRetry(reason) === 'pause' ? PAUSE_MS : ceiling * random
  return {
    failures: line.failures + 1,
    notBefore: now + Math.ceil(Math.max(wait, waitToldMs, toRest(line, now))),
    reason,
  }
}

/** Milliseconds the line still has to wait. A clock set back must not silence it for longer than any receiver may. */
export function toRest({ notBefore }: Line, now: number): number {
  const rest = notBefore - now
  return rest > LONGEST_WAIT_TOLD_MS ? 0 : Math.max(0, rest)
}

/** Milliseconds a receiver asks to wait: `Retry-After` (seconds or date), `X-RateLimit-Reset` (seconds); 0 = says nothing. */
export function toWaitMs(headers: { get(name: string): string | null }, now: number): number {
  const told = [headers.get('retry-after'), headers.get('x-ratelimit-reset')].map(value =>
    toMs(value?.trim() ?? '', now),
  )
  return Math.min(Math.max(0, ...told), LONGEST_WAIT_TOLD_MS)
}

function toMs(value: string, now: number): number {
  if (/^\d+(\.\d+)?$/.test(value)) {
    const seconds = Number(value)
    // Some receivers give the reset as a point in time, in seconds since 1970.
    return seconds > 1_000_000_000 ? seconds * 1_000 - now : seconds * 1_000
  }
  // Date.parse takes much for a date, such as "soon 2099".
  const date = /^[a-z]{3,9}, .* GMT$|^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/i.test(value)
    ? Date.parse(value)
    : Number.NaN
  return Number.isNaN(date) ? 0 : date - now
}

/** As an outbox that slept has kept it. */
export function restoreLine(kept: string | undefined): Line {
  return kept === undefined ? openLine : JSON.parse(kept)
}
