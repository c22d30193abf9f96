import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Leased } from '../../src/outbox/store.ts'
import { type DispatchPorts, deliverBatch } from '../../src/send/batch.ts'
import { byteLength, pack } from '../../src/send/pack.ts'
import type { Deliver } from '../../src/send/segment/client.ts'
import { BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES } from '../../src/send/segment/limits.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { deliverTo, neverAborted, overhead, segmentAs } from '../support/dispatcher.ts'
import { runs } from '../support/runs.ts'
import { type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus } from '../support/twilio.ts'

let segment: SegmentStandIn
beforeEach(async () => {
  segment = await startSegment()
})
afterEach(() => segment.close())

function toPorts(deliver: Deliver): DispatchPorts {
  return {
    destination: segmentAs(deliver),
    hold: () => ({ until: 0, times: 1 }),
    note: () => undefined,
    now: Date.now,
  }
}

const send = (leased: readonly Leased[]) =>
  deliverBatch({ groups: [leased], isolates: false, isProven: true }, toPorts(deliverTo(segment.url)))

function lease(texts: readonly string[]): Leased[] {
  return texts.map((text, position) => {
    return { request: 1, position, destination: 1, receivedAt: 0, element: eventOf(position, text) }
  })
}

const time = '2026-01-02T03:04:05.678Z'
const eventOf = (at: number, text: string) => messageStatus({ id: `EZ${at}`, time, data: { body: text } })

/** Text that makes event number `at` exactly so many bytes as it is sent; the rest of the division by `unit` is x's. */
function textFor(bytes: number, at: number, unit: string): string {
  const mapped = toTrack(eventOf(at, ''), 0)
  if (!mapped.ok) throw new Error(mapped.reason)
  const room = bytes - overhead.perEvent - byteLength(JSON.stringify(mapped.track))
  const size = byteLength(JSON.stringify(unit)) - 2
  return unit.repeat(Math.floor(room / size)) + 'x'.repeat(room % size)
}

const units = ['x', 'i', 'é', '€', '👋', '"', '\n', '\u0001', '\ud800', '%41', ' ']
const order = (settled: readonly { event: Leased }[]) => settled.map(({ event }) => event.position)

