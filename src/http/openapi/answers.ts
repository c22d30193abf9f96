/** What the admin API answers, as schemas of zod: for its document alone. The tests hold the real answers to them. */
import * as z from 'zod'
import { Status } from '../../admin/status-schema.ts'
import { deadLetterStates, states } from '../../reasons.ts'
import { windows } from '../../stats/quality.ts'

const time = z.iso.datetime()
const maybeTime = time.nullable()
const count = z.int().min(0)
const text = z.string()
const maybeText = text.nullable()

export const Fault = z.object({ path: text, expected: text, received: text })

export const Failure = z
  .object({
    error: text.meta({ description: 'A word for programs' }),
    message: text.meta({ description: 'A sentence for people' }),
    faults: z
      .array(z.object({ path: text, message: text }))
      .optional()
      .meta({ description: 'Of a query or body that does not fit: each fault' }),
    detail: text.optional(),
  })
  .meta({ id: 'Failure' })

const summary = {
  key: text.meta({ description: 'Names the event in the paths of this API' }),
  type: text,
  version: count.meta({ description: 'Of its schema; 0: it names none' }),
  state: z.enum(states),
  reason: maybeText,
  id: maybeText,
  source: maybeText,
  customer: maybeText.meta({ description: "The customer's address" }),
  occurredAt: maybeTime,
  receivedAt: time,
  storedAt: maybeTime,
  triedAt: maybeTime,
  settledAt: maybeTime,
  unreadable: text.optional().meta({ description: 'Why its stored bytes cannot be read' }),
}
export const EventSummary = z
  .object({ ...summary, attempts: count })
  .meta({ id: 'EventSummary', description: 'An event in a list' })

const Attempt = z
  .object({
    at: time,
    tookMs: z.number(),
    events: count,
    reason: maybeText,
    status: z.int().nullable(),
    answer: text,
    headers: z.record(text, text),
    destination: text,
  })
  .meta({ id: 'Attempt', description: 'A request to a destination that held the event' })

const DeliveryOfEvent = z
  .object({
    destination: text,
    state: z.enum(states),
    reason: maybeText,
    settledAt: maybeTime,
    triedAt: maybeTime,
    attempts: count,
    answer: maybeText.meta({ description: 'What the destination said when it refused this very event' }),
    messageId: maybeText,
  })
  .meta({ id: 'DeliveryOfEvent', description: 'An event at one destination' })

export const EventDetail = z
  .object({
    ...summary,
    name: maybeText.meta({ description: 'Readable name of its type; null: the type is not supported' }),
    attemptCount: count,
    attempts: z.array(Attempt),
    deliveries: z.array(DeliveryOfEvent),
    faults: z.array(Fault),
    answer: maybeText.meta({ description: 'What the destination said when it refused this very event' }),
    origins: z.array(z.object({ to: text, from: maybeText, note: text.optional() })),
    received: z.unknown().meta({ description: 'As Twilio sent it; null once its bytes are pruned' }),
    mapped: z.unknown().meta({ description: 'The track call that it becomes; null: none' }),
  })
  .meta({ id: 'EventDetail' })

export const EventList = z
  .object({
    events: z.array(EventSummary),
    next: maybeText.meta({ description: '`before` of the next page; null: there is none' }),
    reachedAt: maybeTime.meta({ description: 'When the last event that was read was received' }),
    cursor: text.meta({ description: '`after` of the stream, so that nothing between is missed' }),
    unsorted: count.meta({ description: 'Events that are stored and not indexed yet' }),
    unreadable: z.array(text).optional(),
  })
  .meta({ id: 'EventList' })

export const Changed = z
  .object({
    done: z.boolean(),
    state: z.enum(states).optional(),
    reason: text.optional().meta({ description: 'Why it was not done' }),
    faults: z.array(Fault).optional(),
  })
  .meta({ id: 'Changed' })
const notDone = z.array(text).optional().meta({ description: 'Shards that did not answer' })
export const ChangedMany = z
  .object({ matched: count, ready: count, done: count, notDone })
  .meta({ id: 'ChangedMany' })
export const Resent = z
  .object({
    ...{ matched: count, pruned: count, done: count, until: time },
    next: maybeText.meta({ description: '`after` of the next call, with `until` of this one; null: done' }),
  })
  .meta({ id: 'Resent' })
export const DeliverNow = z.object({ pending: count, held: count, notDone }).meta({ id: 'DeliverNow' })

