/** Whose event it is: every branch of the rules, every setting, and what must never happen whatever an event holds. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toSample } from '../../src/cli/send/samples.ts'
import { readAddress, toComparable } from '../../src/event/address.ts'
import { toEvent } from '../../src/event/event.ts'
import { asDefault, type Mapping } from '../../src/event/mapping.ts'
import { families } from '../../src/families/index.ts'
import type { CustomerRule, Path } from '../../src/families/rules.ts'
import { validateBy } from '../../src/ingest/validate.ts'
import { toTrack } from '../../src/send/segment/map.ts'

const CUSTOMER = '+15551230001'
const OWN = '+15559870001'
const OTHER = '+15551230009'
const eventTypes = families.flatMap(family => (family.skip ? [] : family.eventTypes))
const knowsOwn: Mapping = { ...asDefault, ownNumbers: new Set([OWN]) }

const event = (type: string, data: Record<string, unknown>) => ({
  ...toSample(`com.twilio.${type}`),
  data,
})
const call = (parameters: Record<string, string>, type = 'voice.status-callback.call.completed') =>
  event(type, { sid: `CA${'0'.repeat(32)}`, request: { parameters } })
const task = (attributes: unknown, type = 'taskrouter.task.created') =>
  event(type, { payload: { task_sid: `WT${'0'.repeat(32)}`, task_attributes: JSON.stringify(attributes) } })

/** The address, or the reason there is none. */
function customerOf(element: unknown, mapping = asDefault): string | undefined {
  const reading = toEvent(element, mapping)
  return reading.ok ? reading.customer.address?.value : reading.reason
}

describe('the child leg of a <Dial>', () => {
  const dial = (From: string, To: string) => call({ Direction: 'outbound-dial', From, To })

  test.each([
    ['client:agent', CUSTOMER, CUSTOMER, CUSTOMER],
    [CUSTOMER, 'client:agent', CUSTOMER, CUSTOMER],
    [CUSTOMER, 'sip:agent@example.com', CUSTOMER, CUSTOMER],
    [OWN, CUSTOMER, 'customer_ambiguous', CUSTOMER],
    [CUSTOMER, OWN, 'customer_ambiguous', CUSTOMER],
    [`whatsapp:${OWN}`, `whatsapp:${CUSTOMER}`, 'customer_ambiguous', `whatsapp:${CUSTOMER}`],
    ['+1 (555) 987-0001', CUSTOMER, 'customer_ambiguous', CUSTOMER],
    // Put through to an agent's own phone, under the caller's number.
    [CUSTOMER, OTHER, 'customer_ambiguous', CUSTOMER],
    [OWN, OWN, 'customer_ambiguous', 'no_customer'],
    ['client:a', 'sip:b@example.com', 'no_customer', 'no_customer'],
    ['client:a', OWN, OWN, 'no_customer'],
    ['+266696687', CUSTOMER, 'no_customer', 'no_customer'],
    [CUSTOMER, 'anonymous', 'no_customer', 'no_customer'],
    ['Ann Example', CUSTOMER, 'customer_ambiguous', 'customer_ambiguous'],
    ['', '', 'no_customer', 'no_customer'],
    ['', CUSTOMER, 'customer_ambiguous', 'customer_ambiguous'],
  ])('[FM4] from %s to %s is %s, and with OWN_NUMBERS %s', (from, to, without, withOwn) => {
    expect(customerOf(dial(from, to))).toBe(without)
    expect(customerOf(dial(from, to), knowsOwn)).toBe(withOwn)
  })

  test('[FM4] a call summary is decided alike', () => {
    const summary = (caller: string, callee: string) =>
      event('voice.insights.call-summary.complete', {
        ...{ call_sid: 'CA1', account_sid: 'AC1', properties: { direction: 'outbound_dial' } },
        ...{ from: { caller, callee: '' }, to: { caller: '', callee } },
      })
    expect(customerOf(summary(CUSTOMER, OWN))).toBe('customer_ambiguous')
    expect(customerOf(summary(CUSTOMER, OWN), knowsOwn)).toBe(CUSTOMER)
    expect(customerOf(summary('client:agent', CUSTOMER))).toBe(CUSTOMER)
  })
})

