import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { byteLength } from '../../../src/send/pack.ts'
import { createDeliver } from '../../../src/send/segment/client.ts'
import type { TrackCall } from '../../../src/send/segment/map.ts'
import { attempt, deliverTo, overhead } from '../../support/dispatcher.ts'
import { PATIENCE_MS, until } from '../../support/patience.ts'
import { type SegmentStandIn, startSegment } from '../../support/segment.ts'

let segment: SegmentStandIn
const strays: unknown[] = []
const stray = (error: unknown) => strays.push(error)

beforeAll(() => {
  process.on('unhandledRejection', stray)
  process.on('uncaughtException', stray)
})
beforeEach(async () => {
  segment = await startSegment()
})
afterEach(() => segment.close())
afterAll(async () => {
  await nextTurn()
  process.off('unhandledRejection', stray)
  process.off('uncaughtException', stray)
  expect(strays).toEqual([])
})

function track(messageId: string, properties: Record<string, unknown> = { to: '+15550100001' }): TrackCall {
  return {
    event: 'com.twilio.messaging.message.delivered',
    messageId,
    anonymousId: '42',
    timestamp: '2026-01-02T03:04:05.123456789Z',
    properties,
    context: { app: { name: 'bridge', version: '1' } },
  }
}

const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
const tracks = (count: number) => Array.from({ length: count }, (_, at) => track(`EZ${at}`))
const deliver = (batch: readonly TrackCall[], timeoutMs?: number) =>
  attempt(deliverTo(segment.url, Date.now, timeoutMs), batch)

/** A server that answers as no stand-in does. */
async function serve(
  listener: RequestListener,
): Promise<{ url: string; sockets: Set<Socket> } & AsyncDisposable> {
  const server = createServer(listener)
  const sockets = new Set<Socket>()
  server.on('connection', socket => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('one batch, one request', () => {
  it('[DL1] a batch goes out as one request, in order, as it was handed in', async () => {
    const batch = tracks(120)
    const before = structuredClone(batch)
    expect(await deliver(batch)).toMatchObject({ kind: 'accepted', status: 200, answer: '{"success":true}' })
    expect(segment.requests).toMatchObject([{ method: 'POST', path: '/v1/batch', count: 120 }])
    expect(segment.events.map(({ messageId }) => messageId)).toEqual(before.map(({ messageId }) => messageId))
    const [event] = segment.events
    expect(event).toMatchObject({
      type: 'track',
      event: before[0]?.event,
      anonymousId: '42',
      originalTimestamp: '2026-01-02T03:04:05.123456789Z',
      properties: { to: '+15550100001' },
      context: { app: { name: 'bridge', version: '1' }, library: { name: '@segment/analytics-node' } },
      integrations: {},
    })
  })

  it('[DL1] what the SDK adds is counted to the byte', async () => {
    const texts = ['', 'plain', 'Grüße, 你好 👋', '"quoted"\\\n\u0001', 'iiiiii %41', '\ud800']
    const batch = texts.map((text, at) => track(`EZ${at}`, { text, nested: { text: [text] } }))
    const counted = batch.map(one => byteLength(JSON.stringify(one)) + overhead.perEvent)
    expect((await deliver(batch)).kind).toBe('accepted')
    const sum = counted.reduce((total, bytes) => total + bytes + 1, overhead.perRequest - 1)
    expect(segment.requests[0]?.bytes).toBe(sum)
  })

  it('[DL2] only a 2xx for exactly this batch is an acceptance: what the SDK keeps to itself is not, nor is it sent later', async () => {
    const unwritable = { ...track('EZbad'), properties: { count: 1n } }
    const before = timers()
    const outcome = await deliver([track('EZ1'), unwritable, track('EZ2')], 60)
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'bridge_fault' })
    // Its last is the one after which the SDK flushes what it has.
    await until('the end of all timers of the SDK', () => timers() <= before)
    expect(segment.requests).toEqual([])
  })

  it('[DL2] an error that the SDK throws is a fault of the bridge, not a refusal', async () => {
    const nameless = { ...track('EZbad'), event: undefined as unknown as string }
    expect(await deliver([track('EZ1'), nameless], 60)).toMatchObject({
      kind: 'failed',
      reason: 'bridge_fault',
    })
  })
})

