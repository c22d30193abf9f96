import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import type { DeliveryOutcome as Outcome } from '../../src/send/destination.ts'
import type { Deliver } from '../../src/send/segment/client.ts'
import { newDataDir, startBridge } from '../support/bridge.ts'
import { createClock, DAY, deliverTo, MINUTE, openTestbed, requestRow, START } from '../support/dispatcher.ts'
import { type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const SECOND = 1_000
let segment: SegmentStandIn
beforeEach(async () => {
  segment = await startSegment()
})
afterEach(() => segment.close())

const events = (count: number) => Array.from({ length: count }, () => messageStatus())
const toStandIn = (more: Partial<Parameters<typeof openTestbed>[0]> = {}) => {
  const clock = more.clock ?? createClock()
  return openTestbed({ deliver: deliverTo(segment.url, clock.now), ...more, clock })
}

/** Batches wait here until the test lets them end. */
function createGate() {
  const batches: { events: number; end(outcome: Outcome): void }[] = []
  const deliver: Deliver = tracks =>
    new Promise(resolve => batches.push({ events: tracks.length, end: resolve }))
  return { batches, deliver }
}
const accepted: Outcome = { kind: 'accepted', status: 200, answer: 'OK' }
const failing: Outcome = { kind: 'failed', reason: 'segment_failing', status: 503, answer: '', waitToldMs: 0 }
const turn = () => new Promise(resolve => setImmediate(resolve))

describe('a line that fails', () => {
  it('[DP1] backs off failure by failure, and starts anew after a success', async () => {
    const dispatcher = toStandIn({ random: () => 0.999_999 })
    segment.fail({ kind: 'status', status: 503 })
    dispatcher.take(...events(3))
    const waits: number[] = []
    for (let attempt = 0; attempt < 10; attempt++) {
      await dispatcher.deliverNextBatch()
      const due = (await dispatcher.deliverNextBatch()) ?? 0
      waits.push((due - dispatcher.clock.at) / SECOND)
      dispatcher.clock.at = due
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60])
    expect(dispatcher.line()).toMatchObject({ failures: 10, reason: 'segment_failing' })

    segment.heal()
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 3 })
    expect(dispatcher.line()).toMatchObject({ failures: 0, notBefore: 0 })
    segment.fail({ kind: 'status', status: 503 })
    dispatcher.take(...events(1))
    await dispatcher.deliverNextBatch()
    expect(((await dispatcher.deliverNextBatch()) ?? 0) - dispatcher.clock.at).toBe(SECOND)
  })

  it('[DP1] a wait that Segment told is waited out: not one request before', async () => {
    const clock = createClock(Date.now())
    const dispatcher = toStandIn({ clock, random: () => 0 })
    segment.fail({ kind: 'throttle', retryAfter: 90 }, { times: 1 })
    dispatcher.take(...events(2))
    await dispatcher.drainFor(0)
    const due = (await dispatcher.deliverNextBatch()) ?? 0
    expect(due - dispatcher.clock.at).toBe(90 * SECOND)
    dispatcher.clock.at = due - 1
    await dispatcher.drainFor(0)
    expect(segment.requests).toHaveLength(1)
    dispatcher.clock.at = due
    await dispatcher.drainFor(0)
    expect(segment.requests).toHaveLength(2)
    expect(dispatcher.figures()).toMatchObject({ accepted: 2 })
  })

  it.each([
    [301, 'segment_misrouted'],
    [401, 'segment_unauthorized'],
    [400, 'segment_refuses_all'],
  ])('[DP1] a %i for everything pauses for 5 minutes once two probes have failed', async (status, reason) => {
    const dispatcher = toStandIn()
    segment.fail({ kind: 'status', status })
    dispatcher.take(...events(2))
    const waits: number[] = []
    for (let attempt = 0; attempt < 5; attempt++) {
      await dispatcher.deliverNextBatch()
      expect(dispatcher.line().reason).toBe(reason)
      const due = (await dispatcher.deliverNextBatch()) ?? 0
      waits.push((due - dispatcher.clock.at) / SECOND)
      dispatcher.clock.at = due
    }
    expect(waits).toEqual([1, 2, 2, 300, 300])
    segment.heal()
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ accepted: 2, refused: 0 })
  })

  it('[DP1] one 401 between two 200s costs a second', async () => {
    const dispatcher = toStandIn()
    segment.fail({ kind: 'status', status: 401 }, { times: 1 })
    dispatcher.take(...events(2))
    await dispatcher.deliverNextBatch()
    await dispatcher.drainFor(SECOND)
    expect(dispatcher.figures()).toMatchObject({ accepted: 2 })
  })

  it('[DP2] after a failure one lane alone tries; the others sleep until it knows', async () => {
    const { batches, deliver } = createGate()
    const dispatcher = openTestbed({ deliver, random: () => 0.5 })
    dispatcher.take(...events(600))
    const first = dispatcher.deliverNextBatch()
    await turn()
    batches[0]?.end(failing)
    await first
    dispatcher.clock.pass(SECOND)

    const probe = dispatcher.deliverNextBatch()
    expect(await dispatcher.deliverNextBatch()).toBeUndefined()
    expect(await dispatcher.deliverNextBatch()).toBeUndefined()
    expect(batches).toHaveLength(2)
    batches[1]?.end(accepted)
    // At once, so that the host wakes the lanes that slept.
    expect(await probe).toBeLessThanOrEqual(dispatcher.clock.at)
    expect(dispatcher.figures()).toMatchObject({ pending: 350, accepted: 250 })
    const lanes = [dispatcher.deliverNextBatch(), dispatcher.deliverNextBatch()]
    await turn()
    expect(batches.slice(2).map(batch => batch.events)).toEqual([250, 100])
    for (const batch of batches) batch.end(accepted)
    await Promise.all(lanes)
  })

  it('[DP2] while all is well lanes work side by side, on different events', async () => {
    const { batches, deliver } = createGate()
    const dispatcher = openTestbed({ deliver })
    dispatcher.take(...events(350))
    const lanes = [
      dispatcher.deliverNextBatch(),
      dispatcher.deliverNextBatch(),
      dispatcher.deliverNextBatch(),
    ]
    await turn()
    expect(batches.map(batch => batch.events)).toEqual([250, 100])
    for (const batch of batches) batch.end(accepted)
    await Promise.all(lanes)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 350 })
  })

  it('[DP3] a success that began before a failure does not undo the wait it told', async () => {
    const { batches, deliver } = createGate()
    const dispatcher = openTestbed({ deliver })
    dispatcher.take(...events(350))
    const lanes = [dispatcher.deliverNextBatch(), dispatcher.deliverNextBatch()]
    await turn()
    batches[1]?.end({ ...failing, reason: 'segment_throttled', waitToldMs: 60 * SECOND })
    await lanes[1]
    batches[0]?.end(accepted)
    await lanes[0]
    expect(dispatcher.figures()).toMatchObject({ accepted: 250, pending: 100 })
    expect(await dispatcher.deliverNextBatch()).toBe(START + 60 * SECOND)
  })

  it('[DP4] a lane is never told to sleep while work is due', async () => {
    const clock = createClock()
    let calls = 0
    const outcomes: Outcome[] = [accepted, failing, { kind: 'refused', status: 400, answer: '' }, accepted]
    const dispatcher = openTestbed({
      clock,
      deliver: async () => outcomes[calls++ % outcomes.length] ?? accepted,
    })
    for (let round = 0; round < 40; round++) {
      dispatcher.take(...events(1 + (round % 3)))
      const due = await dispatcher.deliverNextBatch()
      if (due === undefined) expect(dispatcher.figures()).toMatchObject({ pending: 0 })
      if (due !== undefined && due > clock.at) clock.at = due
    }
    await dispatcher.drainFor(DAY)
    expect(dispatcher.figures()).toMatchObject({ pending: 0 })
  })

  it('[DP4] a clock set back by hours does not keep events waiting that long', async () => {
    const dispatcher = toStandIn()
    segment.fail({ kind: 'status', status: 404 }, { times: 1 })
    dispatcher.take(...events(1))
    await dispatcher.deliverNextBatch()
    dispatcher.clock.pass(-180 * MINUTE)
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ accepted: 1 })
  })
})

