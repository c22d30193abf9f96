import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import type { Deliver, Outcome } from '../../src/send/segment/client.ts'
import { newDataDir, startBridge } from '../support/bridge.ts'
import { createClock, DAY, deliverTo, MINUTE, openDepot, parcelOf, START } from '../support/depot.ts'
import { type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const SECOND = 1_000
let segment: SegmentStandIn
beforeEach(async () => {
  segment = await startSegment()
})
afterEach(() => segment.close())

const events = (count: number) => Array.from({ length: count }, () => messageStatus())
const toStandIn = (more: Partial<Parameters<typeof openDepot>[0]> = {}) => {
  const clock = more.clock ?? createClock()
  return openDepot({ deliver: deliverTo(segment.url, clock.now), ...more, clock })
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
    const depot = toStandIn({ random: () => 0.999_999 })
    segment.fail({ kind: 'status', status: 503 })
    depot.take(...events(3))
    const waits: number[] = []
    for (let attempt = 0; attempt < 10; attempt++) {
      await depot.drain()
      const due = (await depot.drain()) ?? 0
      waits.push((due - depot.clock.at) / SECOND)
      depot.clock.at = due
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60])
    expect(depot.health().line).toMatchObject({ failures: 10, reason: 'segment_failing' })

    segment.heal()
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ pending: 0, accepted: 3 })
    expect(depot.health().line).toMatchObject({ failures: 0, notBefore: 0 })
    segment.fail({ kind: 'status', status: 503 })
    depot.take(...events(1))
    await depot.drain()
    expect(((await depot.drain()) ?? 0) - depot.clock.at).toBe(SECOND)
  })

  it('[DP1] a wait that Segment told is waited out: not one request before', async () => {
    const clock = createClock(Date.now())
    const depot = toStandIn({ clock, random: () => 0 })
    segment.fail({ kind: 'throttle', retryAfter: 90 }, { times: 1 })
    depot.take(...events(2))
    await depot.drainFor(0)
    const due = (await depot.drain()) ?? 0
    expect(due - depot.clock.at).toBe(90 * SECOND)
    depot.clock.at = due - 1
    await depot.drainFor(0)
    expect(segment.requests).toHaveLength(1)
    depot.clock.at = due
    await depot.drainFor(0)
    expect(segment.requests).toHaveLength(2)
    expect(depot.figures()).toMatchObject({ accepted: 2 })
  })

  it.each([
    [301, 'segment_misrouted'],
    [401, 'segment_unauthorized'],
    [400, 'segment_refuses_all'],
  ])('[DP1] a %i for everything pauses for 5 minutes once two probes have failed', async (status, reason) => {
    const depot = toStandIn()
    segment.fail({ kind: 'status', status })
    depot.take(...events(2))
    const waits: number[] = []
    for (let attempt = 0; attempt < 5; attempt++) {
      await depot.drain()
      expect(depot.health().line.reason).toBe(reason)
      const due = (await depot.drain()) ?? 0
      waits.push((due - depot.clock.at) / SECOND)
      depot.clock.at = due
    }
    expect(waits).toEqual([1, 2, 2, 300, 300])
    segment.heal()
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ accepted: 2, refused: 0 })
  })

  it('[DP1] one 401 between two 200s costs a second', async () => {
    const depot = toStandIn()
    segment.fail({ kind: 'status', status: 401 }, { times: 1 })
    depot.take(...events(2))
    await depot.drain()
    await depot.drainFor(SECOND)
    expect(depot.figures()).toMatchObject({ accepted: 2 })
  })

  it('[DP2] after a failure one lane alone tries; the others sleep until it knows', async () => {
    const { batches, deliver } = createGate()
    const depot = openDepot({ deliver, random: () => 0.5 })
    depot.take(...events(600))
    const first = depot.drain()
    await turn()
    batches[0]?.end(failing)
    await first
    depot.clock.pass(SECOND)

    const probe = depot.drain()
    expect(await depot.drain()).toBeUndefined()
    expect(await depot.drain()).toBeUndefined()
    expect(batches).toHaveLength(2)
    batches[1]?.end(accepted)
    // At once, so that the host wakes the lanes that slept.
    expect(await probe).toBeLessThanOrEqual(depot.clock.at)
    expect(depot.figures()).toMatchObject({ pending: 350, accepted: 250 })
    const lanes = [depot.drain(), depot.drain()]
    await turn()
    expect(batches.slice(2).map(batch => batch.events)).toEqual([250, 100])
    for (const batch of batches) batch.end(accepted)
    await Promise.all(lanes)
  })

  it('[DP2] while all is well lanes work side by side, on different events', async () => {
    const { batches, deliver } = createGate()
    const depot = openDepot({ deliver })
    depot.take(...events(350))
    const lanes = [depot.drain(), depot.drain(), depot.drain()]
    await turn()
    expect(batches.map(batch => batch.events)).toEqual([250, 100])
    for (const batch of batches) batch.end(accepted)
    await Promise.all(lanes)
    expect(depot.figures()).toMatchObject({ pending: 0, accepted: 350 })
  })

  it.each([
    { asked: 50, sent: 50 },
    { asked: undefined, sent: 250 },
  ])('[BU4] asked for $asked events, a turn sends $sent and sorts twice as many', async ({ asked, sent }) => {
    const { batches, deliver } = createGate()
    const depot = openDepot({ deliver })
    for (let count = 0; count < 60; count++) depot.take(...events(10))
    void depot.drain(asked)
    await turn()
    expect(batches.map(batch => batch.events)).toEqual([sent])
    expect(600 - depot.outbox.unsorted()).toBe(2 * sent)
  })

  it('[DP3] a success that began before a failure does not undo the wait it told', async () => {
    const { batches, deliver } = createGate()
    const depot = openDepot({ deliver })
    depot.take(...events(350))
    const lanes = [depot.drain(), depot.drain()]
    await turn()
    batches[1]?.end({ ...failing, reason: 'segment_throttled', waitToldMs: 60 * SECOND })
    await lanes[1]
    batches[0]?.end(accepted)
    await lanes[0]
    expect(depot.figures()).toMatchObject({ accepted: 250, pending: 100 })
    expect(await depot.drain()).toBe(START + 60 * SECOND)
  })

  it('[DP4] a lane is never told to sleep while work is due', async () => {
    const clock = createClock()
    let calls = 0
    const outcomes: Outcome[] = [accepted, failing, { kind: 'refused', status: 400, answer: '' }, accepted]
    const depot = openDepot({ clock, deliver: async () => outcomes[calls++ % outcomes.length] ?? accepted })
    for (let round = 0; round < 40; round++) {
      depot.take(...events(1 + (round % 3)))
      const due = await depot.drain()
      if (due === undefined) expect(depot.figures()).toMatchObject({ pending: 0 })
      if (due !== undefined && due > clock.at) clock.at = due
    }
    await depot.drainFor(DAY)
    expect(depot.figures()).toMatchObject({ pending: 0 })
  })

  it('[DP4] a clock set back by hours does not keep events waiting that long', async () => {
    const depot = toStandIn()
    segment.fail({ kind: 'status', status: 404 }, { times: 1 })
    depot.take(...events(1))
    await depot.drain()
    depot.clock.pass(-180 * MINUTE)
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ accepted: 1 })
  })
})