describe('what Segment gets', () => {
  it('[PK1] every request keeps to 480 KiB and 500 events as counted by who receives it; nothing is lost, the order stays', {
    tags: 'property',
  }, async () => {
    const size = fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 300 }) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 30_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 29_000, max: 31_500 }) },
    )
    const text = fc.tuple(size, fc.constantFrom(...units)).map(([bytes, unit]) => {
      return unit.repeat(bytes / Math.max(1, byteLength(JSON.stringify(unit)) - 2))
    })
    await fc.assert(
      fc
        .asyncProperty(fc.array(text, { minLength: 1, maxLength: 60, size: 'max' }), async texts => {
          const leased = lease(texts)
          const { settlements, failure } = await send(leased)
          expect(failure).toBeUndefined()
          expect(settlements.every(({ state }) => state === 'accepted')).toBe(true)
          expect(segment.events.map(({ messageId }) => messageId)).toEqual(texts.map((_, at) => `EZ${at}`))
          for (const { bytes, count, status } of segment.requests) {
            expect(bytes).toBeLessThanOrEqual(480 * 1_024)
            expect(count).toBeLessThanOrEqual(500)
            expect(status).toBe(200)
          }
          // As few requests as fit: any two neighbours together would be too much.
          segment.requests.slice(1).forEach(({ bytes }, at) => {
            const last = segment.requests[at]?.bytes ?? 0
            expect(last + bytes).toBeGreaterThan(BATCH_BYTES - EVENT_BYTES)
          })
        })
        .afterEach(() => segment.reset()),
      { numRuns: runs(25) },
    )
  })

  it('[PK1] 500 events at most, however small', async () => {
    const { settlements } = await send(lease(Array.from({ length: 1_001 }, () => '')))
    expect(settlements).toHaveLength(1_001)
    expect(segment.requests.map(({ count }) => count)).toEqual([500, 500, 1])
  })

  it('[PK1] a request is filled to the last byte, and not beyond', async () => {
    // 15 events of 32 KiB are 480 KiB, so their commas and the envelope are already too much.
    const last = BATCH_BYTES - 14 * (EVENT_BYTES + 1) - overhead.perRequest - 1
    const full = [...Array.from({ length: 14 }, () => EVENT_BYTES), last]
    await send(lease(full.map((bytes, at) => textFor(bytes, at, 'x'))))
    expect(segment.requests.map(({ bytes }) => bytes)).toEqual([BATCH_BYTES - 1])
    segment.reset()
    full[14] = last + 1
    await send(lease(full.map((bytes, at) => textFor(bytes, at, 'x'))))
    expect(segment.requests.map(({ count }) => count)).toEqual([14, 1])
  })

  it.each(units)(
    '[PK2] an event of 32 KiB of %j passes; one byte more is refused, and its neighbours pass',
    async unit => {
      const texts = [
        '',
        textFor(EVENT_BYTES, 1, unit),
        textFor(EVENT_BYTES + 1, 2, unit),
        '',
        textFor(EVENT_BYTES, 4, unit),
      ]
      const leased = lease(texts)
      const { settlements, failure } = await send(leased)
      expect(failure).toBeUndefined()
      const refused = settlements.filter(({ state }) => state === 'refused')
      expect(refused).toMatchObject([{ reason: 'event_too_large', detail: '32769 bytes as a track call' }])
      expect(order(refused)).toEqual([2])
      expect(segment.events.map(({ messageId }) => messageId)).toEqual(['EZ0', 'EZ1', 'EZ3', 'EZ4'])
      expect(segment.requests.map(({ status }) => status)).toEqual([200])
    },
  )

  it('[PK4] an id of 100 characters passes, a longer one is refused: Segment would drop it behind its 200', async () => {
    const long = (characters: number) => 'E'.repeat(characters)
    const leased = lease(['', '']).map((event, at) => ({
      ...event,
      element: messageStatus({ id: long(100 + at) }),
    }))
    const { settlements } = await send(leased)
    expect(settlements.find(({ state }) => state === 'refused')).toMatchObject({
      event: { position: 1 },
      reason: 'id_too_long',
      detail: '101 characters',
    })
    expect(segment.events.map(({ messageId }) => messageId)).toEqual([long(100)])
  })

  it.each(['x', '€', '👋'])(
    '[PK2] the limit is where the receiver has it: 32 KiB and a byte of %s is a 400 there',
    async unit => {
      const track = (bytes: number) => {
        const mapped = toTrack(eventOf(0, textFor(bytes, 0, unit)), 0)
        if (!mapped.ok) throw new Error(mapped.reason)
        return mapped.track
      }
      const deliver = deliverTo(segment.url)
      expect(await deliver([track(EVENT_BYTES + 1)], neverAborted)).toMatchObject({
        kind: 'refused',
        status: 400,
      })
      expect(await deliver([track(EVENT_BYTES)], neverAborted)).toMatchObject({ kind: 'accepted' })
    },
  )
})

describe('packing', () => {
  it('[PK3] keeps every event once and in order, whatever their sizes', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: EVENT_BYTES }), { maxLength: 2_000, size: 'max' })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 1_000 }), (bytes, envelope) => {
        const events = bytes.map((size, event) => ({ event, message: { content: {}, bytes: size } }))
        const batches = pack(events, { batchBytes: BATCH_BYTES - envelope, batchEvents: BATCH_EVENTS })
        expect(batches.flat()).toEqual(events)
        for (const batch of batches) {
          const sum = batch.reduce((total, { message }) => total + message.bytes + 1, envelope)
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.length).toBeLessThanOrEqual(BATCH_EVENTS)
          expect(sum).toBeLessThanOrEqual(BATCH_BYTES)
        }
      }),
      { numRuns: 50 },
    )
  })
})
