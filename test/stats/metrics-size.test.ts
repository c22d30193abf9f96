/** The size of `/metrics`, which is scraped every few seconds, when all that the families list has come. */
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { toSample } from '../../src/cli/send/samples.ts'
import { knownTypes } from '../../src/cli/send/types.ts'
import { validate } from '../../src/ingest/validate.ts'
import { encodeRow } from '../../src/outbox/encode-row.ts'
import { failed } from '../../src/send/destination.ts'
import { toText } from '../../src/stats/metrics.ts'
import { startBridge } from '../support/bridge.ts'
import { createClock, openTestbed } from '../support/dispatcher.ts'
import { NOW, sortAll } from '../support/outbox-bench.ts'
import { parseMetrics } from '../support/prometheus.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

it('[DQ220] /metrics has no property that never came, and stays small when every type was seen', async () => {
  const { outbox, admin } = openTestbed({
    deliver: async () => failed('segment_timeout', undefined, ''),
    clock: createClock(NOW),
  })
  const events = knownTypes.map(type => toSample(type, { at: NOW }))
  const entries = events.map(event => validate(event))
  outbox.append([encodeRow({ body: JSON.stringify(events), encoding: 'text', receivedAt: NOW, entries })])
  sortAll(outbox)
  const text = await toText([await admin.metrics()])
  const metrics = parseMetrics(text)
  const valuesOf = (name: string) => (metrics.get(name)?.samples ?? []).map(({ value }) => value)
  for (const name of ['bridge_quality_property_present_total', 'bridge_quality_identity_total'])
    expect(Math.min(...valuesOf(name))).toBe(1)
  // 430 KB, of samples that have nearly all properties; 23 KB as a scraper asks for it.
  expect(text.length).toBeLessThan(480_000)
  expect(gzipSync(text).length).toBeLessThan(40_000)
})

it('[ME220] /metrics is compressed for whoever accepts that, with the same text', async () => {
  await using bridge = await startBridge()
  await sendEvents(bridge.webhook, [messageStatus()])
  await bridge.until(({ pending }) => pending === 0)
  const ask = (coding: string) =>
    fetch(`${bridge.origin}/metrics`, {
      headers: { authorization: `Bearer ${bridge.adminToken}`, 'accept-encoding': coding },
    })
  const packed = await ask('gzip')
  expect(packed.headers.get('content-encoding')).toBe('gzip')
  const plain = await ask('identity')
  expect(plain.headers.get('content-encoding')).toBeNull()
  const names = async (answer: Response) => [...parseMetrics(await answer.text()).keys()]
  expect(await names(packed)).toEqual(await names(plain))
})