describe('a poison event', () => {
  it('[DP5] is refused, kept, told of, and can be sent again', async () => {
    const depot = toStandIn()
    const batch = events(40)
    const bad = batch[17]?.id ?? ''
    segment.fail({ kind: 'poison', messageIds: [bad] })
    depot.take(...batch)
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ pending: 0, accepted: 39, refused: 1 })
    expect(depot.notices()).toMatchObject([
      { error_code: 91305, payload: { more_info: { counts: { segment_refused: 1 }, first_event_id: bad } } },
    ])
    segment.heal()
    depot.outbox.change({ request: 1, position: 17 }, ['refused'], { state: 'pending' }, depot.clock.at)
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ accepted: 40, refused: 0 })
  })

  it('[DP6] ten that are refused one by one, with nothing taken between, are no coincidence: the next ones stay pending', async () => {
    const depot = toStandIn()
    segment.fail({ kind: 'status', status: 400, body: 'no' })
    for (let at = 0; at < 13; at++) {
      depot.take(...events(1))
      await depot.drainFor(0)
    }
    expect(depot.figures()).toMatchObject({ refused: 10, pending: 3 })
    expect(depot.health().line.reason).toBe('segment_refuses_all')
    segment.heal()
    await depot.drainFor(5 * MINUTE)
    expect(depot.figures()).toMatchObject({ refused: 10, accepted: 3 })
    // Believed again.
    segment.fail({ kind: 'status', status: 400, body: 'no' })
    depot.take(...events(1))
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ refused: 11, pending: 0 })
  })
})