describe('what an answer means', () => {
  it.each([
    [200, 'accepted'],
    [202, 'accepted'],
    [204, 'accepted'],
    [301, 'segment_misrouted'],
    [304, 'segment_misrouted'],
    [308, 'segment_misrouted'],
    [400, 'refused'],
    [401, 'segment_unauthorized'],
    [402, 'segment_misrouted'],
    [403, 'segment_unauthorized'],
    [404, 'segment_misrouted'],
    [405, 'segment_misrouted'],
    [408, 'segment_timeout'],
    [410, 'segment_failing'],
    [413, 'refused'],
    [422, 'segment_misrouted'],
    [429, 'segment_throttled'],
    [460, 'segment_failing'],
    [500, 'segment_failing'],
    [501, 'segment_failing'],
    [503, 'segment_failing'],
    [511, 'segment_failing'],
    [529, 'segment_failing'],
  ])('[DL3] %i → %s, after one request', async (status, expected) => {
    const body = status === 204 || status === 304 ? '' : 'the answer'
    segment.fail({ kind: 'status', status, body })
    const outcome = await deliver(tracks(2))
    expect(outcome).toMatchObject({ status, answer: body })
    expect(outcome.kind === 'failed' ? outcome.reason : outcome.kind).toBe(expected)
    expect(segment.requests).toHaveLength(1)
  })

  it.each(['An invalid write key was provided', '{"message":"Invalid writeKey"}'])(
    '[DL4] a 400 that speaks of the write key blames no event: %s',
    async body => {
      segment.fail({ kind: 'status', status: 400, body })
      expect(await deliver(tracks(2))).toMatchObject({
        reason: 'segment_unauthorized',
        status: 400,
        answer: body,
      })
    },
  )

  it.each([429, 500, 503, 529, 404])(
    '[DL5] Retry-After and X-RateLimit-Reset are read on a %i',
    async status => {
      segment.fail({ kind: 'status', status, headers: { 'retry-after': '7', 'x-ratelimit-reset': '5' } })
      expect(await deliver(tracks(1))).toMatchObject({ kind: 'failed', status, waitToldMs: 7_000 })
    },
  )

  it('[DL6] of an answer the first 1,000 printable characters are kept', async () => {
    segment.fail({ kind: 'garbage', status: 503 })
    const outcome = await deliver(tracks(1))
    expect(outcome.kind).toBe('failed')
    expect(outcome.answer.length).toBeLessThanOrEqual(1_000)
    expect(outcome.answer).not.toMatch(/\p{Cc}|\p{Cs}/u)
    segment.reset()
    segment.fail({ kind: 'status', status: 500, body: `a\u0000b\r\n${'é'.repeat(5_000)}` })
    expect((await deliver(tracks(1))).answer).toBe(`a b ${'é'.repeat(996)}`)
  })

  it('[DL6] an answer that quotes the write key is kept without it', async () => {
    const writeKey = 'aWriteKeyOfSomeReceiver'
    segment.fail({
      kind: 'status',
      status: 401,
      body: `${'.'.repeat(990)} ${writeKey} or ${btoa(`${writeKey}:`)}`,
    })
    const target = { host: segment.url, path: '/v1/batch', writeKey }
    const outcome = await attempt(createDeliver(target, { send: fetch, now: Date.now }), tracks(1))
    expect(outcome.answer).toBe(`${'.'.repeat(990)} *** or **`)
  })
})

describe('a batch and its neighbours', () => {
  it('[DL17] others have their turn between slices of 32 events, and it still is one request', async () => {
    let turns = 0
    const target = { host: segment.url, path: '/v1/batch', writeKey: 'key' }
    const breathe = async () => {
      await nextTurn()
      expect(segment.requests).toHaveLength(0)
      turns += 1
    }
    const outcome = await attempt(createDeliver(target, { send: fetch, now: Date.now, breathe }), tracks(100))
    expect(outcome.kind).toBe('accepted')
    expect(turns).toBe(3)
    expect(segment.requests).toHaveLength(1)
  })
})

