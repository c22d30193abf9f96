/** What people type after an option → a value, or why not. Pure; commander prints the fault and the command ends with 2. */
import { InvalidArgumentError } from 'commander'
import { parseTime } from './replay/select.ts'

export function toUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError('Expected an http(s) URL.')
  }
  return text
}

export function toNumber(min: number, max: number): (text: string) => number {
  return text => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Expected a number from ${min} to ${max}.`)
    }
    return value
  }
}

export function toInteger(min: number, max: number): (text: string) => number {
  return text => {
    const value = toNumber(min, max)(text)
    if (!Number.isInteger(value)) throw new InvalidArgumentError('Expected a whole number.')
    return value
  }
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Without a unit: seconds. */
export function toMs(text: string): number {
  const [, value, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
  const ms = Number(value) * (UNITS_MS[unit] ?? 0)
  if (!(ms > 0)) throw new InvalidArgumentError('Expected a duration such as 30s, 5m or 1h.')
  return ms
}

/** A point in time, ms since 1970. */
export function toTime(text: string): number {
  const time = parseTime(text, Date.now())
  if (time === undefined)
    throw new InvalidArgumentError(
      'Give a day, a time with its zone (2026-11-22T02:00Z), or how long ago (4h).',
    )
  return time
}

/** Percent → share. */
export function toShare(text: string): number {
  return toNumber(0, 100)(text.replace(/%$/, '')) / 100
}
