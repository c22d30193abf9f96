import { isIPv4 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toComponent } from '../../src/alerts/component.ts'
import { type About, type Notice, toDebuggerForm, toNotice } from '../../src/alerts/notice.ts'
import { redact } from '../../src/alerts/redact.ts'
import { calm, type Failure, type NoticeState, record, recover, take } from '../../src/alerts/throttle.ts'
import { type Reason, reasons } from '../../src/reasons.ts'
import { runs } from '../support/runs.ts'

const MINUTE = 60_000
const every = 20 * MINUTE
const start = Date.UTC(2026, 9, 5, 2, 14)
const words = Object.keys(reasons).filter((word): word is Reason => Object.hasOwn(reasons, word))
const sid = `NO${'0a1b2c3d'.repeat(4)}`
const about: About = {
  component: 'delivery',
  sid,
  accountSid: `AC${'12345678'.repeat(4)}`,
  sinkSid: `DG${'12345678'.repeat(4)}`,
  now: start,
  waiting: 1200,
  waitingSince: start - MINUTE,
}

function failure(reason: Reason, more: Partial<Failure> = {}): Failure {
  return { reason, at: start, count: 480, ...more }
}

function notice(state: NoticeState, more: Partial<About> = {}): Notice {
  const now = more.now ?? start
  const { digest } = take(state, now, every)
  if (!digest) throw new Error('nothing was told')
  const { lead, open, recovered } = digest
  const reason = lead === 'recovery' ? (open ?? recovered)?.reason : lead
  const component = reason ? toComponent(reason) : about.component
  return toNotice(digest, { ...about, component, ...more })
}

