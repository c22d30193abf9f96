import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { findFaults } from '../../src/event/validation-errors.ts'
import { fits } from '../../src/families/family.ts'
import { families } from '../../src/families/index.ts'
import { validate } from '../../src/ingest/validate.ts'
import {
  inboundData,
  inboundEvent,
  inboundType,
  statusData,
  statusEvent,
  statusTypes,
  testEvent,
  without,
  ZEROS,
} from '../support/events.ts'

const identity = { source: `/2010-04-01/Accounts/AC${ZEROS}/Messages/SM${ZEROS}.json`, id: `EZ${ZEROS}` }
const pending = { state: 'pending', reason: undefined, faults: [], identity }
const rejected = (reason: string, ...faults: [path: string, expected: string, received: string][]) => ({
  state: 'rejected',
  reason,
  faults: faults.map(([path, expected, received]) => ({ path, expected, received })),
})
const notCloudEvent = (...fault: [string, string, string]) => rejected('not_a_cloudevent', fault)
const badData = (...fault: [string, string, string]) => rejected('schema_rejected', fault)
const schema = (end: string) => ({ dataschema: `https://events-schemas.twilio.com/${end}` })

describe('the envelope', () => {
  test('[VA1] a whole event is pending, known by its source and id', () => {
    const entry = validate(statusEvent())
    expect(entry).toEqual({
      ...pending,
      type: 'com.twilio.messaging.message.delivered',
      version: 6,
      observed: expect.any(Number),
    })
  })

  test.each(['time', 'datacontenttype', 'subject', 'dataschema'])('[VA1] %s may be missing', attribute => {
    expect(validate(without(statusEvent(), attribute))).toMatchObject(pending)
  })

  test.each([null, 42, '', {}, [], 'yesterday'])(
    '[VA1] time, datacontenttype, subject, dataschema may be %j',
    odd => {
      const envelope = { time: odd, datacontenttype: odd, subject: odd, dataschema: odd }
      expect(validate(statusEvent({}, envelope))).toMatchObject({ ...pending, version: 0 })
    },
  )

  test('[VA1] attributes no specification lists are allowed', () => {
    expect(validate(statusEvent({}, { traceparent: '00-0', subject: 'x' }))).toMatchObject(pending)
  })

  test.each([
    ['null', null, 'null'],
    ['a number', 42, 'number 42'],
    ['a text', 'x', '"x"'],
    ['an array', [], 'array'],
    ['true', true, 'boolean true'],
  ])('[VA2] %s is no event', (_, element, received) => {
    expect(validate(element)).toEqual({
      ...notCloudEvent('$', 'object', received),
      identity: undefined,
      type: '',
      version: 0,
      observed: 0,
    })
  })

  test.each(['id', 'source', 'type'])('[VA2] %s must be there', attribute => {
    const entry = validate(without(statusEvent(), attribute))
    expect(entry).toMatchObject(notCloudEvent(`$.${attribute}`, 'non-empty string', 'missing'))
  })

  test.each(['id', 'source', 'type'])('[VA2] %s must be a text with something in it', attribute => {
    const expected = [`$.${attribute}`, 'non-empty string'] as const
    expect(validate(statusEvent({}, { [attribute]: '' }))).toMatchObject(notCloudEvent(...expected, '""'))
    expect(validate(statusEvent({}, { [attribute]: 7 }))).toMatchObject(
      notCloudEvent(...expected, 'number 7'),
    )
    expect(validate(statusEvent({}, { [attribute]: null }))).toMatchObject(notCloudEvent(...expected, 'null'))
  })

  test.each(['id', 'source', 'type'])(
    '[VA2] %s may hold neither control characters nor half a pair',
    attribute => {
      const expected = [`$.${attribute}`, 'string without control characters or lone surrogates'] as const
      expect(validate(statusEvent({}, { [attribute]: 'a\0' }))).toMatchObject(
        notCloudEvent(...expected, '"a\\u0000"'),
      )
      expect(validate(statusEvent({}, { [attribute]: '\ud800' }))).toMatchObject(
        notCloudEvent(...expected, '"\\ud800"'),
      )
      expect(validate(statusEvent({}, { [attribute]: 'Ünï 😀' })).reason).not.toBe('not_a_cloudevent')
    },
  )

  test.each([
    [undefined, 'missing'],
    ['2.0', '"2.0"'],
    [1, 'number 1'],
    ['1.0 ', '"1.0 "'],
  ])('[VA2] specversion %j is not "1.0"', (specversion, received) => {
    const event = JSON.parse(JSON.stringify(statusEvent({}, { specversion })))
    expect(validate(event)).toMatchObject(notCloudEvent('$.specversion', '"1.0"', received))
  })

  test('[VA2] every fault of an envelope is told', () => {
    const paths = validate({ specversion: '0.3', id: 1 }).faults.map(({ path }) => path)
    expect(paths).toEqual(['$.specversion', '$.id', '$.source', '$.type'])
  })
})