describe('a poison event', () => {
  it('[DP5] is refused, kept, told of, and can be sent again', async () => {
    const dispatcher = toStandIn()
    const batch = events(40)
    const bad = batch[17]?.id ?? ''
    segment.fail({ kind: 'poison', messageIds: [bad] })
    dispatcher.take(...batch)
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 39, refused: 1 })
    expect(dispatcher.notices()).toMatchObject([
      { error_code: 91305, payload: { more_info: { counts: { segment_refused: 1 }, first_event_id: bad } } },
    ])
    segment.heal()
    dispatcher.outbox.transition(
      [{ request: 1, position: 17 }],
      ['refused'],
      { state: 'pending' },
      dispatcher.clock.at,
    )
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ accepted: 40, refused: 0 })
  })

  it('[DP6] ten that are refused one by one, with nothing taken between, are no coincidence: the next ones stay pending', async () => {
    const dispatcher = toStandIn()
    segment.fail({ kind: 'status', status: 400, body: 'no' })
    for (let at = 0; at < 13; at++) {
      dispatcher.take(...events(1))
      await dispatcher.drainFor(0)
    }
    expect(dispatcher.figures()).toMatchObject({ refused: 10, pending: 3 })
    expect(dispatcher.line().reason).toBe('segment_refuses_all')
    segment.heal()
    await dispatcher.drainFor(5 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ refused: 10, accepted: 3 })
    // Believed again.
    segment.fail({ kind: 'status', status: 400, body: 'no' })
    dispatcher.take(...events(1))
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ refused: 11, pending: 0 })
  })
})

