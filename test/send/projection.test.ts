/** What a destination gets of an event, by its rules. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type DestinationConfig, noRules, type SegmentConfig } from '../../src/config/destination-config.ts'
import { judgeIdentity } from '../../src/config/identity-check.ts'
import { toCustomer } from '../../src/event/customer.ts'
import { toEvent } from '../../src/event/event.ts'
import { asDefault } from '../../src/event/mapping.ts'
import { keyedHash } from '../../src/hosts/node/digests.ts'
import { keyedHash as keyedHashOfWorkers } from '../../src/hosts/workers/digests.ts'
import { createProjection, NOBODY } from '../../src/send/projection.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { filesConfig, segmentConfig } from '../support/destination-configs.ts'
import { inboundEvent, inboundType, statusEvent, statusTypes } from '../support/events.ts'
import { pairs } from '../support/fixtures.ts'

const KEY = '0123456789abcdef'
const hash = (text: string) => keyedHash(KEY, text)
const delivered = String(statusTypes[2])

function callOf(element: unknown, mapping = asDefault) {
  const mapped = toTrack(element, 0, element, mapping)
  if (!mapped.ok) throw new Error(mapped.reason)
  return mapped.track
}

function project(
  config: Partial<SegmentConfig>,
  element: Readonly<Record<string, unknown>>,
  mapping = asDefault,
) {
  const { project: change } = createProjection(segmentConfig('b', config), hash)
  const call = callOf(element, mapping)
  return change ? change(call, String(element.type)) : call
}

describe('a projection', () => {
  it('[RO25] names calls', () => {
    const events = { [delivered]: 'Sent to the customer', [inboundType]: 'verbatim', '*': 'Other' }
    const titles = { ...asDefault, eventNames: 'title' } as const
    expect(project({ events }, statusEvent()).event).toBe('Sent to the customer')
    expect(project({ events }, inboundEvent(), titles).event).toBe(inboundType)
    expect(project({ events }, statusEvent({}, { type: statusTypes[1] }), titles).event).toBe('Other')
    expect(project({ events: { [inboundType]: 'In' } }, statusEvent(), titles).event).toBe(
      'Message Delivered',
    )
    expect(project({ events: { '*': 'verbatim' } }, statusEvent(), titles).event).toBe(delivered)
    const odd = { constructor: 'x', '*': 'y' }
    expect(project({ events: odd }, statusEvent()).event).toBe('y')
  })

  it('[RO20] applies the rules to the properties, and to the data of files', () => {
    const properties = { ...noRules, deny: ['body', 'tags.campaign'], hash: ['to'] }
    const element = statusEvent()
    const { body, ...others } = element.data
    const left = { ...others, tags: {}, to: hash('+15550100002') }
    const before = JSON.stringify(element)
    expect(project({ properties }, element).properties).toEqual(left)
    expect(body).toBeDefined()
    expect(createProjection(filesConfig('facts', { properties }), hash).projectData?.(element.data)).toEqual(
      left,
    )
    expect(JSON.stringify(element)).toBe(before)
  })

  it('[RO26] identity full, hash, none', () => {
    const mapping = { ...asDefault, userIdFrom: ['tags.userId'] }
    const element = statusEvent({ tags: { userId: 'u1' } })
    const { anonymousId, userId, context, ...others } = callOf(element, mapping)
    expect(context.externalIds).toHaveLength(1)
    expect(project({ identity: 'full' }, element, mapping)).toEqual(callOf(element, mapping))
    const { app } = context
    expect(project({ identity: 'hash' }, element, mapping)).toEqual({
      ...others,
      anonymousId: hash(String(anonymousId)),
      userId: hash(String(userId)),
      context: { app },
    })
    expect(project({ identity: 'none' }, element, mapping)).toEqual({
      ...others,
      anonymousId: NOBODY,
      context: { app },
    })
  })

  it('[RO26] a userId alone stays one', () => {
    const mapping = { ...asDefault, userIdFrom: ['tags.userId'] }
    const element = statusEvent({ to: 'anonymous', tags: { userId: 'u1' } })
    const hidden = project({ identity: 'hash' }, element, mapping)
    expect(hidden).toMatchObject({ userId: hash('u1') })
    expect(hidden).not.toHaveProperty('anonymousId')
    expect(project({ identity: 'none' }, element, mapping)).not.toHaveProperty('userId')
  })

  it.each(pairs.filter(({ segment }) => segment).map(pair => [pair.name, pair] as const))(
    '[RO26] with the rules that the file must have, nobody finds the customer of %s',
    (_, { twilio }) => {
      const denied = denyCustomer()
      const call = callOf(twilio)
      const { project: change } = createProjection(denied, hash)
      const reading = toEvent(twilio)
      if (!reading.ok) throw new Error(reading.reason)
      const left = change?.(call, reading.event.type)
      expect(toCustomer(reading.eventType, left?.properties ?? {}, asDefault)).toBeTypeOf('string')
      const { address } = reading.customer
      expect(JSON.stringify({ ...left, properties: {} })).not.toContain(address?.address.bare)
    },
  )

  it('[RO27] stamps consent', () => {
    const consent = { Analytics: true, Advertising: false }
    const element = statusEvent()
    const call = callOf(element)
    expect(project({ consent }, element)).toEqual({
      ...call,
      context: { ...call.context, consent: { categoryPreferences: consent } },
    })
  })

  it('[RO24] without rules is nothing at all', () => {
    const none = { project: undefined, projectData: undefined }
    expect(createProjection(segmentConfig('b', { events: { '*': 'drop' } }), undefined)).toEqual(none)
  })

  it.each<DestinationConfig>([
    segmentConfig('b', { identity: 'hash' }),
    filesConfig('b', { properties: { ...noRules, hash: ['to'] } }),
  ])('[RO8] does not hash without a key', config => {
    expect(() => createProjection(config, undefined)).toThrow('HASH_KEY')
  })

  it('[RO23] hashes alike on both hosts', () => {
    for (const text of ['+15550100001', 'žluťoučký 👋', '']) {
      const expected = createHmac('sha256', KEY).update(text).digest('hex')
      expect(keyedHash(KEY, text)).toBe(expected)
      expect(keyedHashOfWorkers(KEY, text)).toBe(expected)
    }
  })
})

/** As the file's check demands it, and no field more. */
function denyCustomer(): SegmentConfig {
  const bare = segmentConfig('b', { identity: 'none' })
  const settings = {
    eventNames: 'verbatim',
    userIdFrom: [],
    taskAddressKeys: asDefault.taskAddressKeys,
  } as const
  const [fault] = judgeIdentity([bare], settings).faults
  const deny = String(fault?.expected)
    .replace(/^.*missing: /, '')
    .split(', ')
  const denied = { ...bare, properties: { ...noRules, deny } }
  expect(judgeIdentity([denied], settings).faults).toEqual([])
  return denied
}
