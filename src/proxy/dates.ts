/** Twilio Proxy's dates: ISO 8601, in callbacks and answers alike; a day without a time occurs. Pure. */
import { toEventTime } from '../event/event-time.ts'

/** Ms since 1970; of a day without a time, its first moment. */
export function toMs(date: string | undefined): number | undefined {
  if (date === undefined) return undefined
  const time = toEventTime(/^\d{4}-\d\d-\d\d$/.test(date) ? `${date}T00:00:00Z` : date, 'Z')
  return time && Math.floor(time.ms)
}

/** One spelling, whoever wrote it; what is no time stays as it is. */
export function toIso(date: string | undefined): string | undefined {
  const ms = toMs(date)
  return ms === undefined ? date : toText(ms)
}

export const toText = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')