describe('a run of poison events', () => {
  const poisonous = (count: number) =>
    Array.from({ length: count }, (_, at) => messageStatus({ id: `EZpoison${at}` }))
  const poison = () => segment.fail({ kind: 'poison', messageIds: { prefix: 'EZpoison' } })
  const minutesUntilIdle = async (depot: ReturnType<typeof toStandIn>) => {
    await depot.drainFor(DAY)
    return (depot.clock.at - START) / MINUTE
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
      const depot = toStandIn({ settings: { SEGMENT_RATE: rate } })
      poison()
      depot.take(...poisonous(bad), ...events(good))
      expect(await minutesUntilIdle(depot)).toBeLessThan(minutes)
      expect(depot.figures()).toMatchObject({ pending: 0, refused: bad, accepted: good })
      expect([segment.ids.size, segment.duplicates]).toEqual([good, 0])
      // Two for each that is singled out, one for each of the others, and what the first probe cost.
      expect(segment.requests.length).toBeLessThanOrEqual(2 * bad + good + 2 * 24 + 10)
      depot.take(...events(1))
      await depot.drainFor(SECOND)
      expect(depot.figures()).toMatchObject({ pending: 0, accepted: good + 1 })
    },
  )

  it.each(['0', '1000', '40'])(
    '[DP17] a receiver that refuses everything, at a rate of %s: all stay pending, one request a probe',
    async rate => {
      const depot = toStandIn({ settings: { SEGMENT_RATE: rate } })
      segment.fail({ kind: 'status', status: 400 })
      depot.take(...events(1_300))
      await depot.drainFor(59 * MINUTE)
      expect(depot.figures()).toMatchObject({ pending: 1_300, refused: 0, accepted: 0 })
      const { failures, reason } = depot.health().line
      expect([failures > 10, failures < 17, reason]).toEqual([true, true, 'segment_refuses_all'])
      // Two batches are halved until eight stand alone; each probe is one request.
      expect(segment.requests.length).toBeLessThanOrEqual(2 * 24 + failures)
      segment.heal()
      await depot.drainFor(10 * MINUTE)
      expect(depot.figures()).toMatchObject({ pending: 0, refused: 0, accepted: 1_300 })
    },
  )

  it('[DP16] and nothing else: it stays pending until one good event proves the receiver well', async () => {
    const depot = toStandIn({ settings: { SEGMENT_RATE: '1000' } })
    poison()
    depot.take(...poisonous(300))
    await depot.drainFor(59 * MINUTE)
    expect(depot.figures()).toMatchObject({ pending: 300, refused: 0 })
    expect(depot.health().line.reason).toBe('segment_refuses_all')
    depot.take(...events(1))
    await depot.drainFor(20 * MINUTE)
    expect(depot.figures()).toMatchObject({ pending: 0, refused: 300, accepted: 1 })
  })
})