describe('the notice', () => {
  it('[NT14] has the shape of a Debugger event with the sink as its resource', () => {
    const state = record(
      calm,
      failure('segment_failing', { status: 502, answer: 'bad gateway', firstId: 'EZ1', lastId: 'EZ2' }),
    )
    expect(notice(state, { nextAttemptAt: start + 1000 })).toEqual({
      sid,
      account_sid: about.accountSid,
      timestamp: '2026-10-05T02:14:00.000Z',
      level: 'Error',
      error_code: 91306,
      payload: {
        resource_sid: about.sinkSid,
        service_sid: null,
        error_code: 91306,
        message: `${reasons.segment_failing.remedy} Segment answers with a server error: delivery has failed since 2026-10-05 02:14 UTC. 480 event deliveries failed, 1,200 events wait since 2026-10-05 02:13 UTC.`,
        more_info: {
          component: 'delivery',
          reason: 'segment_failing',
          remedy: reasons.segment_failing.remedy,
          counts: { segment_failing: 480 },
          since: '2026-10-05T02:14:00.000Z',
          first_event_id: 'EZ1',
          last_event_id: 'EZ2',
          open: [
            {
              component: 'delivery',
              reason: 'segment_failing',
              since: '2026-10-05T02:14:00.000Z',
              at: '2026-10-05T02:14:00.000Z',
            },
          ],
          recovered: [],
          waiting: 1200,
          waiting_since: '2026-10-05T02:13:00.000Z',
          next_attempt_at: '2026-10-05T02:14:01.000Z',
        },
        webhook: {
          type: 'application/json',
          reason: 'segment_failing',
          response: { status_code: 502, body: 'bad gateway' },
        },
      },
    })
  })

  it.each(words)('[NT14] %s has the level, the code, the title and the remedy of its reason', reason => {
    const { level, error_code, payload } = notice(record(calm, failure(reason, { count: 123_456_789 })))
    expect(level.toUpperCase()).toBe(reasons[reason].level)
    expect(error_code).toBe(reasons[reason].code)
    expect(payload.error_code).toBe(error_code)
    expect(payload.more_info.remedy).toBe(reasons[reason].remedy)
    expect(payload.message.startsWith(`${reasons[reason].remedy} ${reasons[reason].title}`)).toBe(true)
    expect(payload.message).toContain('123,456,789 ')
    expect(payload.message).toContain('since 2026-10-05 02:14 UTC')
    expect(payload.message).not.toContain('*')
  })

  it('[NT15] says what to do, what is wrong, since when and how many', () => {
    const say = (state: NoticeState, more: Partial<About> = {}) =>
      notice(state, { waiting: 0, waitingSince: undefined, ...more }).payload.message
    const one = record(calm, failure('body_too_large', { count: 1 }))
    expect(say(one)).toBe(
      `${reasons.body_too_large.remedy} The body is larger than MAX_BODY_BYTES. 1 request was turned away since 2026-10-05 02:14 UTC, no event waits.`,
    )
    const open = take(record(calm, failure('segment_unreachable')), start, every).state
    expect(say(open, { now: start + every, waiting: 1, waitingSince: start })).toBe(
      `${reasons.segment_unreachable.remedy} Segment cannot be reached: delivery has failed since 2026-10-05 02:14 UTC. Nothing else since the last notice, 1 event waits since 2026-10-05 02:14 UTC.`,
    )
    const mixed = record(
      record(open, failure('segment_unreachable', { at: start + MINUTE })),
      failure('body_not_json'),
    )
    expect(say(mixed, { now: start + every })).toBe(
      `${reasons.segment_unreachable.remedy} Segment cannot be reached: delivery has failed since 2026-10-05 02:14 UTC. 480 event deliveries failed and 480 events were set aside since 2026-10-05 02:15 UTC, no event waits.`,
    )
    const well = recover(open, start + 2 * MINUTE)
    expect(say(well, { now: start + every })).toBe(
      'Delivery works again since 2026-10-05 02:16 UTC, after trouble from 2026-10-05 02:14 UTC on: no event waits.',
    )
    expect(
      say(record(well, failure('segment_refused', { at: start + MINUTE })), { now: start + every }),
    ).toBe(
      `${reasons.segment_refused.remedy} Segment rejected this event. 480 events were set aside since 2026-10-05 02:15 UTC, no event waits. Delivery works again since 2026-10-05 02:16 UTC, after trouble from 2026-10-05 02:14 UTC on.`,
    )
  })

  it('[NT15] a recovery is a Notice, of the outbox as of the delivery', () => {
    const open = take(record(calm, failure('outbox_unwritable')), start, every).state
    const well = notice(recover(open, start + MINUTE), { now: start + every })
    expect(well).toMatchObject({
      level: 'Notice',
      error_code: 913999,
      payload: { more_info: { reason: 'recovery' } },
    })
    expect(well.payload.message).toMatch(/^The outbox is in order again since 2026-10-05 02:15 UTC/)
    expect(well.payload.more_info.recovered).toMatchObject([
      { component: 'outbox', reason: 'outbox_unwritable' },
    ])
  })

  it('[NT15] when an incident leads, the remedy of what is open is told as well', () => {
    const both = record(record(calm, failure('segment_throttled')), failure('segment_refused'))
    const { remedy } = notice(both).payload.more_info
    expect(remedy).toBe(`${reasons.segment_refused.remedy} ${reasons.segment_throttled.remedy}`)
  })

  it('[NT16] is posted as the Debugger webhook posts', () => {
    const told = notice(record(calm, failure('segment_timeout', { answer: 'a & b = ü' })))
    const form = toDebuggerForm(told)
    const { Payload, ...rest } = Object.fromEntries(new URLSearchParams(form.toString()))
    expect(rest).toEqual({
      Sid: sid,
      AccountSid: about.accountSid,
      Timestamp: '2026-10-05T02:14:00.000Z',
      Level: 'Error',
      PayloadType: 'application/json',
    })
    expect(JSON.parse(Payload ?? '')).toEqual(told.payload)
  })

  it('[NT17] holds neither a full phone number nor a secret, even from a state that does', () => {
    const key = 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF'
    const answer = `{"to":"+15550123456","writeKey":"${key}"}`
    const state = record(
      calm,
      failure('segment_refused', { answer, firstId: '+15550123456', lastId: `SM${'15550123'.repeat(4)}` }),
    )
    const raw = { ...state, answered: { reason: 'segment_refused' as const, answer } }
    for (const text of [
      JSON.stringify(state),
      JSON.stringify(notice(raw)),
      toDebuggerForm(notice(raw)).toString(),
    ]) {
      expect(text).not.toContain('5550123456')
      expect(text).not.toContain(key)
    }
    expect(notice(raw).payload.more_info.last_event_id).toBe(`SM${'15550123'.repeat(4)}`)
  })
})

