/**
 * The one reader of an event's own time, for the mapping, the page, and replays. In: whatever stands in `time` or the like.
 * Out: an instant, to the digit, or `undefined`: what cannot be read for sure is not guessed. Pure.
 *
 * Twilio writes RFC 3339. Archives do not keep it: warehouses print `2024-11-21 10:00:13.123 UTC`, mail and HTTP RFC 2822, and
 * others the time since 1970. Without a zone a time is none: it would be another one for each reader.
 */

export type EventTime = {
  /** RFC 3339, with as many digits as were given; what was that already stands as it was. */
  readonly text: string
  /** Since 1970. */
  readonly ms: number
}

const LONGEST = 100
/** Without what few readers know: the 24th hour and the 60th second. */
const RFC3339 = /^\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/
const ISO =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[Tt]|\s+)(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,12}))?)?\s*(?:(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?:\s+UTC)?)?$/i
/** Also as `date` and JavaScript print it: day or month first, the year behind the time, a zone in words behind its offset. */
const WORDS =
  /^(?:[a-z]{3,9},?\s+)?(?:(\d{1,2})[\s-]+([a-z]{3})[a-z]*|([a-z]{3})[a-z]*\s+(\d{1,2}),?)[\s-]+(?:(\d{4})\s+)?(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?\s*([a-z]{1,4}(?:[+-]\d{4})?|[+-]\d\d:?\d\d)?(?:\s+(\d{4}))?(?:\s+\([^()]*\))?$/i
const NUMBER = /^\d{1,20}(?:\.\d{1,12})?(?:[eE]\+?\d{1,2})?$/

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
/** RFC 2822 fixes these, in hours from UTC. */
const ZONES: Readonly<Record<string, number>> = {
  ...{ z: 0, ut: 0, utc: 0, gmt: 0 },
  ...{ est: -5, edt: -4, cst: -6, cdt: -5, mst: -7, mdt: -6, pst: -8, pdt: -7 },
}
/** 2001-09-09: before it no event happened, in whatever unit the number is. */
const EARLIEST_SECONDS = 1e9
/** Seconds, then ms, µs and ns since 1970: each begins where the one before has reached the year 5138. */
const UNITS = [1e11, 1e14, 1e17, 1e20]

/** `zoneless`: the zone of what names none, for where it is known. */
export function toEventTime(value: unknown, zoneless = ''): EventTime | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const text = String(value).trim()
  if (text.length > LONGEST) return undefined
  if (NUMBER.test(text)) return fromNumber(text)
  const time = fromIso(text, zoneless) ?? fromWords(text, zoneless)
  return time && RFC3339.test(text) ? { ...time, text } : time
}

function fromIso(text: string, zoneless: string): EventTime | undefined {
  const [, year, month, day, hour, minute, second, fraction, zone = zoneless] = ISO.exec(text) ?? []
  const numbers = [year, month, day, hour, minute, second ?? '0'].map(Number)
  return toTime(numbers, fraction, zone)
}

function fromWords(text: string, zoneless: string): EventTime | undefined {
  const match = WORDS.exec(text)
  if (!match) return undefined
  const [
    ,
    dayFirst,
    monthBehind,
    monthFirst,
    dayBehind,
    early,
    hour,
    minute,
    second,
    fraction,
    zone = zoneless,
    late,
  ] = match
  const month = MONTHS.indexOf((monthBehind ?? monthFirst ?? '').toLowerCase()) + 1
  const numbers = [early ?? late, month, dayFirst ?? dayBehind, hour, minute, second ?? '0'].map(Number)
  return toTime(numbers, fraction, zone)
}

/** `numbers`: from the year to the second. */
function toTime(
  numbers: readonly number[],
  fraction: string | undefined,
  zone: string,
): EventTime | undefined {
  const [year = Number.NaN, month = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers
  const offset = toMinutes(zone)
  const daysInMonth = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
  const isDay = year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth
  // The last second of a leap second's minute, and midnight as the end of a day.
  const isOfDay = hour < 24 || (hour === 24 && minute + second === 0 && !Number(fraction ?? 0))
  if (!isDay || !isOfDay || minute > 59 || second > 60 || offset === undefined) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute - offset, second)
  return toInstant(date.getTime(), fraction)
}

function toMinutes(zone: string): number | undefined {
  const [, sign, hours, minutes = '0'] = /^(?:[a-z]{1,4})?([+-])(\d\d):?(\d\d)?$/i.exec(zone) ?? []
  if (hours === undefined) {
    const inHours = ZONES[zone.toLowerCase()]
    return inHours === undefined ? undefined : inHours * 60
  }
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

function fromNumber(text: string): EventTime | undefined {
  const value = Number(text)
  const unit = UNITS.findIndex(limit => value < limit)
  if (unit < 0) return undefined
  // By its digits, and not by arithmetic: nanoseconds are more than a number holds.
  const [whole = '', digits = ''] = (/[eE]/.test(text) ? value.toFixed(6) : text).split('.')
  const split = whole.length - unit * 3
  const fraction = (whole.slice(split) + digits).replace(/0+$/, '')
  const seconds = Number(whole.slice(0, split))
  return seconds < EARLIEST_SECONDS ? undefined : toInstant(seconds * 1_000, fraction.padEnd(3, '0'))
}

function toInstant(secondsMs: number, fraction: string | undefined): EventTime | undefined {
  const text = `${new Date(secondsMs).toISOString().slice(0, -'.000Z'.length)}${fraction === undefined ? '' : `.${fraction}`}Z`
  return { text, ms: secondsMs + Number((fraction ?? '').padEnd(3, '0').slice(0, 3)) }
}

const LATEST_MS = 8.64e15

/** Of a time that is kept: damaged, it may be out of every calendar, and must still be shown. */
export function toIsoTime(ms: number): string {
  return new Date(Math.min(Math.max(0, ms), LATEST_MS)).toISOString()
}