describe('a run of poison events', () => {
  const poisonous = (count: number) =>
    Array.from({ length: count }, (_, at) => messageStatus({ id: `EZpoison${at}` }))
  const poison = () => segment.fail({ kind: 'poison', messageIds: { prefix: 'EZpoison' } })
  const minutesUntilIdle = async (dispatcher: ReturnType<typeof toStandIn>) => {
    await dispatcher.drainFor(DAY)
    return (dispatcher.clock.at - START) / MINUTE
  }

  it.each([
    { rate: '1000', bad: 300, good: 1_000, minutes: 6 },
    // More than one batch without a single good event.
    { rate: '1000', bad: 600, good: 40, minutes: 6 },
    // Batches of one, of two, of ten.
    { rate: '4', bad: 15, good: 50, minutes: 1 },
    { rate: '8', bad: 30, good: 50, minutes: 6 },
    { rate: '40', bad: 300, good: 60, minutes: 6 },
  ])(
    '[DP16] at a rate of $rate, $bad before $good good ones, becomes dead letters',
    async ({ rate, bad, good, minutes }) => {
      const dispatcher = toStandIn({ settings: { SEGMENT_RATE: rate } })
      poison()
      dispatcher.take(...poisonous(bad), ...events(good))
      expect(await minutesUntilIdle(dispatcher)).toBeLessThan(minutes)
      expect(dispatcher.figures()).toMatchObject({ pending: 0, refused: bad, accepted: good })
      expect([segment.ids.size, segment.duplicates]).toEqual([good, 0])
      // Two for each that is singled out, one for each of the others, and what the first probe cost.
      expect(segment.requests.length).toBeLessThanOrEqual(2 * bad + good + 2 * 24 + 10)
      dispatcher.take(...events(1))
      await dispatcher.drainFor(SECOND)
      expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: good + 1 })
    },
  )

  it.each(['0', '1000', '40'])(
    '[DP17] a receiver that refuses everything, at a rate of %s: all stay pending, one request a probe',
    async rate => {
      const dispatcher = toStandIn({ settings: { SEGMENT_RATE: rate } })
      segment.fail({ kind: 'status', status: 400 })
      dispatcher.take(...events(1_300))
      await dispatcher.drainFor(59 * MINUTE)
      expect(dispatcher.figures()).toMatchObject({ pending: 1_300, refused: 0, accepted: 0 })
      const { failures, reason } = dispatcher.line()
      expect([failures > 10, failures < 17, reason]).toEqual([true, true, 'segment_refuses_all'])
      // Two batches are halved until eight stand alone; each probe is one request.
      expect(segment.requests.length).toBeLessThanOrEqual(2 * 24 + failures)
      segment.heal()
      await dispatcher.drainFor(10 * MINUTE)
      expect(dispatcher.figures()).toMatchObject({ pending: 0, refused: 0, accepted: 1_300 })
    },
  )

  it('[DP16] and nothing else: it stays pending until one good event proves the receiver well', async () => {
    const dispatcher = toStandIn({ settings: { SEGMENT_RATE: '1000' } })
    poison()
    dispatcher.take(...poisonous(300))
    await dispatcher.drainFor(59 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 300, refused: 0 })
    expect(dispatcher.line().reason).toBe('segment_refuses_all')
    dispatcher.take(...events(1))
    await dispatcher.drainFor(20 * MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, refused: 300, accepted: 1 })
  })
})

