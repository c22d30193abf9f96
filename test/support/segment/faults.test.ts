/** The faults that can be ordered from the stand-in for Segment, and which request meets which. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Fault, type SegmentStandIn, startSegment } from '../segment.ts'
import { post, postTracks } from '../segment-caller.ts'

const NOW = Date.UTC(2026, 0, 1, 12)
let segment: SegmentStandIn
beforeEach(async () => {
  segment = await startSegment({ now: () => NOW })
})
afterEach(() => segment.close())

/** The status of each of so many requests, one after the other. */
async function statuses(count: number): Promise<number[]> {
  const answers: number[] = []
  for (let at = 0; at < count; at++) {
    const answer = await postTracks(segment, [`EZ${at}`])
    await answer.arrayBuffer()
    answers.push(answer.status)
  }
  return answers
}
const send = (ids: string[], init?: RequestInit) => postTracks(segment, ids, init)

describe('faults', () => {
  it.each([503, 413, 301])('status %i takes nothing', async status => {
    segment.fail({ kind: 'status', status, headers: { 'x-why': 'test' }, body: 'no' })
    const answer = await send(['EZ1'], { redirect: 'manual' })
    expect([answer.status, answer.headers.get('x-why'), await answer.text()]).toEqual([status, 'test', 'no'])
    expect(segment.requests).toMatchObject([{ status, count: 1 }])
    expect(segment.ids.size).toBe(0)
  })

  it('status 2xx takes the events, unless Segment itself would refuse them', async () => {
    segment.fail({ kind: 'status', status: 201, body: 'OK' })
    const answer = await send(['EZ1'])
    expect([answer.status, await answer.text()]).toEqual([201, 'OK'])
    expect((await post(segment, '/v1/batch', 'not json')).status).toBe(400)
    expect([...segment.ids]).toEqual(['EZ1'])
  })

  it('a redirect leads a client astray that follows it', async () => {
    segment.fail(
      { kind: 'status', status: 302, headers: { location: `${segment.url}/_/stats` } },
      { times: 1 },
    )
    expect((await send(['EZ1'])).status).toBe(200)
    segment.fail({ kind: 'status', status: 304 }, { times: 1 })
    expect((await send(['EZ1'])).status).toBe(304)
    expect(segment.ids.size).toBe(0)
  })

  it.each([
    [{ retryAfter: 7 }, '7', '7'],
    [{ retryAfter: 7, reset: 9 }, '7', '9'],
    [{ retryAfter: 'Thu, 01 Jan 2026 12:01:30 GMT' }, 'Thu, 01 Jan 2026 12:01:30 GMT', '90'],
    [{ retryAfter: 'Thu, 01 Jan 2026 11:59:00 GMT' }, 'Thu, 01 Jan 2026 11:59:00 GMT', '0'],
  ])('throttle %j says how long in both headers', async (wait, retryAfter, reset) => {
    segment.fail({ kind: 'throttle', ...wait })
    const { status, headers } = await send(['EZ1'])
    expect([status, headers.get('retry-after'), headers.get('x-ratelimit-reset')]).toEqual([
      429,
      retryAfter,
      reset,
    ])
    expect(segment.ids.size).toBe(0)
  })

  it('slow takes the events when the time is over, also for a caller that has gone', async () => {
    segment.fail({ kind: 'slow', ms: 1_000 })
    const underWay = send(['EZ1'])
    await segment.waitFor(({ requests }) => requests[0]?.count === 1)
    expect(segment.ids.size).toBe(0)
    expect((await underWay).status).toBe(200)
    const gone = new AbortController()
    const left = expect(send(['EZ2'], { signal: gone.signal })).rejects.toThrow('aborted')
    await segment.waitFor(({ requests }) => requests[1]?.count === 1)
    gone.abort()
    await left
    expect(segment.ids.has('EZ2')).toBe(false)
    await segment.waitFor(2)
  })

  it('hang never answers and takes nothing, but the request is listed', async () => {
    segment.fail({ kind: 'hang' })
    const gone = new AbortController()
    const hanging = expect(send(['EZ1'], { signal: gone.signal })).rejects.toThrow('aborted')
    await segment.waitFor(({ requests }) => requests[0]?.count === 1)
    gone.abort()
    await hanging
    expect(segment.requests).toMatchObject([{ count: 1, status: undefined }])
    expect(segment.ids.size).toBe(0)
  })

  it('late takes the events at once and answers when the caller may have gone', async () => {
    segment.fail({ kind: 'late', ms: 300 }, { times: 1 })
    const gone = new AbortController()
    const timedOut = expect(send(['EZ1'], { signal: gone.signal })).rejects.toThrow('aborted')
    await segment.waitFor(1)
    gone.abort()
    await timedOut
    expect([...segment.ids]).toEqual(['EZ1'])
    expect(segment.requests).toMatchObject([{ status: undefined }])
    expect((await send(['EZ1'])).status).toBe(200)
    expect(segment.duplicates).toBe(1)
  })

  it.each([
    ['reset-before', { ids: [], count: 0 }],
    ['refuse-after', { ids: [], count: 1 }],
    ['reset-after', { ids: ['EZ1'], count: 1 }],
  ] as const)('%s breaks the connection', async (kind, { ids, count }) => {
    segment.fail({ kind }, { times: 1 })
    await expect(send(['EZ1'])).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    expect([...segment.ids]).toEqual(ids)
    expect(segment.requests).toMatchObject([{ count, status: undefined }])
    expect((await send(['EZ1'])).status).toBe(200)
    expect([...segment.ids]).toEqual(['EZ1'])
    expect(segment.duplicates).toBe(ids.length)
  })

  it.each([
    ['a list', ['EZ2']],
    ['a prefix', { prefix: 'EZ2' }],
    ['a predicate', (id: string) => id.endsWith('2')],
  ])('poison by %s refuses every body that holds it, and no other', async (_, messageIds) => {
    segment.fail({ kind: 'poison', messageIds })
    expect((await send(['EZ1', 'EZ2', 'EZ3'])).status).toBe(400)
    expect(segment.ids.size).toBe(0)
    expect((await send(['EZ1', 'EZ3'])).status).toBe(200)
    expect((await send(['EZ2'])).status).toBe(400)
    segment.heal()
    expect((await send(['EZ2'])).status).toBe(200)
  })

  it('poison counts only the requests that hold it', async () => {
    segment.fail({ kind: 'poison', messageIds: ['EZ2'] }, { times: 1 })
    expect((await send(['EZ1'])).status).toBe(200)
    expect((await send(['EZ2'])).status).toBe(400)
    expect((await send(['EZ2'])).status).toBe(200)
  })

  it.each([
    [500, []],
    [200, ['EZ1']],
  ])('garbage with %i is 64 KiB of noise', async (status, ids) => {
    segment.fail({ kind: 'garbage', status })
    const answer = await send(['EZ1'])
    const noise = Buffer.from(await answer.arrayBuffer())
    expect([answer.status, noise.length]).toEqual([status, 64 * 1024])
    expect(new Set(noise).size).toBeGreaterThan(200)
    expect([...segment.ids]).toEqual(ids)
  })
})

