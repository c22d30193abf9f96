/** The ways in which a client of Segment's loses events, each met by a whole bridge. */
// @module-tag long
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type Bridge, newDataDir, startBridge } from '../support/bridge.ts'
import { type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus, sendBody, sendEvents } from '../support/twilio.ts'

const bridgeTo = ({ url }: { url: string }, more: Record<string, string> = {}) =>
  startBridge({ SEGMENT_WRITE_KEY: 'write-key', SEGMENT_HOST: url, ...more })
const events = (count: number) => Array.from({ length: count }, () => messageStatus())
const idsOf = (batch: readonly { id: string }[]) => new Set(batch.map(({ id }) => id))

type Detail = { state: string; reason: string | null; answer: string | null; attempts: readonly object[] }

async function detailOf(bridge: Bridge, id: string): Promise<Detail> {
  const { events: found } = await bridge.api<{ events: { key: string }[] }>(`/api/events?q=${id}`)
  return bridge.api<Detail>(`/api/events/${found[0]?.key}`)
}

/** Sends the same two events to a bridge while Segment answers so; gives how its line stands then. */
async function meet(
  segment: SegmentStandIn,
  dataDir: string,
  batch: readonly unknown[],
): Promise<string | null> {
  await using bridge = await bridgeTo(segment, { DATA_DIR: dataDir })
  expect((await sendEvents(bridge.webhook, batch)).status).toBe(200)
  const { delivery, pending, received } = await bridge.until(({ delivery: { failures } }) => failures > 0)
  expect([pending, received]).toEqual([received, received])
  return delivery.reason
}

