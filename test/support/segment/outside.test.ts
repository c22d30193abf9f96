/** The stand-in for Segment as others meet it: Segment's own client, and a harness in another process. */
// @module-tag long
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Analytics } from '@segment/analytics-node'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { type SegmentStandIn, startSegment } from '../segment.ts'
import { post, postTracks, tracks, writeKey } from '../segment-caller.ts'

describe('the official client', () => {
  let segment: SegmentStandIn
  beforeEach(async () => {
    segment = await startSegment()
  })
  afterEach(() => segment.close())

  async function send20(maxRetries: number): Promise<void> {
    const client = new Analytics({ writeKey: 'write-key', host: segment.url, flushAt: 10, maxRetries })
    for (const { type: _, ...call } of tracks(20)) client.track(call)
    await client.closeAndFlush()
  }

  it('delivers 20 events', async () => {
    await send20(0)
    expect(segment.events).toHaveLength(20)
    const library = { name: '@segment/analytics-node' }
    const sent = tracks(20).map(call =>
      expect.objectContaining({
        ...call,
        context: expect.objectContaining({ library: expect.objectContaining(library) }),
      }),
    )
    expect(segment.events).toEqual(expect.arrayContaining(sent))
    const request = { path: '/v1/batch', headers: writeKey('write-key'), count: 10, status: 200 }
    expect(segment.requests).toMatchObject([request, request])
    expect([segment.discarded, segment.duplicates]).toEqual([[], 0])
  })

  it('comes again after a 503', async () => {
    segment.fail({ kind: 'status', status: 503 }, { times: 1 })
    await send20(3)
    expect(segment.stats).toMatchObject({ accepted: 20, duplicates: 0, statuses: { 503: 1, 200: 2 } })
    expect(segment.requests.map(({ headers }) => headers['x-retry-count'])).toEqual([
      undefined,
      undefined,
      '1',
    ])
  })

  it('comes again after a reset that hid its success, and nothing is there twice', async () => {
    segment.fail({ kind: 'reset-after' }, { times: 1 })
    await send20(3)
    expect([segment.events.length, segment.duplicates]).toEqual([20, 10])
  })
})

describe('as a process of its own', () => {
  async function startProcess(...args: string[]) {
    const main = fileURLToPath(new URL('../segment-main.ts', import.meta.url))
    const child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [line] = await once(createInterface(child.stdout), 'line')
    const { url } = z.object({ url: z.url() }).parse(JSON.parse(line))
    const order = (path: string, body: unknown = {}) => post({ url }, path, body)
    const ask = (path: string) => fetch(url + path).then(answer => answer.json())
    return { child, url, order, ask, exit: once(child, 'exit') }
  }

  it('takes orders and tells what has arrived', async () => {
    const segment = await startProcess('--port', '0', '--keep', 'all', '--accept-key', 'write-key')
    const { order, ask } = segment
    expect((await order('/_/fail', { fault: { kind: 'status', status: 503 }, times: 1 })).status).toBe(200)
    expect(
      (await order('/_/fail', { fault: { kind: 'poison', messageIds: { prefix: 'bad' } } })).status,
    ).toBe(200)
    expect((await postTracks(segment, ['EZ1'])).status).toBe(503)
    expect((await postTracks(segment, ['bad1'])).status).toBe(400)
    expect((await postTracks(segment, ['EZ1', 'EZ2'])).status).toBe(200)
    expect((await postTracks(segment, ['EZ3'], { headers: writeKey('other') })).status).toBe(401)
    await order('/_/heal')
    expect((await postTracks(segment, ['bad1'])).status).toBe(200)
    expect((await post(segment, '/v1/batch', { batch: [{}] })).status).toBe(200)
    expect(await ask('/_/ids')).toEqual(['EZ1', 'EZ2', 'bad1'])
    expect(await ask('/_/events')).toMatchObject([
      { messageId: 'EZ1' },
      { messageId: 'EZ2' },
      { messageId: 'bad1' },
    ])
    expect(await ask('/_/discarded')).toMatchObject([{ code: 'no_user_anon_id' }])
    const counts = { accepted: 3, duplicates: 0, discarded: 1, silentlyDropped: 0 }
    expect(await ask('/_/stats')).toEqual({
      requests: 6,
      statuses: { 200: 3, 400: 1, 401: 1, 503: 1 },
      ...counts,
    })
    await order('/_/reset')
    expect(await ask('/_/ids')).toEqual([])
  })

  it('says what is wrong with an order', async () => {
    const { order } = await startProcess()
    const hang = { kind: 'hang' }
    for (const body of [
      '',
      {},
      { fault: { kind: 'explode' } },
      { fault: hang, time: 1 },
      { fault: { kind: 'slow' } },
    ]) {
      const answer = await order('/_/fail', body)
      expect([answer.status, await answer.json()]).toEqual([400, { message: expect.stringContaining('✖') }])
    }
    expect((await order('/_/explode')).status).toBe(404)
  })

  it('obeys while it hangs, and ends on SIGTERM', async () => {
    const segment = await startProcess()
    await segment.order('/_/fail', { fault: { kind: 'hang' } })
    const hanging = postTracks(segment, ['EZ1']).catch(() => 'cut')
    await expect.poll(() => segment.ask('/_/stats')).toMatchObject({ requests: 1, accepted: 0 })
    segment.child.kill('SIGTERM')
    expect(await segment.exit).toEqual([0, null])
    expect(await hanging).toBe('cut')
  })

  it('outlives its stdin, unless told to go with its parent', async () => {
    const [alone, tied] = await Promise.all([startProcess(), startProcess('--with-parent')])
    alone.child.stdin.end()
    tied.child.stdin.end()
    expect(await tied.exit).toEqual([0, null])
    expect(await alone.ask('/_/stats')).toMatchObject({ requests: 0 })
  })
})
