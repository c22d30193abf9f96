/**
 * Counts by the hour → the data-quality figures that operators look at. In: what the outbox counted, of one shard or of
 * several, and the time. Out: the answer of `GET /api/quality`. Pure.
 */
import { propertiesOf } from '../families/family.ts'
import { eventTypeOf } from '../families/index.ts'
import { addCounts, type Counts, eventsOf, type IdentityKind } from './quality-sample.ts'

export const HOUR_MS = 3_600_000
const DAY_HOURS = 24
/** What an hour is compared with: the same clock hour on so many days before. */
const BASELINE_DAYS = 7
/** A week, the week before it that it is compared with, and a day over. */
export const KEPT_HOURS = 15 * DAY_HOURS
/** With fewer events expected, every hour is as likely as every other. */
const BASELINE_EVENTS = 10

/** How many full hours before the running one. */
const fullHours = { '1h': 1, '24h': DAY_HOURS, '7d': 7 * DAY_HOURS } as const
export type Window = keyof typeof fullHours
export const windows = ['1h', '24h', '7d'] as const satisfies readonly Window[]

/** Whole UTC clock hours, counted from 1970; both ends belong to it. */
export type Span = { readonly from: number; readonly to: number }

type Kind = { readonly type: string; readonly version: number }
export type KindTotals = Kind & { readonly counts: Counts }
export type HourEvents = { readonly hour: number; readonly n: number }
export type KindHours = Kind & {
  /** The first hour it came in; 0 when that is longer ago than hours are kept. */
  readonly first: number
  /** Of every hour kept in which any came. */
  readonly events: readonly HourEvents[]
  /** All that came within the span that was asked for. */
  readonly counts: Counts
}

/** `unreadable`: what is missing, for it could not be read; absent when nothing is. */
export type QualityHours = { readonly kinds: readonly KindHours[]; readonly unreadable?: readonly string[] }

/** One sentence each, shown beside the figures. */
export const definitions = {
  passing:
    'Events that pass the schema of their type and version, out of those that pass or violate it; types the bridge does not map are counted separately.',
  completeness:
    'Events that carry the property, neither null nor an empty text, out of all that pass or violate the schema.',
  duplicates:
    'Copies of events known by their source and id, out of all that came; a copy counts nowhere else, even one that corrects a dead letter.',
  identity:
    'Events whose customer has an address that Segment can know a person by, a phone number or an account on another channel, out of all events of types that have a customer.',
  volume: `Events an hour against the mean of the same clock hour on up to ${BASELINE_DAYS} days before; a full hour is marked when it is below half or above twice that mean, is further from it than three times its square root, and the mean is at least ${BASELINE_EVENTS}; a type is silent when it came in those days and not in this window.`,
} as const

export type Completeness = { readonly property: string; readonly present: number; readonly of: number }
export type TypeQuality = Kind & {
  readonly events: number
  readonly passing: number
  readonly violating: number
  readonly unmapped: boolean
  readonly duplicates: number
  readonly required: readonly Completeness[]
  readonly optional: readonly Completeness[]
  readonly identity: {
    readonly of: number
    readonly usable: number
    readonly kinds: Readonly<Record<IdentityKind, number>>
  } | null
  readonly volume: {
    readonly perHour: readonly number[]
    readonly baseline: readonly (number | null)[]
    readonly marks: readonly { readonly hour: string; readonly kind: 'drop' | 'spike' }[]
    readonly silentSince: string | null
  }
}
export type Quality = {
  readonly window: Window
  readonly from: string
  readonly to: string
  readonly hours: readonly string[]
  readonly types: readonly TypeQuality[]
  readonly definitions: typeof definitions
}

export function toSpan(window: Window, now: number): Span {
  const to = Math.floor(now / HOUR_MS)
  return { from: to - fullHours[window], to }
}