describe('a call by its direction', () => {
  test.each([
    ['inbound', CUSTOMER],
    ['INBOUND', CUSTOMER],
    ['outbound-api', OWN],
    ['outbound_api', OWN],
    ['trunking-originating', OWN],
    ['trunking_terminating', CUSTOMER],
    ['sideways', 'no_customer'],
    ['constructor', 'no_customer'],
    ['', 'no_customer'],
  ])('[FM3] %s is %s', (Direction, expected) => {
    expect(customerOf(call({ Direction, From: CUSTOMER, To: OWN }))).toBe(expected)
  })

  test('[FM5] an own number is not the customer, and the other side is not taken in its place', () => {
    expect(customerOf(call({ Direction: 'inbound', From: OWN, To: CUSTOMER }), knowsOwn)).toBe('no_customer')
  })

  test.each([
    '2025550100',
    'Ann',
    'chat:user_1',
    'client:+15551230001',
    'sim:DE1',
    'AC00000000000000000000000000000000',
  ])('[FM3] a caller called %s is nobody', From => {
    expect(customerOf(call({ Direction: 'inbound', From, To: OWN }))).toBe('no_customer')
  })
})

describe('withheld callers', () => {
  const codes = ['+266696687', '+7378742833', '+2562533', '+8656696', '+86282452253', '266696687']
  const words = ['anonymous', 'Restricted', 'unknown', 'UNAVAILABLE', 'private', 'Private Number', 'blocked']

  test.each([...codes, ...words, 'whatsapp:+266696687'])(
    '[FM6] %s is nobody, in a call and in a message',
    who => {
      expect(customerOf(call({ Direction: 'inbound', From: who, To: OWN }))).toBe('no_customer')
      const message = toSample('com.twilio.messaging.inbound-message.received', { data: { from: who } })
      expect(customerOf(message)).toBe('no_customer')
      expect(customerOf(task({ from: who }))).toBe('no_customer')
    },
  )

  test('[FM6] a number that only looks a little like one is somebody', () => {
    const From = '+12666966870'
    expect(customerOf(call({ Direction: 'inbound', From, To: OWN }))).toBe(From)
  })
})

describe('the attributes of a task', () => {
  test.each([
    [{ customerAddress: 'whatsapp:+15551230001', from: OWN }, 'whatsapp:+15551230001'],
    [{ customers: { phone: CUSTOMER, email: 'ann@example.com' } }, CUSTOMER],
    [{ customers: { email: 'ann@example.com' }, from: 'Ann' }, 'ann@example.com'],
    [{ customerAddress: '', from: CUSTOMER }, CUSTOMER],
    [{ from: 'Ann', caller: CUSTOMER, direction: 'inbound' }, CUSTOMER],
    [{ from: OWN, to: CUSTOMER, direction: 'outbound' }, CUSTOMER],
    [{ from: OWN, called: CUSTOMER, direction: 'outbound' }, CUSTOMER],
    [{ from: OWN, to: 'client:agent', outbound_to: CUSTOMER, direction: 'outbound' }, CUSTOMER],
    [{ from: 'client:agent' }, 'no_customer'],
    [{ to: CUSTOMER }, 'no_customer'],
    [[CUSTOMER], 'no_customer'],
    [CUSTOMER, 'no_customer'],
    [null, 'no_customer'],
  ])('[FM3] %j give %s', (attributes, expected) => {
    expect(customerOf(task(attributes))).toBe(expected)
  })

  test('[FM3] attributes that are an object, and none at all, are read as well', () => {
    const about = (task_attributes: unknown) =>
      event('taskrouter.task.created', { payload: { task_attributes } })
    expect(customerOf(about({ from: CUSTOMER }))).toBe(CUSTOMER)
    for (const odd of [undefined, null, '{', '', 7]) expect(customerOf(about(odd))).toBe('no_customer')
  })

  test('[FM7] TASK_ADDRESS_KEYS come before from and to', () => {
    const keys: Mapping = { ...asDefault, taskAddressKeys: ['crm.number', 'phone'] }
    expect(customerOf(task({ phone: CUSTOMER, from: OWN }), keys)).toBe(CUSTOMER)
    expect(customerOf(task({ crm: { number: CUSTOMER }, phone: OWN }), keys)).toBe(CUSTOMER)
    expect(customerOf(task({ 'crm.number': CUSTOMER }), keys)).toBe(CUSTOMER)
    expect(customerOf(task({ customerAddress: OTHER, from: CUSTOMER }), keys)).toBe(CUSTOMER)
  })
})