describe('a backlog with a limit', () => {
  it('[DP7] that is reached takes no more, says so, and takes again when there is room', async () => {
    const depot = toStandIn({ settings: { MAX_BACKLOG: '5' } })
    segment.fail({ kind: 'status', status: 503 })
    expect(depot.take(...events(5))).toBe(true)
    const turnedAway = depot.put([parcelOf(events(1), depot.clock.at), parcelOf(events(2), depot.clock.at)])
    expect(turnedAway).toEqual([
      { stored: false, reason: 'backlog_full', detail: '5 events wait' },
      { stored: false, reason: 'backlog_full', detail: '5 events wait' },
    ])
    expect(depot.health().troubles).toEqual([
      { reason: 'backlog_full', text: 'the backlog has reached MAX_BACKLOG (5 events)' },
    ])
    expect(depot.notices()).toMatchObject([{ error_code: 913910, level: 'Error' }])
    // None of them is sorted yet.
    expect(JSON.stringify(depot.notices())).toContain('5 events wait')
    segment.heal()
    await depot.drainFor(MINUTE)
    expect(depot.take(...events(1))).toBe(true)
    expect(depot.health().troubles).toEqual([])
    await depot.drainFor(MINUTE)
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
    const depot = toStandIn()
    depot.take(...events(4))
    depot.settleAccounts()
    depot.disk.fails = statement => /^\s*UPDATE events/.test(statement)
    await depot.drain()
    expect(segment.ids.size).toBe(4)
    for (let second = 0; second < 5; second++) {
      depot.take(...events(1))
      const due = await depot.drain()
      expect(due).toBe(depot.clock.at + SECOND)
      depot.clock.pass(SECOND)
      depot.tick()
    }
    expect(segment.requests).toHaveLength(1)
    expect(depot.figures()).toMatchObject({ pending: 9, accepted: 0 })
    expect(depot.notices()).toMatchObject([{ error_code: 913909 }])

    depot.disk.fails = () => false
    depot.tick()
    expect(depot.health().troubles).toEqual([])
    await depot.drainFor(MINUTE)
    expect(depot.figures()).toMatchObject({ pending: 0, accepted: 9 })
    expect([segment.ids.size, segment.duplicates]).toEqual([9, 0])
  })

  it('[DP9] an intake that cannot be stored does no harm to those that share its commit', async () => {
    const depot = toStandIn()
    const [poisoned, ...fine] = [0, 1, 2].map(() => events(2))
    const body = JSON.stringify(poisoned)
    const intakes = [fine[0], poisoned, fine[1]].map(batch => parcelOf(batch ?? [], depot.clock.at))
    const sql = depot.sql.all
    depot.sql.all = (query, ...values) => {
      if (values.includes(body)) throw new Error('string or blob too big')
      return sql(query, ...values)
    }
    expect(depot.put(intakes)).toEqual([
      { stored: true },
      { stored: false, reason: 'outbox_unwritable', detail: 'string or blob too big' },
      { stored: true },
    ])
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ accepted: 4, pending: 0 })
    expect(depot.notices()).toMatchObject([{ error_code: 913909 }])
  })

  it('[DP9] all are turned away while nothing can be written, and taken again afterwards', async () => {
    const depot = toStandIn()
    depot.disk.fails = () => true
    expect(depot.take(...events(1))).toBe(false)
    expect(depot.put([parcelOf(events(1), START), parcelOf(events(1), START)])).toMatchObject([
      { stored: false, reason: 'outbox_unwritable' },
      { stored: false, reason: 'outbox_unwritable' },
    ])
    depot.tick()
    expect(depot.health().troubles).toHaveLength(1)
    depot.disk.fails = () => false
    depot.tick()
    expect(depot.health().troubles).toEqual([])
    expect(depot.take(...events(1))).toBe(true)
  })

  it('[DP10] is told of though nobody knocks: when sorting, claiming or pruning finds it out', async () => {
    const depot = toStandIn()
    depot.take(...events(1))
    depot.disk.fails = () => true
    expect(await depot.drain()).toBe(START + SECOND)
    depot.tick()
    const [line] = depot.lines.filter(({ fields }) => 'notice' in fields)
    expect(line).toMatchObject({ level: 'error', fields: { error_code: 913909 } })
    depot.disk.fails = () => false
    depot.clock.pass(SECOND)
    depot.tick()
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ accepted: 1 })
  })

  it('[DP10] one in which nothing can be sorted is told of until it can, though all else can be written', async () => {
    const depot = toStandIn()
    depot.take(...events(2))
    depot.disk.fails = statement => /INSERT INTO events/.test(statement)
    for (let second = 0; second < 3; second++) {
      expect(await depot.drain()).toBe(depot.clock.at + SECOND)
      depot.tick()
      expect(depot.health().troubles).toHaveLength(1)
      depot.clock.pass(SECOND)
    }
    expect(depot.notices()).toMatchObject([{ error_code: 913909 }])
    expect(depot.lines.filter(({ message }) => message === 'the outbox cannot be written')).toHaveLength(1)
    depot.disk.fails = () => false
    depot.tick()
    expect(depot.health().troubles).toEqual([])
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ accepted: 2 })
  })

  it('[DP10] one whose events cannot be read stops nothing for good', async () => {
    const depot = toStandIn()
    depot.take(...events(2))
    depot.settleAccounts()
    const { all } = depot.sql
    depot.sql.all = (query, ...values) => {
      if (/SELECT .* FROM events WHERE state = 'pending'/.test(query)) throw new Error('disk I/O error')
      return all(query, ...values)
    }
    for (let second = 0; second < 3; second++) {
      expect(await depot.drain()).toBe(depot.clock.at + SECOND)
      depot.tick()
      depot.clock.pass(SECOND)
    }
    depot.sql.all = all
    depot.tick()
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ accepted: 2 })
  })

  it('[DP10] while it lasts the log holds a few lines, not one a request', () => {
    const depot = toStandIn()
    depot.disk.fails = () => true
    for (let request = 0; request < 300; request++) depot.take(...events(1))
    expect(depot.lines.length).toBeLessThanOrEqual(4)
  })
})

