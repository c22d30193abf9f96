import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DeliveryAttempt, Leased } from '../../src/outbox/store.ts'
import { type Dispatched, deliverBatch } from '../../src/send/batch.ts'
import { type DeliveryOutcome, failed } from '../../src/send/destination.ts'
import { deliverTo, segmentAs } from '../support/dispatcher.ts'
import { runs } from '../support/runs.ts'
import { type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus } from '../support/twilio.ts'

let segment: SegmentStandIn
let notes: DeliveryAttempt[]
beforeEach(async () => {
  segment = await startSegment()
  notes = []
})
afterEach(() => segment.close())

function lease(count: number, change: (at: number) => object = () => ({})): Leased[] {
  return Array.from({ length: count }, (_, position) => {
    return {
      request: 1,
      position,
      destination: 1,
      receivedAt: 0,
      element: { ...messageStatus({ id: `EZ${position}` }), ...change(position) },
    }
  })
}

function send(leased: readonly Leased[], believes = true): Promise<Dispatched> {
  const isProven = leased.length === 1 && believes
  return deliverBatch(
    { groups: [leased], isolates: false, isProven },
    {
      destination: segmentAs(deliverTo(segment.url)),
      hold: () => ({ until: 0, times: 1 }),
      note: delivery => notes.push(delivery),
      now: Date.now,
    },
  )
}

const poison = (...at: number[]) =>
  segment.fail({ kind: 'poison', messageIds: at.map(position => `EZ${position}`) })
const places = ({ settlements }: Dispatched, state: string) =>
  settlements.filter(settled => settled.state === state).map(({ event }) => event.position)
const allBut = (count: number, ...out: number[]) =>
  Array.from({ length: count }, (_, at) => at).filter(at => !out.includes(at))

