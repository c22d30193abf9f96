/** The figures for Prometheus: well-formed, and the account closes at every scrape. */
// @module-tag long
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { version } from '../../src/version.ts'
import { newDataDir, startBridge } from '../support/bridge.ts'
import { ask, describeHosts, type Hosted, shareBridge, sumOfStates } from '../support/hosts.ts'
import { until } from '../support/patience.ts'
import { type Family, parseMetrics } from '../support/prometheus.ts'
import { startSegment } from '../support/segment.ts'
import { messageStatus, sendBody, sendEvents, sinkTest } from '../support/twilio.ts'

const delivered = 'com.twilio.messaging.message.delivered'

async function scrape(bridge: Hosted): Promise<(name: string) => Family['samples']> {
  const { status, headers, text } = await ask(bridge, '/metrics')
  expect(status).toBe(200)
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const families = parseMetrics(text)
  return name => {
    const family = families.get(name)
    if (!family) throw new Error(`There is no ${name} in:\n${text}`)
    return family.samples
  }
}

const sum = (samples: Family['samples']) => samples.reduce((total, { value }) => total + value, 0)
const states = ['accepted', 'pending', 'refused', 'rejected', 'skipped']

describeHosts('metrics', host => {
  it('[ME1] are well-formed and tell of every state before the first event', async () => {
    await using bridge = await host.start()
    const metric = await scrape(bridge)
    expect(
      metric('bridge_events')
        .map(({ labels }) => labels.state)
        .sort(),
    ).toEqual(states)
    expect(sum(metric('bridge_events'))).toBe(0)
    expect(metric('bridge_ready')).toEqual([{ name: 'bridge_ready', labels: {}, value: 1 }])
    expect(sum(metric('bridge_oldest_pending_seconds'))).toBe(0)
  })

  it('[ME2] the account closes at every scrape while events come and go', async () => {
    await using bridge = await host.start()
    bridge.segment.fail({ kind: 'poison', messageIds: { prefix: 'EZpoison' } })
    let isOver = false
    const copy = messageStatus()
    async function load(lane: number): Promise<void> {
      for (let turn = 0; turn < 25; turn++) {
        const poisoned = messageStatus({ id: `EZpoison-${lane}-${turn}` })
        const events = [
          messageStatus(),
          copy,
          sinkTest(),
          { specversion: '0.3' },
          messageStatus({ data: { to: 7 } }),
        ]
        await sendEvents(bridge.webhook, turn % 10 === 0 ? [...events, poisoned] : events)
      }
    }
    let scrapes = 0
    async function watch(): Promise<void> {
      let last = 0
      while (!isOver) {
        const metric = await scrape(bridge)
        const received = sum(metric('bridge_events_received_total'))
        expect(sum(metric('bridge_events'))).toBe(received)
        expect(received).toBeGreaterThanOrEqual(last)
        last = received
        const stats = await bridge.stats()
        expect(sumOfStates(stats)).toBe(stats.received)
        scrapes += 1
        await sleep(5)
      }
    }
    const watching = watch()
    await Promise.all([0, 1, 2, 3].map(load)).finally(() => {
      isOver = true
    })
    await watching
    expect(scrapes).toBeGreaterThan(0)

    await bridge.until(({ pending }) => pending === 0)
    const metric = await scrape(bridge)
    // 4 lanes of 25 requests: one good event, one sink test and two bad ones each, three times a poisoned one; one copied.
    expect(sum(metric('bridge_events_received_total'))).toBe(100 + 1 + 100 + 200 + 12)
    expect(sum(metric('bridge_events_duplicate_total'))).toBe(99)
    expect(sum(metric('bridge_events_unsorted'))).toBe(0)
    expect(sum(metric('bridge_events').filter(({ labels }) => labels.state === 'accepted'))).toBe(101)
    expect(sum(metric('bridge_events').filter(({ labels }) => labels.state === 'refused'))).toBe(12)
    expect(bridge.segment.ids.size).toBe(101)
  })

  describe('tell apart', () => {
    const bridge = shareBridge(host)

    it('[ME3] types, versions and reasons', async () => {
      const odd = 'com.example "quoted" \\ back\u2028slash'
      await sendEvents(bridge().webhook, [messageStatus(), sinkTest(), messageStatus({ data: { to: '' } })])
      await sendEvents(bridge().webhook, [
        { ...messageStatus(), dataschema: 'https://x/Messaging.MessageStatus/4' },
      ])
      await sendEvents(bridge().webhook, [{ ...messageStatus(), type: odd }])
      await bridge().until(({ pending }) => pending === 0)
      const samples = (await scrape(bridge()))('bridge_events').filter(({ value }) => value > 0)
      const told = samples.map(({ labels: { state, type, version, reason }, value }) => [
        state,
        type,
        version,
        reason,
        value,
      ])
      expect(told).toHaveLength(5)
      expect(told).toEqual(
        expect.arrayContaining([
          ['accepted', delivered, '7', '', 1],
          ['accepted', delivered, '4', '', 1],
          ['rejected', delivered, '7', 'schema_rejected', 1],
          ['skipped', 'com.twilio.eventstreams.test-event', '1', 'sink_test', 1],
          ['skipped', odd, '7', 'type_unmapped', 1],
        ]),
      )
    })

    it("[ME4] the webhook's answers, by status and reason", async () => {
      const answers = async () => {
        const samples = (await scrape(bridge()))('bridge_requests_total')
        return new Map(samples.map(({ labels: { status, reason }, value }) => [`${status} ${reason}`, value]))
      }
      const before = await answers()
      await sendEvents(bridge().webhook, [])
      await sendEvents(bridge().webhook, [], { token: 'another token' })
      await fetch(bridge().webhook, { method: 'POST', body: '[]' })
      await fetch(bridge().webhook, { method: 'PUT', body: '[]' })
      await fetch(`${bridge().origin}/healthz`)
      const after = await answers()
      const came = [...after]
        .map(([answer, n]) => [answer, n - (before.get(answer) ?? 0)])
        .filter(([, n]) => n !== 0)
      expect(Object.fromEntries(came)).toEqual({
        ...{
          '200 stored': 1,
          '503 signature_mismatch': 1,
          '403 signature_missing': 1,
          '405 method_not_allowed': 1,
        },
      })
    })
  })

  it('[ME5] how old the oldest waiting event is, and how requests to Segment went', async () => {
    await using bridge = await host.start()
    bridge.segment.fail({ kind: 'status', status: 503 })
    await sendEvents(bridge.webhook, [messageStatus(), messageStatus()])
    await bridge.until(({ delivery }) => delivery.failures > 0)
    const oldest = async () => sum((await scrape(bridge))('bridge_oldest_pending_seconds'))
    const first = await until('an age', async () => (await oldest()) || undefined)
    await until('a greater age', async () => (await oldest()) > first)

    bridge.segment.heal()
    await bridge.until(({ accepted }) => accepted === 2)
    const metric = await scrape(bridge)
    expect(sum(metric('bridge_oldest_pending_seconds'))).toBe(0)
    const counts = metric('bridge_delivery_seconds').filter(({ name }) => name.endsWith('_count'))
    const byReason = Object.fromEntries(counts.map(({ labels, value }) => [labels.reason, value]))
    expect(byReason).toEqual({ accepted: 1, segment_failing: expect.any(Number) })
    const [sizes] = metric('bridge_batch_events').filter(({ name }) => name.endsWith('_sum'))
    expect(sizes?.value).toBeGreaterThanOrEqual(4)
  })

  it('[ME201] which version runs, and on which host', async () => {
    await using bridge = await host.start()
    const [info] = (await scrape(bridge))('bridge_build_info')
    expect(info).toMatchObject({ labels: { version, host: host.name.toLowerCase() }, value: 1 })
  })

  it('[ME202] how old events are when the destination accepts them, and when it last did', async () => {
    await using bridge = await host.start()
    const last = async () => (await scrape(bridge))('bridge_last_success_timestamp_seconds')
    expect(await last(), 'it never did').toEqual([])
    bridge.segment.fail({ kind: 'status', status: 503 })
    await sendEvents(bridge.webhook, [messageStatus(), messageStatus()])
    await bridge.until(({ delivery }) => delivery.failures > 0)
    expect(await last(), 'nor now').toEqual([])
    bridge.segment.heal()
    const since = Date.now() / 1_000
    await bridge.until(({ accepted }) => accepted === 2)
    const [success] = await last()
    expect(success?.labels).toEqual({ destination: 'segment' })
    expect(success?.value).toBeGreaterThanOrEqual(Math.floor(since))
    expect(success?.value).toBeLessThanOrEqual(Date.now() / 1_000 + 1)
    const ages = (await scrape(bridge))('bridge_delivery_age_seconds')
    expect(ages.find(({ name }) => name.endsWith('_count'))).toMatchObject({
      labels: { destination: 'segment' },
      value: 2,
    })
    // Each waited at least the second that follows a first failure.
    expect(ages.find(({ name }) => name.endsWith('_sum'))?.value).toBeGreaterThan(1)
  })

  it('[ME6] count on over what is pruned', async () => {
    await using bridge = await host.start({ RETENTION_DAYS: '0', DEDUPE_HOURS: '0' })
    await sendEvents(bridge.webhook, [messageStatus(), sinkTest()])
    await sendBody(bridge.webhook, 'no JSON')
    await bridge.until(({ accepted }) => accepted === 1)
    await until('the pruning', async () => {
      const { events } = await bridge.api<{ events: unknown[] }>('/api/events')
      return events.length === 1
    })
    const metric = await scrape(bridge)
    expect(sum(metric('bridge_events'))).toBe(3)
    expect(sum(metric('bridge_events_received_total'))).toBe(3)
  })
})

