/** What every destination promises the dispatcher, whatever its protocol: src/send/destination.ts, line by line. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Destination, MappableEvent, Message } from '../../src/send/destination.ts'
import { pack } from '../../src/send/pack.ts'
import { neverAborted } from './dispatcher.ts'
import { runs } from './runs.ts'
import { messageStatus } from './twilio.ts'

/** A destination, and the other side of it. */
export type OpenedDestination = AsyncDisposable & {
  readonly destination: Destination
  /** The ids of the events that arrived, in order. */
  received(): readonly string[]
  /** From here on the other side answers nothing; resolves with the first attempt that waits for it. Not where nobody is waited for. */
  readonly hang?: () => Promise<void>
}

const RECEIVED_AT = Date.parse('2026-01-02T03:04:05.678Z')
const eventOf = (id: string, text = ''): MappableEvent => ({
  element: messageStatus({ id, data: { body: text } }),
  receivedAt: RECEIVED_AT,
})
const textOf = (message: Message) => JSON.stringify(message)

export function registerDestinationContract(
  name: string,
  open: () => Promise<OpenedDestination>,
  { waits = true } = {},
): void {
  function messageOf(destination: Destination, event: MappableEvent): Message {
    const mapped = destination.map(event)
    if (!mapped.ok) throw new Error(`${mapped.reason} ${mapped.detail}`)
    return mapped.message
  }

  async function deliverAll(destination: Destination, events: readonly MappableEvent[]) {
    const messages = events.map(event => ({ event, message: messageOf(destination, event) }))
    const batches = pack(messages, destination.limits)
    for (const batch of batches) {
      const outcome = await destination.deliver(
        batch.map(({ message }) => message),
        neverAborted,
      )
      expect(outcome).toMatchObject({
        kind: 'accepted',
        status: expect.any(Number),
        answer: expect.any(String),
      })
    }
    return batches
  }

  describe(`the destination ${name}`, () => {
    test('[DL120] has a short name and limits that a batch can be made by', async () => {
      await using opened = await open()
      const { name, limits, taken } = opened.destination
      expect(name).toMatch(/^[a-z][a-z0-9-]{0,19}$/)
      for (const limit of Object.values(limits)) expect(Number.isSafeInteger(limit)).toBe(true)
      expect(limits.batchBytes).toBeGreaterThan(limits.eventBytes)
      expect(limits.batchEvents).toBeGreaterThan(0)
      expect(limits.eventsPerSecond).toBeGreaterThanOrEqual(0)
      expect(['accepted', 'skipped']).toContain(taken.state)
    })

    test('[DL120] mapping never throws, changes nothing, and gives the same message to the byte each time', {
      tags: 'property',
    }, async () => {
      await using opened = await open()
      const { map, limits } = opened.destination
      const own = fc.record(
        { id: fc.string(), time: fc.string(), data: fc.jsonValue() },
        { requiredKeys: [] },
      )
      const element = fc.oneof(
        fc.jsonValue(),
        own.map(change => ({ ...messageStatus({ id: 'EZ1' }), ...change })),
        fc.object().map(data => messageStatus({ id: 'EZ1', data })),
      )
      fc.assert(
        fc.property(element, element, (element, exact) => {
          const before = JSON.stringify([element, exact])
          for (const event of [
            { element, receivedAt: RECEIVED_AT },
            { element, exact, receivedAt: RECEIVED_AT },
          ]) {
            const mapped = map(event)
            expect(JSON.stringify([element, exact])).toBe(before)
            expect(JSON.stringify(map(structuredClone(event)))).toBe(JSON.stringify(mapped))
            if (mapped.ok) expect(mapped.message.bytes).toBeLessThanOrEqual(limits.eventBytes)
          }
        }),
        { numRuns: runs(200) },
      )
    })

    test('[DL120] what breaks the mapping is set aside with a reason', async () => {
      await using opened = await open()
      const { map, limits } = opened.destination
      const broken = messageStatus()
      Object.defineProperty(broken, 'data', {
        get() {
          throw new Error('a bug of ours')
        },
      })
      const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
      for (const element of [broken, messageStatus({ data: { deep } })])
        expect(map({ element, receivedAt: RECEIVED_AT })).toMatchObject({
          ok: false,
          reason: 'not_serializable',
        })
      expect(map(eventOf('EZ1', 'x'.repeat(limits.eventBytes)))).toMatchObject({
        ...{ ok: false, reason: 'event_too_large' },
        detail: expect.stringMatching(/^\d+ bytes/),
      })
      expect(map({ element: null, receivedAt: RECEIVED_AT })).toMatchObject({ ok: false })
    })

    test('[DL120] an event without a time of its own is of the time of its receipt, whenever it is mapped', async () => {
      await using opened = await open()
      const { destination } = opened
      const element = { ...messageStatus({ data: { timestamp: 'soon' } }), time: 'soon' }
      const at = (receivedAt: number) => textOf(messageOf(destination, { element, receivedAt }))
      expect(at(RECEIVED_AT)).toBe(at(RECEIVED_AT))
      expect(at(RECEIVED_AT)).not.toBe(at(RECEIVED_AT + 1))
    })

    test('[DL121] takes batches filled to its limits, each message once and in order', async () => {
      await using opened = await open()
      const { destination } = opened
      const { eventBytes, batchBytes, batchEvents } = destination.limits
      const large = Math.ceil((batchBytes * 1.5) / eventBytes)
      const events = [
        ...Array.from({ length: large }, (_, at) => eventOf(`EZL${at}`, 'é'.repeat(eventBytes / 2 - 1_000))),
        ...Array.from({ length: 2 * batchEvents }, (_, at) => eventOf(`EZS${at}`)),
      ]
      const batches = await deliverAll(destination, events)
      expect(batches.length).toBeGreaterThan(2)
      expect(Math.max(...batches.map(batch => batch.length))).toBe(batchEvents)
      expect(opened.received()).toEqual(events.map(({ element }) => Reflect.get(Object(element), 'id')))
    })

    test('[DL121] several batches may be under way at once', async () => {
      await using opened = await open()
      const { destination } = opened
      const ids = Array.from({ length: 6 }, (_, at) => `EZ${at}`)
      await Promise.all(ids.map(id => deliverAll(destination, [eventOf(id)])))
      expect(opened.received().toSorted()).toEqual(ids)
    })

    test('[DL122] what is aborted before it begins sends nothing', async () => {
      await using opened = await open()
      const message = messageOf(opened.destination, eventOf('EZ1'))
      expect(await opened.destination.deliver([message], AbortSignal.abort())).toEqual({ kind: 'aborted' })
      expect(opened.received()).toEqual([])
      await deliverAll(opened.destination, [eventOf('EZ2')])
      expect(opened.received()).toEqual(['EZ2'])
    })

    if (waits)
      test('[DL122] what is aborted while the other side is silent ends at once', async () => {
        await using opened = await open()
        const hangs = opened.hang?.()
        const stop = new AbortController()
        const message = messageOf(opened.destination, eventOf('EZ1'))
        const outcome = opened.destination.deliver([message], stop.signal)
        await hangs
        stop.abort()
        expect(await outcome).toEqual({ kind: 'aborted' })
      })
  })
}
