/** The status for a person to read: one line a question, and a remedy for each that is not all right. Pure. */

import { type PauseReason, reasons } from '../reasons.ts'
import type { Status } from './status-schema.ts'

type Destination = Status['destinations'][number]
type Line = Status['lines'][number]

/** A burst is indexed within seconds; what is not indexed after this time is stuck. */
const INDEX_LAG_MS = 2 * 60_000

export function toLines(
  { destinations, left = [], outbox, deadLetters, lastNotice }: Omit<Status, 'at' | 'ok' | 'lines'>,
  now: number,
): Line[] {
  /** Where there are several, each line says whose it is. */
  const label = (line: Line, { name }: Destination): Line =>
    destinations.length === 1 || line.name === name ? line : { ...line, name: `${name}: ${line.name}` }
  return [
    ...outboxLines(outbox, now),
    ...unreadableLines(outbox),
    ...destinations.flatMap(one =>
      [destinationLine(one, now), waitingLine(one, now), ...heldLines(one)].map(line => label(line, one)),
    ),
    ...left.map(leftLine),
    deadLetterLine(deadLetters),
    ...destinations.flatMap(one => arrivalLines(one).map(line => label(line, one))),
    {
      ...calm('last notice'),
      text: lastNotice ? `${toMinute(lastNotice.at)}: ${lastNotice.message}` : 'none so far',
    },
  ]
}

function leftLine({ name, pending }: { readonly name: string; readonly pending: number }): Line {
  return {
    name,
    level: 'warning',
    text: `no longer in the destinations file, and ${many(pending, 'event')} still wait for it`,
    remedy: `Put it back, or name it as \`was\` of the one that takes over, or give them up: npx twilio-segment-bridge dead-letters drop --destination ${name}`,
  }
}

function outboxLines(
  { troubles, unsorted, unsortedSince, ...outbox }: Status['outbox'],
  now: number,
): Line[] {
  const taking: Line =
    troubles.length === 0
      ? { ...calm('outbox'), text: 'storing events' }
      : {
          name: 'outbox',
          level: 'error',
          text: troubles.join('; '),
          remedy: toRemedy(outbox.reasons),
        }
  if (unsorted === 0 || unsortedSince === null)
    return [taking, { ...calm('index'), text: 'every stored event is indexed' }]
  const lagMs = now - Date.parse(unsortedSince)
  const text = `${many(unsorted, 'stored event')} not indexed yet, the oldest for ${toDuration(lagMs)}`
  if (lagMs <= INDEX_LAG_MS) return [taking, { ...calm('index'), text }]
  const remedy = 'Look at the log of the bridge for what stops it. The events are safe, but not delivered.'
  return [taking, { name: 'index', level: 'error', text, remedy }]
}

function unreadableLines({ unreadable = [], reasons: words }: Status['outbox']): Line[] {
  if (unreadable.length === 0) return []
  return [
    {
      name: 'figures',
      level: 'error',
      text: `cannot be read: ${unreadable.join(', ')}. What this page says of them is not known.`,
      remedy: toRemedy(words.length > 0 ? words : ['outbox_unreadable']),
    },
  ]
}

/** One for each cause: a damaged file is not mended by free disk space. */
function toRemedy(words: readonly string[]): string {
  const known = Object.entries(reasons).filter(([word]) => words.includes(word))
  const remedies = known.map(([, { remedy }]) => remedy)
  return remedies.length > 0 ? remedies.join(' ') : 'Fix the cause named here. Twilio retries for 4 hours.'
}

function destinationLine(
  { name, host, state, reason, nextAttemptAt, unconfirmed }: Destination,
  now: number,
): Line {
  const { title, remedy } = Object.entries(reasons).find(([word]) => word === reason)?.[1] ?? {
    title: reason ?? 'Deliveries fail',
    remedy: 'Look at the log of the bridge.',
  }
  const next = nextAttemptAt === null ? '' : ` Next attempt ${toWhen(nextAttemptAt, now)}.`
  if (state === 'paused' && unconfirmed)
    return {
      name,
      level: 'error',
      text: `paused: ${unconfirmed.text}`,
      remedy: `Undo it in the destinations file and restart, or: npx twilio-segment-bridge destinations confirm ${unconfirmed.hash}`,
    }
  if (reason === ('paused_by_operator' satisfies PauseReason))
    return {
      name,
      level: 'error',
      text: `paused: ${title}.`,
      remedy: `npx twilio-segment-bridge destinations resume ${name}`,
    }
  switch (state) {
    case 'retrying': {
      const when = nextAttemptAt === null ? 'now' : toWhen(nextAttemptAt, now)
      return {
        name,
        level: 'warning',
        text: `retrying ${when}: ${title}.`,
        remedy:
          'Nothing yet: the first two failures are retried at once. If it goes on, this line turns red.',
      }
    }
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
