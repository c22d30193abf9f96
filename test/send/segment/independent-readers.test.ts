/** What this bridge sends, as Segment's own packages read it. */
import { validate as matches, parseFql, type Subscription } from '@segment/destination-subscriptions'
import { Track } from '@segment/facade'
import looselyValidateEvent from '@segment/loosely-validate-event'
import { describe, expect, test } from 'vitest'
import { toTrack } from '../../../src/send/segment/map.ts'
import { pairs, RECEIVED_AT } from '../../support/fixtures.ts'

const calls = pairs.flatMap(({ name, twilio }) => {
  const mapped = toTrack(twilio, RECEIVED_AT)
  return mapped.ok ? [[name, mapped.track] as const] : []
})

/** Throws on a query that cannot be parsed, which would otherwise match nothing in silence. */
function toSubscription(query: string): Subscription {
  const subscription = parseFql(query)
  if ('error' in subscription) throw subscription.error
  return subscription
}

describe.each(calls)('[MP9] %s', (_, call) => {
  test('is a track event to loosely-validate-event', () => {
    const event = { ...call, timestamp: new Date(call.timestamp) }
    expect(() => looselyValidateEvent(event, 'track')).not.toThrow()
  })

  test('reads the same through facade, which destinations use', () => {
    const json: object = JSON.parse(JSON.stringify(call))
    const facade = new Track(json)
    expect(facade.event()).toBe(call.event)
    expect(facade.anonymousId()).toBe(call.anonymousId)
    expect(facade.userId()).toBeUndefined()
    expect(facade.proxy('messageId')).toBe(call.messageId)
    expect(facade.timestamp()).toEqual(new Date(call.timestamp))
    expect(facade.proxy('context.externalIds')).toEqual(call.context.externalIds)
    expect(Object.keys(facade.properties()).sort()).toEqual(Object.keys(call.properties).sort())
  })

  test('is caught by the subscriptions a user would write', () => {
    const event = { type: 'track', ...call }
    const queries = [
      'type = "track"',
      `event = "${call.event}"`,
      ...(call.properties.messageSid === undefined
        ? []
        : [
            `type = "track" and event = "${call.event}" and properties.messageSid = "${call.properties.messageSid}"`,
          ]),
      'context.app.name = "twilio-segment-bridge"',
    ]
    for (const query of queries) expect(matches(toSubscription(query), event), query).toBe(true)
    for (const query of ['type = "identify"', 'event = "Message Delivered"']) {
      expect(matches(toSubscription(query), event), query).toBe(false)
    }
  })
})