describe('a connection that misbehaves', () => {
  it('[DL7] no answer within the limit is a time-out, and a late 200 is none', async () => {
    segment.fail({ kind: 'hang' })
    expect(await deliver(tracks(1), 1_000)).toMatchObject({ reason: 'segment_timeout', status: undefined })
    segment.reset()
    segment.fail({ kind: 'late', ms: 2_000 })
    expect(await deliver(tracks(1), 1_000)).toMatchObject({ reason: 'segment_timeout' })
    await segment.waitFor(1)
    segment.heal()
    expect((await deliver(tracks(1))).kind).toBe('accepted')
    expect(segment.duplicates).toBe(1)
  })

  it('[DL7] nobody there: unreachable, and the cause is named', async () => {
    const gone = await startSegment()
    await gone.close()
    const outcome = await attempt(deliverTo(gone.url), tracks(1))
    expect(outcome).toMatchObject({ reason: 'segment_unreachable', status: undefined })
    expect(outcome.answer).toContain('ECONNREFUSED')
  })

  it('[DL8] a connection cut once costs no failure: the same messageIds go out again at once', async () => {
    segment.fail({ kind: 'reset-before' }, { times: 1 })
    expect((await deliver(tracks(3))).kind).toBe('accepted')
    segment.fail({ kind: 'reset-after' }, { times: 1 })
    expect((await deliver([track('EZ9')])).kind).toBe('accepted')
    expect([segment.ids.size, segment.duplicates, segment.requests.length]).toEqual([4, 1, 4])
  })

  it('[DL8] one that is cut again is unreachable, after two requests', async () => {
    segment.fail({ kind: 'reset-after' })
    expect(await deliver(tracks(1))).toMatchObject({ reason: 'segment_unreachable' })
    expect(segment.requests).toHaveLength(2)
  })

  it('[DL8] a kept connection that the receiver closes between two requests is opened again', async () => {
    await using server = await serve((request, response) => {
      request.resume().on('end', () => {
        response.end('OK')
        setImmediate(() => request.socket.end())
      })
    })
    const send = deliverTo(server.url)
    for (let at = 0; at < 20; at++) expect((await attempt(send, [track(`EZ${at}`)])).kind).toBe('accepted')
  })

  it('[DL16] of the headers of an answer those worth seeing are kept, printable and short, without the key', async () => {
    await using odd = await serve((request, response) => {
      request.resume().on('end', () =>
        response
          .writeHead(429, {
            'retry-after': '7',
            'x-ratelimit-reset': '30',
            'x-request-id': `write-key-that-is-long ${'x'.repeat(900)}`,
            via: '1.1 caf\u00e9\ttab',
            'set-cookie': 'secret=1',
            'x-other': 'unseen',
          })
          .end(),
      )
    })
    const target = { host: odd.url, writeKey: 'write-key-that-is-long', path: '/v1/batch' }
    const { headers = {} } = await attempt(createDeliver(target, { send: fetch, now: Date.now }), tracks(1))
    const { date: _, 'x-request-id': id, ...rest } = headers
    expect(rest).toEqual({ 'retry-after': '7', 'x-ratelimit-reset': '30', via: '1.1 caf\u00e9 tab' })
    expect(id).toBe(`*** ${'x'.repeat(196)}`)
  })

  it('[DL9] the status decides: an answer whose body hangs, or breaks off, is accepted without waiting for the rest', async () => {
    await using hanging = await serve((request, response) => {
      request.resume().on('end', () => response.writeHead(200).write('{"succ'))
    })
    // The request's own limit is beyond that of the test.
    expect(await attempt(deliverTo(hanging.url, Date.now, 2 * PATIENCE_MS), tracks(1))).toMatchObject({
      kind: 'accepted',
      status: 200,
      answer: '{"succ',
    })

    await using breaking = await serve((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-length': '100' }).write('{"succ')
        setTimeout(() => request.socket.destroy(), 50)
      })
    })
    expect(await attempt(deliverTo(breaking.url), tracks(1))).toMatchObject({ kind: 'accepted', status: 200 })
  })

  it('[DL9] an answer without end is cut off', async () => {
    const chunk = Buffer.alloc(64 * 1_024, 'x')
    await using endless = await serve((request, response) => {
      request.resume().on('end', () => {
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        }
        response.writeHead(200).on('drain', more)
        more()
      })
    })
    const outcome = await attempt(deliverTo(endless.url), tracks(1))
    expect(outcome).toMatchObject({ kind: 'accepted', answer: 'x'.repeat(1_000) })
    const [socket] = endless.sockets
    await expect.poll(() => socket?.destroyed).toBe(true)
    // What stands in the buffers of two kernels comes on top.
    expect(socket?.bytesWritten).toBeLessThan(24 * 1_024 * 1_024)
  })

  it('[DL10] a batch leaves no timer behind', async () => {
    await deliver(tracks(1))
    const before = timers()
    for (let at = 0; at < 20; at++) await deliver(tracks(10))
    segment.fail({ kind: 'status', status: 500 })
    for (let at = 0; at < 20; at++) await deliver(tracks(10))
    await until('the end of the timers', () => timers() <= before + 2)
  })
})