describe('what is skipped', () => {
  test("[VA3] the sink's test event is skipped, and never a duplicate of another", () => {
    expect(validate(testEvent())).toEqual({
      identity: undefined,
      type: 'com.twilio.eventstreams.test-event',
      version: 1,
      state: 'skipped',
      reason: 'sink_test',
      faults: [],
    })
  })

  test.each([{}, '{"test_id":"x"}', 'no JSON', null, undefined])(
    '[VA3] the data of a test event may be %j',
    data => {
      expect(validate(testEvent({ data }))).toMatchObject({ state: 'skipped', reason: 'sink_test' })
    },
  )

  test('[VA3] a test event whose envelope is wrong is rejected, and has no identity either', () => {
    const entry = validate(testEvent({ specversion: '2.0' }))
    expect(entry).toMatchObject({ state: 'rejected', reason: 'not_a_cloudevent', identity: undefined })
  })

  test.each([{}, 'no JSON', 42, undefined])(
    '[VA4] a type without a family is skipped, whatever its data: %j',
    data => {
      const type = 'com.twilio.intelligence.operator-result.created'
      const entry = validate({ ...statusEvent(), type, data })
      expect(entry).toMatchObject({ type, state: 'skipped', reason: 'type_unmapped', faults: [], identity })
    },
  )

  test.each(['constructor', '__proto__', 'toString'])('[VA4] a type called %s has no family', type => {
    expect(validate(statusEvent({}, { type }))).toMatchObject({ type, reason: 'type_unmapped' })
  })
})

