import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { families } from '../../../src/families/index.ts'
import { validate } from '../../../src/ingest/validate.ts'
import { customerAddress, toTrack } from '../../../src/send/segment/map.ts'
import { name, version } from '../../../src/version.ts'
import { inboundEvent, statusData, statusEvent, statusTypes, testEvent } from '../../support/events.ts'
import { type Pair, pairs, RECEIVED_AT } from '../../support/fixtures.ts'

const messageTypes = families.filter(({ group }) => group === 'Messaging').flatMap(({ types }) => types)

const track = (element: unknown) => {
  const mapped = toTrack(element, RECEIVED_AT)
  if (!mapped.ok) throw new Error(`not mapped: ${mapped.reason}`)
  return mapped.track
}

/** As tuples: vitest cuts `$name` short. */
const named = (which: (pair: Pair) => boolean) => pairs.filter(which).map(pair => [pair.name, pair] as const)

describe('fixtures', () => {
  test('every event stands beside the call it becomes', () => {
    expect(pairs.length).toBeGreaterThan(25)
  })

  test.each(named(({ segment }) => segment !== null))('[MP1] %s', (_, { twilio, segment }) => {
    const expected = { ...segment, context: { ...segment?.context, app: { name, version } } }
    expect(track(twilio)).toEqual(expected)
    expect(validate(twilio).state).toBe('pending')
  })

  test.each(named(({ segment }) => segment === null))('[MP1] %s becomes no call', (_, { twilio }) => {
    const { reason, state } = validate(twilio)
    expect(state).toBe('skipped')
    expect(toTrack(twilio, RECEIVED_AT)).toEqual({ ok: false, reason })
  })

  test('every type of message has a fixture', () => {
    const types = new Set(pairs.map(({ twilio }) => twilio.type))
    expect(messageTypes.filter(type => !types.has(type))).toEqual([])
  })
})