describe('userId', () => {
  const from = (...userIdFrom: string[]): Mapping => ({ ...asDefault, userIdFrom })
  const track = (element: unknown, mapping: Mapping) => {
    const mapped = toTrack(element, 0, undefined, mapping)
    return mapped.ok ? mapped.track : mapped.reason
  }
  const message = (tags: unknown) => toSample('com.twilio.messaging.message.delivered', { data: { tags } })

  test.each([
    ['user_42', 'user_42'],
    [42, '42'],
    [0, '0'],
    ['', undefined],
    ['  ', undefined],
    [4.5, undefined],
    [2 ** 60, undefined],
    [true, undefined],
    [null, undefined],
    [{ a: 1 }, undefined],
    [`AC${'0'.repeat(32)}`, undefined],
  ])('[FM8] %j at the path is the userId %s', (userId, expected) => {
    const sent = track(message({ userId }), from('tags.userId'))
    expect(sent).toMatchObject({ anonymousId: expect.any(String) })
    if (expected === undefined) expect(sent).not.toHaveProperty('userId')
    else expect(sent).toMatchObject({ userId: expected })
  })

  test('[FM8] the first path that holds one counts, and a path may open JSON and hold dots', () => {
    expect(track(message({ b: 'two' }), from('tags.a', 'tags.b'))).toMatchObject({ userId: 'two' })
    expect(track(message({ 'app.user': 'u' }), from('tags.app.user'))).toMatchObject({ userId: 'u' })
    const attributes = { userId: 'u1', from: CUSTOMER }
    expect(track(task(attributes), from('payload.task_attributes.userId'))).toMatchObject({ userId: 'u1' })
    const listed = event('conversations.user.added', { list: [{ id: 1 }, { id: 2 }] })
    expect(track(listed, from('list.last.id'))).toMatchObject({ userId: '2' })
  })

  test('[FM8] with a userId and no address, or two, the userId goes alone', () => {
    const chat = event('conversations.participant.added', { Identity: 'user_42' })
    const sent = track(chat, from('Identity'))
    expect(sent).toMatchObject({ userId: 'user_42' })
    expect(sent).not.toHaveProperty('anonymousId')
    expect(sent).not.toHaveProperty('context.externalIds')
    expect(track(chat, asDefault)).toBe('no_customer')
    const ambiguous = call({ Direction: 'outbound-dial', From: CUSTOMER, To: OWN, User: 'u' })
    expect(track(ambiguous, from('request.parameters.User'))).toMatchObject({ userId: 'u' })
  })
})

describe('NO_CUSTOMER=resource', () => {
  const asResource: Mapping = { ...asDefault, noCustomer: 'resource' }

  test.each(eventTypes.map(({ type }) => type))(
    '[FM9] %s goes with the SID of what it is about, or not at all',
    type => {
      const sample = toSample(type)
      const mapped = toTrack(sample, 0, undefined, asResource)
      if (!mapped.ok) return expect(mapped.reason).toBe('no_customer')
      const { anonymousId = '', context } = mapped.track
      if (toTrack(sample, 0).ok) return expect(anonymousId).toMatch(/^\d+$/)
      expect(JSON.stringify(sample.data)).toContain(`"${anonymousId}"`)
      expect(anonymousId).not.toMatch(/^AC/)
      expect(context).not.toHaveProperty('externalIds')
    },
  )

  test('[FM9] the account is never the resource, and two candidates are not settled by it', () => {
    const nothing = event('iam.ip.blocked', {
      account_sid: `AC${'0'.repeat(32)}`,
      request_sid: `AC${'0'.repeat(32)}`,
    })
    expect(toTrack(nothing, 0, undefined, asResource)).toEqual({ ok: false, reason: 'no_customer' })
    const two = call({ Direction: 'outbound-dial', From: CUSTOMER, To: OWN })
    expect(toTrack(two, 0, undefined, asResource)).toEqual({ ok: false, reason: 'customer_ambiguous' })
  })
})

/** Every path that a rule reads, as it begins in the data. */
function pathsOf(rule: CustomerRule): Path[] {
  switch (rule.rule) {
    case 'nobody':
    case 'configured':
      return []
    case 'address':
      return [...rule.paths, ...(rule.channel ? [rule.channel] : [])]
    case 'first':
      return rule.of.flatMap(pathsOf)
    case 'choice':
      return [
        rule.by,
        ...Object.values(rule.cases).flatMap(pathsOf),
        ...(rule.missing ? pathsOf(rule.missing) : []),
      ]
    case 'dial':
      return [...rule.from, ...rule.to]
    case 'awaited':
      return [rule.path, rule.unless]
    case 'inside':
      return [rule.path, ...pathsOf(rule.of).map(path => `${rule.path}.${path}`)]
  }
}