describe('data', () => {
  test.each(statusTypes)('[VA5] %s is judged as a message status', type => {
    expect(validate(statusEvent({}, { type }))).toMatchObject({ ...pending, type })
    expect(validate(statusEvent({ to: 7 }, { type }))).toMatchObject(
      badData('$.data.to', 'non-empty string', 'number 7'),
    )
  })

  test.each(Object.entries(statusData))(
    '[VA5] Messaging.MessageStatus/%s passes with all its fields',
    (version, data) => {
      const event = { ...statusEvent({}, schema(`Messaging.MessageStatus/${version}`)), data }
      expect(validate(event)).toMatchObject({ ...pending, version: Number(version) })
    },
  )

  test.each(Object.entries(inboundData))(
    '[VA5] Messaging.InboundMessageV1/%s passes with all its fields',
    (version, data) => {
      const event = { ...inboundEvent({}, schema(`Messaging.InboundMessageV1/${version}`)), data }
      expect(validate(event)).toMatchObject({ ...pending, type: inboundType, version: Number(version) })
    },
  )

  test.each(['messageSid', 'timestamp', 'accountSid', 'eventName', 'apiVersion', 'from', 'messageStatus'])(
    '[VA5] a message status needs %s, a string',
    field => {
      const event = statusEvent()
      expect(validate({ ...event, data: without(event.data, field) })).toMatchObject(
        badData(`$.data.${field}`, 'string', 'missing'),
      )
      expect(validate(statusEvent({ [field]: null }))).toMatchObject(
        badData(`$.data.${field}`, 'string', 'null'),
      )
    },
  )

  test.each([
    'messagingServiceSid',
    'errorCode',
    'body',
    'statusCallBackUrl',
    'tags',
    'mnc',
    'mcc',
    'rawDlrDoneDate',
    'numberOfSegments',
    'dateUpdated',
  ])('[VA5] a message status can do without %s', field => {
    const event = statusEvent()
    expect(validate({ ...event, data: without(event.data, field) })).toMatchObject(pending)
  })

  test.each<[field: string, value: unknown, expected: string, received: string]>([
    ['to', '', 'non-empty string', '""'],
    ['to', 99, 'non-empty string', 'number 99'],
    ['to', -15550100001, 'non-empty string', 'number -15550100001'],
    ['to', 1555010.5, 'non-empty string', 'number 1555010.5'],
    ['from', 99, 'string', 'number 99'],
    ['from', {}, 'string', 'object'],
    ['messageStatus', 7, 'string', 'number 7'],
    ['timestamp', 1767323045000, 'string', 'number 1767323045000'],
  ])('[VA5] %s of a message status may not be %j', (field, value, expected, received) => {
    expect(validate(statusEvent({ [field]: value }))).toMatchObject(
      badData(`$.data.${field}`, expected, received),
    )
  })

  test.each([
    ['errorCode', 400],
    ['errorCode', '400'],
    ['messageStatus', 'anything'],
    ['rawDlrDoneDate', '2024-05-29T10:57:57.563495225Z'],
    ['from', ''],
    ['from', 15550100001],
    ['from', 12345],
    ['to', 15550100002],
    ['to', 12345],
    ['tags', {}],
  ])('[VA5] %s of a message status may be %j', (field, value) => {
    expect(validate(statusEvent({ [field]: value }))).toMatchObject(pending)
  })

  test.each(Object.keys(inboundData[6] ?? {}))(
    '[VA5] an inbound message can do without %s, unless it says who wrote what to whom',
    field => {
      const event = inboundEvent()
      const entry = validate({ ...event, data: without(event.data, field) })
      const needed = ['messageSid', 'from', 'to'].includes(field)
      expect(entry).toMatchObject(needed ? { reason: 'schema_rejected' } : pending)
    },
  )

  test.each<[field: string, value: unknown, expected: string, received: string]>([
    ['from', '', 'non-empty string', '""'],
    ['from', true, 'non-empty string', 'boolean true'],
    ['to', null, 'string', 'null'],
  ])('[VA5] %s of an inbound message may not be %j', (field, value, expected, received) => {
    expect(validate(inboundEvent({ [field]: value }))).toMatchObject(
      badData(`$.data.${field}`, expected, received),
    )
  })

  test.each([
    ['numMedia', '2'],
    ['numSegments', 2],
    ['recipients', []],
  ])('[VA5] %s of an inbound message may be %j', (field, value) => {
    expect(validate(inboundEvent({ [field]: value }))).toMatchObject(pending)
  })

  test.each([
    ['fields no version lists', { somethingNew: { deep: [null] } }],
    ['fields of a later version', statusData[8] ?? {}],
  ])('[VA6] %s are allowed', (_, data) => {
    expect(validate(statusEvent(data, schema('Messaging.MessageStatus/3')))).toMatchObject(pending)
  })

  test.each([
    ['https://events-schemas.twilio.com/Messaging.MessageStatus/3', 3],
    ['https://events-schemas.stage.twilio.com/Messaging.MessageStatus/3.json', 3],
    ['Messaging.MessageStatus/99', 99],
    ['/Messaging.MessageStatus/99', 99],
    ['https://events-schemas.twilio.com/Messaging.MessageStatus', 0],
    ['https://events-schemas.twilio.com/Messaging.InboundMessageV1', 0],
    ['https://events-schemas.twilio.com/Messaging.MessageStatus/three', 0],
    ['https://events-schemas.twilio.com/Messaging.MessageStatus/-3', 0],
    ['https://events-schemas.twilio.com/Messaging.MessageStatus/99999999999999999999', 0],
    [7, 0],
  ])('[VA7] the version in %j is %i', (dataschema, version) => {
    expect(validate(statusEvent({}, { dataschema }))).toMatchObject({ ...pending, version })
  })

  test.each([undefined, 'nonsense', 'https://events-schemas.twilio.com/Messaging.MessageStatus/99'])(
    '[VA7] under dataschema %j the newest version judges',
    dataschema => {
      const entry = validate(statusEvent({ messageStatus: 7 }, { dataschema }))
      expect(entry).toMatchObject(badData('$.data.messageStatus', 'string', 'number 7'))
    },
  )

  test('[VA7] the type says which family judges, not the dataschema', () => {
    expect(validate(statusEvent({}, schema('Messaging.InboundMessageV1/6')))).toMatchObject(pending)
  })

  test('[VA8] data may be a string that holds an object', () => {
    const { data, ...envelope } = statusEvent()
    expect(validate({ ...envelope, data: JSON.stringify(data) })).toMatchObject(pending)
    const entry = validate({ ...envelope, data: JSON.stringify({ ...data, to: 7 }) })
    expect(entry).toMatchObject(badData('$.data.to', 'non-empty string', 'number 7'))
  })

  test.each<[data: unknown, received: string]>([
    [undefined, 'missing'],
    [null, 'null'],
    [[], 'array'],
    [42, 'number 42'],
    ['', '""'],
    ['{', '"{"'],
    ['[]', '"[]"'],
    ['null', '"null"'],
  ])('[VA8] data may not be %j', (data, received) => {
    const entry = validate({ ...statusEvent(), data })
    expect(entry).toMatchObject(badData('$.data', 'object, or a string holding one', received))
  })
})

