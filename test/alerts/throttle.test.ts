import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toComponent } from '../../src/alerts/component.ts'
import {
  calm,
  type Digest,
  due,
  type Failure,
  KeptNotices,
  NoticeState,
  record,
  recover,
  staysOpen,
  take,
} from '../../src/alerts/throttle.ts'
import { deliveryReasons, type Reason, reasons } from '../../src/reasons.ts'

const MINUTE = 60_000
const every = 20 * MINUTE
const start = Date.UTC(2026, 9, 5, 2, 14)
const words = Object.keys(reasons).filter((word): word is Reason => Object.hasOwn(reasons, word))

function failure(reason: Reason, minute: number, more: Partial<Failure> = {}): Failure {
  return { reason, at: start + minute * MINUTE, count: 1, ...more }
}

/** `take` at a minute after the start. */
function at(state: NoticeState, minute: number) {
  return take(state, start + minute * MINUTE, every)
}

function told(state: NoticeState, minute: number): { state: NoticeState; digest: Digest } {
  const { state: next, digest } = at(state, minute)
  if (!digest) throw new Error(`nothing was told at minute ${minute}`)
  return { state: next, digest }
}

describe('what a failure puts out of order', () => {
  it.each(words)('[NT1] %s stays open until its component recovers, or is an incident', reason => {
    const stays = [
      ...['outbox_unwritable', 'outbox_unreadable', 'outbox_newer', 'outbox_damaged', 'backlog_full'],
      ...['signature_mismatch', 'shared_key_unknown', 'sink_uses_get', 'change_unconfirmed'],
      ...Object.keys(deliveryReasons),
    ].includes(reason)
    const { state } = told(record(calm, failure(reason, 0)), 0)
    expect(staysOpen(reason)).toBe(stays)
    expect(due(state, every)).toBe(stays ? start + every : undefined)
  })

  it('[NT70] each reason belongs to one component: delivery, outbox, or what a stranger can cause', () => {
    const of = (component: string) => words.filter(reason => toComponent(reason) === component)
    expect(of('delivery')).toEqual(
      expect.arrayContaining([...Object.keys(deliveryReasons), 'segment_refused']),
    )
    expect(of('outbox').toSorted()).toEqual(
      ['backlog_full', 'counts_differ', 'disk_low', 'events_missing', 'state_damaged', 'unreadable']
        .concat(words.filter(word => word.startsWith('outbox_')).toSorted())
        .toSorted(),
    )
    expect(of('webhook')).toEqual(
      expect.arrayContaining(['signature_mismatch', 'sink_uses_get', 'body_too_large', 'schema_rejected']),
    )
    expect(of('data')).toEqual([])
  })
})

