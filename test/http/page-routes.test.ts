/** What the debugger page asks beside lists and single events: a search, the times of an event, groups, reasons, the set-up. */
import { describe, expect, it } from 'vitest'
import type { Stats } from '../../src/admin/figures.ts'
import { toAbout } from '../../src/http/about.ts'
import { reasons } from '../../src/reasons.ts'
import { toSettings } from '../support/bridge.ts'
import { ask, type Detail, describeHosts, type Hosted, type Summary, shareBridge } from '../support/hosts.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

type Found = { events: Summary[]; next: string | null; reachedAt: string | null; cursor: string }
type Groups = { groups: { state: string; reason: string; count: number; samples: Summary[] }[] }

const bad = (id: string) => messageStatus({ id, data: { to: '' } })

async function found(bridge: Hosted, body: object): Promise<Found> {
  const { status, text } = await ask(bridge, '/api/events/search', { body })
  expect(status, text).toBe(200)
  return JSON.parse(text)
}

describeHosts('what the page asks', host => {
  const bridge = shareBridge(host)

  it('[LK1] a search goes by POST, so that no phone number stands in a URL, and says how far back it got', async () => {
    const event = messageStatus({ data: { to: '+15550100321' } })
    await sendEvents(bridge().webhook, [event, messageStatus()])
    await bridge().until(({ pending }) => pending === 0)
    for (const q of ['+15550100321', '(555) 010-0321', event.id]) {
      const page = await found(bridge(), { q, state: 'accepted', limit: 10 })
      expect(page.events.map(({ id }) => id)).toEqual([event.id])
      expect(page).toMatchObject({ next: null, reachedAt: page.events[0]?.receivedAt })
      expect(page.cursor).toMatch(/^\d+(_\d+)*$/)
    }
    expect(await found(bridge(), { q: 'nowhere' })).toMatchObject({ events: [], next: null })
    expect((await ask(bridge(), '/api/events/search', { body: { query: 'x' } })).status).toBe(400)
    expect((await ask(bridge(), '/api/events/search', { body: 'x' })).status).toBe(400)
  })

  it('[LK2] the times of an event are in order, and those that are not known are null', async () => {
    const odd = messageStatus({ time: 'yesterday' })
    await sendEvents(bridge().webhook, [odd, messageStatus({ time: '2026-01-02T03:04:05.123456789+01:00' })])
    await bridge().until(({ pending }) => pending === 0)
    const [timed, untimed] = (await found(bridge(), { limit: 2 })).events
    expect([timed?.occurredAt, untimed?.occurredAt]).toEqual(['2026-01-02T02:04:05.123Z', null])
    const { receivedAt, storedAt, triedAt, settledAt, attempts } = timed ?? {}
    const times = [receivedAt, storedAt, triedAt, settledAt].map(time => Date.parse(time ?? ''))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(attempts).toBe(1)
    expect(await bridge().api<Detail>(`/api/events/${timed?.key}`)).toMatchObject({
      ...{ receivedAt, storedAt, triedAt, settledAt },
      attemptCount: 1,
      attempts: [{ at: triedAt, status: 200 }],
    })
  })

  it('[LK3] a list cuts long texts off, visibly; the event itself has them whole', async () => {
    const long = `/${'s'.repeat(40_000)}`
    const event = { ...messageStatus({ id: `EZ${'i'.repeat(3_000)}` }), source: long }
    await sendEvents(bridge().webhook, [event])
    const [shown] = (await found(bridge(), { limit: 1 })).events
    expect(shown?.source).toBe(`${long.slice(0, 256)}…`)
    expect(shown?.id).toBe(`${event.id.slice(0, 256)}…`)
    const whole = await bridge().api<Detail>(`/api/events/${shown?.key}`)
    expect([whole.id, whole.source]).toEqual([event.id, long])
  })

  it('[LK4] every reason is told in the words of the notices', async () => {
    const told = await bridge().api<Record<string, object>>('/api/reasons')
    expect(Object.keys(told).sort()).toEqual(Object.keys(reasons).sort())
    const { title, remedy, code } = reasons.segment_unauthorized
    expect(told.segment_unauthorized).toEqual({ title, remedy, code })
  })

  it('[LK5] the bridge tells which one it is and how it is set up, and no secret', async () => {
    const { text } = await ask(bridge(), '/api/about')
    expect(JSON.parse(text)).toEqual({
      ...{ name: 'twilio-segment-bridge', version: expect.any(String), host: host.name.toLowerCase() },
      ...{ dryRun: false, webhook: '/webhooks/twilio', unsigned: false, retentionDays: 7, dedupeHours: 72 },
      ...{ shards: host.name === 'Workers' ? 1 : null, segmentHost: bridge().segment.url, sinkSid: null },
    })
    expect(text).not.toContain(bridge().adminToken)
  })

  it('[LK6] the stats tell which failure is open, since when, and when the next notice may go out', async () => {
    bridge().segment.fail({ kind: 'status', status: 503 })
    await sendEvents(bridge().webhook, [messageStatus()])
    let notices: Stats['notices']['delivery'] | undefined
    await bridge().until(stats => {
      notices = stats.notices.delivery
      return notices.open.length > 0 && notices.lastAt !== null
    })
    expect(notices?.open).toMatchObject([{ reason: 'segment_failing', since: expect.any(String) }])
    expect(Date.parse(notices?.nextAt ?? '') - Date.parse(notices?.lastAt ?? '')).toBe(20 * 60_000)
    bridge().segment.heal()
    await bridge().until(stats => stats.pending === 0)
  })
})