describe('a backlog with a limit', () => {
  it('[DP7] that is reached takes no more, says so, and takes again when there is room', async () => {
    const dispatcher = toStandIn({ settings: { MAX_BACKLOG: '5' } })
    segment.fail({ kind: 'status', status: 503 })
    expect(dispatcher.take(...events(5))).toBe(true)
    const turnedAway = dispatcher.append([
      requestRow(events(1), dispatcher.clock.at),
      requestRow(events(2), dispatcher.clock.at),
    ])
    expect(turnedAway).toEqual([
      { stored: false, reason: 'backlog_full', detail: '5 events wait' },
      { stored: false, reason: 'backlog_full', detail: '5 events wait' },
    ])
    expect(dispatcher.health().troubles).toEqual([
      { reason: 'backlog_full', text: 'the backlog has reached MAX_BACKLOG (5 events)' },
    ])
    expect(dispatcher.notices()).toMatchObject([{ error_code: 913910, level: 'Error' }])
    // None of them is sorted yet.
    expect(JSON.stringify(dispatcher.notices())).toContain('5 events wait')
    segment.heal()
    await dispatcher.drainFor(MINUTE)
    expect(dispatcher.take(...events(1))).toBe(true)
    expect(dispatcher.health().troubles).toEqual([])
    await dispatcher.drainFor(MINUTE)
    expect(segment.ids.size).toBe(6)
  })

  it('[DP7] Twilio is answered 503 with Retry-After, and the notice tells', async () => {
    segment.fail({ kind: 'status', status: 503 })
    await using bridge = await startBridge({
      SEGMENT_WRITE_KEY: 'key',
      SEGMENT_HOST: segment.url,
      MAX_BACKLOG: '3',
    })
    expect((await sendEvents(bridge.webhook, events(3))).status).toBe(200)
    const answer = await sendEvents(bridge.webhook, events(1))
    expect(answer.status).toBe(503)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await answer.json()).toMatchObject({ error: 'backlog_full' })
    expect(await bridge.stats()).toMatchObject({ received: 3, pending: 3 })
  })
})