export function toQuality(window: Window, now: number, kinds: readonly KindHours[]): Quality {
  const span = toSpan(window, now)
  const hours = Array.from({ length: span.to - span.from + 1 }, (_, index) => span.from + index)
  const merged = merge(kinds, span)
  const heard = new Set(merged.filter(kind => lastHour(kind.events) >= span.from).map(({ type }) => type))
  return {
    window,
    from: toIso(span.from),
    to: new Date(now).toISOString(),
    hours: hours.map(toIso),
    types: merged
      .filter(kind => lastHour(kind.events) >= span.from - BASELINE_DAYS * DAY_HOURS || came(kind.counts) > 0)
      .map(kind => toTypeQuality(kind, hours, heard.has(kind.type)))
      .sort((a, b) => b.events - a.events || compare(a.type, b.type) || b.version - a.version),
    definitions,
  }
}

type Merged = Kind & { readonly first: number; readonly events: Map<number, number>; readonly counts: Counts }

/** The shards of an outbox each have some of a kind's events. A clock that was wrong may have told hours to come. */
function merge(kinds: readonly KindHours[], { to }: Span): Merged[] {
  const merged = new Map<string, Merged>()
  for (const { type, version, first, events, counts } of kinds) {
    const name = `${version} ${type}`
    const known = merged.get(name)
    const sums = known?.events ?? new Map<number, number>()
    for (const { hour, n } of events) if (hour <= to && n > 0) sums.set(hour, (sums.get(hour) ?? 0) + n)
    merged.set(name, {
      ...{ type, version, events: sums },
      first: Math.min(first, known?.first ?? first),
      counts: known ? addCounts(known.counts, counts) : counts,
    })
  }
  return [...merged.values()]
}

function toTypeQuality(
  { type, version, first, events, counts }: Merged,
  hours: readonly number[],
  heard: boolean,
): TypeQuality {
  const eventType = eventTypeOf(type)
  const family = eventType?.family
  const { passing, violating, duplicates, present, identity } = counts
  const of = passing + violating
  const properties = family === undefined || family.skip !== undefined ? [] : propertiesOf(family, version)
  const complete = (required: boolean) =>
    properties
      .filter(property => property.required === required)
      .map(({ name }) => ({ property: name, present: present[name] ?? 0, of }))
  const { phone = 0, other_scheme = 0 } = identity
  const perHour = hours.map(hour => events.get(hour) ?? 0)
  const baseline = hours.map(hour => toBaseline(hour, first, events))
  return {
    ...{ type, version, events: eventsOf(counts), passing, violating, duplicates },
    unmapped: type !== '' && family === undefined,
    required: complete(true),
    optional: complete(false),
    identity:
      eventType === undefined || eventType.customer.rule === 'nobody'
        ? null
        : { of, usable: phone + other_scheme, kinds: { ...noIdentities, ...identity } },
    volume: {
      perHour,
      baseline,
      // The last hour is still running.
      marks: hours.slice(0, -1).flatMap((hour, index) => {
        const kind = toMark(perHour[index] ?? 0, baseline[index] ?? null)
        return kind ? [{ hour: toIso(hour), kind }] : []
      }),
      // A version that another has taken the place of is not silence.
      silentSince: heard || events.size === 0 ? null : toIso(lastHour(events) + 1),
    },
  }
}

const noIdentities: Readonly<Record<IdentityKind, number>> = {
  ...{ phone: 0, other_scheme: 0, short_code: 0, alphanumeric: 0, missing: 0 },
}

/** Null before there is a day to compare with; the first hour of all was not a full one. */
function toBaseline(hour: number, first: number, events: ReadonlyMap<number, number>): number | null {
  let days = 0
  let sum = 0
  for (let day = 1; day <= BASELINE_DAYS && hour - day * DAY_HOURS > first; day++) {
    days += 1
    sum += events.get(hour - day * DAY_HOURS) ?? 0
  }
  return days === 0 ? null : sum / days
}

function toMark(n: number, baseline: number | null): 'drop' | 'spike' | undefined {
  if (baseline === null || baseline < BASELINE_EVENTS) return undefined
  if (Math.abs(n - baseline) <= 3 * Math.sqrt(baseline)) return undefined
  if (n < baseline / 2) return 'drop'
  return n > baseline * 2 ? 'spike' : undefined
}

const came = (counts: Counts): number => eventsOf(counts) + counts.duplicates
const lastHour = (events: ReadonlyMap<number, number>): number => Math.max(0, ...events.keys())
const toIso = (hour: number): string => new Date(hour * HOUR_MS).toISOString()
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
