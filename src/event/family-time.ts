/**
 * When an event happened, by what its data says. Families write times in many ways: ISO 8601 with and without a zone, RFC 2822,
 * seconds or milliseconds since 1970, as numbers or digits. In: a rule and data. Out: RFC 3339, as precise as it was written.
 * Pure; never throws.
 */
import type { Path, TimeRule } from '../families/rules.ts'
import { type EventTime, toEventTime } from './event-time.ts'
import type { JsonObject } from './json-object.ts'
import { valueAt } from './path.ts'

export type DataTime = EventTime & { readonly path: Path }

/** How far a clock of Twilio's may be ahead of ours; what lies further ahead is a deadline, or wrong. */
const AHEAD_MS = 5 * 60_000
/** Of what names none, as everywhere at Twilio. */
const ZONE = 'UTC'

export function toDataTime(rule: TimeRule, data: JsonObject, now: number): DataTime | undefined {
  let latest: DataTime | undefined
  const zoneless = 'zoned' in rule ? undefined : ZONE
  for (const path of 'latest' in rule ? rule.latest : 'zoned' in rule ? rule.zoned : rule) {
    const time = toEventTime(valueAt(data, path), zoneless)
    if (time === undefined || time.ms > now + AHEAD_MS) continue
    if (!('latest' in rule)) return { ...time, path }
    if (latest === undefined || time.ms > latest.ms) latest = { ...time, path }
  }
  return latest
}
