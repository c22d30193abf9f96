/** What the stand-in for Segment does behind its 200, and how a test looks at it. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type SegmentOptions, type SegmentStandIn, startSegment } from '../segment.ts'
import { post, postTracks, track, tracks, writeKey } from '../segment-caller.ts'

let segment: SegmentStandIn

async function start(options?: SegmentOptions): Promise<void> {
  segment = await startSegment(options)
}
afterEach(() => segment?.close())

describe('behind the 200', () => {
  it.each([
    ['no_user_anon_id', { anonymousId: undefined }],
    ['id_not_string', { anonymousId: '' }],
    ['event_not_defined', { event: undefined }],
    ['event_not_string', { event: 7 }],
    ['properties_not_object', { properties: [] }],
    ['type_unknown', { type: undefined }],
    ['message_id_invalid', { messageId: 'x'.repeat(101) }],
    ['message_id_invalid', { messageId: 7 }],
  ])('discards a call as %s: %j', async (code, wrong) => {
    await start()
    expect((await post(segment, '/v1/batch', { batch: [track('EZ1', wrong), track('EZ2')] })).status).toBe(
      200,
    )
    expect(segment.discarded).toMatchObject([{ code, call: JSON.parse(JSON.stringify(wrong)) }])
    expect([...segment.ids]).toEqual(['EZ2'])
    expect(segment.events).toHaveLength(1)
  })

  it('discards what is no call, and an empty batch', async () => {
    await start()
    for (const batch of [[null], [[]], [], undefined]) {
      expect((await post(segment, '/v1/batch', { batch })).status).toBe(200)
    }
    const codes = segment.discarded.map(({ code }) => code)
    expect(codes).toEqual(['type_unknown', 'type_unknown', 'empty_batch', 'empty_batch'])
  })

  it('takes a message id of 100 characters, and gives one to a call without', async () => {
    await start()
    await post(segment, '/v1/batch', { batch: [track('x'.repeat(100)), track('', { messageId: undefined })] })
    expect(segment.events.map(({ messageId }) => messageId.length)).toEqual([100, 36])
  })

  it('takes a message id once in 24 hours, whatever the key and the content', async () => {
    let now = Date.UTC(2026, 0, 1)
    await start({ now: () => now })
    await post(segment, '/v1/batch', { batch: [track('EZ1'), track('EZ1', { event: 'other' })] })
    now += 24 * 3_600_000 - 1
    await postTracks(segment, ['EZ1'], { headers: writeKey('other') })
    expect([segment.events.length, segment.duplicates]).toEqual([1, 2])
    now += 1
    await postTracks(segment, ['EZ1'])
    expect([segment.events.length, segment.duplicates]).toEqual([2, 2])
  })

  it('does not count a discarded call as seen', async () => {
    await start()
    await post(segment, '/v1/batch', { batch: [track('EZ1', { event: '' }), track('EZ1')] })
    expect([segment.events.length, segment.duplicates]).toEqual([1, 0])
  })
})

describe('clocks', () => {
  const received = '2026-01-01T12:00:10.000Z'
  const now = () => Date.parse(received)
  const timestamp = '2026-01-01T09:00:00.123456789Z'
  const sentAt = '2026-01-01T12:00:07.000Z'

  it.each([
    ["by the sender's clock", { timestamp }, sentAt, '2026-01-01T09:00:03.123Z'],
    ['nothing without sentAt', { timestamp }, undefined, '2026-01-01T09:00:00.123Z'],
    ['nothing by a sentAt it cannot read', { timestamp }, 'yesterday', received],
    ['a timestamp it cannot read to its own', { timestamp: 'yesterday' }, sentAt, received],
    ['by the sentAt of the call first', { timestamp, sentAt }, received, '2026-01-01T09:00:03.123Z'],
  ])('corrects %s', async (_, call, batchSentAt, corrected) => {
    await start({ now })
    await post(segment, '/v1/batch', { batch: [track('EZ1', call)], sentAt: batchSentAt })
    const originalTimestamp = call.timestamp
    expect(segment.events[0]).toMatchObject({ originalTimestamp, timestamp: corrected, receivedAt: received })
  })

  it('takes the time of receipt for a call without a timestamp', async () => {
    await start({ now })
    await postTracks(segment, ['EZ1'])
    expect(segment.events[0]).toMatchObject({ originalTimestamp: received, timestamp: received })
  })

  it('tells its own time in Date', async () => {
    await start({ now })
    expect((await postTracks(segment, [])).headers.get('date')).toBe('Thu, 01 Jan 2026 12:00:10 GMT')
  })
})

describe('looking at it', () => {
  it('keeps the calls as they were sent, in order', async () => {
    await start()
    const context = {
      externalIds: [{ id: '+15550100001', type: 'phone', collection: 'users', encoding: 'none' }],
    }
    const sent = tracks(3).map(call => ({ ...call, context, integrations: { all: true } }))
    await post(segment, '/v1/batch', { batch: sent.slice(0, 2) })
    await post(segment, '/v1/batch', { batch: sent.slice(2) })
    expect(segment.events).toMatchObject(sent)
  })

  it("keeps ids and counts only with keep: 'ids'", async () => {
    await start({ keep: 'ids' })
    const identify = { type: 'identify', messageId: 'EZ9', userId: 'u' }
    const batch = [...tracks(3), track('EZ0'), identify, track('EZx', { event: '' })]
    await post(segment, '/v1/batch', { batch })
    expect([segment.events, segment.others]).toEqual([[], []])
    expect([...segment.ids]).toEqual(['EZ0', 'EZ1', 'EZ2', 'EZ9'])
    expect(segment.discarded).toEqual([{ code: 'event_not_defined', messageId: 'EZx' }])
    expect(segment.stats).toMatchObject({ accepted: 4, duplicates: 1, discarded: 1 })
  })

  it('lists the requests and what they were answered', async () => {
    const at = 1_767_268_810_000
    await start({ now: () => at })
    const body = JSON.stringify({ batch: tracks(3) })
    await post(segment, '/v1/batch', body)
    const before = segment.stats
    await post(segment, '/V1/track/', 'not json', { method: 'PUT' })
    const headers = writeKey('write-key')
    expect(segment.requests).toMatchObject([
      { at, method: 'POST', path: '/v1/batch', headers, bytes: body.length, count: 3, status: 200 },
      { at, method: 'PUT', path: '/V1/track/', headers, bytes: 8, count: 0, status: 400 },
    ])
    expect(segment.stats).toMatchObject({ requests: 2, statuses: { 200: 1, 400: 1 } })
    expect(before).toMatchObject({ requests: 1, statuses: { 200: 1 } })
    expect(before.statuses).not.toHaveProperty('400')
  })

  it('survives a caller that goes away in the middle of its body', async () => {
    await start()
    const caller = connect(Number(new URL(segment.url).port), '127.0.0.1')
    caller.write('POST /v1/batch HTTP/1.1\r\nhost: segment\r\ncontent-length: 100\r\n\r\n{"batch":[')
    await segment.waitFor(({ requests }) => requests.length === 1)
    caller.resetAndDestroy()
    await once(caller, 'close')
    expect((await postTracks(segment, ['EZ1'])).status).toBe(200)
    expect(segment.requests).toMatchObject([{ count: 0, status: undefined }, { status: 200 }])
  })

  it('waits for a number of calls, or for anything', async () => {
    await start()
    const waits = Promise.all([
      segment.waitFor(3),
      segment.waitFor(({ requests }) => requests[1]?.status === 200),
    ])
    await postTracks(segment, ['EZ0', 'EZ1'])
    await expect(Promise.race([waits, 'still waiting'])).resolves.toBe('still waiting')
    await postTracks(segment, ['EZ1', 'EZ2'])
    await waits
    await segment.waitFor(3)
  })

  it('says what it has when it waits in vain', async () => {
    await start()
    await postTracks(segment, ['EZ0', 'EZ1'])
    const what = /20 ms for 3 accepted calls.*"statuses":{"200":1},"accepted":2/
    await expect(segment.waitFor(3, 20)).rejects.toThrow(what)
    await expect(segment.waitFor(({ duplicates }) => duplicates > 0, 20)).rejects.toThrow('duplicates > 0')
    const broken = () => {
      throw new Error('a broken predicate')
    }
    await expect(segment.waitFor(broken)).rejects.toThrow('a broken predicate')
  })

  it('is as new after a reset, and knows nothing of what was under way', async () => {
    await start()
    segment.fail({ kind: 'late', ms: 200 }, { times: 1 })
    const underWay = postTracks(segment, ['EZ0', 'EZ1'])
    await segment.waitFor(2)
    segment.fail({ kind: 'status', status: 503 })
    segment.reset()
    const nothing = { accepted: 0, duplicates: 0, discarded: 0, silentlyDropped: 0 }
    expect(segment.stats).toEqual({ requests: 0, statuses: {}, ...nothing })
    expect([segment.events, segment.requests, segment.ids.size]).toEqual([[], [], 0])
    expect((await underWay).status).toBe(200)
    expect(segment.stats).toMatchObject({ requests: 0, statuses: {} })
    expect((await postTracks(segment, ['EZ0', 'EZ1'])).status).toBe(200)
    expect([segment.events.length, segment.duplicates]).toEqual([2, 0])
  })

  it('closes with everything that hangs', async () => {
    await start()
    const silent = connect(Number(new URL(segment.url).port), '127.0.0.1')
    const silentClosed = new Promise(resolve => silent.on('close', resolve).on('error', () => {}))
    segment.fail({ kind: 'hang' }, { times: 1 })
    segment.fail({ kind: 'slow', ms: 60_000 })
    const calls = [postTracks(segment, ['EZ1']), postTracks(segment, ['EZ2'])]
    await segment.waitFor(({ requests }) => requests.filter(({ count }) => count > 0).length === 2)
    const waiting = segment.waitFor(1)
    const ends = Promise.allSettled([...calls, waiting])
    await segment[Symbol.asyncDispose]()
    await silentClosed
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect(waiting).rejects.toThrow('was closed')
    await expect(fetch(segment.url)).rejects.toThrow()
    expect(segment.ids.size).toBe(0)
  })

  it('listens where it is told', async () => {
    await start()
    const port = Number(new URL(segment.url).port)
    await expect(startSegment({ port })).rejects.toThrow('EADDRINUSE')
    await segment.close()
    await start({ port, host: '127.0.0.1' })
    expect(segment.url).toBe(`http://127.0.0.1:${port}`)
  })
})
