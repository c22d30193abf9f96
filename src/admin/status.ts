/**
 * The state of a running bridge on one screen: is each destination accepting, what waits and since when, what needs a
 * person. `check`, `status` and the page all show this one reading. Pure: no I/O, no clock.
 */

import * as z from 'zod'
import { toIsoTime } from '../event/event-time.ts'
import type { Reason } from '../reasons.ts'
import type { Left } from './destination-names.ts'
import { atRest, type DestinationStats, type Stats } from './figures.ts'
import { toLines } from './status-lines.ts'
import type { Status } from './status-schema.ts'

type Destination = Status['destinations'][number]

/** What the outbox's side knows. Times are ms since 1970. */
export type StatusFigures = {
  readonly stats: Stats
  /** Of the troubles in `stats`, which are for people. */
  readonly troubles: readonly Reason[]
  readonly unsortedSince: number | undefined
  readonly lastNotice: Status['lastNotice']
  readonly arrivals: readonly Arrival[]
  /** @default none */
  readonly left?: readonly Left[]
}

/** What the settings say, one a destination. `fingerprint` is of the write key and where it is used; undefined where there is none. */
export type StatusFacts = readonly {
  readonly name: string
  readonly host: string
  readonly fingerprint: string | undefined
  /** There is no key to be wrong, and no dry run. */
  readonly isFiles?: boolean
}[]

/** A person has seen events arrive under the write key with this fingerprint. */
export const Arrival = z.object({ fingerprint: z.string(), at: z.number() })
export type Arrival = z.infer<typeof Arrival>
/** One alone is kept as it was before there could be several. */
export const Arrivals = z.union([Arrival.transform(one => [one]), z.array(Arrival)])

/** An event that has waited for longer, with no failure open, is behind. */
const BEHIND_MS = 5 * 60_000
const Notice = z.object({
  timestamp: z.string(),
  level: z.string(),
  payload: z.object({ message: z.string() }),
})

/** Of a notice as it was kept. */
export function toLastNotice(kept: unknown): Status['lastNotice'] {
  const notice = Notice.safeParse(kept).data
  return notice ? { at: notice.timestamp, level: notice.level, message: notice.payload.message } : null
}

/** Notices speak for themselves. */
type Input = Omit<StatusFigures, 'stats'> & { readonly stats: Omit<StatusFigures['stats'], 'notices'> }

export function toStatus(figures: Input, facts: StatusFacts, now: number): Status {
  const { stats, unsortedSince, lastNotice } = figures
  const destinations = facts.map(one => toDestination(figures, one, now))
  const outbox = {
    troubles: [...stats.troubles],
    reasons: [...figures.troubles],
    received: stats.received,
    unsorted: stats.unsorted,
    unsortedSince: stats.unsorted > 0 ? toIso(unsortedSince) : null,
    ...(stats.unreadable && { unreadable: [...stats.unreadable] }),
  }
  const deadLetters = toDeadLetters(stats)
  const left = [...(figures.left ?? [])]
  const lines = toLines({ destinations, left, outbox, deadLetters, lastNotice }, now)
  return {
    at: new Date(now).toISOString(),
    ok: lines.every(({ level }) => level !== 'error'),
    destinations,
    ...(left.length > 0 && { left }),
    outbox,
    deadLetters,
    lastNotice,
    lines,
  }
}

/** Are events stored and delivered? What only a person can confirm does not count. */
export function isHealthy(figures: Input, now: number): boolean {
  const facts = figures.stats.destinations.map(({ name }) => ({ name, host: '', fingerprint: undefined }))
  return toStatus(figures, facts, now).ok
}

function toDestination({ stats, arrivals }: Input, facts: StatusFacts[number], now: number): Destination {
  // Without figures, where no part of the outbox answers, which is a red line of its own.
  const figures = stats.destinations.find(({ name }) => name === facts.name) ?? silent(facts.name)
  const { delivery, oldestPendingSeconds, pending, accepted, held, paused, unconfirmed } = figures
  const isDryRun = facts.fingerprint === undefined && facts.isFiles !== true
  const arrival = arrivals.find(({ fingerprint }) => fingerprint === facts.fingerprint)
  const isConfirmed = arrival !== undefined
  return {
    name: facts.name,
    host: facts.host,
    state: toState(figures, isDryRun),
    reason: paused ?? delivery.reason,
    ...(unconfirmed && { unconfirmed }),
    nextAttemptAt: paused === null ? delivery.nextAttemptAt : null,
    accepted,
    waiting: pending - held,
    waitingSince: pending > held ? toIso(now - oldestPendingSeconds * 1_000) : null,
    held,
    // Only a write key can be wrong in silence.
    arrival: facts.fingerprint === undefined ? 'not_asked' : isConfirmed ? 'confirmed' : 'unconfirmed',
    confirmedAt: isConfirmed && facts.fingerprint !== undefined ? toIso(arrival.at) : null,
  }
}

function toState(
  { paused, delivery, oldestPendingSeconds, collectSeconds }: DestinationStats,
  isDryRun: boolean,
): Destination['state'] {
  if (paused !== null) return 'paused'
  if (delivery.failures > 0) return delivery.wait ?? 'failing'
  // What it gathers on purpose is not late.
  if ((oldestPendingSeconds - collectSeconds) * 1_000 > BEHIND_MS) return 'behind'
  return isDryRun ? 'dry_run' : 'accepting'
}

function silent(name: string): DestinationStats {
  const none = { pending: 0, held: 0, accepted: 0, refused: 0, skipped: 0, filtered: 0 }
  return { name, ...none, oldestPendingSeconds: 0, collectSeconds: 0, delivery: atRest, paused: null }
}

function toDeadLetters({ counts }: Pick<Stats, 'counts'>): Status['deadLetters'] {
  const sums = new Map<string, Status['deadLetters'][number]>()
  for (const { state, reason, n } of counts) {
    if ((state !== 'rejected' && state !== 'refused') || n === 0) continue
    const name = `${state} ${reason}`
    sums.set(name, { state, reason, count: n + (sums.get(name)?.count ?? 0) })
  }
  return [...sums.values()].sort((a, b) => b.count - a.count)
}

function toIso(ms: number | undefined): string | null {
  return ms === undefined ? null : toIsoTime(ms)
}