describe('the track call', () => {
  test('[MP2] has no userId, no integrations, and no field beyond these', () => {
    const keys = ['anonymousId', 'context', 'event', 'messageId', 'properties', 'timestamp']
    expect(Object.keys(track(statusEvent())).sort()).toEqual(keys)
    expect(Object.keys(track(statusEvent()).context).sort()).toEqual(['app', 'externalIds'])
  })

  test('[MP3] properties are the data itself, neither copied nor changed', () => {
    const event = statusEvent({ z: 1, a: { b: [null] } })
    const before = JSON.stringify(event)
    expect(track(event).properties).toBe(event.data)
    expect(JSON.stringify(event)).toBe(before)
  })

  test('[MP3] a key called __proto__ in data goes through', () => {
    const text = JSON.stringify(statusEvent()).replace('"messageSid"', '"__proto__":{"a":1},"messageSid"')
    expect(JSON.stringify(track(JSON.parse(text)).properties)).toContain('"__proto__":{"a":1}')
  })

  test.each([
    ['+15550100002', 'phone', '+15550100002'],
    ['whatsapp:+15550100002', 'phone', '+15550100002'],
    ['WhatsApp:+15550100002', 'phone', '+15550100002'],
    ['rcs:+15550100002', 'phone', '+15550100002'],
    ['messenger:123', 'messenger', '123'],
    ['Messenger:AbC', 'messenger', 'AbC'],
    ['whatsapp:US.1349', 'whatsapp', 'US.1349'],
    ['ann@example.com', 'email', 'ann@example.com'],
  ])('[MP4] the address %s is the externalId %s %s', (to, type, id) => {
    const externalIds = [{ id, type, collection: 'users', encoding: 'none' }]
    expect(track(statusEvent({ to })).context).toHaveProperty('externalIds', externalIds)
  })

  test.each([
    'sip:alice@example.com:5060',
    'client:alice',
    'client:+15550100002',
    '12345',
    'ACME',
    '+',
    '+0123456',
    'whatsapp:+0155',
    'messenger:',
    ':1',
    '+1555010000200000',
  ])('[MP4] the address %s gives no externalId, and still an anonymousId', from => {
    const { context, anonymousId } = track(inboundEvent({ from }))
    expect(context).not.toHaveProperty('externalIds')
    expect(anonymousId).toMatch(/^\d+$/)
  })

  test("[MP4] the business's own address identifies no one", () => {
    const sent = JSON.stringify(track(statusEvent({ from: '+15550100001' })).context)
    const received = JSON.stringify(track(inboundEvent({ to: '+15550100001' })).context)
    expect(sent + received).not.toContain('+15550100001')
    expect(track(statusEvent({ from: 'x' })).anonymousId).toBe(track(statusEvent({ from: 'y' })).anonymousId)
    expect(track(inboundEvent({ to: 'x' })).anonymousId).toBe(track(inboundEvent({ to: 'y' })).anonymousId)
  })

  test('[MP5] a customer is the same whether writing or written to', () => {
    const [to, from] = [
      track(statusEvent({ to: '+15550100009' })),
      track(inboundEvent({ from: '+15550100009' })),
    ]
    expect(to.anonymousId).toBe(from.anonymousId)
    // Computed with Python's integers.
    expect(to.anonymousId).toBe('3573989158738592668')
  })

  test.each([
    '2026-01-02T03:04:05Z',
    '2026-01-02T03:04:05.1Z',
    '2026-01-02T03:04:05.123456789Z',
    '2026-01-02T03:04:05.123456789+05:30',
    '2024-02-29T23:59:59-11:00',
  ])('[MP6] the time %s is sent as it stands', time => {
    expect(track(statusEvent({}, { time })).timestamp).toBe(time)
  })

  test.each([
    ['2024-11-21 10:00:13.123 UTC', '2024-11-21T10:00:13.123Z'],
    ['2026-01-02T03:04:05+0530', '2026-01-01T21:34:05Z'],
    ['Fri, 02 Jan 2026 03:04:05 GMT', '2026-01-02T03:04:05Z'],
    [1767323045, '2026-01-02T03:04:05.000Z'],
  ])('[MP6] the time %j is sent as that instant (f04)', (time, sent) => {
    expect(track(statusEvent({}, { time })).timestamp).toBe(sent)
    if (typeof time === 'string')
      expect(track(statusEvent({ timestamp: time }, { time: 'then' })).timestamp).toBe(sent)
  })

  test.each([
    undefined,
    null,
    17673,
    '',
    'now',
    '2026-01-02',
    '2026-01-02T03:04:05',
    '2026-13-02T03:04:05Z',
    '2026-02-29T03:04:05Z',
    '2026-01-02T25:04:05Z',
    '2026-01-02 03:04:05',
    '01/02/2026 03:04:05 GMT',
  ])('[MP6] in place of the time %j goes data.timestamp, and in its place the receipt', time => {
    expect(track(statusEvent({}, { time })).timestamp).toBe('2026-01-02T03:04:05.000Z')
    expect(track(statusEvent({ timestamp: 'then' }, { time })).timestamp).toBe('2026-03-04T05:06:07.089Z')
  })

  test('[MP7] an event the door would not let in gives its reason', () => {
    expect(toTrack(42, 0)).toEqual({ ok: false, reason: 'not_a_cloudevent' })
    expect(toTrack(statusEvent({ to: 7 }), 0)).toEqual({ ok: false, reason: 'schema_rejected' })
    expect(toTrack(testEvent(), 0)).toEqual({ ok: false, reason: 'sink_test' })
    expect(toTrack(statusEvent({}, { type: 'x' }), 0)).toEqual({ ok: false, reason: 'type_unmapped' })
  })

  const text = fc.string({ unit: 'binary' })
  const dataOf = fc.record(
    {
      ...{
        messageSid: text,
        timestamp: text,
        accountSid: text,
        eventName: text,
        apiVersion: text,
        from: text,
      },
      ...{
        messageStatus: text,
        messagingServiceSid: text,
        body: text,
        statusCallBackUrl: text,
        mnc: text,
        mcc: text,
      },
      to: fc.oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^(whatsapp:)?\+[1-9]\d{1,14}$/)),
      errorCode: fc.oneof(fc.maxSafeInteger(), text),
      tags: fc.dictionary(text, text),
      numberOfSegments: fc.maxSafeNat(),
      dateUpdated: text,
      rawDlrDoneDate: text,
      somethingNew: fc.jsonValue(),
    },
    {
      requiredKeys: [
        'messageSid',
        'timestamp',
        'accountSid',
        'eventName',
        'apiVersion',
        'from',
        'to',
        'messageStatus',
      ],
    },
  )

  test('[MP3] every valid message status becomes a call whose properties equal its data', () => {
    const event = fc.tuple(
      fc.constantFrom(...statusTypes),
      fc.integer({ min: 1, max: 12 }),
      dataOf,
      fc.boolean(),
    )
    fc.assert(
      fc.property(event, ([type, n, generated, asString]) => {
        const data: unknown = JSON.parse(JSON.stringify(generated))
        const dataschema = `https://events-schemas.twilio.com/Messaging.MessageStatus/${n}`
        const element = {
          ...statusEvent({}, { type, dataschema }),
          data: asString ? JSON.stringify(data) : data,
        }
        expect(validate(element).state).toBe('pending')
        const { properties, timestamp, anonymousId } = track(element)
        expect(properties).toEqual(data)
        expect(Date.parse(timestamp)).not.toBeNaN()
        expect(BigInt(anonymousId ?? '')).toBeLessThan(2n ** 64n)
      }),
      { numRuns: 500 },
    )
  })

  test('[MP7] the door and the mapping agree on every event', () => {
    const fields = fc.dictionary(fc.constantFrom(...Object.keys(statusData[6] ?? {})), fc.jsonValue())
    fc.assert(
      fc.property(fields, changed => {
        const event = statusEvent(changed)
        expect(toTrack(event, 0).ok).toBe(validate(event).state === 'pending')
      }),
    )
  })
})

describe("the customer's address", () => {
  test('[MP8] is read as it stands, also of an event that was rejected', () => {
    expect(customerAddress(statusEvent({ to: 'whatsapp:+15550100002' }))).toBe('whatsapp:+15550100002')
    expect(customerAddress(inboundEvent())).toBe('+15550100002')
    expect(customerAddress(statusEvent({ messageSid: 7 }, { specversion: '2.0' }))).toBe('+15550100002')
    const { data, ...envelope } = statusEvent()
    expect(customerAddress({ ...envelope, data: JSON.stringify(data) })).toBe('+15550100002')
  })

  test.each([
    42,
    null,
    'x',
    [],
    {},
    testEvent(),
    statusEvent({ to: 7 }),
    statusEvent({ to: '' }),
    { type: statusTypes[0] },
  ])('[MP8] is undefined where there is none: %j', element => {
    expect(customerAddress(element)).toBeUndefined()
  })
})

test('the version is that of package.json', () => {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  )
  expect(manifest).toMatchObject({ name, version })
})

test('no event type and no schema belongs to two families', () => {
  const types = families.flatMap(family => family.types)
  expect(new Set(types).size).toBe(types.length)
  expect(new Set(families.map(({ schema }) => schema)).size).toBe(families.length)
})
