/** Delivery, outbox and webhook each have a notice clock; each change of state is a log line at once. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Component, components, toComponent } from '../../src/alerts/component.ts'
import type { Notice } from '../../src/alerts/notice.ts'
import { createNotifier } from '../../src/alerts/notifier.ts'
import { createStateLog } from '../../src/alerts/state-log.ts'
import { isForgeable, staysOpen } from '../../src/alerts/throttle.ts'
import { digests } from '../../src/hosts/node/digests.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { readKept } from '../../src/outbox/kept-state.ts'
import { migrate } from '../../src/outbox/sqlite/migrations.ts'
import { createNoticeStore } from '../../src/outbox/sqlite/notices.ts'
import { type Reason, reasons } from '../../src/reasons.ts'
import {
  createClock,
  createFailingSql,
  createLastTold,
  createLogKeeper,
  MINUTE,
  START,
} from '../support/dispatcher.ts'

const EVERY = 20 * MINUTE
const words = Object.keys(reasons).filter((word): word is Reason => Object.hasOwn(reasons, word))

function createBench(lastTold = createLastTold()) {
  const clock = createClock()
  const disk = createFailingSql(openSqlite(':memory:'))
  migrate(disk.sql)
  const book = createNoticeStore(disk.sql)
  const { log, lines } = createLogKeeper()
  const start = (keepEveryMs = 0) =>
    createNotifier({
      store: book,
      read: (name, schema, fallback) => readKept(book, name, schema, fallback),
      about: () => ({ waiting: 0 }),
      everyMs: EVERY,
      sinkSid: `DG${'0'.repeat(32)}`,
      notifyUrl: undefined,
      signingKey: undefined,
      digests,
      send: fetch,
      now: clock.now,
      log,
      changes: createStateLog(log),
      lastTold,
      keepEveryMs,
    })
  const notices = () => (book.notices(1_000) as Notice[]).reverse()
  const infos = () => notices().map(({ level, payload }) => ({ level, ...payload.more_info }))
  /** The lines of changes of state, as `component state`. */
  const changes = () =>
    lines.flatMap(({ fields }) =>
      'state' in fields && 'component' in fields ? [`${fields.component} ${fields.state}`] : [],
    )
  return { clock, disk, book, lines, lastTold, start, notices, infos, changes }
}

type Bench = ReturnType<typeof createBench>
const fail = ({ clock }: Bench, reason: Reason, count = 1) => [{ reason, at: clock.at, count }]

