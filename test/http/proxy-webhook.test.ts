/** POST /webhooks/proxy on both hosts: what is signed is never lost, and waits for who the participant is. */
import { expect, it } from 'vitest'
import { ask, describeHostsQuick, listEvents, shareBridge, someNotices } from '../support/hosts.ts'
import { postCallback, proxyCallback } from '../support/proxy-callbacks.ts'
import { accountSid } from '../support/twilio.ts'

const sid = (prefix: string, n: number) => prefix + String(n).padStart(32, '0')
let serial = 0

/** Of an interaction that nobody else has. */
function callback(change: Readonly<Record<string, string>> = {}): Record<string, string> {
  serial += 1
  const base = proxyCallback({
    ...{
      sid: sid('KI', serial),
      session_sid: sid('KC', 1),
      service_sid: sid('KS', 1),
      account_sid: accountSid,
    },
    ...{ type: 'Message', data: '{"body":"hello & ünïcode"}' },
    ...{ date_created: '2026-03-01T10:00:00Z', date_updated: '2026-03-01T10:00:01Z' },
    ...{ inbound_participant_sid: sid('KP', 1), inbound_resource_sid: sid('SM', serial) },
    ...{ inbound_resource_type: 'message', inbound_resource_status: 'received' },
    ...{ outbound_participant_sid: sid('KP', 2), outbound_resource_sid: sid('SM', serial + 5_000) },
    ...{ outbound_resource_type: 'message', outbound_resource_status: 'sent' },
  })
  return { ...base, ...change }
}

describeHostsQuick('the webhook of Proxy', host => {
  const bridge = shareBridge(host)
  const url = () => `${bridge().origin}/webhooks/proxy`
  const eventsOf = async ({ interactionSid = '' }: Readonly<Record<string, string>>) =>
    listEvents(bridge(), `q=${interactionSid}`)

  it('[PX32] a signed callback is stored once for each participant, and waits for who that is', async () => {
    const fields = callback()
    for (let times = 0; times < 2; times++) {
      const response = await postCallback(url(), fields)
      expect([response.status, await response.json()]).toEqual([200, { received: 2, rejected: 0 }])
    }
    const events = await eventsOf(fields)
    expect(events.map(({ state, reason }) => [state, reason])).toEqual([
      ['pending', 'participant_unknown'],
      ['pending', 'participant_unknown'],
    ])
    expect(bridge().segment.events).toEqual([])
    const stats = await bridge().stats()
    expect(stats.held).toBeGreaterThanOrEqual(2)
  })

  it('[PX32] a query is signed with the URL', async () => {
    expect((await postCallback(`${url()}?token=abc`, callback())).status).toBe(200)
  })

  it('[PX33] a wrong signature gets 503 and a notice, a missing or malformed one 403, another method 405', async () => {
    const fields = callback()
    const wrong = await postCallback(url(), fields, { token: 'wrong' })
    expect([wrong.status, wrong.headers.get('retry-after')]).toEqual([503, '10'])
    const [notice] = await someNotices(bridge())
    expect(notice?.payload.more_info.reason).toBe('signature_mismatch')
    for (const headers of [{ 'x-twilio-signature': '' }, { 'x-twilio-signature': 'abc' }])
      expect((await postCallback(url(), fields, { headers })).status).toBe(403)
    expect((await fetch(url())).status).toBe(405)
    expect(await eventsOf(fields)).toEqual([])
  })

  it('[PX33] a signed body that is far too large gets 503, never a 4xx', async () => {
    const response = await postCallback(url(), callback({ interactionData: 'x'.repeat(70_000) }))
    expect(response.status).toBe(503)
  })

  it('[PX24] a signed post that cannot be read is a dead letter', async () => {
    const response = await postCallback(url(), { interactionSid: 'KI-of-tomorrow', more: 'yes' })
    expect(await response.json()).toEqual({ received: 1, rejected: 1 })
    const [event] = await listEvents(bridge(), 'state=rejected&q=KI-of-tomorrow')
    expect(event).toMatchObject({ reason: 'schema_rejected' })
  })

  it('[PX34] a post out of session gets empty TwiML, and is sent as what its writer did', async () => {
    const fields = { MessageSid: sid('SM', 9_000), From: '+15551230009', To: '+15550100100', Body: 'hello?' }
    const response = await postCallback(url(), fields)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/xml'])
    expect(await response.text()).toBe('<?xml version="1.0" encoding="UTF-8"?><Response/>')
    await bridge().segment.waitFor(1)
    expect(bridge().segment.events[0]).toMatchObject({
      event: 'twilio-proxy.out-of-session.received',
      context: { externalIds: [{ id: '+15551230009' }] },
    })
  })

  it('[PX35] one who waits can be dropped by a person, and not be retried', async () => {
    const fields = callback()
    await postCallback(url(), fields)
    const [one] = await eventsOf(fields)
    const retried = await ask(bridge(), `/api/events/${one?.key}/retry`, { method: 'POST' })
    expect([retried.status, retried.json]).toMatchObject([409, { reason: 'participant_unknown' }])
    const dropped = await ask(bridge(), `/api/events/${one?.key}/drop`, { method: 'POST' })
    expect(dropped.json).toMatchObject({ state: 'skipped' })
  })
})

describeHostsQuick('the webhook of Proxy behind a proxy', host => {
  const bridge = shareBridge(host, () => ({
    PUBLIC_URL: 'https://bridge.example.com/prefix/webhooks/twilio',
    PROXY_OUT_OF_SESSION: 'reject',
  }))

  it("[PX36] goes by PUBLIC_URL, and listens at its path too; a call is rejected where that is wished, a message isn't", async () => {
    const publicUrl = 'https://bridge.example.com/prefix/webhooks/proxy'
    for (const path of ['/webhooks/proxy', '/prefix/webhooks/proxy'])
      expect((await postCallback(bridge().origin + path, callback(), { publicUrl })).status).toBe(200)
    const to = `${bridge().origin}/webhooks/proxy`
    const call = { CallSid: sid('CA', 1), CallStatus: 'ringing', From: '+15551230009', To: '+15550100100' }
    expect(await (await postCallback(to, call, { publicUrl })).text()).toContain('<Reject/>')
    const message = { MessageSid: sid('SM', 1), From: '+15551230009', To: '+15550100100' }
    expect(await (await postCallback(to, message, { publicUrl })).text()).not.toContain('<Reject/>')
  })
})
