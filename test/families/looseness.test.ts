/** How a field looks never makes a dead letter of a real event: only a required one that is missing or unusable does. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toOrigins } from '../../src/admin/field-origins.ts'
import { propertiesOf } from '../../src/families/family.ts'
import { families } from '../../src/families/index.ts'
import { validate } from '../../src/ingest/validate.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { fromObserved } from '../../src/stats/quality-sample.ts'
import { inboundEvent, statusEvent, without } from '../support/events.ts'
import { pairs, RECEIVED_AT } from '../support/fixtures.ts'

const whole = { 'Messaging.MessageStatus': statusEvent(), 'Messaging.InboundMessageV1': inboundEvent() }
const toBase64 = (data: unknown) => Buffer.from(JSON.stringify(data)).toString('base64')

const optionalFields = families.flatMap(family =>
  !(family.schema in whole)
    ? []
    : propertiesOf(family, 99)
        .filter(({ required }) => !required)
        .map(({ name }) => [family.schema, name] as const),
)

function propertiesOfCall(element: unknown): unknown {
  const mapped = toTrack(element, RECEIVED_AT)
  return mapped.ok ? mapped.track.properties : expect.fail(mapped.reason)
}

describe('optional fields', () => {
  test('there are some of each family', () => {
    expect(new Set(optionalFields.map(([schema]) => schema))).toEqual(new Set(Object.keys(whole)))
  })

  test.each(optionalFields)(
    '[VA90] f06: %s.%s may be null, a number, digits or of any other type',
    (schema, field) => {
      const event = Object.entries(whole).find(([name]) => name === schema)?.[1] ?? expect.fail(schema)
      for (const value of [null, 310, '1', 1.5, '', true, {}, { a: 1 }, [], ['a', 1]]) {
        const data = { ...event.data, [field]: value }
        const entry = validate({ ...event, data })
        expect(entry, JSON.stringify(value)).toMatchObject({ state: 'pending', faults: [] })
        expect(propertiesOfCall({ ...event, data })).toEqual(data)
      }
    },
  )

  test('[VA90] f06: whatever all of them are together, the event is pending and its data whole', () => {
    const loosened = fc.constantFrom(...Object.entries(whole)).chain(([schema, event]) => {
      const fields = optionalFields.flatMap(([of, name]) => (of === schema ? [name] : []))
      return fc.tuple(fc.constant(event), fc.dictionary(fc.constantFrom(...fields), fc.jsonValue()))
    })
    fc.assert(
      fc.property(loosened, ([event, loose]) => {
        const data: object = JSON.parse(JSON.stringify({ ...event.data, ...loose }))
        expect(validate({ ...event, data }).state).toBe('pending')
        expect(propertiesOfCall({ ...event, data })).toEqual(data)
      }),
    )
  })

  test('[VA90] f06: null is absent to data quality too', () => {
    const seen = (errorCode: unknown) => {
      const { type, version, observed } = validate(statusEvent({ errorCode }))
      return fromObserved(type, version, new Map([[observed ?? expect.fail('seen'), 1]])).present
    }
    expect(seen(30007)).toHaveProperty('errorCode')
    expect(seen(null)).not.toHaveProperty('errorCode')
  })
})

describe('addresses sent as numbers', () => {
  test.each([
    [statusEvent({ to: 15550100002 }), statusEvent({ to: '15550100002' })],
    [statusEvent({ to: 12345 }), statusEvent({ to: '12345' })],
    [inboundEvent({ from: 15550100002 }), inboundEvent({ from: '15550100002' })],
  ])('[VA91] are the address of those digits', (asNumber, asText) => {
    const [one, other] = [toTrack(asNumber, RECEIVED_AT), toTrack(asText, RECEIVED_AT)]
    if (!one.ok || !other.ok) expect.fail('not mapped')
    expect(one.track).toEqual({ ...other.track, properties: asNumber.data })
    expect(validate(asNumber).state).toBe('pending')
  })

  test.each([0, 7, 99, -15550100002, 1.5, Number.MAX_SAFE_INTEGER + 1])('[VA91] %d is none', to => {
    expect(validate(statusEvent({ to }))).toMatchObject({ state: 'rejected', reason: 'schema_rejected' })
  })
})

describe('data_base64', () => {
  const { data, ...envelope } = statusEvent({ body: 'Größe 🙂 ?????>>>>>.' })
  const base64 = toBase64(data)

  test.each([
    ['as RFC 4648 writes it', base64],
    ['without padding', base64.replace(/=+$/, '')],
    ['in the URL-safe alphabet', base64.replaceAll('+', '-').replaceAll('/', '_')],
    ['in lines', base64.replace(/.{60}/g, '$&\r\n')],
    ['with a byte order mark in it', Buffer.from(`\ufeff${JSON.stringify(data)}`).toString('base64')],
  ])('[VA92] f07: %s is decoded and sent', (_, data_base64) => {
    for (const event of [
      { ...envelope, data_base64 },
      { ...envelope, data: null, data_base64 },
    ]) {
      expect(validate(event)).toMatchObject({ state: 'pending', faults: [] })
      expect(propertiesOfCall(event)).toEqual(data)
      expect(toTrack(event, RECEIVED_AT)).toEqual(toTrack({ ...envelope, data }, RECEIVED_AT))
    }
  })

  test('[VA92] f07: the alphabets differ in the case above', () => {
    expect(base64).toMatch(/[+/]/)
    expect(base64).toMatch(/=$/)
  })

  test.each([
    ['text that is no JSON', btoa('Ahoy!')],
    ['a JSON text that is no object', btoa('[1]')],
    ['null', btoa('null')],
    ['bytes that are no UTF-8', btoa('{"a":"\xff"}')],
    ['no base64', '{"a":1}'],
    ['nothing', ''],
  ])('[VA92] f07: %s is rejected, with the fault at its place', (_, data_base64) => {
    const { state, reason, faults } = validate({ ...envelope, data_base64 })
    expect({ state, reason }).toEqual({ state: 'rejected', reason: 'schema_rejected' })
    expect(faults).toMatchObject([{ path: '$.data_base64', expected: 'base64 of a JSON object' }])
  })

  test('[VA92] f07: a required field that is missing in it is a fault below its path', () => {
    const { faults } = validate({ ...envelope, data_base64: toBase64(without(data, 'messageSid')) })
    expect(faults).toMatchObject([{ path: '$.data_base64.messageSid', received: 'missing' }])
  })

  test('[VA92] f07: data counts where both are there, and is missed where neither is', () => {
    expect(propertiesOfCall({ ...envelope, data, data_base64: toBase64({}) })).toEqual(data)
    expect(validate({ ...envelope, data_base64: 7 }).faults).toMatchObject([{ path: '$.data' }])
  })

  test('[MP10] f07: fields come from below its path', () => {
    const { origins } = toOrigins({ ...envelope, time: 'none', data_base64: base64 }, RECEIVED_AT)
    const from = (to: string) => origins.find(origin => origin.to === to)?.from
    expect(from('$.properties')).toBe('$.data_base64')
    expect(from('$.anonymousId')).toBe('$.data_base64.to')
    expect(from('$.timestamp')).toBe('$.data_base64.timestamp')
  })
})

describe('what was published', () => {
  const published = pairs.filter(
    ({ name }) => /published|official-sink/.test(name) && name.startsWith('messaging/'),
  )

  test('there are real and documented events of both families', () => {
    expect(new Set(published.map(({ twilio }) => twilio.type)).size).toBeGreaterThanOrEqual(3)
  })

  test.each(published.map(pair => [pair.name, pair] as const))(
    '[MP94] %s is mapped',
    (_, { twilio, segment }) => {
      const { data, ...envelope } = twilio
      for (const event of [
        twilio,
        { ...envelope, data: JSON.stringify(data) },
        { ...envelope, data_base64: toBase64(data) },
        ...['time', 'datacontenttype', 'dataschema'].map(attribute => without(twilio, attribute)),
      ]) {
        expect(validate(event)).toMatchObject({ state: 'pending', faults: [] })
        expect(propertiesOfCall(event)).toEqual(segment?.properties)
      }
    },
  )
})

test('[VA90] the schemas for people say what each field usually is, and refuse none of these either', () => {
  const text = readFileSync(new URL('../../schemas/Messaging.MessageStatus.6.json', import.meta.url), 'utf8')
  const { properties } = JSON.parse(text)
  expect(properties.numberOfSegments.anyOf).toEqual([expect.objectContaining({ type: 'integer' }), {}])
  expect(properties.mcc.anyOf).toEqual([{ type: 'string' }, {}])
})
