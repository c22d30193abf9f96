/** What the stand-in for Segment takes and refuses at its edge, as Segment's Tracking API does. */
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type SegmentOptions, type SegmentStandIn, startSegment } from '../segment.ts'
import { post, postTracks, track, trackOfBytes, tracks, writeKey } from '../segment-caller.ts'

const KIB = 1024
const gzip = { ...writeKey('write-key'), 'content-encoding': 'gzip' }
const tooLarge = { success: false, message: 'Exceed payload limit', code: 'invalid_request' }
let segment: SegmentStandIn

async function start(options?: SegmentOptions): Promise<void> {
  segment = await startSegment(options)
}
afterEach(() => segment.close())

describe('routes', () => {
  it.each(['track', 'identify'])('takes one call at /v1/%s, by POST and PUT', async name => {
    await start()
    const { type: _, ...call } = track('EZ1')
    const answer = await post(segment, `/v1/${name}`, call)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await answer.text()).toBe('{"success":true}')
    await post(segment, `/v1/${name}`, { ...call, messageId: 'EZ2' }, { method: 'PUT' })
    const kept = name === 'track' ? segment.events : segment.others
    expect(kept).toMatchObject([{ ...call, type: name }, { messageId: 'EZ2' }])
    expect(segment.stats.accepted).toBe(2)
  })

  it.each(['/v1/batch', '/v1/import', '/V1/Batch', '/v1/batch/', '/v1/batch?x=1'])(
    'takes a batch at %s',
    async path => {
      await start()
      expect((await post(segment, path, { batch: tracks(3) })).status).toBe(200)
      expect([...segment.ids]).toEqual(['EZ0', 'EZ1', 'EZ2'])
    },
  )

  it('answers 405 to a GET of a route, 404 elsewhere', async () => {
    await start()
    const get = await fetch(`${segment.url}/v1/batch`)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST, PUT'])
    for (const path of ['/', '/v1', '/v1/t', '/v1/batch//', '/v2/batch']) {
      expect((await post(segment, path, { batch: tracks(1) })).status).toBe(404)
    }
    expect(segment.ids.size).toBe(0)
  })
})

describe('write keys', () => {
  const batch = tracks(1)

  it('takes any key, in the header or in the body', async () => {
    await start()
    expect((await post(segment, '/v1/batch', { batch })).status).toBe(200)
    for (const headers of [{}, { authorization: 'Bearer token' }, writeKey('')]) {
      expect((await post(segment, '/v1/batch', { batch, writeKey: 'nonsense' }, { headers })).status).toBe(
        200,
      )
    }
  })

  it('refuses a request without one', async () => {
    await start()
    for (const headers of [{}, writeKey('')]) {
      const answer = await post(segment, '/v1/batch', { batch, writeKey: '' }, { headers })
      expect(answer.status).toBe(400)
      const message = 'An invalid write key was provided'
      expect(await answer.json()).toEqual({ success: false, message, code: 'invalid_request' })
    }
    expect(segment.ids.size).toBe(0)
  })

  it('answers 401 to other keys when told which to accept', async () => {
    await start({ acceptKeys: ['write-key'] })
    expect((await post(segment, '/v1/batch', { batch })).status).toBe(200)
    expect((await post(segment, '/v1/batch', { batch, writeKey: 'write-key' }, { headers: {} })).status).toBe(
      200,
    )
    for (const headers of [writeKey('other'), {}]) {
      expect((await postTracks(segment, ['EZother'], { headers })).status).toBe(401)
    }
    expect([...segment.ids]).toEqual(['EZ0'])
  })

  it('keeps the key out of the events', async () => {
    await start()
    await post(segment, '/v1/track', { ...track('EZ1'), writeKey: 'nonsense' })
    expect(segment.events[0]).not.toHaveProperty('writeKey')
  })
})

