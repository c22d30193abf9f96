/** What counts towards MAX_BACKLOG, and when a failure is over though nothing was accepted. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createClock, deliverTo, MINUTE, openTestbed } from '../support/dispatcher.ts'
import { type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus } from '../support/twilio.ts'

const POISON = "' OR 1=1"
const events = (count: number) => Array.from({ length: count }, () => messageStatus())
const poison = () => messageStatus({ data: { body: POISON } })

let segment: SegmentStandIn
beforeAll(async () => {
  segment = await startSegment()
})
afterEach(() => segment.reset())
afterAll(() => segment.close())

function open(settings: Record<string, string> = {}) {
  const clock = createClock(Date.now())
  const dispatcher = openTestbed({ deliver: deliverTo(segment.url, clock.now), settings, clock })
  return { dispatcher, clock, admin: dispatcher.admin }
}

it('[DP100] events that are held back do not count towards MAX_BACKLOG, nor as waiting', async () => {
  const { dispatcher, clock } = open({ MAX_BACKLOG: '3' })
  const bad = { kind: 'status', status: 403, body: 'blocked' } as const
  segment.fail({ kind: 'text', text: POISON, bad })
  for (let held = 1; held <= 4; held++) {
    expect(dispatcher.take(poison(), ...events(1)), `with ${held - 1} held back`).toBe(true)
    await dispatcher.drainFor(20_000)
    expect(dispatcher.outbox.held()).toBe(held)
  }
  expect(dispatcher.health().troubles).toEqual([])
  // The proof that the destination is up is over.
  clock.pass(2 * MINUTE)
  segment.fail({ kind: 'status', status: 500 })
  expect(dispatcher.take(...events(3))).toBe(true)
  expect(dispatcher.take(...events(1))).toBe(false)
  await dispatcher.drainFor(0)
  clock.pass(20 * MINUTE)
  dispatcher.tick()
  expect(JSON.stringify(dispatcher.notices().at(-1))).toContain('3 events wait')
})

it('[DP101] what a person sends again leaves half of MAX_BACKLOG to what Twilio sends, and goes on when there is room', async () => {
  const { dispatcher, admin, clock } = open({ MAX_BACKLOG: '20' })
  for (let taken = 0; taken < 4; taken++) {
    dispatcher.take(...events(8))
    await dispatcher.drainFor(0)
  }
  expect(dispatcher.figures()).toMatchObject({ accepted: 32, pending: 0 })
  segment.fail({ kind: 'status', status: 500 })
  const query = { since: 0, until: clock.at + 1 }
  clock.pass(1_000)
  const preview = await admin.resendMany({ ...query, preview: true })
  expect(preview).toMatchObject({ matched: 32, next: undefined })
  const first = await admin.resendMany(query)
  expect(first).toMatchObject({ done: 10 })
  expect(first.next).toBeDefined()
  expect(await admin.resendMany({ ...query, after: first.next })).toMatchObject({ done: 0, next: first.next })
  expect(dispatcher.take(...events(9))).toBe(true)
  segment.heal()
  await dispatcher.drainFor(MINUTE)
  let done = first.done
  for (let after = first.next; after !== undefined; ) {
    const page = await admin.resendMany({ ...query, after })
    done += page.done
    after = page.next
    await dispatcher.drainFor(MINUTE)
  }
  expect(done).toBe(32)
  expect(dispatcher.figures()).toMatchObject({ accepted: 41, pending: 0 })
})

it('[DP101] from the very first event on, when there is no room at all', async () => {
  const { dispatcher, admin, clock } = open({ MAX_BACKLOG: '4' })
  dispatcher.take(...events(3))
  await dispatcher.drainFor(0)
  segment.fail({ kind: 'status', status: 500 })
  dispatcher.take(...events(3))
  const query = { since: 0, until: clock.at + 1 }
  const stopped = await admin.resendMany(query)
  expect(stopped).toMatchObject({ matched: 0, done: 0, next: expect.any(String) })
  segment.heal()
  await dispatcher.drainFor(MINUTE)
  expect(await admin.resendMany({ ...query, after: stopped.next })).toMatchObject({ done: 2 })
})

it.each(['drop', 'retry'] as const)('[DP101] a bulk %s of dead letters fits the room', async action => {
  const { dispatcher, admin } = open({ MAX_BACKLOG: '6' })
  dispatcher.take(...Array.from({ length: 5 }, () => messageStatus({ data: { text: 'x'.repeat(33_000) } })))
  await dispatcher.drainFor(0)
  expect(dispatcher.figures()).toMatchObject({ refused: 5 })
  const room = action === 'retry' ? 3 : 5
  expect(await admin.changeMany(action, {})).toEqual({ matched: 5, ready: 5, done: room })
})

it('[DP101] what is held back can be retried in bulk when there is no room: it takes none', async () => {
  const { dispatcher, clock, admin } = open({ MAX_BACKLOG: '2' })
  segment.fail({ kind: 'text', text: POISON, bad: { kind: 'status', status: 403, body: 'blocked' } })
  dispatcher.take(poison(), ...events(1))
  await dispatcher.drainFor(20_000)
  expect(dispatcher.outbox.held()).toBe(1)
  clock.pass(2 * MINUTE)
  segment.fail({ kind: 'status', status: 500 })
  dispatcher.take(...events(2))
  expect(await admin.changeMany('retry', { state: 'held' })).toEqual({ matched: 1, ready: 1, done: 1 })
})

it.each([20, 21, 40])(
  '[DP102] a failure ends when nothing but held-back events waits any more: %i culprits in a row',
  async culprits => {
    const { dispatcher, clock } = open()
    segment.fail({ kind: 'text', text: POISON, bad: { kind: 'status', status: 403, body: 'blocked' } })
    dispatcher.take(...Array.from({ length: culprits }, poison), ...events(1))
    await dispatcher.drainFor(30_000)
    // Twenty in a row raise a doubt, and an event that passes dispels it.
    dispatcher.take(...events(1))
    await dispatcher.drainFor(10 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ accepted: 2, pending: culprits })
    expect(dispatcher.outbox.held()).toBe(culprits)
    expect(dispatcher.line().failures).toBe(0)
    clock.pass(20 * MINUTE)
    dispatcher.tick()
    expect(dispatcher.health().notices.delivery.open).toEqual([])
  },
)