describe('a batch that Segment refuses', () => {
  it.each([
    { count: 2, culprits: [0] },
    { count: 100, culprits: [37] },
    { count: 100, culprits: [0] },
    { count: 101, culprits: [100] },
    { count: 100, culprits: [49, 50] },
    { count: 64, culprits: [3, 17, 18, 19, 40, 63] },
    { count: 20, culprits: allBut(20, 7) },
    { count: 250, culprits: allBut(250, 0) },
  ])('[DL11] is halved until the culprits stand alone: $culprits of $count', async ({ count, culprits }) => {
    poison(...culprits)
    const sent = await send(lease(count))
    expect(sent.failure).toBeUndefined()
    expect(places(sent, 'refused')).toEqual(culprits)
    expect(places(sent, 'accepted')).toEqual(allBut(count, ...culprits))
    expect(segment.events.map(({ messageId }) => messageId)).toEqual(
      allBut(count, ...culprits).map(at => `EZ${at}`),
    )
    expect(segment.duplicates).toBe(0)
    const [refused] = sent.settlements.filter(({ state }) => state === 'refused')
    expect(refused).toMatchObject({ reason: 'segment_refused', detail: 'Bad Request' })
  })

  it('[DL11] one culprit costs two requests a halving', async () => {
    poison(37)
    await send(lease(128))
    expect(segment.requests.length).toBe(1 + 2 * 7)
  })

  it('[DP17] gives up after 8 that were refused alone, and blames none, when nothing went through', async () => {
    poison(...allBut(500, 8))
    const sent = await send(lease(500))
    expect(sent.settlements).toEqual([])
    expect(sent.failure).toMatchObject({ reason: 'segment_refuses_all', status: 400, answer: 'Bad Request' })
    expect(sent.failure?.events).toHaveLength(500)
    expect(segment.requests.filter(({ count }) => count === 1)).toHaveLength(8)
    expect(segment.requests.length).toBeLessThanOrEqual(24)
  })

  it('[DL11] a 413 is halved like a 400', async () => {
    segment.fail({ kind: 'status', status: 413 }, { times: 1 })
    const sent = await send(lease(10))
    expect([sent.failure, places(sent, 'accepted')]).toEqual([undefined, allBut(10)])
    expect(segment.requests.map(({ count }) => count)).toEqual([10, 5, 5])
  })

  it('[DL12] when no event of a batch goes through, none is to blame', async () => {
    segment.fail({ kind: 'status', status: 400, body: 'we like nothing' })
    const sent = await send(lease(8))
    expect(sent.settlements).toEqual([])
    expect(sent.failure).toMatchObject({
      reason: 'segment_refuses_all',
      status: 400,
      answer: 'we like nothing',
    })
    expect(sent.failure?.events).toHaveLength(8)
  })

  it('[DL12] nor when the halving breaks off before one went through', async () => {
    segment.fail({ kind: 'status', status: 400 }, { times: 4 })
    segment.fail({ kind: 'status', status: 503 })
    // 8 refused, 4 refused, 2 refused, 1 refused, and then the outage.
    const sent = await send(lease(8))
    expect(sent.settlements).toEqual([])
    expect(sent.failure).toMatchObject({ reason: 'segment_failing', status: 503 })
  })

  it('[DL12] what was accepted and refused before the halving broke off stays so', async () => {
    poison(1)
    // The 8, the first 4, the first 2, 0 alone, 1 alone; and then the outage.
    segment.fail({ kind: 'flap', ok: 5, down: 100, bad: { kind: 'status', status: 503 } })
    const sent = await send(lease(8))
    expect(places(sent, 'accepted')).toEqual([0])
    expect(places(sent, 'refused')).toEqual([1])
    expect(sent.settlements).toHaveLength(2)
    expect(sent.failure?.events.map(({ position }) => position)).toEqual([2, 3])
  })

  it('[DL12] an event alone is refused as long as the receiver is believed', async () => {
    poison(0)
    expect(await send(lease(1))).toMatchObject({
      failure: undefined,
      settlements: [{ state: 'refused', reason: 'segment_refused' }],
    })
    expect(await send(lease(1), false)).toMatchObject({
      failure: { reason: 'segment_refuses_all' },
      settlements: [],
    })
  })

  it('[DL4] a 400 that speaks of the write key refuses nothing, and is not halved', async () => {
    segment.fail({ kind: 'status', status: 400, body: 'An invalid write key was provided' })
    const sent = await send(lease(8))
    expect(sent.settlements).toEqual([])
    expect(sent.failure?.reason).toBe('segment_unauthorized')
    expect(segment.requests).toHaveLength(1)
  })
})

describe('a failure', () => {
  it('[DL13] keeps what was accepted before it, and sends nothing after it', async () => {
    // Three batches of 500.
    segment.fail({ kind: 'status', status: 503 }, { every: 2 })
    const sent = await send(lease(1_500))
    expect(places(sent, 'accepted')).toEqual(allBut(500))
    expect(sent.settlements).toHaveLength(500)
    expect(sent.failure).toMatchObject({ reason: 'segment_failing', status: 503 })
    expect(segment.requests).toHaveLength(2)
  })
})

