/** DESTINATIONS end to end, on both hosts: three receivers, one of them failing; each event in exactly one state at each. */
import { expect, it, onTestFinished } from 'vitest'
import { describeHosts } from '../support/hosts.ts'
import { startSegment } from '../support/segment.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const CUSTOMER = '+15550100199'
const SECRET_TEXT = 'what nobody else may read'

async function startThree() {
  const all = await Promise.all([startSegment(), startSegment(), startSegment()])
  onTestFinished(async () => {
    await Promise.all(all.map(segment => segment.close()))
  })
  const [main, masked, failing] = all
  const to = (url: string) => ({ type: 'segment', writeKey: `\${SEGMENT_WRITE_KEY}`, host: url, rate: 0 })
  const destinations = {
    main: to(main.url),
    masked: {
      ...to(masked.url),
      messageId: 'tagged',
      when: 'event = "com.twilio.messaging.message.delivered"',
      events: { 'com.twilio.messaging.message.delivered': 'Message Delivered' },
      properties: { deny: ['body'], hash: ['to', 'from'] },
      identity: 'hash',
      consent: { Analytics: true },
    },
    failing: to(failing.url),
  }
  const environment = {
    DESTINATIONS: JSON.stringify({ destinations }),
    HASH_KEY: 'a-key-of-the-tests-0123456789',
    SEGMENT_WRITE_KEY: 'write-key-of-the-tests',
  }
  return { main, masked, failing, environment }
}

describeHosts('several destinations', host => {
  it('[DP210] one that fails holds up none; its own deliveries wait, the counts close for each', async () => {
    const { main, masked, failing, environment } = await startThree()
    failing.fail({ kind: 'status', status: 503 })
    await using bridge = await host.start(environment)
    const events = Array.from({ length: 20 }, (_, n) =>
      messageStatus({
        type: n % 2 === 0 ? 'delivered' : 'sent',
        data: { to: CUSTOMER, body: SECRET_TEXT },
      }),
    )
    await sendEvents(bridge.webhook, events)
    await Promise.all([main.waitFor(20), masked.waitFor(10)])
    const names = async () => {
      const { destinations } = await bridge.api<{ destinations: Record<string, unknown>[] }>(
        '/api/destinations',
      )
      return destinations.map(({ name, pending, accepted, filtered }) => ({
        name,
        pending,
        accepted,
        filtered,
      }))
    }
    await expect.poll(names, { timeout: 20_000 }).toEqual([
      { name: 'main', pending: 0, accepted: 20, filtered: 0 },
      { name: 'masked', pending: 0, accepted: 10, filtered: 10 },
      { name: 'failing', pending: 20, accepted: 0, filtered: 0 },
    ])
    expect(await bridge.api('/api/stats')).toMatchObject({ received: 20, pending: 20, accepted: 0 })
    failing.heal()
    await fetch(`${bridge.origin}/api/destinations/failing/deliver-now`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bridge.adminToken}` },
    })
    await bridge.until(({ accepted }) => accepted === 20)
    expect([main, masked, failing].map(({ ids, duplicates }) => [ids.size, duplicates])).toEqual([
      ...[
        [20, 0],
        [10, 0],
        [20, 0],
      ],
    ])
  })

  it('[DP211] what a rule takes away from a destination is in nothing that leaves for it', async () => {
    const { main, masked, failing, environment } = await startThree()
    await using bridge = await host.start(environment)
    const event = messageStatus({ data: { to: CUSTOMER, body: SECRET_TEXT } })
    await sendEvents(bridge.webhook, [event])
    await Promise.all([main.waitFor(1), masked.waitFor(1), failing.waitFor(1)])
    const [call] = masked.events
    expect(call).toMatchObject({ event: 'Message Delivered', messageId: `${event.id}.masked` })
    expect(call?.context).toMatchObject({ consent: { categoryPreferences: { Analytics: true } } })
    const left = JSON.stringify(masked.requests) + JSON.stringify(masked.events)
    for (const secret of [CUSTOMER, CUSTOMER.slice(1), SECRET_TEXT, 'externalIds'])
      expect(left).not.toContain(secret)
    expect(JSON.stringify(main.events)).toContain(SECRET_TEXT)
  })
})