// Side by side, for most of the time each of them waits. Some start a bridge six times over.
describe.concurrent('dangers of a client of Segment', () => {
  it('[D1] a value that JSON refuses is not "delivered": it is refused alone, and its neighbours go through', async () => {
    await using segment = await startSegment()
    await using bridge = await bridgeTo(segment)
    const batch = events(5)
    const levels = 100_000
    const deep = `${'['.repeat(levels)}${']'.repeat(levels)}`
    const body = JSON.stringify(
      batch.map((event, at) => (at === 2 ? { ...event, data: { ...event.data, deep: 'DEEP' } } : event)),
    )
    expect((await sendBody(bridge.webhook, body.replace('"DEEP"', deep))).status).toBe(200)
    await bridge.until(({ pending, received }) => received === 5 && pending === 0)
    expect(await bridge.stats()).toMatchObject({ accepted: 4, refused: 1, delivery: { failures: 0 } })
    expect(segment.ids).toEqual(idsOf(batch.filter((_, at) => at !== 2)))
  })

  it('[D2] [D3] nothing that an event holds switches the SDK off', async () => {
    await using segment = await startSegment()
    await using bridge = await bridgeTo(segment)
    const off = {
      integrations: { 'Segment.io': false, All: false },
      disable: true,
      context: null,
      userId: 7,
      type: 'off',
    }
    const batch = events(3).map(event => ({
      ...event,
      ...off,
      type: event.type,
      data: { ...event.data, ...off },
    }))
    await sendEvents(bridge.webhook, batch)
    await segment.waitFor(3)
    expect(segment.ids).toEqual(idsOf(batch))
    for (const { integrations, properties, userId } of segment.events) {
      expect([integrations, userId]).toEqual([{}, undefined])
      expect(properties).toMatchObject(off)
    }
    await bridge.until(({ accepted }) => accepted === 3)
  })

  it('[D3] and no variable of the environment does', async () => {
    await using segment = await startSegment()
    await expect(bridgeTo(segment, { SEGMENT_DISABLE: 'true' })).rejects.toThrow('SEGMENT_DISABLE')
  })

  it('[D4] a redirect is neither followed nor taken for an acceptance', async () => {
    await using segment = await startSegment()
    await using elsewhere = await startSegment()
    const dataDir = newDataDir()
    const batch = events(2)
    for (const status of [301, 302, 303, 304, 307, 308]) {
      segment.fail({ kind: 'status', status, headers: { location: `${elsewhere.url}/v1/batch` } })
      expect(await meet(segment, dataDir, batch)).toBe('segment_misrouted')
    }
    expect(elsewhere.requests).toEqual([])
    expect(segment.requests.every(({ method }) => method === 'POST')).toBe(true)
    expect(new Set(segment.requests.map(({ status }) => status))).toEqual(
      new Set([301, 302, 303, 304, 307, 308]),
    )
    segment.heal()
    await using bridge = await bridgeTo(segment, { DATA_DIR: dataDir })
    await bridge.until(({ accepted }) => accepted === 2)
    expect(segment.ids).toEqual(idsOf(batch))
    rmSync(dataDir, { recursive: true })
  })

  it('[D5] a 401, 403, 404, 413 or 422 for everything drops nothing', async () => {
    await using segment = await startSegment()
    const dataDir = newDataDir()
    const batch = events(4)
    for (const [status, reason] of [
      [401, 'segment_unauthorized'],
      [403, 'segment_unauthorized'],
      [404, 'segment_misrouted'],
      [413, 'segment_refuses_all'],
      [422, 'segment_misrouted'],
    ] as const) {
      segment.fail({ kind: 'status', status, body: 'go away' })
      expect(await meet(segment, dataDir, batch)).toBe(reason)
    }
    segment.heal()
    await using bridge = await bridgeTo(segment, { DATA_DIR: dataDir })
    expect(await bridge.until(({ pending }) => pending === 0)).toMatchObject({ accepted: 4, refused: 0 })
    expect(segment.ids).toEqual(idsOf(batch))
    rmSync(dataDir, { recursive: true })
  })

  it('[D6] one poison event of many is refused, exactly that one; the others go through', async () => {
    await using segment = await startSegment()
    const batch = events(200)
    const poison = batch[123]?.id ?? ''
    segment.fail({ kind: 'poison', messageIds: [poison] })
    await using bridge = await bridgeTo(segment)
    await sendEvents(bridge.webhook, batch)
    const stats = await bridge.until(({ pending, received }) => received === 200 && pending === 0)
    expect(stats).toMatchObject({ accepted: 199, refused: 1, delivery: { failures: 0 } })
    expect(segment.ids).toEqual(idsOf(batch.filter(({ id }) => id !== poison)))
    expect(segment.duplicates).toBe(0)
    expect(await detailOf(bridge, poison)).toMatchObject({
      state: 'refused',
      reason: 'segment_refused',
      answer: 'Bad Request',
    })
  })

  it('[D7] a 429 is one request, and the next comes when the wait that was told is over', async () => {
    await using segment = await startSegment()
    segment.fail({ kind: 'throttle', retryAfter: 2 }, { times: 1 })
    await using bridge = await bridgeTo(segment)
    await sendEvents(bridge.webhook, events(3))
    await bridge.until(({ delivery }) => delivery.reason === 'segment_throttled')
    await segment.waitFor(3)
    const [first, second, ...more] = segment.requests
    expect(more).toEqual([])
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_990)
    expect(segment.requests.every(({ headers }) => headers['x-retry-count'] === undefined)).toBe(true)
    await bridge.until(({ accepted, delivery }) => accepted === 3 && delivery.failures === 0)
  })

  it('[D14] answers of 200 KB cost no connections: they are read and used again', async () => {
    await using segment = await startSegment()
    await using relay = await startRelay(segment.url)
    segment.fail({ kind: 'status', status: 200, body: 'y'.repeat(200_000) })
    await using bridge = await bridgeTo(relay)
    for (let at = 1; at <= 25; at++) {
      await sendEvents(bridge.webhook, events(2))
      await bridge.until(({ accepted }) => accepted === 2 * at)
    }
    expect(segment.requests.length).toBeGreaterThanOrEqual(25)
    // An idle connection is closed after some seconds: a slow machine may see a few.
    expect(relay.counts.opened).toBeLessThanOrEqual(6)
  })

  it('[D14] answers of 8 MB are cut off: two connections at a time, and hardly more than a piece of each is read', async () => {
    await using segment = await startSegment()
    await using relay = await startRelay(segment.url)
    const size = 8_000_000
    segment.fail({ kind: 'status', status: 200, body: 'y'.repeat(size) })
    await using bridge = await bridgeTo(relay)
    for (let at = 1; at <= 12; at++) {
      await sendEvents(bridge.webhook, events(2))
      await bridge.until(({ accepted }) => accepted === 2 * at)
    }
    expect(segment.ids.size).toBe(24)
    expect(relay.counts.mostOpen).toBeLessThanOrEqual(3)
    expect(relay.counts.bytes).toBeLessThan((12 * size) / 2)
  })

  it('[D15] what Segment answered is known, and stands with the attempts of the event', async () => {
    await using segment = await startSegment()
    segment.fail({ kind: 'status', status: 503, body: 'upstream is having a day\u0007' }, { times: 1 })
    await using bridge = await bridgeTo(segment)
    const batch = events(1)
    await sendEvents(bridge.webhook, batch)
    await bridge.until(({ accepted }) => accepted === 1)
    const { attempts, state } = await detailOf(bridge, batch[0]?.id ?? '')
    expect(state).toBe('accepted')
    expect(attempts).toMatchObject([
      { status: 503, reason: 'segment_failing', answer: 'upstream is having a day', events: 1 },
      { status: 200, reason: null, answer: '{"success":true}', events: 1 },
    ])
  })

  it.each([1, 3])(
    '[D17] a connection cut after Segment has read the body (%i times): sent again with the same messageIds, one event each',
    async times => {
      await using segment = await startSegment()
      segment.fail({ kind: 'reset-after' }, { times })
      await using bridge = await bridgeTo(segment)
      const batch = events(5)
      await sendEvents(bridge.webhook, batch)
      await bridge.until(({ accepted }) => accepted === 5)
      expect(segment.ids).toEqual(idsOf(batch))
      expect(segment.events).toHaveLength(5)
      expect(segment.requests).toHaveLength(times + 1)
      expect(segment.duplicates).toBe(5 * times)
    },
  )

  it('[D9] a stop waits for the answer to what is on its way', async () => {
    await using segment = await startSegment()
    segment.fail({ kind: 'late', ms: 600 })
    const dataDir = newDataDir()
    const first = await bridgeTo(segment, { DATA_DIR: dataDir })
    await sendEvents(first.webhook, events(5))
    await segment.waitFor(5)
    await first.stop()
    segment.heal()
    await using second = await bridgeTo(segment, { DATA_DIR: dataDir })
    expect(await second.stats()).toMatchObject({ accepted: 5, pending: 0 })
    expect(segment.duplicates).toBe(0)
    rmSync(dataDir, { recursive: true })
  })
})

/** Between the bridge and Segment: counts connections and the bytes that come back. */
async function startRelay(to: string) {
  const { hostname, port } = new URL(to)
  const counts = { opened: 0, open: 0, mostOpen: 0, bytes: 0 }
  const sockets = new Set<Socket>()
  const server = createServer(caller => {
    counts.opened++
    counts.mostOpen = Math.max(counts.mostOpen, ++counts.open)
    const upstream = connect(Number(port), hostname)
    for (const socket of [caller, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        caller.destroy()
        upstream.destroy()
      })
    }
    caller.once('close', () => counts.open--)
    upstream.on('data', chunk => {
      counts.bytes += chunk.length
    })
    caller.pipe(upstream).pipe(caller)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