describe('a bug of ours', () => {
  it('[DP11] in the delivery leaves the events pending, backs off, and is told as a bridge fault', async () => {
    let broken = true
    const real = deliverTo(segment.url)
    const depot = openDepot({
      deliver: async tracks => {
        if (broken) throw new TypeError('to +15550100199 cannot be read')
        return real(tracks)
      },
    })
    depot.take(...events(2))
    await depot.drain()
    expect(depot.figures()).toMatchObject({ pending: 2 })
    expect(depot.health().line).toMatchObject({ failures: 1, reason: 'bridge_fault' })
    expect(depot.notices()).toMatchObject([{ error_code: 91304 }])
    expect(JSON.stringify([depot.lines, depot.notices()])).not.toContain('5550100199')
    broken = false
    await depot.drainFor(MINUTE)
    expect(depot.figures()).toMatchObject({ accepted: 2 })
    expect(depot.health().line.failures).toBe(0)
  })
})

describe('a dry run', () => {
  const dry = { SEGMENT_WRITE_KEY: '' }
  it('[DP12] ends in skipped, with the reason', async () => {
    const depot = openDepot({ deliver: async () => accepted, settings: dry })
    depot.take(...events(3))
    await depot.drainFor(0)
    expect(depot.figures()).toMatchObject({ pending: 0, skipped: 3, accepted: 0 })
    expect(depot.outbox.events({ limit: 1 }).events[0]).toMatchObject({ reason: 'dry_run' })
    expect(depot.notices()).toEqual([])
  })

  it('[DP12] that could not write its file recovers when it can', async () => {
    let full = true
    const deliver: Deliver = async () => {
      if (full) throw new Error('ENOSPC: no space left on device')
      return accepted
    }
    const depot = openDepot({ deliver, settings: dry })
    depot.take(...events(3))
    await depot.drain()
    full = false
    await depot.drainFor(MINUTE)
    expect(depot.figures()).toMatchObject({ skipped: 3 })
    expect(depot.health().line.failures).toBe(0)
    depot.clock.pass(20 * MINUTE)
    depot.tick()
    expect(depot.notices().map(({ level }) => level)).toEqual(['Error', 'Notice'])
  })

  it('[DP12] sends nothing anywhere', async () => {
    await using bridge = await startBridge({ SEGMENT_HOST: segment.url })
    await sendEvents(bridge.webhook, events(1))
    await bridge.until(({ skipped }) => skipped === 1)
    expect(segment.requests).toEqual([])
  })
})