describe('when a notice goes out', () => {
  it('[NT2] the first failure is told at once', () => {
    const state = record(calm, failure('segment_failing', 0, { count: 480 }))
    expect(due(state, every)).toBe(start)
    expect(told(state, 0).digest).toMatchObject({ lead: 'segment_failing', counts: { segment_failing: 480 } })
  })

  it('[NT2] a failure dated after the present is told at once too', () => {
    expect(at(record(calm, failure('segment_failing', 90)), 0).digest).toBeDefined()
  })

  it('[NT3] failures that go on are summed up in one notice every 20 minutes', () => {
    let { state } = told(record(calm, failure('segment_failing', 0)), 0)
    for (let minute = 1; minute < 20; minute++) {
      state = record(state, failure(minute % 2 ? 'segment_failing' : 'segment_timeout', minute))
      const result = at(state, minute)
      expect(result.digest).toBeUndefined()
      expect(result.state).toBe(state)
    }
    expect(due(state, every)).toBe(start + every)
    expect(take(state, start + every - 1, every).digest).toBeUndefined()
    const { digest } = told(state, 20)
    expect(digest.counts).toEqual({ segment_failing: 10, segment_timeout: 9 })
    expect(digest.since).toBe(start + MINUTE)
  })

  it('[NT4] an open failure is told again after 20 minutes without a new attempt', () => {
    let { state } = told(record(calm, failure('segment_unauthorized', 0, { status: 401 })), 0)
    for (const minute of [20, 40, 60]) {
      expect(due(state, every)).toBe(start + minute * MINUTE)
      const next = told(state, minute)
      expect(next.digest).toMatchObject({
        lead: 'segment_unauthorized',
        counts: {},
        open: { since: start },
        answered: { status: 401 },
      })
      expect(next.digest.since).toBeUndefined()
      state = next.state
    }
  })

  it('[NT5] an incident is told once and then nothing', () => {
    const { state } = told(record(calm, failure('body_too_large', 0)), 0)
    expect(due(state, every)).toBeUndefined()
    expect(at(state, 500).digest).toBeUndefined()
  })

  it('[NT5] an incident in the silence is told when the silence ends', () => {
    let { state } = told(record(calm, failure('body_too_large', 0)), 0)
    state = record(state, failure('event_too_large', 3))
    expect(at(state, 19.99).digest).toBeUndefined()
    expect(told(state, 20).digest.counts).toEqual({ event_too_large: 1 })
  })

  it('[NT6] a restart changes nothing', () => {
    let { state } = told(record(calm, failure('outbox_unwritable', 0)), 0)
    state = record(
      state,
      failure('segment_timeout', 4, { status: 500, answer: 'no', firstId: 'a', lastId: 'b' }),
    )
    state = recover(state, start + 5 * MINUTE)
    const again = NoticeState.parse(JSON.parse(JSON.stringify(state)))
    expect(at(again, 19).digest).toBeUndefined()
    expect(told(again, 20)).toEqual(told(state, 20))
  })

  it('[NT6] [NT77] what was kept when one clock served all counts for each component', () => {
    const old = {
      toldAt: start,
      open: {
        delivery: { reason: 'segment_failing', since: start, at: start },
        door: { reason: 'outbox_unwritable', since: start, at: start },
      },
      recovered: {},
      counts: { segment_failing: 3, schema_rejected: 2 },
      since: start + 1,
    }
    const { delivery, outbox, webhook, data } = KeptNotices.parse(JSON.parse(JSON.stringify(old)))
    expect(delivery).toMatchObject({
      toldAt: start,
      open: { reason: 'segment_failing' },
      counts: { segment_failing: 3 },
    })
    expect(outbox).toMatchObject({ toldAt: start, open: { reason: 'outbox_unwritable' }, counts: {} })
    expect(webhook).toMatchObject({ toldAt: start, counts: { schema_rejected: 2 } })
    expect(webhook.open).toBeUndefined()
    expect(data).toMatchObject({ toldAt: start, counts: {} })
    for (const state of [delivery, outbox, webhook]) {
      expect(at(state, 19).digest).toBeUndefined()
      expect(at(state, 20).digest).toBeDefined()
    }
  })

  it('[NT7] a clock that jumps back counts the 20 minutes from the jump', () => {
    const { state } = told(record(calm, failure('segment_failing', 0)), 0)
    const jumped = at(state, -180)
    expect(jumped.digest).toBeUndefined()
    expect(due(jumped.state, every)).toBe(start - 160 * MINUTE)
    expect(at(jumped.state, -161).digest).toBeUndefined()
    expect(at(jumped.state, -160).digest).toBeDefined()
  })
})

