/**
 * How long the destination wants to be left alone. Pure: an answer's headers in, milliseconds out; no clock, no randomness.
 * What is tried when is decided in circuit-breaker.ts.
 */
import * as z from 'zod'
import { type DeliveryReason, deliveryReasons } from '../reasons.ts'

/** No receiver may silence the bridge for longer: beyond this a header is taken for a mistake. */
export const LONGEST_WAIT_TOLD_MS = 60 * 60_000

const words = Object.keys(deliveryReasons).filter((word): word is DeliveryReason =>
  Object.hasOwn(deliveryReasons, word),
)

/** How the destination does. Times are in ms since 1970. */
const Line = z.object({
  /** Since the last success. */
  failures: z.int().min(0),
  /** 0 = at once. */
  notBefore: z.number(),
  reason: z.enum(words).optional(),
  /** Those of the failures that ask for a probe. */
  strikes: z.int().min(0).default(0),
  /** Until then a batch that fails is halved at once, for the destination has just proven to be up; 0 = it is not. */
  isolatingUntil: z.number().default(0),
})
export type Line = Readonly<z.infer<typeof Line>> & { readonly reason: DeliveryReason | undefined }
export const openLine: Line = {
  ...{ failures: 0, notBefore: 0, strikes: 0, isolatingUntil: 0 },
  reason: undefined,
}

/** The name under which a sleeping outbox remembers how a destination did. The first one's was there before there were several. */
export const lineName = (id: number) => (id === 1 ? 'line' : `line:${id}`)

/** Milliseconds the line still has to wait. A clock set back must not silence it for longer than any receiver may. */
export function toRest({ notBefore }: Line, now: number): number {
  const rest = notBefore - now
  return rest > LONGEST_WAIT_TOLD_MS ? 0 : Math.max(0, rest)
}

/** Milliseconds a receiver asks to wait: `Retry-After` or a reset header, in seconds or as a point in time; 0 = says nothing. */
export function toWaitMs(headers: { get(name: string): string | null }, now: number): number {
  const told = ['retry-after', 'x-ratelimit-reset', 'ratelimit-reset'].map(name =>
    toMs(headers.get(name)?.trim() ?? '', now),
  )
  return Math.min(Math.max(0, ...told), LONGEST_WAIT_TOLD_MS)
}

function toMs(value: string, now: number): number {
  if (/^\d+(\.\d+)?$/.test(value)) {
    const number = Number(value)
    // Some receivers give the reset as a point in time, in milliseconds or in seconds since 1970.
    if (number > 100_000_000_000) return number - now
    return number > 1_000_000_000 ? number * 1_000 - now : number * 1_000
  }
  // Date.parse takes much for a date, such as "soon 2099".
  const date = /^[a-z]{3,9}, .* GMT$|^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/i.test(value)
    ? Date.parse(value)
    : Number.NaN
  return Number.isNaN(date) ? 0 : date - now
}

/** As an outbox that slept has kept it; what does not parse starts open. */
export function restoreLine(kept: string | undefined): Line {
  try {
    return { ...openLine, ...Line.safeParse(JSON.parse(kept ?? 'null')).data }
  } catch {
    return openLine
  }
}