describe('a clock for each component', () => {
  it('[NT72] a stranger with an invented signature silences no outage of Segment: the measured story', () => {
    const bench = createBench()
    const notifier = bench.start()
    notifier.failed(fail(bench, 'signature_mismatch'))
    bench.clock.pass(MINUTE)
    notifier.failed(fail(bench, 'segment_failing'))
    expect(bench.infos()).toMatchObject([
      { component: 'webhook', reason: 'signature_mismatch' },
      { component: 'delivery', reason: 'segment_failing' },
    ])
    expect(bench.changes()).toEqual(['webhook failing', 'delivery failing'])
    bench.clock.pass(MINUTE)
    notifier.failed(fail(bench, 'outbox_unwritable'))
    expect(bench.infos().at(-1)).toMatchObject({ component: 'outbox', reason: 'outbox_unwritable' })
  })

  it('[NT72] the evening: token rotated, restart, write key mistyped: each told at once', () => {
    const bench = createBench()
    const first = bench.start()
    first.verified()
    bench.clock.pass(EVERY)
    first.failed(fail(bench, 'signature_mismatch'))
    bench.clock.pass(5 * MINUTE)
    // The new token is set, and with it a write key that is none.
    const second = bench.start()
    second.verified()
    second.failed(fail(bench, 'segment_unauthorized'))
    expect(bench.infos()).toMatchObject([
      { component: 'webhook', reason: 'signature_mismatch', level: 'Error' },
      { component: 'delivery', reason: 'segment_unauthorized', level: 'Error' },
    ])
    expect(bench.changes()).toEqual(['webhook failing', 'delivery failing'])
  })

  it('[NT77] the second memory is kept for each component, and one of before counts for all', () => {
    const bench = createBench()
    bench.disk.fails = () => true
    bench.start().failed(fail(bench, 'outbox_unwritable'))
    expect(bench.lastTold.told).toEqual({ outbox: START })
    bench.clock.pass(MINUTE)
    const again = bench.start()
    again.failed(fail(bench, 'outbox_unwritable'))
    again.failed(fail(bench, 'segment_failing'))
    expect(bench.lastTold.told).toEqual({ outbox: START, delivery: START + MINUTE })
  })

  it('[NT78] how each component stands can be seen', () => {
    const bench = createBench()
    const notifier = bench.start()
    notifier.failed(fail(bench, 'segment_failing', 7))
    expect(notifier.standing()).toEqual({
      delivery: {
        open: [{ reason: 'segment_failing', since: '2026-10-05T02:14:00.000Z', count: 0 }],
        nextAt: '2026-10-05T02:34:00.000Z',
        lastAt: '2026-10-05T02:14:00.000Z',
      },
      outbox: { open: [], nextAt: null, lastAt: null },
      webhook: { open: [], nextAt: null, lastAt: null },
      data: { open: [], nextAt: null, lastAt: null },
    })
  })

  it('[TL72] W1: kept notices that do not parse are set aside; what is begun anew keeps the silence, over restarts too', () => {
    const bench = createBench()
    bench.book.remember('notices', '{"delivery":{"open":')
    bench.start().failed(fail(bench, 'segment_failing'))
    expect(bench.book.recall('notices.damaged')).toBe('{"delivery":{"open":')
    expect(bench.book.takeDamage()).toMatchObject([{ reason: 'state_damaged', answer: 'notices' }])
    const again = bench.start()
    bench.clock.at = START + EVERY - 1
    again.failed(fail(bench, 'segment_failing'))
    expect(bench.notices()).toEqual([])
    bench.clock.pass(1)
    again.tick()
    expect(bench.infos()).toMatchObject([{ reason: 'segment_failing', counts: { segment_failing: 2 } }])
  })
})

describe('a signature that does not fit', () => {
  const forgeable = ['signature_mismatch', 'shared_key_unknown'] as const

  it.each(forgeable)('[NT73] %s is an error that stays open while no request verifies', reason => {
    const bench = createBench()
    const notifier = bench.start()
    notifier.failed(fail(bench, reason))
    bench.clock.pass(EVERY)
    notifier.tick()
    expect(bench.infos()).toMatchObject([{ level: 'Error' }, { level: 'Error', counts: {} }])
    notifier.verified()
    bench.clock.pass(EVERY)
    notifier.tick()
    expect(bench.infos().at(-1)).toMatchObject({ level: 'Notice', reason: 'recovery' })
    expect(bench.changes()).toEqual(['webhook failing', 'webhook recovered'])
  })

  it.each(forgeable)(
    "[NT73] %s is a stranger's, and a warning that is over at once, while other requests verify",
    reason => {
      const bench = createBench()
      const notifier = bench.start()
      notifier.verified()
      bench.clock.pass(MINUTE)
      notifier.failed(fail(bench, reason, 5))
      expect(bench.notices()).toMatchObject([
        {
          level: 'Warning',
          error_code: reasons[reason].code,
          payload: { message: expect.stringContaining('while those of Twilio do'), more_info: { open: [] } },
        },
      ])
      bench.clock.pass(EVERY)
      notifier.tick()
      expect(bench.notices()).toHaveLength(1)
      expect(bench.changes()).toEqual([])
    },
  )

  it('[NT73] is an error again when none has verified for as long as a notice is held back: a token rotated under way', () => {
    const bench = createBench()
    const notifier = bench.start()
    notifier.verified()
    for (let minute = 0; minute <= 21; minute++) {
      bench.clock.pass(MINUTE)
      notifier.failed(fail(bench, 'signature_mismatch'))
    }
    expect(bench.infos().map(({ level }) => level)).toEqual(['Warning', 'Error'])
    expect(bench.changes()).toEqual(['webhook failing'])
  })

  it('[NT73] what verified before a restart says nothing about the settings of now', () => {
    const bench = createBench()
    bench.start().verified()
    bench.start().failed(fail(bench, 'signature_mismatch'))
    expect(bench.infos()).toMatchObject([{ level: 'Error' }])
  })
})

