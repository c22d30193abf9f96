/** What a page that watches is told: server-sent events about once a second, and never what would hold up an intake. */
// @module-tag long
import { connect } from 'node:net'
import { Hono } from 'hono'
import { expect, it, onTestFinished, vi } from 'vitest'
import { allCalm, toStanding } from '../../src/alerts/throttle.ts'
import { createStream } from '../../src/http/live.ts'
import type { RatedPulse } from '../../src/http/rates-routes.ts'
import { startBridge } from '../support/bridge.ts'
import { createLogKeeper } from '../support/dispatcher.ts'
import { ask, describeHosts, type Hosted, type Summary, shareBridge } from '../support/hosts.ts'
import { until } from '../support/patience.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'
import { startWorkers } from '../support/workers.ts'

type Change = {
  key: string
  state: string
  attempts: number
  settledAt: string | null
  triedAt: string | null
}
type Message = {
  readonly id: string
  readonly events: readonly (Summary & { attempts: number })[]
  readonly missed: number
  readonly changes: readonly Change[]
  readonly rate: { readonly in: number; readonly out: number } | null
  readonly stats: Readonly<Record<string, unknown>> & { pending: number; received: number }
}
type Line = AsyncDisposable & {
  readonly response: Response
  /** What was told, and `undefined` at the end of the stream. */
  next(): Promise<Message | undefined>
  until(what: (message: Message) => boolean): Promise<Message>
}