describe('an outbox that cannot be written', () => {
  it('[DP8] a settling that fails is tried again; what Segment took is not sent twice, and nothing else goes meanwhile', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(4))
    dispatcher.indexPending()
    dispatcher.disk.fails = statement => /^\s*UPDATE events/.test(statement)
    await dispatcher.deliverNextBatch()
    expect(segment.ids.size).toBe(4)
    for (let second = 0; second < 5; second++) {
      dispatcher.take(...events(1))
      const due = await dispatcher.deliverNextBatch()
      expect(due).toBe(dispatcher.clock.at + SECOND)
      dispatcher.clock.pass(SECOND)
      dispatcher.tick()
    }
    expect(segment.requests).toHaveLength(1)
    expect(dispatcher.figures()).toMatchObject({ pending: 9, accepted: 0 })
    expect(dispatcher.notices()).toMatchObject([{ error_code: 913909 }])

    dispatcher.disk.fails = () => false
    dispatcher.tick()
    expect(dispatcher.health().troubles).toEqual([])
    await dispatcher.drainFor(MINUTE)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, accepted: 9 })
    expect([segment.ids.size, segment.duplicates]).toEqual([9, 0])
  })

  it('[DP9] an intake that cannot be stored does no harm to those that share its commit', async () => {
    const dispatcher = toStandIn()
    const [poisoned, ...fine] = [0, 1, 2].map(() => events(2))
    const body = JSON.stringify(poisoned)
    const intakes = [fine[0], poisoned, fine[1]].map(batch => requestRow(batch ?? [], dispatcher.clock.at))
    const sql = dispatcher.sql.all
    dispatcher.sql.all = (query, ...values) => {
      if (values.includes(body)) throw new Error('string or blob too big')
      return sql(query, ...values)
    }
    expect(dispatcher.append(intakes)).toEqual([
      { stored: true },
      { stored: false, reason: 'outbox_unwritable', detail: 'string or blob too big' },
      { stored: true },
    ])
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ accepted: 4, pending: 0 })
    expect(dispatcher.notices()).toMatchObject([{ error_code: 913909 }])
  })

  it('[DP9] all are turned away while nothing can be written, and taken again afterwards', async () => {
    const dispatcher = toStandIn()
    dispatcher.disk.fails = () => true
    expect(dispatcher.take(...events(1))).toBe(false)
    expect(dispatcher.append([requestRow(events(1), START), requestRow(events(1), START)])).toMatchObject([
      { stored: false, reason: 'outbox_unwritable' },
      { stored: false, reason: 'outbox_unwritable' },
    ])
    dispatcher.tick()
    expect(dispatcher.health().troubles).toHaveLength(1)
    dispatcher.disk.fails = () => false
    dispatcher.tick()
    expect(dispatcher.health().troubles).toEqual([])
    expect(dispatcher.take(...events(1))).toBe(true)
  })

  it('[DP10] is told of though nobody knocks: when sorting, claiming or pruning finds it out', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(1))
    dispatcher.disk.fails = () => true
    expect(await dispatcher.deliverNextBatch()).toBe(START + SECOND)
    dispatcher.tick()
    const [line] = dispatcher.lines.filter(({ fields }) => 'notice' in fields)
    expect(line).toMatchObject({ level: 'error', fields: { error_code: 913909 } })
    dispatcher.disk.fails = () => false
    dispatcher.clock.pass(SECOND)
    dispatcher.tick()
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ accepted: 1 })
  })

  it('[DP10] one in which nothing can be sorted is told of until it can, though all else can be written', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(2))
    dispatcher.disk.fails = statement => /INSERT INTO events/.test(statement)
    for (let second = 0; second < 3; second++) {
      expect(await dispatcher.deliverNextBatch()).toBe(dispatcher.clock.at + SECOND)
      dispatcher.tick()
      expect(dispatcher.health().troubles).toHaveLength(1)
      dispatcher.clock.pass(SECOND)
    }
    expect(dispatcher.notices()).toMatchObject([{ error_code: 913909 }])
    expect(dispatcher.lines.filter(({ message }) => message === 'the outbox cannot be written')).toHaveLength(
      1,
    )
    dispatcher.disk.fails = () => false
    dispatcher.tick()
    expect(dispatcher.health().troubles).toEqual([])
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ accepted: 2 })
  })

  it('[DP10] one whose events cannot be read stops nothing for good', async () => {
    const dispatcher = toStandIn()
    dispatcher.take(...events(2))
    dispatcher.indexPending()
    const { all } = dispatcher.sql
    dispatcher.sql.all = (query, ...values) => {
      if (/SELECT .* FROM events WHERE destination = \? AND state = 'pending'/.test(query))
        throw new Error('disk I/O error')
      return all(query, ...values)
    }
    for (let second = 0; second < 3; second++) {
      expect(await dispatcher.deliverNextBatch()).toBe(dispatcher.clock.at + SECOND)
      dispatcher.tick()
      dispatcher.clock.pass(SECOND)
    }
    dispatcher.sql.all = all
    dispatcher.tick()
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ accepted: 2 })
  })

  it('[DP10] while it lasts the log holds a few lines, not one a request', () => {
    const dispatcher = toStandIn()
    dispatcher.disk.fails = () => true
    for (let request = 0; request < 300; request++) dispatcher.take(...events(1))
    expect(dispatcher.lines.length).toBeLessThanOrEqual(4)
  })
})

