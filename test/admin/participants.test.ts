/** Who a participant is, asked of Twilio after the callback: each event is completed once, and never lost. */
import { expect, it } from 'vitest'
import { startBridge } from '../support/bridge.ts'
import { until } from '../support/patience.ts'
import { postCallback, proxyCallback } from '../support/proxy-callbacks.ts'
import { startSegment } from '../support/segment.ts'
import { accountSid } from '../support/twilio.ts'
import { startTwilioProxyApi } from '../support/twilio-proxy-api.ts'
import { startWorkers } from '../support/workers.ts'

async function open(change: Readonly<Record<string, string>> = {}) {
  const api = await startTwilioProxyApi()
  const segment = await startSegment()
  const bridge = await startBridge(
    {
      SEGMENT_WRITE_KEY: 'key',
      SEGMENT_HOST: segment.url,
      TWILIO_ACCOUNT_SID: accountSid,
      ...change,
    },
    api.send,
  )
  const session = api.addSession(api.addService().sid)
  const ann = api.addParticipant(session, '+15551230001')
  const bob = api.addParticipant(session, 'whatsapp:+15551230002')
  const call = (interaction: object) =>
    postCallback(`${bridge.origin}/webhooks/proxy`, proxyCallback({ ...interaction }))
  const reasons = async () => {
    const { counts } = await bridge.stats()
    return counts
      .filter(({ n, state }) => n > 0 && state !== 'received')
      .map(one => `${one.state} ${one.reason}`)
  }
  return {
    ...{ api, segment, bridge, session, ann, bob, call, reasons },
    say: () => api.interact(session, ann, bob),
    asked: () => api.requests.filter(({ path }) => path.includes('/Participants/')).length,
    async [Symbol.asyncDispose]() {
      await bridge[Symbol.asyncDispose]()
      await segment.close()
      await api[Symbol.asyncDispose]()
    },
  }
}

it('[PX40] both sides of an interaction are sent, once, as what they did; each is asked for once', async () => {
  await using all = await open()
  const { segment, call, say, ann, bob, asked, bridge } = all
  const interaction = say()
  await call(interaction)
  await segment.waitFor(2)
  await call({ ...interaction, outbound_resource_status: 'delivered' })
  await call(interaction)
  await segment.waitFor(4)
  await bridge.until(({ pending }) => pending === 0)
  const sent = segment.events.map(({ messageId, context, properties }) => ({
    messageId,
    who: JSON.stringify(context.externalIds).match(/\+1555\d+/)?.[0],
    participant: properties.participantSid,
    status: properties.outboundResourceStatus,
  }))
  expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(4)
  expect(sent.map(({ who, participant, status }) => `${who} ${participant} ${status}`).sort()).toEqual([
    `+15551230001 ${ann.sid} delivered`,
    `+15551230001 ${ann.sid} sent`,
    `+15551230002 ${bob.sid} delivered`,
    `+15551230002 ${bob.sid} sent`,
  ])
  expect(asked()).toBe(2)
  const { received, accepted } = await bridge.stats()
  expect({ received, accepted }).toEqual({ received: 4, accepted: 4 })
})

it('[PX40] a participant whom Twilio does not know any more makes it skipped, the other one is sent', async () => {
  await using all = await open()
  const { api, bridge, call, say, bob, segment, reasons } = all
  const interaction = say()
  api.participants.delete(bob.sid)
  await call(interaction)
  await bridge.until(({ accepted, skipped }) => accepted + skipped === 2)
  expect((await reasons()).sort()).toEqual(['accepted ', 'duplicate ', 'skipped no_customer'])
  expect(segment.events).toHaveLength(1)
})

it('[PX41] while Twilio throttles they wait, and the next callback asks for all of them', async () => {
  await using all = await open()
  const { api, bridge, call, say, reasons, asked, segment } = all
  api.throttle(1)
  await call(say())
  await until('the question', () => asked() === 1)
  expect(await reasons()).toEqual(['pending participant_unknown'])
  await call(say())
  await segment.waitFor(4)
  expect((await bridge.api<{ notices: unknown[] }>('/api/notices')).notices).toEqual([])
})

it.each([
  [
    '[PX42] credentials that Twilio turns down',
    { TWILIO_API_KEY: `SK${'1'.repeat(32)}`, TWILIO_API_SECRET: 'x' },
  ],
  ['[PX42] a session of another account', { TWILIO_ACCOUNT_SID: `AC${'1'.repeat(32)}` }],
])('%s: reported, and the events wait', async (_, change) => {
  await using all = await open(change)
  const { bridge, call, say, reasons } = all
  await call(say())
  const { notices } = await until('the notice', async () => {
    const found = await bridge.api<{ notices: { payload: { more_info: { reason: string } } }[] }>(
      '/api/notices',
    )
    return found.notices.length > 0 && found
  })
  expect(notices[0]?.payload.more_info.reason).toBe('participant_unknown')
  expect(await reasons()).toEqual(['pending participant_unknown'])
})

it('[PX40] on Workers, too, by cron as well', { tags: ['long'] }, async () => {
  await using api = await startTwilioProxyApi()
  const session = api.addSession(api.addService().sid)
  const [ann, bob] = [
    api.addParticipant(session, '+15551230001'),
    api.addParticipant(session, '+15551230002'),
  ]
  const bridge = await startWorkers(
    { TWILIO_ACCOUNT_SID: accountSid },
    { outbound: ({ url, headers }) => api.send(url, { headers: [...headers] }) },
  )
  const call = () =>
    postCallback(`${bridge.origin}/webhooks/proxy`, proxyCallback({ ...api.interact(session, ann, bob) }))
  // Without a write key they are mapped, and end there.
  await call()
  await bridge.until(({ skipped }) => skipped === 2)
  api.throttle(1)
  await call()
  await until('the question', () => api.requests.length === 3)
  await bridge.cron('*/5 * * * *')
  await bridge.until(({ skipped }) => skipped === 4)
  const { counts } = await bridge.stats()
  expect(counts.filter(({ state, n }) => state === 'skipped' && n > 0)).toMatchObject([
    { reason: 'dry_run', n: 4 },
  ])
  await bridge.stop()
})