describe('whatever an event holds', () => {
  const who = fc.oneof(
    fc.constantFrom(
      CUSTOMER,
      OWN,
      `whatsapp:${OWN}`,
      OTHER,
      'client:a',
      'sip:a@b.c',
      '',
      'anonymous',
      'Private',
    ),
    fc.constantFrom(
      '+266696687',
      'whatsapp:+266696687',
      '7378742833',
      '+2562533',
      'ann@example.com',
      '12345',
      'ACME',
    ),
    fc.constantFrom(
      `AC${'0'.repeat(32)}`,
      ` AC${'a'.repeat(32)}`,
      `whatsapp:AC${'0'.repeat(32)}`,
      '15559870001',
    ),
    fc.constantFrom('inbound', 'outbound-api', 'outbound_dial', 'outbound', 'sms', 'WHATSAPP'),
    fc.jsonValue(),
  )
  const made = fc.constantFrom(...eventTypes).chain(eventType => {
    const paths = [...new Set([...pathsOf(eventType.customer), ...eventType.resource])]
    const data = fc.record(Object.fromEntries(paths.map(path => [path, who])), { requiredKeys: [] })
    return fc.tuple(fc.constant(eventType), data, fc.boolean(), fc.jsonValue())
  })
  const toData = (values: Readonly<Record<string, unknown>>) => {
    const root: Record<string, unknown> = {}
    for (const [path, value] of Object.entries(values)) {
      const steps = path.split('.')
      let at = root
      for (const step of steps.slice(0, -1)) {
        const inner = at[step]
        const object: Record<string, unknown> =
          typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? { ...inner } : {}
        at[step] = object
        at = object
      }
      at[steps.at(-1) ?? ''] = value
    }
    return root
  }

  test('[FM5] [FM6] the customer is never an own number, an account or a withheld caller; mapping never throws', () => {
    const settings: Mapping[] = [
      knowsOwn,
      { ...knowsOwn, noCustomer: 'resource', userIdFrom: ['tags.userId', 'account_sid', 'accountSid'] },
    ]
    let found = 0
    fc.assert(
      fc.property(made, fc.constantFrom(...settings), ([eventType, values, asText, odd], mapping) => {
        const data = { ...toSample(eventType.type).data, ...toData(values), odd }
        const element = { ...toSample(eventType.type), data: asText ? JSON.stringify(data) : data }
        const mapped = toTrack(element, 0, undefined, mapping)
        const waits = !mapped.ok && mapped.reason === 'participant_unknown'
        expect(validateBy(mapping, element).state === 'pending').toBe(mapped.ok || waits)
        if (!mapped.ok) return
        const reading = toEvent(element, mapping)
        const value = reading.ok ? reading.customer.address?.value : undefined
        const { anonymousId = '', userId = '', context } = mapped.track
        for (const id of [anonymousId, userId]) expect(id).not.toMatch(/^\s*AC[0-9a-f]{32}\s*$/i)
        expect(anonymousId + userId).not.toBe('')
        if (value === undefined) {
          expect(context).not.toHaveProperty('externalIds')
          return
        }
        found += 1
        const { bare } = readAddress(value)
        expect(toComparable(readAddress(value))).not.toBe(OWN)
        expect(bare).not.toMatch(/^\s*AC[0-9a-f]{32}\s*$/i)
        expect(bare).not.toMatch(/^\+?(266696687|7378742833|2562533|8656696|86282452253)$/)
        expect(bare).not.toMatch(/^(anonymous|restricted|unknown|unavailable|private|blocked)$/i)
      }),
      { numRuns: 800 },
    )
    expect(found).toBeGreaterThan(10)
  })

  test('[FM5] mapping never throws, whatever the data is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...eventTypes), fc.jsonValue(), ({ type }, data) => {
        const element = { ...toSample(type), data }
        expect(typeof toTrack(element, 0, undefined, knowsOwn).ok).toBe('boolean')
        expect(['pending', 'skipped', 'rejected']).toContain(validateBy(knowsOwn, element).state)
      }),
      { numRuns: 500 },
    )
  })
})
