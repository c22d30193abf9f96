/** A 2xx that does not mean what it says: f09. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { deniesSuccess } from '../../../src/send/segment/success.ts'
import { attempt, createClock, deliverTo, MINUTE, openTestbed } from '../../support/dispatcher.ts'
import { describeHosts, someNotices } from '../../support/hosts.ts'
import { type Fault, type SegmentStandIn, startSegment } from '../../support/segment.ts'
import { messageStatus, sendEvents } from '../../support/twilio.ts'

let segment: SegmentStandIn
beforeAll(async () => {
  segment = await startSegment()
})
afterEach(() => segment.reset())
afterAll(() => segment.close())

const html = 'text/html; charset=utf-8'
const json = 'application/json'
/** f09 as it was found. */
const logInPage = '<!doctype html><title>Sign in</title>'
const long = 'x'.repeat(20_000)

type Case = readonly [title: string, status: number, type: string | undefined, body: string]

const denials: readonly Case[] = [
  ['f09: a log-in page', 200, 'text/html', logInPage],
  ['a page that says so in its type alone', 200, html, '<p>Sign in</p>'],
  ['a page of XHTML', 200, 'application/xhtml+xml', '<?xml version="1.0"?><div/>'],
  ['a type in capitals', 200, 'TEXT/HTML', '<b>no</b>'],
  ['a page that calls itself plain text', 200, 'text/plain', `\n  ${logInPage}`],
  ['a page that calls itself JSON', 200, json, '<HTML><body>Sign in</body></HTML>'],
  ['a page without a type', 200, undefined, '<html lang="en">'],
  ['a long page', 202, html, `${logInPage}${long}`],
  ['a page with 201', 201, html, logInPage],
  ['success: false', 200, json, '{"success":false}'],
  ['success: false behind much else', 200, json, `{"message":"${'x'.repeat(2_000)}","success":false}`],
  ['success: false at the head of what is cut off', 200, json, `{"success": false,"message":"${long}`],
  ['ok: false', 200, json, '{ "ok" : false, "error" : "invalid_auth" }'],
  ['ok: false as plain text', 202, 'text/plain', '{"ok":false}'],
  ['errors', 200, json, '{"success":true,"errors":[{"message":"invalid"}]}'],
  ['207 with a list', 207, json, '[{"status":200},{"status":400}]'],
  ['207 with an empty body', 207, undefined, ''],
]
const acceptances: readonly Case[] = [
  ['an empty 200', 200, undefined, ''],
  ['an empty 202', 202, json, ''],
  ['a 204', 204, undefined, ''],
  ['an empty page', 200, html, ' \n'],
  ["Segment's own answer", 200, json, '{"success":true}'],
  ["RudderStack's OK", 200, 'text/plain; charset=utf-8', 'OK'],
  ['OK that calls itself a page', 200, html, 'OK'],
  ['JSON that calls itself a page', 200, html, '{"success":true}'],
  ['ok: true', 200, json, '{"ok":true}'],
  ['no errors', 200, json, '{"success":true,"errors":[]}'],
  ['errors: null', 200, json, '{"errors":null}'],
  ['other JSON', 200, json, '{"status":"queued","ids":[1,2]}'],
  ['a list', 200, json, '[{"success":false}]'],
  ['null', 200, json, 'null'],
  ['false', 200, json, 'false'],
  ['the words inside a text', 200, json, '{"message":"{\\"success\\":false} <html>"}'],
  ['a deeper success: false', 200, json, '{"success":true,"plugin":{"success":false}}'],
  ['no JSON', 200, json, '{"success":'],
]

const pretend = (status: number, type: string | undefined, body: string): Fault => ({
  kind: 'pretend',
  status,
  ...(type !== undefined && { headers: { 'content-type': type } }),
  body,
})

async function deliver() {
  return attempt(deliverTo(segment.url), [
    {
      event: 'com.twilio.messaging.message.delivered',
      messageId: 'EZ1',
      anonymousId: '42',
      timestamp: '2026-01-02T03:04:05Z',
      properties: {},
      context: { app: { name: 'bridge', version: '1' } },
    },
  ])
}

describe('a 2xx that denies itself', () => {
  it.each(denials)('[DL50] f09: %s is segment_misrouted', async (_, status, type, body) => {
    expect(deniesSuccess(status, type ?? null, body)).toBe(true)
    segment.fail(pretend(status, type, body))
    expect(await deliver()).toMatchObject({ kind: 'failed', reason: 'segment_misrouted', status })
  })
})

describe('any other 2xx', () => {
  it.each(acceptances)('[DL50] %s is an acceptance', async (_, status, type, body) => {
    expect(deniesSuccess(status, type ?? null, body)).toBe(false)
    segment.fail(pretend(status, type, body))
    expect(await deliver()).toMatchObject({ kind: 'accepted', status })
  })
})

describe('f09: a log-in page with status 200', () => {
  it('[DL50] [RT2] pauses the line for minutes, keeps every event, and ends with the first true answer', async () => {
    const clock = createClock()
    const dispatcher = openTestbed({ clock, deliver: deliverTo(segment.url, clock.now) })
    segment.fail(pretend(200, 'text/html', logInPage))
    dispatcher.take(...Array.from({ length: 20 }, () => messageStatus()))
    await dispatcher.drainFor(10 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 20, accepted: 0, refused: 0 })
    expect(dispatcher.line().reason).toBe('segment_misrouted')
    expect((await dispatcher.deliverNextBatch()) ?? 0).toBeGreaterThan(clock.at + MINUTE)
    segment.heal()
    await dispatcher.drainFor(6 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 20 })
  })
})

describeHosts('f09: a whole bridge', host => {
  it('[DL50] keeps the event and tells of it, with the answer', async () => {
    await using bridge = await host.start()
    bridge.segment.fail(pretend(200, 'text/html', logInPage))
    await sendEvents(bridge.webhook, [messageStatus()])
    const [notice] = await someNotices(bridge)
    expect(notice).toMatchObject({
      level: 'Error',
      payload: {
        more_info: { reason: 'segment_misrouted' },
        webhook: { response: { status_code: 200, body: logInPage } },
      },
    })
    expect(await bridge.stats()).toMatchObject({
      ...{ pending: 1, accepted: 0 },
      delivery: { reason: 'segment_misrouted' },
    })
    bridge.segment.heal()
    await bridge.until(({ accepted, pending }) => accepted === 1 && pending === 0)
  })
})
