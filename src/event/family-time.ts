/**
 * When an event happened, by what its data says. Families write times in many ways: ISO 8601 with and without a zone, RFC 2822,
 * seconds or milliseconds since 1970, as numbers or digits. In: a rule and data. Out: RFC 3339, as precise as it was written.
 * Pure; never throws.
 */
import type { Path, TimeRule } from '../families/rules.ts'
import type { JsonObject } from './json-object.ts'
import { valueAt } from './path.ts'

export type DataTime = { readonly value: string; readonly path: Path }

/** How far a clock of Twilio's may be ahead of ours; what lies further ahead is a deadline, or wrong. */
const AHEAD_MS = 5 * 60_000

export function toDataTime(rule: TimeRule, data: JsonObject, now: number): DataTime | undefined {
  const isStrict = 'rfc3339' in rule
  const paths = isStrict ? rule.rfc3339 : 'latest' in rule ? rule.latest : rule
  let latest: DataTime | undefined
  for (const path of paths) {
    const written = valueAt(data, path)
    const value = toRfc3339(written)
    if (value === undefined || Date.parse(value) > now + AHEAD_MS) continue
    if (isStrict && value !== written) continue
    const found = { value, path }
    if (!('latest' in rule)) return found
    if (latest === undefined || Date.parse(value) > Date.parse(latest.value)) latest = found
  }
  return latest
}

const ISO = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/i
const RFC2822 =
  /^(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)? (?:[+-]\d{4}|GMT|UTC|Z)$/
/** Below it are seconds: 5138 as seconds, 1973 as milliseconds. */
const SECONDS_END = 1e11
/** 2001 and 2286. Twilio writes 0 for a time it does not know. */
const [FIRST_SECOND, LAST_SECOND] = [1e9, 1e10]

/** `undefined`: it is no time. */
export function toRfc3339(value: unknown): string | undefined {
  if (typeof value === 'number') return fromEpoch(value)
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (/^\d{10,13}(?:\.\d+)?$/.test(text)) return fromEpoch(Number(text))
  const [, date, time, zone] = ISO.exec(text) ?? []
  if (date !== undefined && time !== undefined) return fromIso(date, time, zone)
  if (!RFC2822.test(text)) return undefined
  const at = Date.parse(text)
  // Date.parse takes 30 February for 2 March.
  const day = Number(/\d{1,2}/.exec(text)?.[0])
  return Number.isNaN(at) || !isDay(at, day) ? undefined : new Date(at).toISOString()
}

function fromEpoch(number: number): string | undefined {
  const ms = Math.abs(number) < SECONDS_END ? number * 1_000 : number
  if (!(ms >= FIRST_SECOND * 1_000 && ms < LAST_SECOND * 1_000)) return undefined
  return new Date(ms).toISOString()
}

/** Without a zone it is UTC, as everywhere at Twilio. */
function fromIso(date: string, time: string, zone = 'Z'): string | undefined {
  const [, hours, minutes = '00'] = /^([+-]\d\d):?(\d\d)?$/.exec(zone) ?? []
  const offset = hours === undefined ? 'Z' : `${hours}:${minutes}`
  const written = `${date}T${time.length === 5 ? `${time}:00` : time}${offset}`
  const midnight = Date.parse(`${date}T00:00:00Z`)
  if (Number.isNaN(Date.parse(written)) || Number.isNaN(midnight)) return undefined
  return new Date(midnight).getUTCDate() === Number(date.slice(8)) ? written : undefined
}

/** In whatever zone it was written: at most a day apart. */
function isDay(at: number, day: number): boolean {
  return [-1, 0, 1].some(days => new Date(at + days * 86_400_000).getUTCDate() === day)
}