describe('redact', () => {
  it.each([
    ['+15550123456', '+1555*****56'],
    ['whatsapp:+15550123456!', 'whatsapp:+1555*****56!'],
    ['To=%2B15550123456&x=1', 'To=%2B1555*****56&x=1'],
    ['+1 (555) 012-3456', '+1 (555) ***-**56'],
    ['1.555.012.3456', '1.555.***.**56'],
    ['%2B1%20555%20012%203456', '%2B1 555 *** **56'],
    ['a\\n15550123456', 'a\\n1555*****56'],
    ['55501234', '55****34'],
    ['15.55.01.23', '15.**.**.23'],
  ])('[NT17] hides the middle of %s', (text, hidden) => {
    expect(redact(text)).toBe(hidden)
  })

  it.each([
    `SM${'12345678'.repeat(4)}`,
    `/Messages/EZ${'0123456789abcdef'.repeat(2)}.json`,
    '12345678-1234-1234-1234-123456789012',
    '2026-10-05T02:14:33.123456789Z',
    'since 2026-10-05 02:14 UTC, 12,345,678 events',
    'connect ECONNREFUSED 104.16.123.45:443',
    'HTTP 503 after 30000 ms',
    'Basic authentication required',
    'The request carries no X-Twilio-Signature: 3 requests',
  ])('[NT17] leaves %s as it is', text => {
    expect(redact(text)).toBe(text)
  })

  it.each([
    ['Authorization: Basic YWJjZGVmZ2g6', 'Authorization: ***'],
    ['got Bearer abc123def456 here', 'got Bearer *** here'],
    ['{"writeKey":"short"}', '{"writeKey":"***"}'],
    ['{\\"auth_token\\":\\"short\\"}', '{\\"auth_token\\":\\"***\\"}'],
    ['password=hunter2&x=1', 'password=***&x=1'],
    ['https://user:pass@example.com/x', 'https://***@example.com/x'],
    ['x-twilio-signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=', 'x-twilio-signature: ***'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln', '***'],
    ['token 0123456789abcdef0123456789abcdef', 'token ***'],
  ])('[NT17] hides the secret in %s', (text, hidden) => {
    expect(redact(text)).toBe(hidden)
  })

  // Where it did not, the time of the test would not suffice.
  it.each(['eyJ', '1234567x', '://', 'token ', 'Basic ', '1.2.3.', '\\\\', '1%20'])(
    '[NT17] takes linear time for many %s',
    part => {
      expect(redact(part.repeat(200_000))).toBeTypeOf('string')
    },
  )

  it('[NT17] shows at most 6 digits of any phone number however it is written, and twice changes nothing', {
    tags: 'property',
  }, () => {
    const separator = fc.constantFrom(
      '',
      '',
      ' ',
      '-',
      '.',
      '.',
      '/',
      ') ',
      ' (',
      ' - ',
      '+',
      '%20',
      '\u2011',
    )
    const written = fc
      .array(fc.tuple(fc.integer({ min: 0, max: 9 }), separator), { minLength: 8, maxLength: 15 })
      .map(digits =>
        digits.map(([digit, after], i) => `${digit}${i < digits.length - 1 ? after : ''}`).join(''),
      )
    const around = fc.constantFrom('', '+', 'to ', 'rcs:+', '"', '\\n', 'SM', '(')
    fc.assert(
      fc.property(around, written, around, (before, phone, after) => {
        fc.pre(!isIPv4(phone))
        const hidden = redact(`${before}${phone}${after}`)
        const digits = hidden.replace(/\D/g, '')
        expect(digits.length).toBeLessThanOrEqual(6)
        expect(redact(hidden)).toBe(hidden)
      }),
      { numRuns: runs(3000) },
    )
  })
})