describe('recovery', () => {
  it('[NT8] is told by the next notice that may go out', () => {
    let { state } = told(record(calm, failure('segment_failing', 0)), 0)
    state = recover(state, start + MINUTE)
    expect(at(state, 19).digest).toBeUndefined()
    const { digest, state: after } = told(state, 20)
    expect(digest).toMatchObject({ lead: 'recovery', counts: {} })
    expect(digest.recovered).toMatchObject({ since: start, at: start + MINUTE })
    expect(due(after, every)).toBeUndefined()
  })

  it('[NT8] of a failure that came and went in the silence is told with its counts', () => {
    let { state } = told(record(calm, failure('body_too_large', 0)), 0)
    state = record(state, failure('segment_throttled', 2, { count: 7, status: 429 }))
    state = recover(state, start + 3 * MINUTE)
    const { digest } = told(state, 20)
    expect(digest).toMatchObject({
      lead: 'recovery',
      counts: { segment_throttled: 7 },
      answered: { status: 429 },
    })
  })

  it('[NT8] is not told when the failure opened again before the notice', () => {
    let { state } = told(record(calm, failure('segment_failing', 0)), 0)
    state = recover(state, start + MINUTE)
    state = record(state, failure('segment_failing', 2))
    const { digest } = told(state, 20)
    expect(digest.lead).toBe('segment_failing')
    expect(digest.recovered).toBeUndefined()
    expect(digest.open?.since).toBe(start + 2 * MINUTE)
  })

  it('[NT9] hands back the very same state when nothing is open', () => {
    const state = record(calm, failure('outbox_unwritable', 0))
    const closed = recover(state, start)
    expect(recover(closed, start + MINUTE)).toBe(closed)
    expect(recover(calm, start)).toBe(calm)
  })
})

describe('what a digest leads with', () => {
  const lead = (...failures: Failure[]) =>
    told(
      failures.reduce((state, one) => record(state, one), calm),
      5,
    ).digest.lead

  it('[NT10] the worst level', () => {
    expect(lead(failure('segment_throttled', 1, { count: 99 }), failure('event_too_large', 0))).toBe(
      'event_too_large',
    )
    expect(lead(failure('sink_test', 1, { count: 99 }), failure('body_not_json', 0))).toBe('body_not_json')
  })

  it('[NT10] of one level the open failure seen last, before any incident', () => {
    const [first, last] = [failure('backlog_full', 1), failure('segment_failing', 2)]
    expect(lead(first, last, failure('body_too_large', 3, { count: 99 }))).toBe('segment_failing')
    expect(lead(last, { ...first, at: start + 3 * MINUTE })).toBe('backlog_full')
  })

  it('[NT10] of incidents of one level the most counted', () => {
    const [early, late] = [failure('body_too_large', 0), failure('not_serializable', 1)]
    expect(lead(late, { ...early, count: 2 })).toBe('body_too_large')
    expect(lead({ ...late, count: 2 }, early)).toBe('not_serializable')
  })

  it('[NT10] a recovery before what is only worth a mention', () => {
    let { state } = told(record(calm, failure('segment_failing', 0)), 0)
    state = record(recover(state, start + 1), failure('sink_test', 2))
    expect(told(state, 20).digest.lead).toBe('recovery')
    expect(told(record(state, failure('body_not_json', 3)), 20).digest.lead).toBe('body_not_json')
  })
})

describe('what a digest holds', () => {
  it('[NT11] the first and the last event id, and the last answer there was', () => {
    const digest = told(
      [
        failure('segment_failing', 0, { status: 502, answer: 'bad gateway', firstId: 'a', lastId: 'b' }),
        failure('segment_failing', 1, { status: 503, answer: 'busy', firstId: 'c' }),
        failure('segment_unreachable', 2),
      ].reduce((state, one) => record(state, one), calm),
      2,
    ).digest
    expect(digest).toMatchObject({ since: start, firstId: 'a', lastId: 'c' })
    expect(digest.answered).toEqual({ reason: 'segment_failing', status: 503, answer: 'busy' })
  })

  it('[NT11] nothing of what was told before', () => {
    let { state } = told(record(calm, failure('segment_refused', 0, { status: 400, firstId: 'a' })), 0)
    state = record(state, failure('body_not_json', 1))
    const { digest } = told(state, 20)
    expect(digest.counts).toEqual({ body_not_json: 1 })
    expect([digest.firstId, digest.lastId, digest.answered]).toEqual([undefined, undefined, undefined])
  })

  it('[NT12] stays small whatever comes, and is redacted before it is cut', () => {
    const answer = `${'x'.repeat(292)}+15550123456 ${'y'.repeat(1e6)}`
    let state = calm
    for (const reason of words) {
      state = record(
        state,
        failure(reason, 0, { count: 1e12, answer, firstId: 'i'.repeat(1e5), lastId: 'j'.repeat(1e5) }),
      )
    }
    expect(state.answered?.answer).toBe(`${'x'.repeat(292)}+1555***`)
    expect(JSON.stringify(state).length).toBeLessThan(3_000)
    const emoji = record(calm, failure('segment_failing', 0, { answer: `${'x'.repeat(299)}\u{1f600}` }))
    expect(emoji.answered?.answer).toBe('x'.repeat(299))
  })
})

