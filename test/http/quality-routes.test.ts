/** The figures of data quality as people and Prometheus ask for them: what was sent to the webhook is what they show. */
// @module-tag long
import { expect, it } from 'vitest'
import type { Quality } from '../../src/stats/quality.ts'
import { ask, describeHosts, type Hosted } from '../support/hosts.ts'
import { parseMetrics } from '../support/prometheus.ts'
import { inboundMessage, messageStatus, sendBody, sendEvents, sinkTest } from '../support/twilio.ts'

const delivered = 'com.twilio.messaging.message.delivered'
const received = 'com.twilio.messaging.inbound-message.received'
const HOUR_MS = 3_600_000

const quality = (bridge: Hosted, window = '1h') => bridge.api<Quality>(`/api/quality?window=${window}`)

/** Ten deliveries, one of them wrong and one sent twice; two inbound; one unmapped; no JSON; a sink test. */
async function fill(bridge: Hosted): Promise<void> {
  const copy = messageStatus()
  const good = Array.from({ length: 6 }, () => messageStatus())
  const odd = ['whatsapp:+15550100199', '12345', 'TWILIO'].map(to => messageStatus({ to }))
  await sendEvents(bridge.webhook, [...good, ...odd, copy, sinkTest()])
  await sendEvents(bridge.webhook, [copy, messageStatus({ data: { to: undefined, body: 'Hi' } })])
  await sendEvents(bridge.webhook, [inboundMessage(), inboundMessage({ data: { body: '' } })])
  await sendEvents(bridge.webhook, [{ ...messageStatus(), type: 'com.twilio.other' }])
  await sendBody(bridge.webhook, 'no JSON')
  await bridge.until(({ pending }) => pending === 0)
}

describeHosts('data quality', host => {
  // Several shards where there can be: each has counted some of it.
  const start = () => host.start(host.name === 'Workers' ? { OUTBOX_SHARDS: '4' } : {})

  it('[DQ10] the answer counts what came in, by type and version', async () => {
    await using bridge = await start()
    await fill(bridge)
    const { types, ...answer } = await quality(bridge)
    const now = Date.parse(answer.to)
    expect(Math.abs(Date.now() - now)).toBeLessThan(3_600_000)
    const running = Math.floor(now / HOUR_MS) * HOUR_MS
    expect(answer.hours).toEqual([running - HOUR_MS, running].map(at => new Date(at).toISOString()))
    expect(answer).toMatchObject({ window: '1h', from: answer.hours[0] })
    expect(answer.definitions.passing).toMatch(/^Events that pass/)

    expect(types.map(({ type, version, events }) => `${type} ${version} ${events}`)).toEqual([
      `${delivered} 7 11`,
      `${received} 6 2`,
      ' 0 1',
      'com.twilio.other 7 1',
    ])
    const [status, inbound, noJson, other] = types
    expect(status).toMatchObject({ passing: 10, violating: 1, unmapped: false, duplicates: 1 })
    expect(status?.required).toContainEqual({ property: 'to', present: 10, of: 11 })
    expect(status?.required).toContainEqual({ property: 'from', present: 11, of: 11 })
    expect(status?.optional).toContainEqual({ property: 'body', present: 1, of: 11 })
    expect(status?.identity).toEqual({
      ...{ of: 11, usable: 8 },
      kinds: { phone: 8, other_scheme: 0, short_code: 1, alphanumeric: 1, missing: 1 },
    })
    expect(status?.volume.perHour.reduce((sum, n) => sum + n, 0)).toBe(11)
    expect(status?.volume).toMatchObject({ baseline: [null, null], marks: [], silentSince: null })
    expect(inbound).toMatchObject({ passing: 2, violating: 0, duplicates: 0, identity: { usable: 2 } })
    expect(inbound?.optional).toContainEqual({ property: 'body', present: 1, of: 2 })
    expect(noJson).toMatchObject({ violating: 1, unmapped: false, identity: null, required: [] })
    expect(other).toMatchObject({ passing: 0, violating: 0, unmapped: true, identity: null, required: [] })
  })

  it('[DQ10] what is imported is not counted, nor counted again', async () => {
    await using bridge = await start()
    await sendEvents(bridge.webhook, [messageStatus({ id: 'EZ1' })])
    await bridge.until(({ accepted }) => accepted === 1)
    const [before] = (await quality(bridge)).types
    const events = [messageStatus(), messageStatus({ id: 'EZ1' })]
    expect(await ask(bridge, '/api/import', { body: events })).toMatchObject({ status: 200 })
    expect((await bridge.stats()).received).toBeGreaterThan(1)
    expect((await quality(bridge)).types).toEqual([before])
  })

  it('[DQ10] an empty bridge answers with no types; a wrong window is refused, none is a day', async () => {
    await using bridge = await start()
    for (const [window, hours] of [
      ['1h', 2],
      ['24h', 25],
      ['7d', 169],
    ] as const) {
      const answer = await quality(bridge, window)
      expect([answer.hours.length, answer.types]).toEqual([hours, []])
    }
    expect((await bridge.api<Quality>('/api/quality')).window).toBe('24h')
    for (const query of ['window=2h', 'window=', 'windov=1h', 'window=1h&type=x']) {
      expect(await ask(bridge, `/api/quality?${query}`)).toMatchObject({ status: 400 })
    }
  })

  it('[DQ11] /metrics has the same as counters', async () => {
    await using bridge = await start()
    await fill(bridge)
    const families = parseMetrics((await ask(bridge, '/metrics')).text)
    const values = (name: string, type: string) =>
      Object.fromEntries(
        (families.get(name)?.samples ?? [])
          .filter(({ labels }) => labels.type === type)
          .map(({ labels: { type: _, version, ...labels }, value }) => [
            `${version} ${Object.values(labels).join(' ')}`,
            value,
          ]),
      )
    expect(families.get('bridge_quality_events_total')?.type).toBe('counter')
    expect(values('bridge_quality_events_total', delivered)).toEqual({
      ...{ '7 passing': 10, '7 violating': 1 },
    })
    expect(values('bridge_quality_events_total', '')).toMatchObject({ '0 violating': 1 })
    expect(values('bridge_quality_events_total', 'com.twilio.other')).toMatchObject({ '7 unmapped': 1 })
    const present = values('bridge_quality_property_present_total', delivered)
    expect(present).toMatchObject({ '7 to true': 10, '7 from true': 11, '7 body false': 1 })
    expect(present).not.toHaveProperty('7 mcc false')
    expect(values('bridge_quality_identity_total', delivered)).toEqual({
      ...{ '7 phone': 8, '7 short_code': 1, '7 alphanumeric': 1, '7 missing': 1 },
    })
    expect(values('bridge_quality_property_present_total', 'com.twilio.other')).toEqual({})
    expect(values('bridge_quality_events_total', 'com.twilio.eventstreams.test-event')).toEqual({})
  })

  it('[DQ11] counters outlive the events', async () => {
    await using bridge = await host.start({ RETENTION_DAYS: '0', DEDUPE_HOURS: '0' })
    await sendEvents(bridge.webhook, [messageStatus(), messageStatus()])
    await bridge.until(({ accepted }) => accepted === 2)
    const total = async () =>
      parseMetrics((await ask(bridge, '/metrics')).text)
        .get('bridge_quality_events_total')
        ?.samples.reduce((sum, { value }) => sum + value, 0)
    await expect
      .poll(async () => (await bridge.api<{ events: unknown[] }>('/api/events')).events.length)
      .toBe(0)
    expect(await total()).toBe(2)
    expect((await quality(bridge)).types).toMatchObject([{ passing: 2 }])
  })
})
