/** A2: one event that the way to Segment always answers with an error, whichever, holds up no other. */
// @module-tag long
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { createClock, DAY, deliverTo, MINUTE, openTestbed, START } from '../support/dispatcher.ts'
import { ask, describeHosts, someNotices } from '../support/hosts.ts'
import { type Fault, type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const POISON = "' OR 1=1"
const events = (count: number) => Array.from({ length: count }, () => messageStatus())
const poison = () => messageStatus({ data: { body: `<script>${POISON}</script>` } })
type Bad = Extract<Fault, { kind: 'text' }>['bad']
const text = (bad: Bad): Fault => ({ kind: 'text', text: POISON, bad })
const status = (code: number): Bad => ({ kind: 'status', status: code, body: 'blocked' })

let segment: SegmentStandIn
beforeAll(async () => {
  segment = await startSegment()
})
afterEach(() => segment.reset())
afterAll(() => segment.close())

const open = (more: Partial<Parameters<typeof openTestbed>[0]> = {}) => {
  const clock = more.clock ?? createClock()
  return openTestbed({ deliver: deliverTo(segment.url, clock.now), ...more, clock })
}

const ways: readonly (readonly [string, Bad])[] = [
  ['a connection reset', { kind: 'reset-before' }],
  ...[301, 401, 403, 404, 422, 429, 500, 503].map(code => [`a ${code}`, status(code)] as const),
  ['no answer', { kind: 'hang' }],
  ['a 200 with a log-in page', { kind: 'pretend', status: 200, body: '<!doctype html>Sign in' }],
]
const places = [
  ['at the head', 0],
  ['in the middle', 50],
  ['at the end', 100],
] as const

describe.each(ways)('A2: an event behind which there is always %s', (_, bad) => {
  it.each(places)(
    '[DP50] %s of a backlog is held back; 100 neighbours and 30 later events are delivered',
    async (_, at) => {
      const timeoutMs = bad.kind === 'hang' ? 1_500 : undefined
      const dispatcher = openTestbed({ deliver: deliverTo(segment.url, Date.now, timeoutMs) })
      segment.fail(text(bad))
      dispatcher.take(...events(at), poison(), ...events(100 - at))
      await dispatcher.drainFor(20_000)
      for (let later = 0; later < 3; later++) {
        dispatcher.take(...events(10))
        await dispatcher.drainFor(20_000)
      }
      expect(dispatcher.figures()).toMatchObject({ pending: 1, accepted: 130, refused: 0 })
      expect([dispatcher.outbox.held(), segment.ids.size, segment.duplicates]).toEqual([1, 130, 0])
      expect(dispatcher.line().failures).toBe(0)
      expect(dispatcher.outbox.oldestPendingAt()).toBeUndefined()
      const [held] = dispatcher.outbox.list({ state: 'pending', reason: 'held_back', limit: 9 }).events
      expect(held).toMatchObject({ state: 'pending', reason: 'held_back' })
    },
  )
})

describe('A2: an event that is held back', () => {
  async function hold(dispatcher: ReturnType<typeof open>, bad: Bad = status(403)) {
    segment.fail(text(bad))
    dispatcher.take(...events(3), poison(), ...events(3))
    await dispatcher.drainFor(20_000)
    expect([dispatcher.outbox.held(), dispatcher.figures().accepted]).toEqual([1, 6])
  }

  it('[DP52] is tried again alone, ever more seldom, and accepted once its way is free', async () => {
    const dispatcher = open()
    await hold(dispatcher)
    const before = segment.requests.length
    await dispatcher.drainFor(DAY)
    const tries = segment.requests.slice(before)
    expect(tries.every(({ count }) => count === 1)).toBe(true)
    // 1, 2, 4 … 32 minutes, then an hour, each less a quarter with these dice.
    expect(tries.length).toBeGreaterThan(24)
    expect(tries.length).toBeLessThan(50)
    expect(dispatcher.figures()).toMatchObject({ pending: 1, refused: 0 })
    segment.heal()
    await dispatcher.drainFor(60 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 7 })
    expect(dispatcher.outbox.held()).toBe(0)
  })

  it('[DP52] is refused by a 400, and by nothing else', async () => {
    const dispatcher = open()
    await hold(dispatcher)
    segment.heal()
    segment.fail(text(status(400)))
    await dispatcher.drainFor(2 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, refused: 1 })
  })

  it('[DP52] stays so over a restart', async () => {
    const sql = openSqlite(':memory:')
    const first = open({ sql })
    await hold(first)
    const again = open({ sql, clock: first.clock })
    expect(again.outbox.held()).toBe(1)
    const before = segment.requests.length
    await again.drainFor(0)
    expect(segment.requests.length).toBe(before)
    segment.heal()
    await again.drainFor(2 * MINUTE)
    expect(again.figures()).toMatchObject({ pending: 0, accepted: 7 })
  })

  it('[DP51] is told of once, and blocks no event that comes while it is tried', async () => {
    const dispatcher = open()
    await hold(dispatcher)
    await dispatcher.drainFor(5 * 60 * MINUTE)
    dispatcher.clock.pass(21 * MINUTE)
    dispatcher.tick()
    const told = dispatcher.notices().flatMap(({ payload }) => Object.entries(payload.more_info.counts))
    expect(told.filter(([reason]) => reason === 'held_back')).toEqual([['held_back', 1]])
  })

  it('[DP54] deliver now tries it, and a line that waits, at once', async () => {
    const dispatcher = open()
    await hold(dispatcher)
    segment.heal()
    dispatcher.deliverNow()
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 7 })
    segment.fail(status(401))
    dispatcher.take(...events(2))
    await dispatcher.drainFor(2 * MINUTE)
    expect((await dispatcher.deliverNextBatch()) ?? 0).toBeGreaterThan(dispatcher.clock.at + MINUTE)
    segment.heal()
    dispatcher.deliverNow()
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 9 })
  })
})