describe('upkeep', () => {
  it('[DP18] what is kept is sorted at once, however long the rate or a failing line holds delivery back', async () => {
    for (const settings of [{ SEGMENT_RATE: '1' }, { SEGMENT_RATE: '0' }]) {
      const depot = toStandIn({ settings })
      if (settings.SEGMENT_RATE === '0') segment.fail({ kind: 'status', status: 503 })
      for (let request = 0; request < 10; request++) depot.take(...events(200))
      const began = depot.clock.at
      for (let turn = 0; turn < 10 && depot.outbox.unsorted() > 0; turn++) {
        expect((await depot.drain()) ?? began).toBeLessThanOrEqual(began)
      }
      expect(depot.outbox.unsorted()).toBe(0)
    }
  })

  it('[DP13] no second sees more events than SEGMENT_RATE and a quarter of it', async () => {
    const clock = createClock()
    const times: number[] = []
    const deliver: Deliver = async tracks => {
      for (const _ of tracks) times.push(clock.at)
      return accepted
    }
    const depot = openDepot({ clock, deliver, settings: { SEGMENT_RATE: '100' } })
    depot.take(...events(1_000))
    await depot.drainFor(30 * SECOND)
    expect(depot.figures()).toMatchObject({ accepted: 1_000 })
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
    const depot = openDepot({ deliver, settings: { SEGMENT_RATE: '100' } })
    depot.take(...events(10))
    const first = depot.drain()
    expect(await depot.drain()).toBeUndefined()
    depot.take(...events(15))
    const second = depot.drain()
    await turn()
    expect(batches.map(batch => batch.events)).toEqual([10, 15])
    for (const batch of batches) batch.end(accepted)
    await Promise.all([first, second])
  })

  it('[DP13] what was asked for and not found may be asked for again', async () => {
    const { batches, deliver } = createGate()
    const depot = openDepot({ deliver, settings: { SEGMENT_RATE: '100' } })
    // Bodies so large that a claim reads two of them, and leaves 21 of the 25 it asked for.
    for (let request = 0; request < 20; request++) {
      depot.take(messageStatus({ data: { body: 'x'.repeat(600_000) } }), messageStatus())
    }
    const first = depot.drain()
    expect(await depot.drain()).toBe(START + 40)
    batches[0]?.end(accepted)
    await first
  })

  it('[DP14] what is over its time goes; what waits, and a dead letter, stays for ever', async () => {
    const depot = toStandIn({ settings: { RETENTION_DAYS: '1', DEDUPE_HOURS: '24' } })
    const bad = messageStatus({ id: 'EZbad' })
    segment.fail({ kind: 'poison', messageIds: ['EZbad'] })
    depot.take(...events(3), bad)
    await depot.drainFor(0)
    segment.fail({ kind: 'status', status: 503 })
    depot.take(...events(1))
    await depot.drainFor(0)
    depot.clock.pass(3 * DAY)
    depot.tick()
    const left = depot.outbox
      .events({ limit: 10 })
      .events.map(({ state, element }) => [state, element !== undefined])
    expect(left).toEqual([
      ['pending', true],
      ['refused', true],
    ])
    expect(depot.figures()).toMatchObject({ accepted: 3, refused: 1, pending: 1 })
  })

  it('[DP14] a clock that was ahead once, and is set back, holds it up no longer', async () => {
    const depot = toStandIn({ settings: { RETENTION_DAYS: '1', DEDUPE_HOURS: '24' } })
    depot.clock.pass(365 * DAY)
    depot.tick()
    depot.clock.pass(-365 * DAY)
    depot.take(...events(3))
    await depot.drainFor(0)
    depot.clock.pass(3 * DAY)
    depot.tick()
    expect(depot.outbox.events({ limit: 10 }).events).toEqual([])
  })

  it('[DP14] RETENTION_DAYS=0: gone with the next tick', async () => {
    const depot = toStandIn({ settings: { RETENTION_DAYS: '0' } })
    depot.take(...events(3))
    await depot.drainFor(0)
    depot.clock.pass(1)
    depot.tick()
    expect(depot.outbox.events({ limit: 10 }).events.every(({ element }) => element === undefined)).toBe(true)
  })

  it('[DP15] what was on its way when the process ended is sent again at the next start, under the same id', async () => {
    const folder = newDataDir()
    const file = join(folder, 'outbox.db')
    const first = openSqlite(file)
    const before = toStandIn({ sql: first })
    before.take(...events(5))
    segment.fail({ kind: 'late', ms: 60_000 }, { times: 1 })
    void before.drain().catch(() => undefined)
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