describe('faults', () => {
  test('[VA9] a path leads to the fault, quoted where a name needs it', () => {
    const tags = { 'a b': 1, ok: 'x', 'quote"': 2, zone: 3 }
    expect(findFaults('$.tags', z.record(z.string(), z.string()), tags)).toEqual([
      { path: '$.tags["a b"]', expected: 'string', received: 'number 1' },
      { path: '$.tags["quote\\""]', expected: 'string', received: 'number 2' },
      { path: '$.tags.zone', expected: 'string', received: 'number 3' },
    ])
    expect(findFaults('$.list', z.array(z.string()), ['+15550100003', 4])).toEqual([
      { path: '$.list[1]', expected: 'string', received: 'number 4' },
    ])
  })

  test('[VA9] an event has at most 20 faults, and each is short', () => {
    const tags = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`${n}-${'k'.repeat(1_000)}`, n]))
    const faults = findFaults('$.tags', z.record(z.string(), z.string()), tags)
    expect(faults).toHaveLength(20)
    expect(Math.max(...faults.map(({ path }) => path.length))).toBeLessThan(100)
  })

  test('[VA9] what came is shown up to 60 characters', () => {
    const [fault] = validate(statusEvent({}, { specversion: '9'.repeat(1_000) })).faults
    expect(fault?.received).toBe(`"${'9'.repeat(60)}…"`)
  })
})