export const DeadLetters = z
  .object({
    unsorted: count,
    unreadable: z.array(text).optional(),
    groups: z.array(
      z.object({
        state: z.enum([...deadLetterStates, 'pending']),
        reason: text,
        count,
        samples: z.array(EventSummary),
      }),
    ),
  })
  .meta({ id: 'DeadLetters' })

const Delivery = z
  .object({
    failures: count,
    reason: maybeText,
    nextAttemptAt: maybeTime,
    wait: z.enum(['retrying', 'failing', 'paused']).optional(),
  })
  .meta({ id: 'Delivery' })
export const Destination = z
  .object({
    name: text,
    ...{ pending: count, held: count, accepted: count, refused: count, skipped: count, filtered: count },
    oldestPendingSeconds: z.number(),
    collectSeconds: z.number(),
    delivery: Delivery,
    paused: maybeText,
    unconfirmed: z.object({ text, hash: text }).optional(),
  })
  .meta({ id: 'Destination' })
export const Destinations = z.object({ destinations: z.array(Destination) })

const Spell = z.object({ reason: text, since: time, count })
const Clock = z
  .object({ open: z.array(Spell), nextAt: maybeTime, lastAt: maybeTime })
  .meta({ id: 'NoticeClock' })

export const Stats = z
  .object({
    ...{ received: count, pending: count, accepted: count, rejected: count, refused: count, skipped: count },
    ...{ duplicates: count, unsorted: count, held: count },
    oldestPendingSeconds: z.number(),
    unreadable: z.array(text).optional(),
    counts: z.array(z.object({ type: text, version: count, state: text, reason: text, n: count })),
    troubles: z.array(text),
    delivery: Delivery,
    destinations: z.array(Destination),
    notices: z.record(text, Clock),
  })
  .meta({ id: 'Stats' })

export const StatusAnswer = Status.meta({ id: 'Status' })

export const Notices = z.object({
  notices: z.array(
    z
      .looseObject({
        sid: text,
        account_sid: text,
        timestamp: text,
        level: z.enum(['Error', 'Warning', 'Notice']),
        error_code: z.int(),
        payload: z.looseObject({ message: text }),
      })
      .meta({ id: 'Notice', description: "The shape of an event of Twilio's Debugger" }),
  ),
})

const series = z.array(z.number().nullable())
export const Rates = z
  .object({
    ...{ window: z.enum(windows), from: time, stepSeconds: z.int(), in: series, out: series },
    unreadable: z.array(text).optional(),
  })
  .meta({ id: 'Rates', description: 'Events per second, step by step; null: unknown' })

const completeness = z.array(z.object({ property: text, present: count, of: count }))
export const Quality = z
  .object({
    window: z.enum(windows),
    from: time,
    to: time,
    hours: z.array(time),
    definitions: z.record(text, text),
    unreadable: z.array(text).optional(),
    types: z.array(
      z.object({
        type: text,
        ...{ version: count, events: count, passing: count, violating: count, duplicates: count },
        unmapped: z.boolean(),
        required: completeness,
        optional: completeness,
        identity: z.object({ of: count, usable: count, kinds: z.record(text, count) }).nullable(),
        volume: z.object({
          perHour: z.array(count),
          baseline: series,
          marks: z.array(z.object({ hour: time, kind: z.enum(['drop', 'spike']) })),
          silentSince: maybeTime,
        }),
      }),
    ),
  })
  .meta({ id: 'Quality' })

export const About = z
  .object({
    ...{ name: text, version: text, host: text, webhook: text, segmentHost: text },
    dryRun: z.boolean(),
    unsigned: z.boolean(),
    retentionDays: z.number(),
    dedupeHours: z.number(),
    shards: count.nullable(),
    sinkSid: maybeText,
  })
  .meta({ id: 'About' })
export const Reasons = z.record(text, z.object({ title: text, remedy: text, code: z.int() }))
export const Session = z.object({ via: z.enum(['bearer', 'cookie']).nullable() })
export const Imported = z
  .object({
    ...{ received: count, stored: count, pending: count, skipped: count },
    ...{ duplicates: count, again: count, rejected: count },
    skippedReasons: z
      .record(text, count)
      .optional()
      .meta({ description: 'Events that are never sent, copies among them, by reason' }),
  })
  .meta({ id: 'Imported' })
export const Confirmed = z.object({ confirmed: z.union([z.boolean(), z.array(text)]) })
export const Received = z.object({ received: count, rejected: count })
export const Up = z.object({ status: text, troubles: z.array(text).optional() })
