/** What the webhook sees of each event for the figures of data quality: its properties, and its customer's address. */
import { describe, expect, test } from 'vitest'
import { propertiesOf } from '../../src/families/family.ts'
import { families } from '../../src/families/index.ts'
import { validate } from '../../src/ingest/validate.ts'
import { fromObserved } from '../../src/stats/quality-sample.ts'
import { inboundData, inboundEvent, statusData, statusEvent, testEvent, without } from '../support/events.ts'

/** As the outbox adds them up. */
function seen(element: unknown) {
  const { type, version, observed } = validate(element)
  return observed === undefined ? undefined : fromObserved(type, version, new Map([[observed, 1]]))
}
const propertiesSeen = (element: unknown) => Object.keys(seen(element)?.present ?? {})
const identitySeen = (element: unknown) => Object.keys(seen(element)?.identity ?? {})

describe('properties', () => {
  test.each(Object.entries(statusData))('[DQ3] all of a whole MessageStatus %s are seen', (version, data) => {
    const event = { ...statusEvent(), data, dataschema: `https://x/Messaging.MessageStatus/${version}` }
    const { addedInVersion8: _, ...listed } = data
    expect(propertiesSeen(event).sort()).toEqual(Object.keys(listed).sort())
  })

  test.each(Object.entries(inboundData))(
    '[DQ3] all of a whole InboundMessage %s are seen',
    (version, data) => {
      const event = { ...inboundEvent(), data, dataschema: `https://x/Messaging.InboundMessageV1/${version}` }
      expect(propertiesSeen(event).sort()).toEqual(Object.keys(data).sort())
    },
  )

  test.each(Object.keys(statusData[6] ?? {}))('[DQ3] only %s is not seen when it is not there', name => {
    const { [name]: _, ...data } = statusData[6] ?? {}
    expect(propertiesSeen({ ...statusEvent(), data }).sort()).toEqual(Object.keys(data).sort())
  })

  test('[DQ3] null and an empty text are not there; 0, {} and false are', () => {
    const all = { body: null, from: '', numberOfSegments: 0, tags: {}, errorCode: false, unheardOf: 1 }
    const names = ['errorCode', 'numberOfSegments', 'tags', 'to']
    expect(propertiesSeen({ ...statusEvent(), data: { to: '+15550100199', ...all } }).sort()).toEqual(names)
  })

  test('[DQ3] data as text, and data of an event that is rejected, are seen as well', () => {
    const whole = propertiesSeen(statusEvent())
    expect(propertiesSeen({ ...statusEvent(), data: JSON.stringify(statusEvent().data) })).toEqual(whole)
    expect(propertiesSeen(statusEvent({ from: 7 }))).toEqual(whole)
    expect(propertiesSeen(statusEvent({}, { specversion: '2.0' }))).toEqual(whole)
  })

  test.each([[null], ['no JSON'], [[]], [7], [undefined]])('[DQ3] data %j has none', data => {
    expect(seen({ ...statusEvent(), data })).toEqual({ present: {}, identity: { missing: 1 } })
  })

  test('[DQ3] are required exactly when the schema does not take an event without them', () => {
    for (const family of families) {
      for (const [version, schema] of family.versions) {
        const listed = propertiesOf(family, version)
        expect(listed.map(({ name }) => name)).toEqual(Object.keys(schema.shape))
        const missing = schema.safeParse({}).error?.issues.map(({ path }) => path[0]) ?? []
        expect(listed.filter(({ required }) => required).map(({ name }) => name)).toEqual(missing)
      }
    }
  })
})

describe('the address of the customer', () => {
  test.each([
    ['+15550100199', 'phone'],
    ['whatsapp:+15550100199', 'phone'],
    ['rcs:+15550100199', 'phone'],
    ['messenger:123456', 'other_scheme'],
    ['whatsapp:12345', 'short_code'],
    ['whatsapp:US.1349', 'other_scheme'],
    ['12345', 'short_code'],
    ['12345678', 'short_code'],
    ['15550100199', 'phone'],
    [15550100199, 'phone'],
    [12345, 'short_code'],
    ['TWILIO', 'alphanumeric'],
    ['+', 'alphanumeric'],
    [' ', 'alphanumeric'],
    ['', 'missing'],
    [7, 'missing'],
    [null, 'missing'],
  ])('[DQ3] %j is %s, in a status as in an inbound message', (address, kind) => {
    expect(identitySeen(statusEvent({ to: address }))).toEqual([kind])
    expect(identitySeen(inboundEvent({ from: address }))).toEqual([kind])
  })

  test('[DQ3] is missing when its field is', () => {
    const event = statusEvent()
    expect(identitySeen({ ...event, data: without(event.data, 'to') })).toEqual(['missing'])
  })
})

test('[DQ2] a sink test is not looked at; a type without a family shows nothing', () => {
  expect(seen(testEvent())).toBe(undefined)
  const nothing = { present: {}, identity: {} }
  expect(seen(statusEvent({}, { type: 'com.example.other' }))).toEqual(nothing)
  expect([null, 7, 'x', [], {}].map(seen)).toEqual([nothing, nothing, nothing, nothing, nothing])
})