describe('whatever comes', () => {
  test('[VA10] a rejected event is known by its source and id when it has both', () => {
    expect(validate(statusEvent({ to: 7 }))).toMatchObject({ identity })
    expect(validate(without(statusEvent(), 'type'))).toMatchObject({ identity })
    expect(validate(statusEvent({}, { id: '' }))).toMatchObject({ identity: undefined })
    expect(validate(statusEvent({}, { source: 7 }))).toMatchObject({ identity: undefined })
  })

  test('[VA10] the type is kept up to 200 characters, without what a table cannot hold', () => {
    expect(validate(statusEvent({}, { type: 'x'.repeat(1_000) })).type).toBe('x'.repeat(200))
    expect(validate(statusEvent({}, { type: 'a\0b\ud800' })).type).toBe('a\ufffdb\ufffd')
    expect(validate(statusEvent({}, { type: '😀'.repeat(101).slice(1) })).type).not.toMatch(/\p{Cs}/u)
  })

  test('[VA11] 100,000 levels of nesting do no harm, wherever they stand', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    expect(validate(deep)).toMatchObject({ reason: 'not_a_cloudevent' })
    expect(validate(statusEvent({ deep }))).toMatchObject(pending)
    expect(validate(statusEvent({}, { deep, time: deep }))).toMatchObject(pending)
    expect(validate(statusEvent({ to: deep }))).toMatchObject(
      badData('$.data.to', 'non-empty string', 'array'),
    )
  })

  test('[VA11] a key called __proto__ changes nothing', () => {
    const plain = JSON.stringify(statusEvent())
    const entry = validate(JSON.parse(plain.replace('{', '{"__proto__":{"id":"x","polluted":1},')))
    expect(entry).toMatchObject(pending)
    expect(
      validate(JSON.parse('{"__proto__":{"specversion":"1.0","id":"x","source":"y","type":"z"}}')),
    ).toMatchObject({
      identity: undefined,
      reason: 'not_a_cloudevent',
    })
    expect(validate(JSON.parse(plain.replace('"campaign"', '"__proto__"')))).toMatchObject(pending)
    expect({}).not.toHaveProperty('polluted')
  })

  const attributes = [
    'specversion',
    'id',
    'source',
    'type',
    'dataschema',
    'time',
    'data',
    '__proto__',
  ] as const
  const anything = fc.oneof(
    fc.jsonValue({ maxDepth: 4 }),
    fc.record(
      {
        specversion: fc.oneof(fc.constant('1.0'), fc.jsonValue()),
        id: fc.oneof(fc.constant('EZ1'), fc.jsonValue()),
        source: fc.oneof(fc.constant('/x'), fc.jsonValue()),
        type: fc.oneof(fc.constantFrom(...statusTypes, inboundType), fc.jsonValue()),
        dataschema: fc.oneof(
          fc.nat(9).map(n => `https://x/y/${n}`),
          fc.jsonValue(),
        ),
        data: fc.oneof(
          fc.dictionary(fc.constantFrom(...Object.keys(statusData[6] ?? {}), '__proto__'), fc.jsonValue()),
          fc.json(),
        ),
      },
      { requiredKeys: [] },
    ),
    fc
      .tuple(fc.constantFrom(...attributes), fc.jsonValue())
      .map(([key, value]) => statusEvent({}, { [key]: value })),
    fc
      .tuple(fc.constantFrom(...Object.keys(statusData[6] ?? {})), fc.jsonValue())
      .map(([key, value]) => statusEvent({ [key]: value })),
  )

  test('[VA5] what judges quickly and what tells the faults agree on any data, in each version', () => {
    const wholes = [...Object.values(statusData), ...Object.values(inboundData)]
    const fields = [...new Set(wholes.flatMap(Object.keys))]
    const nearly = fc.constantFrom('', '12', 12, -1.5, null, [], ['a'], ['a', 1], {}, { a: 'b' }, { a: 1 })
    const change = fc.tuple(fc.constantFrom(...fields), fc.oneof(nearly, fc.jsonValue()))
    const schemas = new Map(
      families.flatMap(({ schema, versions }) =>
        [...versions].map(([version, judge]) => [`${schema}/${version}`, judge] as const),
      ),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...schemas.keys()),
        fc.constantFrom(...wholes),
        fc.array(change, { maxLength: 3 }),
        (name, whole, changes) => {
          const schema = schemas.get(name) ?? expect.fail(name)
          const data: unknown = JSON.parse(JSON.stringify({ ...whole, ...Object.fromEntries(changes) }))
          expect(fits(data, schema)).toBe(schema.safeParse(data).success)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('[VA11] any JSON gives exactly one state, a reason unless it is pending, and faults only when rejected', () => {
    fc.assert(
      fc.property(anything, value => {
        const element: unknown = JSON.parse(JSON.stringify(value))
        const { state, reason, faults, type, version } = validate(element)
        expect(['pending', 'rejected', 'skipped']).toContain(state)
        expect(reason === undefined).toBe(state === 'pending')
        expect(faults.length > 0).toBe(state === 'rejected')
        expect(type.length).toBeLessThanOrEqual(200)
        expect(version).toSatisfy(Number.isSafeInteger)
      }),
      { numRuns: 1_000 },
    )
  })
})
