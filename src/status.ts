/**
 * The state of a running bridge on one screen: is each destination accepting, what waits and since when, what needs a
 * person. `check`, `status` and the page all show this one reading. Pure: no I/O, no clock.
 */
import * as z from 'zod'
import type { Stats } from './desk.ts'
import { deliveryReasons, reasons, states, toRetry } from './reasons.ts'

const Level = z.enum(['ok', 'warning', 'error'])
const time = z.string().nullable()

export const Status = z.object({
  at: z.string(),
  /** False as soon as one line is an error. */
  ok: z.boolean(),
  destinations: z.array(
    z.object({
      name: z.string(),
      host: z.string(),
      state: z.enum(['accepting', 'behind', 'failing', 'paused', 'dry_run']),
      reason: z.string().nullable(),
      nextAttemptAt: time,
      accepted: z.number(),
      waiting: z.number(),
      waitingSince: time,
      held: z.number(),
      /** Whether a person has seen events arrive under this write key. A dry run is not asked. */
      arrival: z.enum(['confirmed', 'unconfirmed', 'not_asked']),
      confirmedAt: time,
    }),
  ),
  outbox: z.object({
    troubles: z.array(z.string()),
    received: z.number(),
    /** Stored, but not indexed yet. */
    unsorted: z.number(),
    unsortedSince: time,
  }),
  deadLetters: z.array(z.object({ state: z.enum(states), reason: z.string(), count: z.number() })),
  lastNotice: z.object({ at: z.string(), level: z.string(), message: z.string() }).nullable(),
  /** The same for a person to read, in the order of the screen. */
  lines: z.array(
    z.object({ name: z.string(), level: Level, text: z.string(), remedy: z.string().nullable() }),
  ),
})
export type Status = Readonly<z.infer<typeof Status>>
type Destination = Status['destinations'][number]
type Line = Status['lines'][number]

/** What the outbox's side knows. Times are ms since 1970. */
export type StatusFigures = {
  readonly stats: Stats & { readonly held?: number }
  readonly unsortedSince: number | undefined
  readonly lastNotice: Status['lastNotice']
  readonly arrival: Arrival | undefined
}

/** What the settings say. `fingerprint` is of the write key and where it is used; undefined in a dry run. */
export type StatusFacts = { readonly host: string; readonly fingerprint: string | undefined }

/** A person has seen events arrive under the write key with this fingerprint. */
const Arrival = z.object({ fingerprint: z.string(), at: z.number() })
export type Arrival = Readonly<z.infer<typeof Arrival>>

/** As the outbox remembers it; what does not parse counts as unconfirmed. */
export function readArrival(kept: string | undefined): Arrival | undefined {
  if (kept === undefined) return undefined
  try {
    return Arrival.safeParse(JSON.parse(kept)).data
  } catch {
    return undefined
  }
}

/** An event that has waited for longer, with no failure open, is behind. */
const BEHIND_MS = 5 * 60_000
/** A burst is indexed within seconds; what is not indexed after this time is stuck. */
const INDEX_LAG_MS = 2 * 60_000

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

export function toStatus(figures: StatusFigures, facts: StatusFacts, now: number): Status {
  const { stats, unsortedSince, lastNotice } = figures
  const destination = toDestination(figures, facts, now)
  const outbox = {
    troubles: [...stats.troubles],
    received: stats.received,
    unsorted: stats.unsorted,
    unsortedSince: stats.unsorted > 0 ? toIso(unsortedSince) : null,
  }
  const deadLetters = toDeadLetters(stats)
  const lines = [
    ...outboxLines(outbox, now),
    destinationLine(destination, now),
    waitingLine(destination, now),
    ...heldLines(destination),
    deadLetterLine(deadLetters),
    ...arrivalLines(destination),
    {
      ...calm('last notice'),
      text: lastNotice ? `${toMinute(lastNotice.at)}: ${lastNotice.message}` : 'none so far',
    },
  ]
  return {
    at: new Date(now).toISOString(),
    ok: lines.every(({ level }) => level !== 'error'),
    destinations: [destination],
    outbox,
    deadLetters,
    lastNotice,
    lines,
  }
}

function toDestination({ stats, arrival }: StatusFigures, facts: StatusFacts, now: number): Destination {
  const { delivery, oldestPendingSeconds, pending, accepted, held = 0 } = stats
  const isDryRun = facts.fingerprint === undefined
  const isConfirmed = arrival !== undefined && arrival.fingerprint === facts.fingerprint
  const isBehind = oldestPendingSeconds * 1_000 > BEHIND_MS
  return {
    name: 'segment',
    host: facts.host,
    state:
      delivery.failures > 0
        ? isPause(delivery.reason)
          ? 'paused'
          : 'failing'
        : isBehind
          ? 'behind'
          : isDryRun
            ? 'dry_run'
            : 'accepting',
    reason: delivery.reason,
    nextAttemptAt: delivery.nextAttemptAt,
    accepted,
    waiting: pending - held,
    waitingSince: pending > held ? toIso(now - oldestPendingSeconds * 1_000) : null,
    held,
    arrival: isDryRun ? 'not_asked' : isConfirmed ? 'confirmed' : 'unconfirmed',
    confirmedAt: isConfirmed && !isDryRun ? toIso(arrival.at) : null,
  }
}

function isPause(reason: string | null): boolean {
  return reason !== null && isDelivery(reason) && toRetry(reason) === 'pause'
}

