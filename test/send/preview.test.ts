/** What would become of events, and what another configuration changes about that. */
import { describe, expect, it } from 'vitest'
import type { DestinationConfig } from '../../src/config/destination-config.ts'
import { parseExactly } from '../../src/event/exact-numbers.ts'
import { asDefault } from '../../src/event/mapping.ts'
import { keyedHash } from '../../src/hosts/node/digests.ts'
import { createDestination } from '../../src/send/destinations.ts'
import { createPreview } from '../../src/send/preview.ts'
import { createComparison } from '../../src/send/preview-changes.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { filesConfig, segmentConfig } from '../support/destination-configs.ts'
import { inboundEvent, statusEvent, testEvent } from '../support/events.ts'

const never = () => Promise.reject(new Error('nothing may be sent'))
const host = { keyedHash, send: never, writeFile: never, now: () => 0, showDryRun: () => undefined }

async function preview(configs: readonly DestinationConfig[], element: unknown, exact?: unknown) {
  const made = configs.map(config => createDestination(config, asDefault, () => '', host))
  return createPreview(configs, await Promise.all(made), asDefault)({ element, exact, receivedAt: 0 })
}

describe('a preview', () => {
  it('[RO30] says where an event goes, as what, and why not', async () => {
    const element = statusEvent()
    const mapped = toTrack(element, 0)
    const track = mapped.ok ? mapped.track : undefined
    const configs = [
      segmentConfig('all'),
      segmentConfig('dry', { writeKey: undefined, group: 'a' }),
      segmentConfig('other', { group: 'a' }),
      segmentConfig('inbound', { when: 'match(event, "com.twilio.messaging.inbound*")' }),
      segmentConfig('none', { events: { '*': 'drop' } }),
      filesConfig('facts'),
    ]
    const previewed = await preview(configs, element)
    expect(previewed.map(one => [one.name, one.sent ? one.isDryRun : one.reason])).toEqual([
      ['all', false],
      ['dry', true],
      ['other', 'group'],
      ['inbound', 'when'],
      ['none', 'events'],
      ['facts', false],
    ])
    const payloads = previewed.flatMap(one => (one.sent ? [JSON.parse(one.payload)] : []))
    expect(payloads).toEqual([track, track, element])
  })

  it.each([
    ['sink_test', testEvent()],
    ['no_customer', statusEvent({ to: 'anonymous' })],
    ['schema_rejected', statusEvent({ to: null })],
    ['event_too_large', statusEvent({ body: 'x'.repeat(40_000) })],
  ])('[RO30] of what is not sent anywhere it says: %s', async (reason, element) => {
    expect(await preview([segmentConfig('all')], element)).toEqual([
      { name: 'all', sent: false, reason, text: expect.stringMatching(/^[A-Z]/) },
    ])
  })

  it('[RO30] shows numbers as they were written', async () => {
    const text = JSON.stringify(statusEvent({ price: 0 })).replace('"price":0', '"price":1.10')
    const [one] = await preview([segmentConfig('all')], JSON.parse(text), parseExactly(text))
    expect(one).toMatchObject({ payload: expect.stringContaining('"price":1.10') })
  })
})

describe('a comparison', () => {
  const call = (event: string, properties: object = {}) => JSON.stringify({ event, properties })

  it('[RO31] counts what stays, comes, goes and changes, with samples', () => {
    const { add, changes } = createComparison(new Map())
    add('1', new Map([['a', call('x')]]), new Map([['a', call('x')]]))
    add(
      '2',
      new Map([['a', call('x', { to: 1, body: 'b', n: { m: 1 } })]]),
      new Map([['a', call('y', { to: 2, n: { m: 2 }, k: 1 })]]),
    )
    add('3', new Map([['a', call('x')]]), new Map([['b', call('x')]]))
    add('4', new Map([['a', call('x')]]), new Map())
    expect(Object.fromEntries(changes)).toEqual({
      a: {
        ...{ same: 1, changed: 1, added: 0, gone: 2 },
        samples: [
          {
            key: '2',
            text: 'x: event → "y", →properties.to, -properties.body, →properties.n.m, +properties.k',
          },
          { key: '3', text: 'x no longer goes there' },
        ],
      },
      b: { same: 0, changed: 0, added: 1, gone: 0, samples: [{ key: '3', text: 'x goes there now' }] },
    })
  })

  it('[RO31] knows a destination that was renamed', () => {
    const { add, changes } = createComparison(new Map([['new', 'old']]))
    add('1', new Map([['old', call('x')]]), new Map([['new', call('x')]]))
    add('2', new Map([['old', call('x')]]), new Map())
    expect(Object.fromEntries(changes)).toEqual({ new: expect.objectContaining({ same: 1, gone: 1 }) })
  })
})

it('[RO31] a filter that is narrowed', async () => {
  const { add, changes } = createComparison(new Map())
  const narrow = segmentConfig('a', { when: 'match(event, "com.twilio.messaging.message.*")' })
  for (const [key, element] of Object.entries({ status: statusEvent(), inbound: inboundEvent() })) {
    const [before, after] = await Promise.all(
      [segmentConfig('a'), narrow].map(async config => {
        const previewed = await preview([config], element)
        return new Map(previewed.flatMap(one => (one.sent ? [[one.name, one.payload] as const] : [])))
      }),
    )
    add(key, before ?? new Map(), after ?? new Map())
  }
  expect(changes.get('a')).toMatchObject({ same: 1, gone: 1, samples: [{ key: 'inbound' }] })
})