describe('the set-up that is told', () => {
  it('[LK5] holds the whole URL of the webhook where PUBLIC_URL says it, without its password', () => {
    const webhook = (PUBLIC_URL: string) =>
      toAbout(toSettings({ ALLOW_UNSIGNED: 'true', PUBLIC_URL }), 'node').webhook
    expect(webhook('https://bridge.example.com')).toBe('https://bridge.example.com/webhooks/twilio')
    expect(webhook('https://user:pass@bridge.example.com/hook')).toBe('https://***@bridge.example.com/hook')
  })
})

describeHosts('dead letters in groups', host => {
  const settings = () => ({ ...(host.name === 'Workers' && { OUTBOX_SHARDS: '3' }) })
  const bridge = shareBridge(host, settings)
  const groups = async () => (await bridge().api<Groups>('/api/dead-letters')).groups
  const retry = async (body: object) => (await ask(bridge(), '/api/dead-letters/retry', { body })).json

  it('[LK7] are counted by state and reason, the largest group first, with the ten newest of each', async () => {
    expect(await groups()).toEqual([])
    bridge().segment.fail({ kind: 'poison', messageIds: ['EZpoison1', 'EZpoison2'] })
    for (let n = 0; n < 13; n++) await sendEvents(bridge().webhook, [bad(`EZbad${n}`)])
    await sendEvents(bridge().webhook, [messageStatus({ id: 'EZpoison1' }), messageStatus()])
    await bridge().until(({ pending, refused }) => pending === 0 && refused === 1)
    const told = await groups()
    expect(told).toMatchObject([
      { state: 'rejected', reason: 'schema_rejected', count: 13, samples: { length: 10 } },
      {
        state: 'refused',
        reason: 'segment_refused',
        count: 1,
        samples: [{ id: 'EZpoison1', state: 'refused' }],
      },
    ])
    expect(told[0]?.samples.map(({ id }) => id)).toEqual(
      Array.from({ length: 10 }, (_, n) => `EZbad${12 - n}`),
    )
    const key = told[0]?.samples[0]?.key
    expect(await bridge().api<Detail>(`/api/events/${key}`)).toMatchObject({ id: 'EZbad12' })
  })

  it('[LK8] a preview tells how many would be changed, and changes nothing', async () => {
    expect(await retry({ preview: true })).toEqual({ matched: 14, ready: 1, done: 0 })
    expect(await retry({ preview: true, reason: 'schema_rejected' })).toEqual({
      matched: 13,
      ready: 0,
      done: 0,
    })
    expect(await groups()).toHaveLength(2)
    bridge().segment.heal()
    expect(await retry({ reason: 'segment_refused' })).toEqual({ matched: 1, ready: 1, done: 1 })
    expect(await groups()).toHaveLength(1)
  })
})