describe('an event that cannot be sent', () => {
  it('[DL14] nested 100,000 levels deep it is refused alone', async () => {
    const nested = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
    const deep = lease(5, at => {
      const { data } = messageStatus()
      return at === 2 ? { data: { ...data, deep: nested(100_000) } } : {}
    })
    const sent = await send(deep)
    expect(sent.settlements.filter(({ state }) => state === 'refused')).toMatchObject([
      { reason: 'not_serializable', event: { position: 2 } },
    ])
    expect(places(sent, 'accepted')).toEqual([0, 1, 3, 4])
  })

  it.each([490, 600, 4_300, 4_450, 9_000])(
    '[DL14] %i levels deep it goes through or is refused, and stops nobody',
    async levels => {
      const nested = JSON.parse('['.repeat(levels) + ']'.repeat(levels))
      const { data } = messageStatus()
      const sent = await send(lease(3, at => (at === 1 ? { data: { ...data, deep: nested } } : {})))
      expect(sent.failure).toBeUndefined()
      expect(places(sent, levels < 500 ? 'accepted' : 'refused')).toContain(1)
      expect(places(sent, 'accepted')).toEqual(expect.arrayContaining([0, 2]))
    },
  )

  it('[DL14] one that breaks the mapping itself is refused alone', async () => {
    const get = () => {
      throw new Error('a bug of ours')
    }
    const leased = lease(3)
    Object.defineProperty(leased[1]?.element, 'data', { get })
    const sent = await send(leased)
    expect(places(sent, 'refused')).toEqual([1])
    expect(places(sent, 'accepted')).toEqual([0, 2])
  })

  it('[DL14] one that no family knows any more is set aside, alone', async () => {
    const sent = await send(lease(3, at => (at === 1 ? { type: 'com.twilio.unheard-of' } : {})))
    expect(sent.settlements.find(({ event }) => event.position === 1)).toMatchObject({
      state: 'skipped',
      reason: 'type_unmapped',
    })
    expect(places(sent, 'accepted')).toEqual([0, 2])
  })
})

describe('whatever the destination answers', () => {
  const outcome = fc.oneof(
    fc.record({
      kind: fc.constantFrom('accepted', 'refused'),
      status: fc.constant(1),
      answer: fc.constant(''),
    }),
    fc.constantFrom<DeliveryOutcome>(
      failed('segment_failing', 503, ''),
      { ...failed('segment_throttled', 429, ''), waitToldMs: 1_000 },
      { kind: 'aborted' },
    ),
  )

  it('[DL121] every event is named once: settled, left for later, or to be tried again', {
    tags: 'property',
  }, async () => {
    const outcomes = fc.array(outcome, { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(
        outcomes,
        fc.nat(12),
        fc.boolean(),
        fc.boolean(),
        async (outcomes, count, isolates, isProven) => {
          const leased = lease(count, at => (at % 5 === 3 ? { type: 'com.twilio.unheard-of' } : {}))
          let calls = 0
          const deliver = async () =>
            outcomes[calls++ % outcomes.length] ?? failed('bridge_fault', undefined, '')
          const { settlements, tried, rest, failure } = await deliverBatch(
            { groups: [leased.slice(0, 4), leased.slice(4)], isolates, isProven },
            {
              destination: segmentAs(deliver),
              hold: () => ({ until: 0, times: 1 }),
              note: () => undefined,
              now: Date.now,
            },
          )
          const settled = settlements.map(({ event }) => event)
          const left = rest?.groups.flat() ?? []
          const named = [...settled, ...left]
          expect(new Set(named).size).toBe(named.length)
          for (const { event } of tried) expect(settled).not.toContain(event)
          if (!failure)
            for (const event of leased)
              if (!named.includes(event)) expect(tried.map(({ event }) => event)).toContain(event)
          // A failure names the events of its request, for people; one of them may be held back, but none is judged.
          const judged = settlements.filter(({ state }) => state !== 'pending').map(({ event }) => event)
          for (const event of failure?.events ?? []) expect([...judged, ...left]).not.toContain(event)
          for (const { event, state } of settlements)
            if (state === 'skipped') expect(event.position % 5).toBe(3)
        },
      ),
      { numRuns: runs(300) },
    )
  })
})

describe('what is noted of an attempt', () => {
  it('[DL15] which events, how it ended, and what Segment said', async () => {
    poison(2)
    await send(lease(4))
    expect(
      notes.map(({ first, last, events, reason, status, answer }) => [
        first.position,
        last.position,
        events,
        reason,
        status,
        answer,
      ]),
    ).toEqual([
      [0, 3, 4, 'segment_refused', 400, 'Bad Request'],
      [0, 1, 2, null, 200, '{"success":true}'],
      [2, 3, 2, 'segment_refused', 400, 'Bad Request'],
      [2, 2, 1, 'segment_refused', 400, 'Bad Request'],
      [3, 3, 1, null, 200, '{"success":true}'],
    ])
  })
})