describe('a bug of ours', () => {
  it('[DP11] in the delivery leaves the events pending, backs off, and is told as a bridge fault', async () => {
    let broken = true
    const real = deliverTo(segment.url)
    const dispatcher = openTestbed({
      deliver: async (tracks, signal) => {
        if (broken) throw new TypeError('to +15550100199 cannot be read')
        return real(tracks, signal)
      },
    })
    dispatcher.take(...events(2))
    await dispatcher.deliverNextBatch()
    expect(dispatcher.figures()).toMatchObject({ pending: 2 })
    expect(dispatcher.line()).toMatchObject({ failures: 1, reason: 'bridge_fault' })
    expect(dispatcher.notices()).toMatchObject([{ error_code: 91304 }])
    expect(JSON.stringify([dispatcher.lines, dispatcher.notices()])).not.toContain('5550100199')
    broken = false
    await dispatcher.drainFor(MINUTE)
    expect(dispatcher.figures()).toMatchObject({ accepted: 2 })
    expect(dispatcher.line().failures).toBe(0)
  })
})

describe('a stop', () => {
  it('[DL122] that ends an attempt blames no event and no destination, and counts none', async () => {
    const stop = new AbortController()
    const dispatcher = toStandIn({ signal: stop.signal })
    dispatcher.take(...events(3))
    segment.fail({ kind: 'hang' })
    const delivery = dispatcher.deliverNextBatch()
    await segment.waitFor(({ requests }) => requests.length > 0)
    stop.abort()
    await delivery
    expect(dispatcher.figures()).toMatchObject({ pending: 3, accepted: 0 })
    expect(dispatcher.line()).toMatchObject({ failures: 0, notBefore: 0 })
    expect([dispatcher.notices(), dispatcher.attempts()]).toEqual([[], []])
    const { events: listed } = dispatcher.outbox.list({ limit: 9 })
    expect(listed.map(({ attemptCount }) => attemptCount)).toEqual([0, 0, 0])
  })
})

describe('a dry run', () => {
  const dry = { SEGMENT_WRITE_KEY: '' }
  it('[DP12] ends in skipped, with the reason', async () => {
    const dispatcher = openTestbed({ deliver: async () => accepted, settings: dry })
    dispatcher.take(...events(3))
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ pending: 0, skipped: 3, accepted: 0 })
    expect(dispatcher.outbox.list({ limit: 1 }).events[0]).toMatchObject({ reason: 'dry_run' })
    expect(dispatcher.notices()).toEqual([])
  })

  it('[DP12] that could not write its file recovers when it can', async () => {
    let full = true
    const deliver: Deliver = async () => {
      if (full) throw new Error('ENOSPC: no space left on device')
      return accepted
    }
    const dispatcher = openTestbed({ deliver, settings: dry })
    dispatcher.take(...events(3))
    await dispatcher.deliverNextBatch()
    full = false
    await dispatcher.drainFor(MINUTE)
    expect(dispatcher.figures()).toMatchObject({ skipped: 3 })
    expect(dispatcher.line().failures).toBe(0)
    dispatcher.clock.pass(20 * MINUTE)
    dispatcher.tick()
    expect(dispatcher.notices().map(({ level }) => level)).toEqual(['Error', 'Notice'])
  })

  it('[DP12] sends nothing anywhere', async () => {
    await using bridge = await startBridge({ SEGMENT_HOST: segment.url })
    await sendEvents(bridge.webhook, events(1))
    await bridge.until(({ skipped }) => skipped === 1)
    expect(segment.requests).toEqual([])
  })
})