type Step =
  | { do: 'fail'; reason: Reason; count: number }
  | { do: 'recover' | 'tick' | 'restart' }
  | { do: 'wait' | 'stop' | 'jumpBack'; ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      reason: fc.constantFrom(...words),
      count: fc.integer({ min: 0, max: 500 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('recover' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('tick' as const, 'restart' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('wait' as const, 'stop' as const),
      ms: fc.integer({ min: 0, max: 90 * MINUTE }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('jumpBack' as const),
      ms: fc.integer({ min: 1, max: 300 * MINUTE }),
    }),
  },
)

/** A host with a fake clock, and beside it a book that knows nothing of how the state works. */
function run(steps: readonly Step[]): void {
  let state = calm
  let real = 0
  let jumped = 0
  let toldAt: number | undefined
  let quietFrom = 0
  let isJump = false
  let isOpen = false
  let hasRecovered = false
  const recorded = new Map<Reason, number>()
  const toldCounts = new Map<Reason, number>()
  const clock = () => start + real - jumped

  function tick() {
    const result = take(state, clock(), every)
    state = result.state
    if (result.digest) {
      // Never two within 20 minutes of real time.
      if (toldAt !== undefined) expect(real - toldAt).toBeGreaterThanOrEqual(every)
      expect(result.digest.open !== undefined).toBe(isOpen)
      expect(result.digest.recovered !== undefined).toBe(hasRecovered)
      for (const reason of words) {
        toldCounts.set(reason, (toldCounts.get(reason) ?? 0) + (result.digest.counts[reason] ?? 0))
      }
      hasRecovered = false
      toldAt = real
      quietFrom = real
    } else if (isJump) quietFrom = real
    isJump = false
    // Never silent for longer, counted from the last notice or the first tick after a jump.
    if (isOpen) {
      expect(toldAt).toBeDefined()
      expect(real - quietFrom).toBeLessThan(every)
    }
    // Every failure is in exactly one digest or waits for one.
    const untold = words.filter(
      reason => (toldCounts.get(reason) ?? 0) + (state.counts[reason] ?? 0) !== (recorded.get(reason) ?? 0),
    )
    if (untold.length > 0) expect(untold).toEqual([])
  }

  function wait(ms: number) {
    const end = real + ms
    while (real < end) {
      real = Math.min(end, real + MINUTE)
      tick()
    }
  }

  for (const one of steps) {
    switch (one.do) {
      case 'fail':
        state = record(state, { reason: one.reason, at: clock(), count: one.count })
        recorded.set(one.reason, (recorded.get(one.reason) ?? 0) + one.count)
        if (!staysOpen(one.reason)) break
        isOpen = true
        hasRecovered = false
        break
      case 'recover':
        state = recover(state, clock())
        hasRecovered ||= isOpen
        isOpen = false
        break
      case 'restart':
        state = NoticeState.parse(JSON.parse(JSON.stringify(state)))
        break
      case 'tick':
        tick()
        break
      case 'wait':
        wait(one.ms)
        break
      case 'stop':
        real += one.ms
        break
      case 'jumpBack':
        jumped += one.ms
        isJump = true
        break
    }
  }
  // In the end nothing is untold.
  tick()
  wait(every)
  expect(state.counts).toEqual({})
  expect(hasRecovered).toBe(false)
  if (isOpen) expect(due(state, every)).toBeGreaterThan(clock())
  else expect(due(state, every)).toBeUndefined()
}

describe('any sequence', () => {
  it('[NT13] tells every failure exactly once, never twice within 20 minutes, never silent longer while open', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), run), { numRuns: 300 })
  })
})