function isDelivery(reason: string): reason is keyof typeof deliveryReasons {
  return Object.hasOwn(deliveryReasons, reason)
}

function toDeadLetters({ counts }: Stats): Status['deadLetters'] {
  const sums = new Map<string, Status['deadLetters'][number]>()
  for (const { state, reason, n } of counts) {
    if ((state !== 'rejected' && state !== 'refused') || n === 0) continue
    const name = `${state} ${reason}`
    sums.set(name, { state, reason, count: n + (sums.get(name)?.count ?? 0) })
  }
  return [...sums.values()].sort((a, b) => b.count - a.count)
}

function outboxLines({ troubles, unsorted, unsortedSince }: Status['outbox'], now: number): Line[] {
  const taking: Line =
    troubles.length === 0
      ? { ...calm('outbox'), text: 'storing events' }
      : {
          name: 'outbox',
          level: 'error',
          text: troubles.join('; '),
          remedy: 'Free disk space or fix the cause named here. Twilio retries for 4 hours.',
        }
  if (unsorted === 0 || unsortedSince === null)
    return [taking, { ...calm('index'), text: 'every stored event is indexed' }]
  const lagMs = now - Date.parse(unsortedSince)
  const text = `${many(unsorted, 'stored event')} not indexed yet, the oldest for ${toDuration(lagMs)}`
  if (lagMs <= INDEX_LAG_MS) return [taking, { ...calm('index'), text }]
  const remedy = 'Look at the log of the bridge for what stops it. The events are safe, but not delivered.'
  return [taking, { name: 'index', level: 'error', text, remedy }]
}

function destinationLine({ name, host, state, reason, nextAttemptAt }: Destination, now: number): Line {
  const { title, remedy } = Object.entries(reasons).find(([word]) => word === reason)?.[1] ?? {
    title: reason ?? 'Deliveries fail',
    remedy: 'Look at the log of the bridge.',
  }
  const next = nextAttemptAt === null ? '' : ` Next attempt ${toWhen(nextAttemptAt, now)}.`
  switch (state) {
    case 'failing':
    case 'paused':
      return {
        name,
        level: 'error',
        text: `${state}: ${title}.${next}`,
        remedy: `${remedy} Then: npx twilio-segment-bridge deliver-now`,
      }
    case 'behind':
      return {
        name,
        level: 'error',
        text: `behind: ${host} is accepting events, but slower than they arrive`,
        remedy: 'After an outage wait until the backlog is sent; otherwise raise SEGMENT_RATE.',
      }
    case 'dry_run':
      return { ...calm(name), text: 'dry run: SEGMENT_WRITE_KEY is not set, nothing is sent' }
    case 'accepting':
      return { ...calm(name), text: `accepting: the last delivery to ${host} succeeded, or none was needed` }
  }
}

function waitingLine({ waiting, waitingSince }: Destination, now: number): Line {
  if (waiting === 0 || waitingSince === null) return { ...calm('waiting'), text: 'no event waits' }
  const age = toDuration(now - Date.parse(waitingSince))
  return {
    ...calm('waiting'),
    text: `${many(waiting, 'event')}, the oldest for ${age} (since ${toMinute(waitingSince)})`,
  }
}

function heldLines({ held }: Destination): Line[] {
  if (held === 0) return []
  const text = `${many(held, 'event')} held back: each fails alone while others are delivered`
  return [
    {
      name: 'held back',
      level: 'warning',
      text,
      remedy: 'npx twilio-segment-bridge dead-letters list --held',
    },
  ]
}

const kinds = { rejected: 'rejected (invalid)', refused: 'refused (undeliverable)' } as const

function deadLetterLine(deadLetters: Status['deadLetters']): Line {
  if (deadLetters.length === 0) return { ...calm('dead letters'), text: 'none' }
  const texts = (['rejected', 'refused'] as const).flatMap(state => {
    const ours = deadLetters.filter(one => one.state === state)
    if (ours.length === 0) return []
    const total = ours.reduce((sum, { count }) => sum + count, 0)
    const list = ours.map(({ reason, count }) => `${count.toLocaleString('en-US')} ${reason}`).join(', ')
    return [`${total.toLocaleString('en-US')} ${kinds[state]}: ${list}`]
  })
  return {
    name: 'dead letters',
    level: 'warning',
    text: texts.join('\n'),
    remedy: 'npx twilio-segment-bridge dead-letters list',
  }
}

function arrivalLines({ arrival, confirmedAt, accepted }: Destination): Line[] {
  if (arrival === 'not_asked') return []
  if (arrival === 'confirmed' && confirmedAt !== null)
    return [{ ...calm('write key'), text: `arrival of events confirmed ${toMinute(confirmedAt)}` }]
  const look =
    accepted > 0
      ? 'Look at Segment → Connections → Sources → your source → Debugger. If the events are there:'
      : 'Send an event, look for it at Segment → Connections → Sources → your source → Debugger, then:'
  return [
    {
      name: 'write key',
      level: 'warning',
      text: 'nobody has confirmed that events arrive; Segment answers 200 to a wrong write key too',
      remedy: `${look} npx twilio-segment-bridge check --confirm-arrival`,
    },
  ]
}

const calm = (name: string) => ({ name, level: 'ok', remedy: null }) as const

function many(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

function toIso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

function toMinute(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}

function toWhen(iso: string, now: number): string {
  const ms = Date.parse(iso) - now
  return ms > 0 ? `in ${toDuration(ms)} (${iso.slice(11, 19)} UTC)` : 'now'
}

function toDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} days`
}