describe('upkeep', () => {
  it('[DP18] what is stored is indexed, however long the rate or a failing destination holds delivery back', async () => {
    for (const settings of [{ SEGMENT_RATE: '1' }, { SEGMENT_RATE: '0' }]) {
      const dispatcher = toStandIn({ settings })
      if (settings.SEGMENT_RATE === '0') segment.fail({ kind: 'status', status: 503 })
      for (let request = 0; request < 10; request++) dispatcher.take(...events(200))
      const end = dispatcher.clock.at + 50
      while (dispatcher.outbox.unsorted() > 0) {
        const due = await dispatcher.deliverNextBatch()
        expect(due).toBeLessThanOrEqual(end)
        dispatcher.clock.at = Math.max(dispatcher.clock.at, due ?? 0)
      }
    }
  })

  it('[IX110] while requests arrive, twice as many events as the destination accepts are indexed; then the rest', async () => {
    const dispatcher = openTestbed({ deliver: async () => accepted, settings: { SEGMENT_RATE: '1000' } })
    for (let ms = 0; ms < 1_500; ms += 40) {
      dispatcher.take(...events(200))
      await dispatcher.deliverNextBatch()
      dispatcher.clock.pass(40)
    }
    const { outbox } = dispatcher
    const indexed = 38 * 200 - outbox.unsorted()
    expect(indexed).toBeGreaterThan(2_500)
    expect(indexed).toBeLessThan(4_200)
    dispatcher.clock.pass(10)
    await dispatcher.drainFor(1_000)
    expect(outbox.unsorted()).toBe(0)
  })

  it('[IX110] duplicates and skipped events take nothing of that: delivery never waits for want of events', async () => {
    const dispatcher = toStandIn({ settings: { SEGMENT_RATE: '100' } })
    const known = events(1)
    for (let ms = 0; ms < 2_000; ms += 40) {
      dispatcher.take(...Array.from({ length: 50 }, () => known).flat())
      await dispatcher.deliverNextBatch()
      dispatcher.clock.pass(40)
    }
    expect(dispatcher.outbox.unsorted()).toBeLessThanOrEqual(50)
    expect(dispatcher.outbox.total('duplicate')).toBeGreaterThan(2_000)
  })

  it('[DP13] no second sees more events than SEGMENT_RATE and a quarter of it', async () => {
    const clock = createClock()
    const times: number[] = []
    const deliver: Deliver = async tracks => {
      for (const _ of tracks) times.push(clock.at)
      return accepted
    }
    const dispatcher = openTestbed({ clock, deliver, settings: { SEGMENT_RATE: '100' } })
    dispatcher.take(...events(1_000))
    await dispatcher.drainFor(30 * SECOND)
    expect(dispatcher.figures()).toMatchObject({ accepted: 1_000 })
    times.forEach((at, index) => {
      const inSecond = times.slice(index).filter(other => other < at + SECOND).length
      expect(inSecond).toBeLessThanOrEqual(125)
    })
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / SECOND
    expect(seconds).toBeGreaterThan(9)
    expect(seconds).toBeLessThan(11)
  })

  it('[DP13] what is on its way takes no place of what could go', async () => {
    const { batches, deliver } = createGate()
    const dispatcher = openTestbed({ deliver, settings: { SEGMENT_RATE: '100' } })
    dispatcher.take(...events(10))
    const first = dispatcher.deliverNextBatch()
    expect(await dispatcher.deliverNextBatch()).toBeUndefined()
    dispatcher.take(...events(15))
    const second = dispatcher.deliverNextBatch()
    await turn()
    expect(batches.map(batch => batch.events)).toEqual([10, 15])
    for (const batch of batches) batch.end(accepted)
    await Promise.all([first, second])
  })

  it('[DP13] what was asked for and not found may be asked for again', async () => {
    const { batches, deliver } = createGate()
    const dispatcher = openTestbed({ deliver, settings: { SEGMENT_RATE: '100' } })
    // Bodies so large that a claim reads two of them, and leaves 21 of the 25 it asked for.
    for (let request = 0; request < 20; request++) {
      dispatcher.take(messageStatus({ data: { body: 'x'.repeat(600_000) } }), messageStatus())
    }
    const first = dispatcher.deliverNextBatch()
    expect(await dispatcher.deliverNextBatch()).toBe(START + 40)
    batches[0]?.end(accepted)
    await first
  })

  it('[DP14] what is over its time goes; what waits, and a dead letter, stays for ever', async () => {
    const dispatcher = toStandIn({ settings: { RETENTION_DAYS: '1', DEDUPE_HOURS: '24' } })
    const bad = messageStatus({ id: 'EZbad' })
    segment.fail({ kind: 'poison', messageIds: ['EZbad'] })
    dispatcher.take(...events(3), bad)
    await dispatcher.drainFor(0)
    segment.fail({ kind: 'status', status: 503 })
    dispatcher.take(...events(1))
    await dispatcher.drainFor(0)
    dispatcher.clock.pass(3 * DAY)
    dispatcher.tick()
    const left = dispatcher.outbox
      .list({ limit: 10 })
      .events.map(({ state, element }) => [state, element !== undefined])
    expect(left).toEqual([
      ['pending', true],
      ['refused', true],
    ])
    expect(dispatcher.figures()).toMatchObject({ accepted: 3, refused: 1, pending: 1 })
  })

  it('[DP14] a clock that was ahead once, and is set back, holds it up no longer', async () => {
    const dispatcher = toStandIn({ settings: { RETENTION_DAYS: '1', DEDUPE_HOURS: '24' } })
    dispatcher.clock.pass(365 * DAY)
    dispatcher.tick()
    dispatcher.clock.pass(-365 * DAY)
    dispatcher.take(...events(3))
    await dispatcher.drainFor(0)
    dispatcher.clock.pass(3 * DAY)
    dispatcher.tick()
    expect(dispatcher.outbox.list({ limit: 10 }).events).toEqual([])
  })

  it('[DP14] RETENTION_DAYS=0: gone with the next tick', async () => {
    const dispatcher = toStandIn({ settings: { RETENTION_DAYS: '0' } })
    dispatcher.take(...events(3))
    await dispatcher.drainFor(0)
    dispatcher.clock.pass(1)
    dispatcher.tick()
    expect(dispatcher.outbox.list({ limit: 10 }).events.every(({ element }) => element === undefined)).toBe(
      true,
    )
  })

  it('[DP15] what was on its way when the process ended is sent again at the next start, under the same id', async () => {
    const folder = newDataDir()
    const file = join(folder, 'outbox.db')
    const first = openSqlite(file)
    const before = toStandIn({ sql: first })
    before.take(...events(5))
    segment.fail({ kind: 'late', ms: 60_000 }, { times: 1 })
    void before.deliverNextBatch().catch(() => undefined)
    await segment.waitFor(5)
    first.close()

    const second = openSqlite(file)
    const after = toStandIn({ sql: second })
    await after.drainFor(0)
    expect(after.figures()).toMatchObject({ pending: 0, accepted: 5 })
    expect([segment.ids.size, segment.duplicates]).toEqual([5, 5])
    second.close()
    rmSync(folder, { recursive: true })
  })
})