describe('on Node', () => {
  it('[ME202] the last success is known after a restart', async () => {
    await using segment = await startSegment()
    const dataDir = newDataDir()
    const settings = { DATA_DIR: dataDir, SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url }
    const first = await startBridge(settings)
    await sendEvents(first.webhook, [messageStatus()])
    await first.until(({ accepted }) => accepted === 1)
    const read = async (bridge: { api<T>(path: string): Promise<T> }) =>
      parseMetrics(await bridge.api<string>('/metrics')).get('bridge_last_success_timestamp_seconds')?.samples
    const before = await read(first)
    await first.stop()
    const second = await startBridge(settings)
    const [after] = (await read(second)) ?? []
    expect(after?.labels).toEqual({ destination: 'segment' })
    expect(Math.abs((after?.value ?? 0) - (before?.[0]?.value ?? 0))).toBeLessThan(1)
    await second.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('[ME203] [ME204] its process and its disk', async () => {
    await using bridge = await startBridge()
    const families = parseMetrics(await bridge.api<string>('/metrics'))
    const value = (name: string) => families.get(name)?.samples[0]?.value ?? Number.NaN
    expect(value('process_cpu_seconds_total')).toBeCloseTo(
      value('process_cpu_user_seconds_total') + value('process_cpu_system_seconds_total'),
    )
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
    expect(value('process_start_time_seconds')).toBeGreaterThan(Date.now() / 1_000 - 3_600)
    expect(value('process_open_fds')).toBeGreaterThan(2)
    expect(value('process_max_fds')).toBeGreaterThan(value('process_open_fds'))
    expect(value('bridge_disk_free_bytes')).toBeGreaterThan(0)
    expect(value('bridge_disk_size_bytes')).toBeGreaterThanOrEqual(value('bridge_disk_free_bytes'))
    expect(value('bridge_disk_full_in_seconds')).toBe(Number.POSITIVE_INFINITY)
  })
})