describe('limits', () => {
  const batchOf = (bytes: number) => ({ batch: [track('EZsmall'), trackOfBytes(bytes)] })

  it.each([
    ['/v1/track', trackOfBytes],
    ['/v1/batch', batchOf],
  ])('takes a call of 32 KiB at %s and not a byte more', async (path, body) => {
    await start()
    expect((await post(segment, path, body(32 * KIB))).status).toBe(200)
    segment.reset()
    const refused = await post(segment, path, body(32 * KIB + 1))
    expect([refused.status, await refused.json()]).toEqual([400, tooLarge])
    expect(segment.ids.size).toBe(0)
  })

  it('measures a call as it was sent, not as it would be written again', async () => {
    await start()
    const padded = JSON.stringify(trackOfBytes(32 * KIB)).replace(',', ' ,')
    expect((await post(segment, '/v1/batch', `{"batch":[${padded}]}`)).status).toBe(400)
  })

  it('is not confused by what stands in a string, nor by a large context of the batch', async () => {
    await start()
    const text = '\\"]}[{\\\\'.repeat(1_000)
    const calls = Array.from({ length: 5 }, (_, at) => track(`EZ${at}`, { properties: { text } }))
    const context = { deep: ['x'.repeat(40 * KIB)] }
    expect((await post(segment, '/v1/batch', { batch: calls, context })).status).toBe(200)
    expect(segment.events).toMatchObject(calls)
    const large = track('EZbig', { properties: { text: `"}}"${'x'.repeat(33 * KIB)}` } })
    expect((await post(segment, '/v1/batch', { batch: [large] })).status).toBe(400)
  })

  it('takes a batch of 500 KiB and not a byte more, inflated or not', async () => {
    await start()
    const batch = Array.from({ length: 19 }, (_, at) => trackOfBytes(25 * KIB, `EZ${at}`))
    const body = (bytes: number) => {
      const pad = 'x'.repeat(bytes - Buffer.byteLength(JSON.stringify({ batch, pad: '' })))
      return JSON.stringify({ batch, pad })
    }
    expect((await post(segment, '/v1/batch', body(500 * KIB))).status).toBe(200)
    expect((await post(segment, '/v1/batch', gzipSync(body(500 * KIB)), { headers: gzip })).status).toBe(200)
    segment.reset()
    for (const refused of [
      await post(segment, '/v1/batch', body(500 * KIB + 1)),
      await post(segment, '/v1/batch', body(5_000 * KIB)),
      await post(segment, '/v1/batch', gzipSync(body(500 * KIB + 1)), { headers: gzip }),
    ]) {
      expect([refused.status, await refused.json()]).toEqual([400, tooLarge])
    }
    expect(segment.ids.size).toBe(0)
  })

  it('answers 200 to more than 2,500 calls and drops the surplus', async () => {
    await start()
    expect((await post(segment, '/v1/batch', { batch: tracks(2_503) })).status).toBe(200)
    expect([segment.events.length, segment.silentlyDropped]).toEqual([2_500, 3])
  })
})

describe('bodies', () => {
  it('takes gzip, and refuses what is not', async () => {
    await start()
    const spaced = { ...gzip, 'content-encoding': ' gzip ' }
    const whole = gzipSync(JSON.stringify({ batch: tracks(2) }))
    expect((await post(segment, '/v1/batch', whole, { headers: spaced })).status).toBe(200)
    expect(segment.events).toHaveLength(2)

    const malformed = await post(segment, '/v1/batch', '{"batch":[]}', { headers: gzip })
    expect([malformed.status, await malformed.text()]).toEqual([
      400,
      '{"success":false,"message":"Malformed gzip content"}',
    ])
    const cutOff = await post(segment, '/v1/batch', whole.subarray(0, -9), { headers: gzip })
    expect([cutOff.status, await cutOff.text()]).toEqual([400, 'Bad Request\n'])
  })

  it.each(['', '{"batch":[', '[]', '"text"', 'null'])('answers 400 Bad Request to %j', async body => {
    await start()
    const answer = await post(segment, '/v1/batch', body)
    expect([answer.status, await answer.text()]).toEqual([400, 'Bad Request\n'])
    expect(answer.headers.get('content-type')).toContain('text/plain')
  })
})