async function watch(
  bridge: Pick<Hosted, 'origin' | 'adminToken'>,
  query = '',
  lastEventId?: string,
): Promise<Line> {
  const abort = new AbortController()
  const response = await fetch(`${bridge.origin}/api/stream${query}`, {
    signal: abort.signal,
    headers: {
      authorization: `Bearer ${bridge.adminToken}`,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
  })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  async function next(): Promise<Message | undefined> {
    for (;;) {
      const [, block] = /^(.*?)\n\n/s.exec(text) ?? []
      if (block !== undefined) {
        text = text.slice(block.length + 2)
        const [, id, data] = /^id: (.*)\nevent: pulse\ndata: (.*)$/.exec(block) ?? []
        if (data !== undefined) return { id, ...JSON.parse(data) }
        expect(block).toBe('retry: 1000')
        continue
      }
      const read = await reader?.read()
      if (!read || read.done) return undefined
      text += read.value
    }
  }
  return {
    response,
    next,
    async until(what) {
      for (;;) {
        const message = await next()
        if (!message) throw new Error('the stream ended')
        if (what(message)) return message
      }
    },
    async [Symbol.asyncDispose]() {
      abort.abort()
    },
  }
}

describeHosts('the stream', host => {
  const bridge = shareBridge(host)
  const send = (...events: ReturnType<typeof messageStatus>[]) => sendEvents(bridge().webhook, events)

  it('[ST1] begins at once with the figures, and with nothing that came before', async () => {
    await send(messageStatus())
    await bridge().until(({ pending }) => pending === 0)
    await using line = await watch(bridge())
    expect(line.response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(line.response.headers.get('cache-control')).toBe('no-store')
    const first = await line.next()
    expect(first).toMatchObject({
      ...{ events: [], missed: 0 },
      stats: { pending: 0, troubles: [], notices: toStanding(allCalm, 0) },
    })
    expect(first?.stats).not.toHaveProperty('counts')
  })

  it('[ST2] tells of an event that has arrived, and then how it ended', async () => {
    bridge().segment.fail({ kind: 'status', status: 503 })
    await using line = await watch(bridge())
    await line.next()
    const event = messageStatus()
    await send(event)
    const came = await line.until(({ events }) => events.length > 0)
    const [told] = came.events
    expect(told).toMatchObject({ id: event.id, type: event.type, customer: event.data.to, state: 'pending' })
    const tried = await line.until(({ changes }) =>
      changes.some(({ key, attempts }) => key === told?.key && attempts > 0),
    )
    expect(tried.changes).toContainEqual(
      expect.objectContaining({ key: told?.key, state: 'pending', settledAt: null }),
    )
    bridge().segment.heal()
    const settled = await line.until(({ changes }) =>
      changes.some(({ key, state }) => key === told?.key && state === 'accepted'),
    )
    const change = settled.changes.find(({ key }) => key === told?.key)
    expect(change?.attempts).toBeGreaterThan(1)
    expect(Date.parse(change?.settledAt ?? '')).toBeGreaterThanOrEqual(Date.parse(change?.triedAt ?? ''))
  })

  it('[ST3] goes on where a page was, by Last-Event-ID or `after`, and misses nothing in between', async () => {
    const { cursor } = await bridge().api<{ cursor: string }>('/api/events?limit=1')
    const events = Array.from({ length: 3 }, () => messageStatus())
    for (const event of events) await send(event)
    const ids = events.map(({ id }) => id).reverse()
    await using line = await watch(bridge(), `?after=${cursor}`)
    const first = await line.next()
    expect(first?.events.map(({ id }) => id).sort()).toEqual(ids.toSorted())
    const later = messageStatus()
    await send(later)
    // As an EventSource does, whose URL stays the same.
    await using again = await watch(bridge(), `?after=${cursor}`, first?.id)
    expect((await again.next())?.events.map(({ id }) => id)).toEqual([later.id])
  })

  it('[ST4] tells of 100 events at most, the newest, and how many more there were', async () => {
    const { cursor } = await bridge().api<{ cursor: string }>('/api/events?limit=1')
    await send(...Array.from({ length: 130 }, () => messageStatus()))
    await using line = await watch(bridge(), `?after=${cursor}`)
    expect(await line.next()).toMatchObject({ events: { length: 100 }, missed: 30 })
  })

  it('[ST5] a page that joins is told the states of the newest events, which it may have listed before', async () => {
    const { events } = await bridge().api<{ events: Summary[] }>('/api/events?limit=5')
    await using line = await watch(bridge())
    const first = await line.next()
    const states = new Map(first?.changes.map(({ key, state }) => [key, state]))
    for (const { key } of events) expect(states.get(key)).toBeDefined()
  })

  it('[ST6] wants the token, and a cursor that is one', async () => {
    expect((await fetch(`${bridge().origin}/api/stream`)).status).toBe(401)
    expect((await ask(bridge(), '/api/stream?after=x')).status).toBe(400)
    expect((await ask(bridge(), '/api/stream', { method: 'HEAD' })).status).toBe(200)
  })

  it('[RA200] each message has the rate of the last minute, as soon as it was read long enough', async () => {
    await using line = await watch(bridge())
    await line.next()
    await send(messageStatus())
    const { rate } = await line.until(message => (message.rate?.in ?? 0) > 0 && (message.rate?.out ?? 0) > 0)
    expect(Object.keys(rate ?? {})).toEqual(['in', 'out'])
  })

  it('[ST7] says now and then that the line is open, although nothing happens', async () => {
    await bridge().until(({ pending }) => pending === 0)
    await using line = await watch(bridge())
    await line.next()
    expect(await line.next()).toMatchObject({ events: [] })
    expect(await line.next()).toMatchObject({ events: [] })
  })
})

it('[ST8] the 51st page is told to wait, and a page that goes makes room', async () => {
  await using bridge = await startBridge()
  const lines = await Promise.all(Array.from({ length: 50 }, () => watch(bridge)))
  await Promise.all(lines.map(line => line.next()))
  await using late = await watch(bridge)
  expect(late.response.status).toBe(503)
  expect(late.response.headers.get('retry-after')).toBe('10')
  await lines[0]?.[Symbol.asyncDispose]()
  await using next = await until('the room', async () => {
    const line = await watch(bridge)
    return line.response.status === 200 && line
  })
  expect(await next.next()).toMatchObject({ events: [] })
  for (const line of lines) await line[Symbol.asyncDispose]()
})

it('[ST9] a page that reads nothing is sent away, and the others go on', async () => {
  await using bridge = await startBridge()
  const { hostname, port } = new URL(bridge.origin)
  const socket = connect({ host: hostname, port: Number(port) })
  const headers = `Host: x\r\nAuthorization: Bearer ${bridge.adminToken}\r\n`
  socket.write(`GET /api/stream?after=0 HTTP/1.1\r\n${headers}\r\n`)
  socket.pause()
  await using line = await watch(bridge)
  await line.next()
  const wide = 'x'.repeat(20_000)
  for (let n = 0; n < 12; n++) {
    const events = Array.from({ length: 40 }, () => ({ ...messageStatus(), source: `/${wide}` }))
    expect((await sendEvents(bridge.webhook, events)).status).toBe(200)
    const told = await line.until(({ events }) => events.length > 0)
    // However long what came is, a message stays short.
    expect(JSON.stringify(told).length).toBeLessThan(100_000)
  }
  expect((await bridge.stats()).received).toBe(480)
  socket.destroy()
})

it('[ST10] when the bridge stops, its streams end', async () => {
  await using bridge = await startBridge()
  await using line = await watch(bridge)
  await line.next()
  const stopping = bridge.stop()
  expect(await line.next()).toBeUndefined()
  await stopping
})

it('[ST11] on Workers a connection ends by itself, and goes on from where it was, over several shards', {
  tags: 'long',
}, async () => {
  const bridge = await startWorkers({ OUTBOX_SHARDS: '7' })
  onTestFinished(() => bridge.stop())
  await using line = await watch(bridge)
  let last = await line.next()
  let messages = 1
  for (let message = last; message; message = await line.next()) {
    messages += message === last ? 0 : 1
    last = message
  }
  // Eight subrequests a reading.
  expect(messages).toBeLessThanOrEqual(5)
  const events = Array.from({ length: 20 }, () => messageStatus())
  await sendEvents(bridge.webhook, events)
  await using again = await watch(bridge, '', last?.id)
  const first = await again.next()
  expect(first?.events.map(({ id }) => id).sort()).toEqual(events.map(({ id }) => id).sort())
  for (const { key } of first?.events ?? []) await bridge.api(`/api/events/${key}`)
})

it('[ST9] of a page that reads nothing no more is kept than it may leave unread, and its place is free', async () => {
  let readings = 0
  const pulse = async (): Promise<RatedPulse> => {
    readings += 1
    const stats = { ...calmStats, received: readings }
    return { events: [], missed: 0, changes: [], cursor: '1', stats, rate: null }
  }
  const app = new Hono().get('/', createStream({ pulse }, { log: createLogKeeper().log }))
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const response = await app.request('/')
  await vi.advanceTimersByTimeAsync(60_000)
  // Three messages of 200,000 characters are too much; nobody else watches.
  expect(readings).toBeLessThanOrEqual(4)
  expect((await response.text()).length).toBeLessThan(500_000)
})

const none = {
  received: 0,
  pending: 0,
  accepted: 0,
  rejected: 0,
  refused: 0,
  skipped: 0,
  duplicates: 0,
  unsorted: 0,
  held: 0,
}
const calmStats: RatedPulse['stats'] = {
  ...none,
  oldestPendingSeconds: 0,
  troubles: ['x'.repeat(200_000)],
  delivery: { failures: 0, reason: null, nextAttemptAt: null },
  destinations: [],
  notices: toStanding(allCalm, 0),
}
