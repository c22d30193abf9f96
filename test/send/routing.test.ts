/** Which destinations an event goes to. */
import { describe, expect, it } from 'vitest'
import type { DestinationConfig } from '../../src/config/destination-config.ts'
import { parseExactly } from '../../src/event/exact-numbers.ts'
import { asDefault } from '../../src/event/mapping.ts'
import { admitsOf, createRouter } from '../../src/send/routing.ts'
import { filesConfig as files, segmentConfig as segment } from '../support/destination-configs.ts'
import { inboundEvent, statusEvent, statusTypes } from '../support/events.ts'

const delivered = String(statusTypes[2])
const asked = (element: unknown) => ({ element, receivedAt: 0 })

/** The names of those it goes to, and of those it is filtered for. */
function route(configs: readonly DestinationConfig[], element: unknown, mapping = asDefault) {
  const ids = new Map(configs.map(({ name }, index) => [name, index + 7]))
  const names = new Map([...ids].map(([name, id]) => [id, name]))
  const routes = createRouter(configs, ids, mapping)?.(asked(element))
  return routes?.map(({ destination, filtered }) => `${filtered ? 'not ' : ''}${names.get(destination)}`)
}

describe('routing', () => {
  it('[RO12] asks each filter of the call as mapped', () => {
    const configs = [
      segment('all'),
      segment('status', { when: 'match(event, "com.twilio.messaging.message.*")' }),
      segment('failed', { when: 'properties.errorCode > 30000 and properties.to = "+15550100002"' }),
      segment('spring', { when: 'contains(properties.tags.campaign, "spring")' }),
      segment('phones', { when: 'context.app.name = "twilio-segment-bridge"' }),
    ]
    expect(route(configs, statusEvent())).toEqual(['all', 'status', 'failed', 'spring', 'phones'])
    const inbound = ['all', 'not status', 'not failed', 'not spring', 'phones']
    expect(route(configs, inboundEvent())).toEqual(inbound)
  })

  it('[RO12] asks for the name that the settings give, not for one that a destination gives', () => {
    const configs = [
      segment('titled', {
        when: 'event = "Message Delivered"',
        events: { [delivered]: 'Sent to the customer' },
      }),
    ]
    expect(route(configs, statusEvent(), { ...asDefault, eventNames: 'title' })).toEqual(['titled'])
    expect(route(configs, statusEvent())).toEqual(['not titled'])
  })

  it('[RO12] drops types by the table', () => {
    const configs = [
      segment('no-status', { events: { [delivered]: 'drop' } }),
      segment('only-status', { events: { [delivered]: 'verbatim', '*': 'drop' } }),
      segment('odd', { events: { constructor: 'verbatim', '*': 'drop' } }),
    ]
    expect(route(configs, statusEvent())).toEqual(['not no-status', 'only-status', 'not odd'])
    expect(route(configs, inboundEvent())).toEqual(['no-status', 'not only-status', 'not odd'])
  })

  it('[RO12] compares numbers as numbers, also those that were written unusually', () => {
    const dear = [segment('dear', { when: 'properties.price > 1' })]
    const text = JSON.stringify(statusEvent({ price: 0 })).replace('"price":0', '"price":1.10')
    const exact = parseExactly(text)
    const event = { element: JSON.parse(text), exact, receivedAt: 0 }
    expect(createRouter(dear, new Map([['dear', 1]]), asDefault)?.(event)).toEqual([
      { destination: 1, filtered: false },
    ])
    const { data, ...inText } = statusEvent({ price: 0 })
    const nested = { ...inText, data: JSON.stringify(data).replace('"price":0', '"price":1.10') }
    expect(route(dear, nested)).toEqual(['dear'])
  })

  it('[RO13] gives an event to the first of a group that takes it', () => {
    const configs = [
      segment('a', { group: 'brand', when: 'properties.to = "+15550100002"' }),
      segment('b', { group: 'brand' }),
      segment('c'),
      segment('d', { group: 'brand' }),
    ]
    expect(route(configs, statusEvent())).toEqual(['a', 'not b', 'c', 'not d'])
    expect(route(configs, statusEvent({ to: '+15550100009' }))).toEqual(['not a', 'b', 'c', 'not d'])
  })

  it('[RO14] needs no router where one destination takes all', () => {
    const router = (...configs: DestinationConfig[]) => createRouter(configs, new Map(), asDefault)
    expect(router(segment('all', { events: { '*': 'verbatim' } }))).toBeUndefined()
    expect(router(segment('some', { when: 'event = "x"' }))).toBeDefined()
    expect(router(segment('some', { events: { '*': 'drop' } }))).toBeDefined()
    expect(router(segment('one'), segment('two'))).toBeDefined()
  })

  it('[RO15] is asked again before delivery', () => {
    expect(admitsOf(segment('all'), asDefault)).toBeUndefined()
    const admits = admitsOf(
      segment('b', { when: 'properties.messageStatus = "DELIVERED"', events: { [delivered]: 'Delivered' } }),
      asDefault,
    )
    expect(admits?.(asked(statusEvent()))).toBe(true)
    expect(admits?.(asked(statusEvent({ messageStatus: 'SENT' })))).toBe(false)
    const drops = admitsOf(segment('b', { events: { [delivered]: 'drop' } }), asDefault)
    expect(drops?.(asked(statusEvent()))).toBe(false)
    expect(drops?.(asked(inboundEvent()))).toBe(true)
  })

  it.each([
    ['no customer', statusEvent({ to: undefined })],
    ['no event', 5],
    ['an unknown type', statusEvent({}, { type: 'com.twilio.unheard-of' })],
  ])('[RO15] lets the mapping say why there is no call: %s', (_, element) => {
    const when = 'event = "nothing"'
    expect(route([segment('b', { when }), files('facts', { when })], element)).toEqual(['b', 'not facts'])
    expect(admitsOf(segment('b', { when }), asDefault)?.(asked(element))).toBe(true)
    expect(admitsOf(files('facts', { when }), asDefault)?.(asked(element))).toBe(false)
  })
})
