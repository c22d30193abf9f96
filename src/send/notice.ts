/**
 * Digest → notice, shaped like an event of Twilio's Debugger so that a handler written for it works unchanged.
 * Pure: no I/O, no clock.
 */
import { deliveryReasons, doorReasons, outboxReasons, type Reason, reasons, recovery } from '../reasons.ts'
import type { Digest, Station } from './notify.ts'
import { redact } from './redact.ts'

export type About = {
  /** NO + 32 hex. */
  readonly sid: string
  readonly accountSid: string
  readonly sinkSid: string
  readonly now: number
  /** Pending events, and since when the oldest of them has waited. */
  readonly waiting: number
  readonly waitingSince: number | undefined
  readonly nextAttemptAt?: number | undefined
}

type Spell = {
  readonly station: Station
  readonly reason: Reason
  readonly since: string
  /** Of an open failure: when it was last seen; of a recovery: when it came. */
  readonly at: string
}

/** Times are ISO 8601. */
export type Notice = {
  readonly sid: string
  readonly account_sid: string
  readonly timestamp: string
  readonly level: 'Error' | 'Warning' | 'Notice'
  readonly error_code: number
  readonly payload: {
    /** The sink's SID, as in Twilio's own notices of a failing sink. */
    readonly resource_sid: string
    readonly service_sid: null
    readonly error_code: number
    readonly message: string
    readonly more_info: {
      readonly reason: Reason | 'recovery'
      readonly remedy: string
      /** What came since the last notice: reason → events or requests. */
      readonly counts: Digest['counts']
      readonly since: string | null
      readonly first_event_id: string | null
      readonly last_event_id: string | null
      readonly open: readonly Spell[]
      readonly recovered: readonly Spell[]
      readonly waiting: number
      readonly waiting_since: string | null
      readonly next_attempt_at: string | null
    }
    /** Segment's last answer, if there was one. */
    readonly webhook: {
      readonly type: 'application/json'
      readonly reason: Reason
      readonly response: { readonly status_code: number | null; readonly body: string | null }
    } | null
  }
}

const levels = { ERROR: 'Error', WARNING: 'Warning', NOTICE: 'Notice' } as const
const stations = ['delivery', 'door'] as const satisfies readonly Station[]

export function toNotice(digest: Digest, about: About): Notice {
  const { lead, answered } = digest
  const stop = lead === 'recovery' ? recovery : reasons[lead]
  const open = toSpells(digest.open)
  return {
    sid: about.sid,
    account_sid: about.accountSid,
    timestamp: new Date(about.now).toISOString(),
    level: levels[stop.level],
    error_code: stop.code,
    payload: {
      resource_sid: about.sinkSid,
      service_sid: null,
      error_code: stop.code,
      message: redact(say(digest, about)),
      more_info: {
        reason: lead,
        // With both stations out of order there are two things to do.
        remedy: [...new Set([stop.remedy, ...open.map(({ reason }) => reasons[reason].remedy)])].join(' '),
        counts: digest.counts,
        since: toIso(digest.since),
        first_event_id: digest.firstId ?? null,
        last_event_id: digest.lastId ?? null,
        open,
        recovered: toSpells(digest.recovered),
        waiting: about.waiting,
        waiting_since: toIso(about.waitingSince),
        next_attempt_at: toIso(about.nextAttemptAt),
      },
      webhook: answered
        ? {
            type: 'application/json',
            reason: answered.reason,
            response: {
              status_code: answered.status ?? null,
              body: answered.answer === undefined ? null : redact(answered.answer),
            },
          }
        : null,
    },
  }
}

/** The form Twilio's Debugger posts to its webhook. */
export function toDebuggerForm(notice: Notice): URLSearchParams {
  return new URLSearchParams({
    Sid: notice.sid,
    AccountSid: notice.account_sid,
    Timestamp: notice.timestamp,
    Level: notice.level,
    PayloadType: 'application/json',
    Payload: JSON.stringify(notice.payload),
  })
}

const fails = { delivery: 'delivery has failed', door: 'requests have been turned away' } as const
const works = { delivery: recovery.title, door: 'Requests are taken again' } as const

/** What, how many, since when: for a person at 3 a.m. */
function say({ lead, open, recovered, counts, since }: Digest, about: About): string {
  const troubles = stations.flatMap(station => {
    const span = open[station]
    return span ? [`${fails[station]} since ${toMinute(span.since)}`] : []
  })
  const again = stations.flatMap(station => {
    const span = recovered[station]
    return span
      ? [`${works[station]} since ${toMinute(span.at)}, after trouble from ${toMinute(span.since)} on`]
      : []
  })
  const sums = { delivery: 0, door: 0, event: 0, outbox: 0 }
  for (const [word, count] of Object.entries(counts)) sums[toUnit(word)] += count
  const came = [
    many(sums.delivery, 'event delivery failed', 'event deliveries failed'),
    many(sums.door, 'request was turned away', 'requests were turned away'),
    many(sums.event, 'event was set aside', 'events were set aside'),
  ].filter(text => text !== '')
  const isFirst = stations.some(station => open[station]?.since === since)
  const when = since === undefined || isFirst ? '' : ` since ${toMinute(since)}`
  const nothing = troubles.length > 0 ? 'nothing else since the last notice' : ''
  const news = came.length > 0 ? `${came.join(' and ')}${when}` : nothing
  const age = about.waitingSince === undefined ? '' : ` since ${toMinute(about.waitingSince)}`
  const wait =
    about.waiting > 0 ? `${many(about.waiting, 'event waits', 'events wait')}${age}` : 'no event waits'
  const facts = [...troubles, news, wait].filter(text => text !== '').join(', ')
  if (lead === 'recovery') return `${again.join('. ')}: ${facts}.`
  return [`${reasons[lead].title}: ${facts}.`, ...again.map(text => `${text}.`)].join(' ')
}

function toUnit(word: string): Station | 'event' | 'outbox' {
  if (Object.hasOwn(outboxReasons, word)) return 'outbox'
  if (Object.hasOwn(deliveryReasons, word)) return 'delivery'
  return Object.hasOwn(doorReasons, word) ? 'door' : 'event'
}

/** Commas keep `redact` from taking a large count for a phone number. */
function many(count: number, one: string, more: string): string {
  if (count === 0) return ''
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : more}`
}

function toSpells(spans: Digest['open']): readonly Spell[] {
  return stations.flatMap(station => {
    const span = spans[station]
    if (!span) return []
    const { reason, since, at } = span
    return [{ station, reason, since: new Date(since).toISOString(), at: new Date(at).toISOString() }]
  })
}

function toIso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

function toMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
