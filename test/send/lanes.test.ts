/** Several destinations at once: a lane each. Real stand-ins for Segment, real SQLite in memory, a clock that the test holds. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Notice } from '../../src/alerts/notice.ts'
import { notifyFrom, openBridge } from '../../src/bridge.ts'
import { digests } from '../../src/hosts/node/digests.ts'
import { type NodeSql, openSqlite } from '../../src/hosts/node/sqlite.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import type { Destination, OpenDestination } from '../../src/send/destination.ts'
import { toSettings } from '../support/bridge.ts'
import {
  createClock,
  createLastTold,
  createLogKeeper,
  DAY,
  deliverTo,
  requestRow,
  segmentAs,
} from '../support/dispatcher.ts'
import { startSegment } from '../support/segment.ts'
import { authToken, messageStatus } from '../support/twilio.ts'

const NAMES = ['a', 'b', 'c'] as const
type Change = Partial<Omit<OpenDestination, 'destination'>> & { readonly part?: Partial<Destination> }

async function openThree(changes: Partial<Record<string, Change>> = {}, perSecond = 0) {
  const clock = createClock()
  const sql = openSqlite(':memory:')
  const segments = await Promise.all(NAMES.map(() => startSegment()))
  onTestFinished(async () => {
    await Promise.all(segments.map(segment => segment.close()))
  })
  const [a, b, c] = segments
  if (!a || !b || !c) throw new Error('three were started')
  const destinations = NAMES.map((name, index): OpenDestination => {
    const { part, ...more } = changes[name] ?? {}
    const own = segmentAs(deliverTo(segments[index]?.url ?? '', clock.now), perSecond)
    return { id: index + 1, destination: { ...own, name, ...part }, ...more }
  })
  return { clock, sql, a, b, c, destinations, ...start(sql, destinations, clock) }
}

function start(
  sql: NodeSql,
  destinations: readonly OpenDestination[],
  clock: ReturnType<typeof createClock>,
) {
  const outbox = createOutbox(sql, { retentionMs: 30 * DAY, dedupeMs: DAY })
  const ids = destinations.map(({ id }) => id)
  outbox.keepDestinations(
    destinations.map(({ id, destination: { name } }) => ({ id, name, scope: name, tag: '' })),
    clock.at,
  )
  outbox.routeTo(() => ids.map(destination => ({ destination, filtered: false })))
  const settings = toSettings({ TWILIO_AUTH_TOKEN: authToken, SEGMENT_WRITE_KEY: 'key', SEGMENT_RATE: '0' })
  const { log, lines } = createLogKeeper()
  const { dispatcher, admin } = openBridge(outbox, destinations, settings, {
    ...{ log, now: clock.now, random: () => 0.5 },
    openNotifier: notifyFrom(outbox, settings, {
      digests,
      send: fetch,
      now: clock.now,
      log,
      lastTold: createLastTold(),
    }),
  })
  return {
    ...{ dispatcher, admin, lines },
    take: (n: number) =>
      dispatcher.append([
        requestRow(
          Array.from({ length: n }, () => messageStatus()),
          clock.at,
        ),
      ]),
    async drain(...names: string[]) {
      for (let due: number | undefined = 0; due !== undefined && due <= clock.at; )
        due =
          names.length === 0
            ? await dispatcher.deliverNextBatch()
            : await dispatcher.deliverNextBatch(names[0])
    },
    notices: () => outbox.notices(10) as Notice[],
    of: (name: string) => admin.stats().destinations.find(one => one.name === name),
  }
}

describe('several destinations', () => {
  it('[DP200] one that fails holds up none; each delivery is in one state, and the counts close', async () => {
    const { a, b, c, clock, dispatcher, admin, take, drain, of } = await openThree()
    b.fail({ kind: 'status', status: 503 })
    take(40)
    await drain()
    expect([a.ids.size, b.ids.size, c.ids.size]).toEqual([40, 0, 40])
    expect(of('a')).toMatchObject({ accepted: 40, pending: 0, delivery: { failures: 0 } })
    expect(of('b')).toMatchObject({ accepted: 0, pending: 40, delivery: { reason: 'segment_failing' } })
    expect(admin.stats()).toMatchObject({ received: 40, pending: 40, accepted: 0 })
    b.heal()
    // Another one's wait is not ended with it.
    dispatcher.deliverNow('a')
    await drain()
    expect(b.ids.size).toBe(0)
    dispatcher.deliverNow('b')
    for (let second = 0; second < 200 && b.ids.size < 40; second++) {
      await drain()
      clock.pass(1_000)
    }
    expect(of('b')).toMatchObject({ accepted: 40, pending: 0 })
    expect(admin.stats()).toMatchObject({ received: 40, pending: 0, accepted: 40 })
    // No event was sent twice to those that had it.
    expect([a, c].map(segment => segment.requests.length)).toEqual([1, 1])
  })

  it('[DP201] one that hangs does: the others deliver meanwhile', async () => {
    let answer = () => {}
    const hang = new Promise<void>(resolve => {
      answer = resolve
    })
    const { a, c, take, drain, dispatcher } = await openThree({
      b: { part: { deliver: () => hang.then(() => ({ kind: 'accepted', status: 200, answer: '' })) } },
    })
    take(5)
    const hanging = dispatcher.deliverNextBatch('b')
    await drain('a')
    await drain('c')
    expect([a.ids.size, c.ids.size]).toEqual([5, 5])
    answer()
    await hanging
  })

  it('[NT200] the notice names each that fails, the log each change; recovery is told with the last', async () => {
    const { b, c, clock, take, drain, notices, lines, dispatcher } = await openThree()
    b.fail({ kind: 'status', status: 503 })
    c.fail({ kind: 'status', status: 401 })
    take(3)
    await drain()
    clock.pass(21 * 60_000)
    dispatcher.tick()
    const [latest] = notices()
    expect(latest?.payload.more_info).toMatchObject({
      component: 'delivery',
      destinations: [
        { name: 'b', reason: 'segment_failing' },
        { name: 'c', reason: 'segment_unauthorized' },
      ],
    })
    expect(latest?.payload.message).toMatch(/No events go to b \(.*\) and c \(.*\)\./)
    b.heal()
    for (let second = 0; second < 200 && b.ids.size < 3; second++) {
      await drain('b')
      clock.pass(1_000)
    }
    const told = () => lines.map(({ message }) => message).filter(message => message.includes('delivery to'))
    expect(told()).toContainEqual(expect.stringMatching(/^delivery to b: recovered/))
    const isOver = () => notices().some(({ payload }) => payload.more_info.reason === 'recovery')
    clock.pass(21 * 60_000)
    dispatcher.tick()
    expect(isOver()).toBe(false)
    c.heal()
    dispatcher.deliverNow('c')
    for (let second = 0; second < 400 && c.ids.size < 3; second++) {
      await drain('c')
      clock.pass(1_000)
    }
    clock.pass(21 * 60_000)
    dispatcher.tick()
    expect(isOver()).toBe(true)
  })

  it('[DP202] a pause is kept over a restart and wins over the file; resumed, it goes on', async () => {
    const { a, b, sql, clock, destinations, take, drain, admin } = await openThree()
    admin.setPaused('b', true)
    take(4)
    await drain()
    expect([a.ids.size, b.ids.size]).toEqual([4, 0])
    const again = start(sql, destinations, clock)
    await again.drain()
    expect(again.of('b')).toMatchObject({ paused: 'paused_by_operator', pending: 4 })
    again.admin.setPaused('b', false)
    await again.drain()
    expect(b.ids.size).toBe(4)
    const paused = destinations.map(one => ({ ...one, isPaused: true }))
    const third = start(sql, paused, clock)
    expect([third.of('a')?.paused, third.of('b')?.paused]).toEqual(['paused_by_operator', null])
  })

  it('[DP202] a pause that cannot be kept is an error, not a promise', async () => {
    const { sql, admin, of } = await openThree()
    const { all } = sql
    sql.all = (query, ...values) => {
      if (/INTO memory/i.test(query)) throw new Error('database or disk is full')
      return all(query, ...values)
    }
    expect(() => admin.setPaused('b', true)).toThrow('full')
    expect(of('b')?.paused).toBeNull()
  })

  it('[DP203] a change that nobody confirmed pauses its destination, with a notice, until its hash is confirmed', async () => {
    let confirmed = 0
    const unconfirmed = { hash: 'abc123', text: 'its key has another name', confirm: () => (confirmed += 1) }
    const { a, b, take, drain, admin, of, notices } = await openThree({ b: { unconfirmed } })
    take(2)
    await drain()
    expect([a.ids.size, b.ids.size]).toEqual([2, 0])
    expect(of('b')).toMatchObject({
      paused: 'change_unconfirmed',
      unconfirmed: { hash: 'abc123', text: 'its key has another name' },
    })
    expect(notices()[0]?.payload.more_info.reason).toBe('change_unconfirmed')
    expect(admin.confirmChange('other')).toEqual([])
    // To resume it is not to confirm it.
    admin.setPaused('b', false)
    await drain()
    expect(b.ids.size).toBe(0)
    expect(admin.confirmChange('abc123')).toEqual(['b'])
    expect(confirmed).toBe(1)
    await drain()
    expect(b.ids.size).toBe(2)
  })

  it('[DP204] a filter that does not let an event pass any more sets its delivery aside, and no other', async () => {
    const { a, b, c, take, drain, of, admin } = await openThree({ b: { part: { admits: () => false } } })
    take(3)
    await drain()
    expect([a.ids.size, b.ids.size, c.ids.size]).toEqual([3, 0, 3])
    expect(of('b')).toMatchObject({ skipped: 3, pending: 0 })
    expect(admin.stats()).toMatchObject({ received: 3, accepted: 3, skipped: 0 })
  })

  it('[DP205] destinations of one workspace share its rate', async () => {
    const shared = { workspace: 'acme' }
    const { a, b, c, take, drain } = await openThree({ a: shared, b: shared }, 8)
    take(20)
    await drain()
    // A quarter of a second's worth each: of the workspace, and of the one beside it.
    expect(a.ids.size + b.ids.size).toBe(2)
    expect(c.ids.size).toBe(2)
  })
})