describe('orders', () => {
  const down: Fault = { kind: 'status', status: 503 }

  it('stand until healed', async () => {
    segment.fail(down)
    expect(await statuses(3)).toEqual([503, 503, 503])
    segment.heal()
    expect(await statuses(2)).toEqual([200, 200])
  })

  it('end after so many times, or when healed', async () => {
    segment.fail(down, { times: 2 })
    expect(await statuses(4)).toEqual([503, 503, 200, 200])
    segment.fail(down, { times: 2 })
    segment.heal()
    expect(await statuses(1)).toEqual([200])
  })

  it('meet each n-th request', async () => {
    segment.fail(down, { every: 3, times: 2 })
    expect(await statuses(9)).toEqual([200, 200, 503, 200, 200, 503, 200, 200, 200])
  })

  it('flap', async () => {
    segment.fail({ kind: 'flap', ok: 2, bad: down })
    expect(await statuses(6)).toEqual([200, 200, 503, 200, 200, 503])
    segment.fail({ kind: 'flap', ok: 1, down: 2, bad: down })
    expect(await statuses(6)).toEqual([200, 503, 503, 200, 503, 503])
  })

  it('come in the order given, then the last standing one, with poison beside', async () => {
    segment.fail({ kind: 'status', status: 500 })
    segment.fail({ kind: 'status', status: 502 }, { times: 1 })
    segment.fail({ kind: 'throttle', retryAfter: 1 }, { times: 1 })
    segment.fail({ kind: 'flap', ok: 1, bad: down })
    segment.fail({ kind: 'poison', messageIds: ['EZ4'] })
    expect(await statuses(6)).toEqual([502, 429, 200, 503, 400, 503])
  })
})