describe('a change of state', () => {
  it('[TL70] [TL220] is one log line at once, whatever the clocks say', () => {
    const bench = createBench()
    const notifier = bench.start()
    for (const reason of [
      'segment_failing',
      'segment_failing',
      'segment_timeout',
      'segment_unauthorized',
      'segment_unauthorized',
    ] as const)
      notifier.failed(fail(bench, reason))
    // The quick retries and the first probe are over: only now does it wait for a person.
    for (let n = 0; n < 2; n++)
      notifier.failed(fail(bench, 'segment_unauthorized').map(failure => ({ ...failure, pauses: true })))
    notifier.recovered('delivery')
    notifier.recovered('delivery')
    notifier.failed(fail(bench, 'segment_throttled'))
    notifier.recovered('delivery')
    expect(bench.changes()).toEqual([
      ...['delivery failing', 'delivery cause changed', 'delivery cause changed'],
      ...['delivery paused', 'delivery resumed'],
      ...['delivery failing', 'delivery recovered'],
    ])
    expect(bench.notices()).toHaveLength(1)
    const [line] = bench.lines
    expect(line).toMatchObject({
      level: 'error',
      message: 'delivery: failing: Segment answers with a server error',
      fields: { component: 'delivery', reason: 'segment_failing', remedy: reasons.segment_failing.remedy },
    })
  })

  it('[TL70] is logged again after a restart: what fails still is news to whoever reads that log', () => {
    const bench = createBench()
    bench.start().failed(fail(bench, 'segment_failing'))
    bench.start().failed(fail(bench, 'segment_failing'))
    expect(bench.changes()).toEqual(['delivery failing', 'delivery failing'])
  })

  it('[TL71] a stranger who changes the way he fails fills no log', () => {
    const bench = createBench()
    const notifier = bench.start()
    for (let times = 0; times < 100; times++) {
      notifier.failed(fail(bench, 'signature_mismatch'))
      notifier.failed(fail(bench, 'sink_uses_get'))
    }
    expect(bench.changes()).toEqual(['webhook failing', 'webhook cause changed'])
  })

  it('[TL8] its line holds no full phone number and no secret', () => {
    const bench = createBench()
    const answer = '{"to":"+15550100199","writeKey":"notThirtyTwo"}'
    bench
      .start()
      .failed([{ reason: 'segment_failing', at: START, count: 1, answer, firstId: '+15550100199' }])
    expect(bench.changes()).toEqual(['delivery failing'])
    expect(JSON.stringify(bench.lines)).not.toMatch(/5550100199|notThirtyTwo/)
  })
})

describe('what is written', () => {
  it('[TL73] W3: what only counts up is kept no more often than the host says; a change at once', () => {
    const bench = createBench()
    const writes: string[] = []
    bench.disk.fails = statement => {
      writes.push(statement)
      return false
    }
    const notifier = bench.start(MINUTE)
    for (let times = 0; times < 1_000; times++) notifier.failed(fail(bench, 'signature_mismatch'))
    const toTell = writes.length
    expect(toTell).toBeLessThanOrEqual(4)
    bench.clock.pass(MINUTE)
    notifier.failed(fail(bench, 'signature_mismatch'))
    expect(writes.length).toBe(toTell + 1)
    bench.clock.at = START + EVERY
    notifier.tick()
    expect(bench.infos().at(-1)).toMatchObject({ counts: { signature_mismatch: 1_000 } })
  })
})

