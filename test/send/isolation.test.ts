/** A2, W6: how a dispatch finds the events that fail alone, and where it stops. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Leased } from '../../src/outbox/store.ts'
import { type Dispatched, deliverBatch, type Work } from '../../src/send/batch.ts'
import { deliverTo, segmentAs } from '../support/dispatcher.ts'
import { type Fault, type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus } from '../support/twilio.ts'

let segment: SegmentStandIn
beforeEach(async () => {
  segment = await startSegment()
})
afterEach(() => segment.close())

const CULPRIT = "' OR 1=1"
type Bad = Extract<Fault, { kind: 'text' }>['bad']
const whenever = (bad: Bad) => segment.fail({ kind: 'text', text: CULPRIT, bad })
const forbidden: Bad = { kind: 'status', status: 403, body: 'blocked' }

function lease(count: number, culprits: readonly number[]): Leased[] {
  return Array.from({ length: count }, (_, position) => ({
    request: 1,
    position,
    destination: 1,
    receivedAt: 0,
    element: messageStatus({
      id: `EZ${position}`,
      ...(culprits.includes(position) && { data: { body: CULPRIT } }),
    }),
  }))
}

const isolating = (leased: readonly Leased[]): Work => ({ groups: [leased], isolates: true, isProven: true })

function send(work: Work, maySend?: () => boolean): Promise<Dispatched> {
  return deliverBatch(work, {
    destination: segmentAs(deliverTo(segment.url)),
    hold: ({ position }) => ({ until: position, times: 1 }),
    note: () => undefined,
    now: Date.now,
    maySend,
  })
}

const of = ({ settlements }: Dispatched, state: string) =>
  settlements.filter(settled => settled.state === state).map(({ event }) => event.position)
const allBut = (count: number, ...out: number[]) =>
  Array.from({ length: count }, (_, at) => at).filter(at => !out.includes(at))

describe('a dispatch that isolates', () => {
  it.each<[string, Bad]>([
    ['a 403', forbidden],
    ['a 500', { kind: 'status', status: 500 }],
    ['a reset', { kind: 'reset-before' }],
    ['a log-in page', { kind: 'pretend', status: 200, body: '<!doctype html>' }],
    ['a 429 without a wait', { kind: 'status', status: 429 }],
  ])('[DL51] A2: halves a batch behind %s, and holds back the culprits alone', async (_, bad) => {
    whenever(bad)
    const sent = await send(isolating(lease(60, [0, 31, 59])))
    expect(sent).toMatchObject({ failure: undefined, rest: undefined })
    expect(of(sent, 'pending')).toEqual([0, 31, 59])
    expect(of(sent, 'accepted')).toEqual(allBut(60, 0, 31, 59))
    expect(sent.settlements.filter(({ state }) => state === 'pending')).toMatchObject(
      [0, 31, 59].map(until => ({ reason: 'held_back', hold: { until, times: 1 } })),
    )
    expect(segment.duplicates).toBe(0)
  })

  it('[DL51] ends at a 429 that names its wait, and blames nobody', async () => {
    whenever({ kind: 'throttle', retryAfter: 30 })
    const sent = await send(isolating(lease(60, [31])))
    expect(sent).toMatchObject({
      failure: { reason: 'segment_throttled', waitToldMs: 30_000 },
      settlements: [],
      rest: undefined,
    })
    expect(segment.requests).toHaveLength(1)
  })

  it('[DL51] without isolation a failure is one request, and nothing is held back', async () => {
    whenever(forbidden)
    const sent = await send({ ...isolating(lease(60, [31])), isolates: false })
    expect(sent).toMatchObject({ failure: { reason: 'segment_unauthorized' }, settlements: [] })
    expect(segment.requests).toHaveLength(1)
  })

  it('[DL52] 20 held back in a row end it; the others are tried again', async () => {
    whenever(forbidden)
    const sent = await send(
      isolating(
        lease(
          64,
          Array.from({ length: 40 }, (_, at) => at),
        ),
      ),
    )
    expect(sent.failure).toMatchObject({ reason: 'segment_unauthorized' })
    expect(of(sent, 'pending')).toEqual(Array.from({ length: 20 }, (_, at) => at))
    expect(of(sent, 'accepted')).toEqual([])
  })

  it('[DL52] 19 in a row do not, however often, with something accepted in between', async () => {
    whenever(forbidden)
    const culprits = allBut(80, 19, 39, 59, 79)
    const sent = await send(isolating(lease(80, culprits)))
    expect(sent.failure).toBeUndefined()
    expect([of(sent, 'pending'), of(sent, 'accepted')]).toEqual([culprits, [19, 39, 59, 79]])
  })
})

describe('a dispatch whose requests are spent', () => {
  it.each([1, 3, 7])(
    '[DL53] W6: stops after %i without a failure, and goes on where it stopped',
    async allowed => {
      whenever(forbidden)
      const settled: Dispatched['settlements'][number][] = []
      let work: Work | undefined = isolating(lease(100, [37]))
      let rounds = 0
      while (work) {
        let left = allowed
        const before = segment.requests.length
        const sent: Dispatched = await send(work, () => left-- > 0)
        expect(segment.requests.length - before).toBeLessThanOrEqual(allowed)
        expect(sent.failure).toBeUndefined()
        settled.push(...sent.settlements)
        work = sent.rest
        rounds += 1
      }
      expect(rounds).toBe(Math.ceil(segment.requests.length / allowed))
      expect(settled).toHaveLength(100)
      expect(settled.filter(({ state }) => state === 'pending').map(({ event }) => event.position)).toEqual([
        37,
      ])
      expect([segment.ids.size, segment.duplicates]).toEqual([99, 0])
    },
  )

  it('[DL53] with none left from the beginning sends nothing, and gives everything back', async () => {
    const work = isolating(lease(5, []))
    expect(await send(work, () => false)).toEqual({
      ...{ settlements: [], failure: undefined, tried: [] },
      rest: work,
    })
    expect(segment.requests).toEqual([])
  })
})
