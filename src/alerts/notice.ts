/**
 * Digest → notice, shaped like an event of Twilio's Debugger so that a handler written for it works unchanged.
 * Pure: no I/O, no clock.
 */
import { toIsoTime } from '../event/event-time.ts'
import { deliveryReasons, outboxReasons, type Reason, reasons, recovery, webhookReasons } from '../reasons.ts'
import type { Component } from './component.ts'
import { redact } from './redact.ts'
import { type Digest, type Failing, isForgeable } from './throttle.ts'

export type About = {
  readonly component: Component
  /** NO + 32 hex. */
  readonly sid: string
  readonly accountSid: string
  readonly sinkSid: string
  readonly now: number
  /** Pending events, and since when the oldest of them has waited. */
  readonly waiting: number
  readonly waitingSince: number | undefined
  readonly nextAttemptAt?: number | undefined
  readonly failing?: readonly Failing[] | undefined
}

type Spell = {
  readonly component: Component
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
      readonly component: Component
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
      /** Those that get nothing now, where there are several destinations. */
      readonly destinations?: readonly { readonly name: string; readonly reason: Reason }[]
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
/** A signature that does not fit while others do is no fault of the settings. */
const stranger = {
  title: 'Some requests have a signature that does not fit, while those of Twilio do',
  remedy:
    'Nothing: none of these requests was stored. If the events of one account are missing, add its auth token to TWILIO_AUTH_TOKEN or its key to TWILIO_SHARED_KEYS.',
} as const

export function toNotice(digest: Digest, about: About): Notice {
  const { lead, answered } = digest
  const stop = toStop(digest)
  const named = toNamed(about)
  return {
    sid: about.sid,
    account_sid: about.accountSid,
    timestamp: new Date(about.now).toISOString(),
    level: levels[digest.level],
    error_code: stop.code,
    payload: {
      resource_sid: about.sinkSid,
      service_sid: null,
      error_code: stop.code,
      message: redact(say(digest, about)),
      more_info: {
        component: about.component,
        reason: lead,
        // What leads may be worse than what is still open: then there are two things to do.
        remedy: [
          ...new Set([stop.remedy, ...(digest.open ? [reasons[digest.open.reason].remedy] : [])]),
        ].join(' '),
        counts: digest.counts,
        since: toIso(digest.since),
        first_event_id: digest.firstId ?? null,
        last_event_id: digest.lastId ?? null,
        open: toSpells(about.component, digest.open),
        recovered: toSpells(about.component, digest.recovered),
        waiting: about.waiting,
        waiting_since: toIso(about.waitingSince),
        next_attempt_at: toIso(about.nextAttemptAt),
        ...(named.length > 0 && { destinations: named }),
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

/** An incoming webhook of Slack, and of what takes the same: Mattermost, Rocket.Chat, Discord's `/slack`. */
export function toSlackMessage({ level, error_code, payload }: Notice): { readonly text: string } {
  const { component, reason } = payload.more_info
  const head = `*${level} ${error_code}* · ${component} · ${reason}`
  // The three characters that mean something in its markup.
  const text = payload.message.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return { text: `${head}\n${text}` }
}

function toStop({
  lead,
  level,
}: Digest): Pick<typeof recovery, 'title' | 'remedy'> & { readonly code: number } {
  if (lead === 'recovery') return recovery
  const stop = reasons[lead]
  return isForgeable(lead) && level === 'WARNING' ? { ...stop, ...stranger } : stop
}

const fails = {
  delivery: 'delivery has failed',
  outbox: 'the outbox has been out of order',
  webhook: 'requests have been turned away',
  data: 'the data has been odd',
} as const satisfies Record<Component, string>
const works = {
  delivery: recovery.title,
  outbox: 'The outbox is in order again',
  webhook: 'Requests are taken again',
  data: 'The data is as usual again',
} as const satisfies Record<Component, string>

/** Of these no answer came: what stands in its place was written by this machine, and says more than the title. */
const saysWhy: readonly Digest['lead'][] = ['disk_low', 'sink_inactive', 'segment_unreachable']

/** What to do, what is wrong since when, how many: for a person at 3 a.m. */
function say(digest: Digest, about: About): string {
  const { lead, open, recovered, counts, since } = digest
  const { component } = about
  const trouble = open ? `${fails[component]} since ${toMinute(open.since)}` : ''
  const again = recovered
    ? `${works[component]} since ${toMinute(recovered.at)}, after trouble from ${toMinute(recovered.since)} on`
    : ''
  const sums = { delivery: 0, request: 0, event: 0, outbox: 0, lost: 0, disk: 0, sink: 0 }
  for (const [word, count] of Object.entries(counts)) sums[toUnit(word)] += count
  const came = [
    many(sums.delivery, 'event delivery failed', 'event deliveries failed'),
    many(sums.request, 'request was turned away', 'requests were turned away'),
    many(sums.event, 'event was set aside', 'events were set aside'),
    many(sums.outbox, 'stored value was reset', 'stored values were reset'),
    many(sums.lost, 'request is missing', 'requests are missing'),
    many(sums.sink, 'daily check found it so', 'daily checks found it so'),
    many(sums.disk, 'measurement of the disk was low', 'measurements of the disk were low'),
  ].filter(text => text !== '')
  const when = since === undefined || open?.since === since ? '' : ` since ${toMinute(since)}`
  const nothing = trouble === '' ? '' : 'nothing else since the last notice'
  const news = came.length > 0 ? `${came.join(' and ')}${when}` : nothing
  const age = about.waitingSince === undefined ? '' : ` since ${toMinute(about.waitingSince)}`
  const wait =
    about.waiting > 0 ? `${many(about.waiting, 'event waits', 'events wait')}${age}` : 'no event waits'
  const list = (...texts: string[]) => texts.filter(text => text !== '').join(', ')
  if (lead === 'recovery') return `${again}: ${list(trouble, news, wait)}.`
  const { title: name, remedy } = toStop(digest)
  const detail =
    digest.answered?.reason === lead && saysWhy.includes(lead) ? digest.answered.answer : undefined
  const isMeasured = lead === 'disk_low' || lead === 'sink_inactive'
  const title = !detail ? name : isMeasured ? `${name}: ${detail}` : `${name} (${redact(detail)})`
  const wrong = trouble === '' ? title : `${title}: ${trouble}`
  const names = toNamed(about).map(
    one => `${one.name} (${reasons[one.reason].title.replace(/^./, first => first.toLowerCase())})`,
  )
  const whose = names.length > 0 ? `No events go to ${names.join(' and ')}` : ''
  const sentences = [wrong, whose, capital(list(news, wait)), again].flatMap(text =>
    text === '' ? [] : `${text}.`,
  )
  return [remedy, ...sentences].join(' ')
}

function toNamed({ component, failing = [] }: About): { name: string; reason: Reason }[] {
  if (component !== 'delivery') return []
  return failing.flatMap(({ destination: name, reason }) => (name === undefined ? [] : { name, reason }))
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function toUnit(word: string): 'delivery' | 'request' | 'event' | 'outbox' | 'lost' | 'disk' | 'sink' {
  if (word === ('sink_inactive' satisfies Reason)) return 'sink'
  if (word === ('disk_low' satisfies Reason)) return 'disk'
  if (word === ('events_missing' satisfies Reason)) return 'lost'
  if (Object.hasOwn(outboxReasons, word)) return 'outbox'
  if (Object.hasOwn(deliveryReasons, word)) return 'delivery'
  return Object.hasOwn(webhookReasons, word) ? 'request' : 'event'
}

/** Commas keep `redact` from taking a large count for a phone number. */
function many(count: number, one: string, more: string): string {
  if (count === 0) return ''
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : more}`
}

function toSpells(component: Component, span: Digest['open']): readonly Spell[] {
  if (!span) return []
  const { reason, since, at } = span
  return [{ component, reason, since: toIsoTime(since), at: toIsoTime(at) }]
}

function toIso(ms: number | undefined): string | null {
  return ms === undefined ? null : toIsoTime(ms)
}

function toMinute(ms: number): string {
  return `${toIsoTime(ms).slice(0, 16).replace('T', ' ')} UTC`
}