type Step =
  | { do: 'fail'; reason: Reason; count: number }
  | { do: 'recover'; component: Component }
  | { do: 'verify' | 'tick' | 'restart' | 'disk' }
  | { do: 'wait' | 'stop' | 'jumpBack'; ms: number }

const ms = fc.integer({ min: 0, max: 90 * MINUTE })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      reason: fc.constantFrom(...words),
      count: fc.integer({ min: 0, max: 500 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('recover' as const), component: fc.constantFrom(...components) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('verify', 'tick', 'restart', 'disk') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('wait', 'stop'), ms }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('jumpBack' as const), ms }) },
)

/** A host with a fake clock, and beside it a book that knows nothing of how the notifier works. */
function run(steps: readonly Step[], withDisk: boolean): void {
  const bench = createBench()
  let notifier = bench.start()
  let real = 0
  let isJump = false
  let isDiskFull = false
  let seen = 0
  let verifiedAt: number | undefined
  const open = new Map<Component, boolean>()
  const toldAt = new Map<Component, number>()
  const quietFrom = new Map<Component, number>()

  function look(): void {
    for (const { fields } of bench.lines.slice(seen)) {
      if (!('notice' in fields && 'component' in fields)) continue
      const component = components.find(one => one === fields.component)
      if (!component) throw new Error('a notice of no component')
      const before = toldAt.get(component)
      if (before !== undefined) expect(real - before).toBeGreaterThanOrEqual(EVERY)
      toldAt.set(component, real)
      quietFrom.set(component, real)
    }
    seen = bench.lines.length
  }

  function tick(): void {
    notifier.tick()
    look()
    if (isJump) for (const component of components) quietFrom.set(component, real)
    isJump = false
    // A restart while nothing can be kept forgets what is open, which only the next failure tells.
    if (withDisk) return
    for (const component of components) {
      if (!open.get(component)) continue
      expect(toldAt.get(component)).toBeDefined()
      expect(real - (quietFrom.get(component) ?? 0)).toBeLessThan(EVERY)
    }
  }

  for (const one of steps) {
    switch (one.do) {
      case 'fail': {
        notifier.failed(fail(bench, one.reason, one.count))
        const isStranger = verifiedAt !== undefined && Math.abs(bench.clock.at - verifiedAt) < EVERY
        if (staysOpen(one.reason) && !(isForgeable(one.reason) && isStranger))
          open.set(toComponent(one.reason), true)
        look()
        break
      }
      case 'recover':
        notifier.recovered(one.component)
        open.delete(one.component)
        look()
        break
      case 'verify':
        notifier.verified()
        verifiedAt = bench.clock.at
        open.delete('webhook')
        look()
        break
      case 'restart':
        notifier = bench.start()
        verifiedAt = undefined
        break
      case 'disk':
        isDiskFull = withDisk && !isDiskFull
        bench.disk.fails = () => isDiskFull
        break
      case 'tick':
        tick()
        break
      case 'wait':
        for (const end = real + one.ms; real < end; ) {
          const passed = Math.min(end - real, MINUTE)
          real += passed
          bench.clock.pass(passed)
          tick()
        }
        break
      case 'stop':
        real += one.ms
        bench.clock.pass(one.ms)
        break
      case 'jumpBack':
        bench.clock.pass(-one.ms)
        isJump = true
        break
    }
  }
}

describe('any sequence', () => {
  const steps = fc.array(step, { maxLength: 30 })

  it('[NT71] never two notices of one component within 20 minutes, no open failure silent for longer', () => {
    fc.assert(
      fc.property(steps, some => run(some, false)),
      { numRuns: 150 },
    )
  })

  it('[NT71] never two of one component, though the outbox cannot be written meanwhile', () => {
    fc.assert(
      fc.property(steps, some => run(some, true)),
      { numRuns: 150 },
    )
  })
})