describe('A2: more than one', () => {
  it('[DP50] a run of 90 is held back whole, and what stands around and behind it is delivered', async () => {
    const dispatcher = open()
    segment.fail(text(status(403)))
    dispatcher.take(...events(10), ...Array.from({ length: 90 }, poison), ...events(40))
    await dispatcher.drainFor(30 * MINUTE)
    dispatcher.take(...events(10))
    await dispatcher.drainFor(10 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 90, accepted: 60, refused: 0 })
    expect(dispatcher.outbox.held()).toBe(90)
  })

  it('[DP50] probes that are poison themselves decide nothing: an older event is tried on a quiet evening', async () => {
    const dispatcher = open()
    segment.fail(text(status(500)))
    dispatcher.take(...events(20), ...Array.from({ length: 5 }, poison))
    await dispatcher.drainFor(5 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 5, accepted: 20 })
  })

  it('[DP50] one alone in the outbox waits for another event, which is delivered, and is then held back', async () => {
    const dispatcher = open()
    segment.fail(text(status(403)))
    dispatcher.take(poison())
    await dispatcher.drainFor(12 * MINUTE)
    expect(dispatcher.line().reason).toBe('segment_unauthorized')
    dispatcher.take(...events(1))
    await dispatcher.drainFor(6 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 1, accepted: 1 })
    expect(dispatcher.outbox.held()).toBe(1)
  })
})

describe('A2: a destination that is down', () => {
  it.each([401, 503])('[DP55] costs one request a try, and holds nothing back: %i', async code => {
    const dispatcher = open()
    segment.fail({ kind: 'status', status: code })
    dispatcher.take(...events(300))
    await dispatcher.drainFor(30 * MINUTE)
    expect(dispatcher.line().failures).toBe(segment.requests.length)
    expect(segment.requests.slice(2).every(({ count }) => count === 1)).toBe(true)
    expect([dispatcher.outbox.held(), dispatcher.figures().pending]).toEqual([0, 300])
    segment.heal()
    await dispatcher.drainFor(6 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 300 })
    expect(dispatcher.clock.at - START).toBeLessThan(36 * MINUTE)
  })

  it('[RT51] a 429 that names its wait is never isolated', async () => {
    const dispatcher = open({ deliver: deliverTo(segment.url) })
    segment.fail({ kind: 'throttle', retryAfter: 30 }, { times: 5 })
    dispatcher.take(...events(50))
    await dispatcher.drainFor(10 * MINUTE)
    expect(segment.requests.map(({ count }) => count)).toEqual([50, 50, 50, 50, 50, 50])
    expect(dispatcher.figures()).toMatchObject({ accepted: 50 })
  })
})

describeHosts('A2: on both hosts', host => {
  it.each([
    ['403', status(403)],
    ['a reset', { kind: 'reset-before' } as const],
  ])(
    '[DP50] [DP53] behind %s one event is held back, listed, and can be retried and dropped',
    async (_, bad) => {
      await using bridge = await host.start({ SEGMENT_RATE: '0' })
      bridge.segment.fail(text(bad))
      await sendEvents(bridge.webhook, [...events(50), poison(), ...events(50)])
      await bridge.until(({ held, accepted }) => held === 1 && accepted === 100, 60_000)
      await sendEvents(bridge.webhook, events(30))
      expect(await bridge.until(({ accepted }) => accepted === 130, 60_000)).toMatchObject({
        ...{ pending: 1, held: 1, refused: 0, oldestPendingSeconds: 0 },
        delivery: { failures: 0 },
      })
      const { text: metrics } = await ask(bridge, '/metrics')
      expect(metrics).toMatch(/^bridge_events_held(\{[^}]*\})? 1$/m)
      const { json } = await ask(bridge, '/api/events?state=pending&reason=held_back')
      const [{ key }] = (json as { events: [{ key: string }] }).events
      const detail = await bridge.api<{ answer: string; attemptCount: number }>(`/api/events/${key}`)
      expect(detail.answer).toContain(bad.kind === 'status' ? '403 blocked' : '')
      expect(JSON.stringify(await someNotices(bridge))).toMatch(/held_back|segment_/)

      const before = detail.attemptCount
      expect((await ask(bridge, `/api/events/${key}/retry`, { method: 'POST' })).json).toMatchObject({
        done: true,
      })
      const tries = async () =>
        (await bridge.api<{ attemptCount: number }>(`/api/events/${key}`)).attemptCount
      await expect.poll(tries, { timeout: 30_000 }).toBeGreaterThan(before)
      expect((await ask(bridge, '/api/deliver-now', { method: 'POST' })).json).toEqual({
        pending: 1,
        held: 1,
      })
      await expect.poll(tries, { timeout: 30_000 }).toBeGreaterThan(before + 1)
      const dropped = await ask(bridge, '/api/dead-letters/drop', { body: { state: 'held' } })
      expect(dropped.json).toMatchObject({ matched: 1, done: 1 })
      expect(await bridge.stats()).toMatchObject({ pending: 0, held: 0, skipped: 1, accepted: 130 })
    },
  )
})
