/** The bridge's own events about Proxy: whichever way a fact comes, it is one event for each participant. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { fromEvent } from '../../src/admin/export-format.ts'
import { digests } from '../../src/hosts/node/digests.ts'
import { validate } from '../../src/ingest/validate.ts'
import { toCallbackEvents } from '../../src/proxy/callbacks.ts'
import { interactionFacts, type ProxyEvent, sessionFacts, withParticipant } from '../../src/proxy/facts.ts'
import { Interaction, resourceStatuses, Session } from '../../src/proxy/resources.ts'
import { type Life, toTransitions } from '../../src/proxy/transitions.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { proxyCallback, toForm } from '../support/proxy-callbacks.ts'

const { sha256 } = digests
const sid = (prefix: string, n = 1) => prefix + String(n).padStart(32, '0')
const ANN = { sid: sid('KP', 1), identifier: '+15551230001' }
const BOB = { sid: sid('KP', 2), identifier: '+15551230002' }
const both = new Map([ANN, BOB].map(one => [one.sid, one]))
const MASKED = '+15550100100'

const fromCallback = (fields: Readonly<Record<string, string>>) => {
  const form = new Map(Object.entries(fields))
  return toCallbackEvents(form, new TextEncoder().encode(toForm(fields)), sha256)
}
const known = (event: ProxyEvent) => withParticipant(event, both.get(event.subject ?? '')?.identifier)
const sorted = (events: readonly ProxyEvent[]) => [...events].sort((a, b) => (a.id < b.id ? -1 : 1))
const trackOf = (event: ProxyEvent) => {
  const mapped = toTrack(event, 0)
  return mapped.ok ? mapped.track : expect.fail(mapped.reason)
}

const interactionJson = fc
  .record({
    inbound: fc.constantFrom(...resourceStatuses),
    outbound: fc.option(fc.constantFrom(...resourceStatuses), { nil: undefined }),
    type: fc.constantFrom('message', 'voice'),
    data: fc.constantFrom('{"body":"hello"}', '{"duration":"5"}', ''),
    updated: fc.integer({ min: 1_500_000_000, max: 1_900_000_000 }),
  })
  .map(({ inbound, outbound, type, data, updated }) => {
    const at = (seconds: number) => new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
    const resource = type === 'voice' ? 'Call' : 'Message'
    return {
      ...{ sid: sid('KI'), session_sid: sid('KC'), service_sid: sid('KS'), account_sid: sid('AC', 0) },
      ...{ type, data, date_created: at(updated - 9), date_updated: at(updated), url: 'https://x' },
      ...{ inbound_participant_sid: ANN.sid, inbound_resource_sid: sid('SM', 1) },
      ...{ inbound_resource_type: resource, inbound_resource_status: inbound },
      ...(outbound !== undefined && {
        ...{ outbound_participant_sid: BOB.sid, outbound_resource_sid: sid('SM', 2) },
        ...{ outbound_resource_type: resource, outbound_resource_status: outbound },
      }),
    }
  })

describe('an interaction', () => {
  it('[PX20] is the same event by callback, however that spells it, by sync and by replay', async () => {
    const letters = fc.constantFrom<(text: string) => string>(
      text => text,
      text => text.toUpperCase(),
      text => text.replace(/^./, first => first.toUpperCase()),
    )
    await fc.assert(
      fc.asyncProperty(interactionJson, letters, async (json, spell) => {
        const synced = await interactionFacts(Interaction.parse(json), sha256, both)
        const called = (await fromCallback(proxyCallback(json, spell))).map(known)
        expect(sorted(called)).toEqual(sorted(synced))
        const replayed = synced.map(one => fromEvent(one, JSON.stringify(one)).entry)
        for (const [at, { identity, state }] of replayed.entries()) {
          const { source, id } = synced[at] ?? expect.fail()
          expect({ identity, state }).toEqual({ identity: { source, id }, state: 'pending' })
        }
        const sides = 'outbound_resource_status' in json ? 2 : 1
        expect(new Set(synced.map(({ id }) => id)).size).toBe(sides)
      }),
    )
  })

  it('[PX21] is another event with any other status or time, and for the other participant', async () => {
    const base = proxyCallback(Object(fc.sample(interactionJson, { numRuns: 1, seed: 7 })[0]))
    const full = { ...base, outboundParticipantSid: BOB.sid, outboundResourceStatus: 'sent' }
    const changes = [
      {},
      { inboundResourceStatus: 'receiving' },
      { outboundResourceStatus: 'delivered' },
      { interactionDateUpdated: '2031-01-01T00:00:00Z' },
      { interactionSid: sid('KI', 2) },
    ]
    const ids = (await Promise.all(changes.map(change => fromCallback({ ...full, ...change })))).flat()
    expect(new Set(ids.map(({ id }) => id)).size).toBe(changes.length * 2)
  })

  it('[PX22] holds the number of its own participant and of nobody else, who is the customer', async () => {
    await fc.assert(
      fc.asyncProperty(interactionJson, async json => {
        for (const event of await interactionFacts(Interaction.parse(json), sha256, both)) {
          const [own, other] = event.subject === ANN.sid ? [ANN, BOB] : [BOB, ANN]
          const track = trackOf(event)
          expect(track.context.externalIds).toMatchObject([{ id: own.identifier, type: 'phone' }])
          expect(JSON.stringify(track)).not.toContain(other.identifier.slice(1))
          expect(track.properties).toMatchObject({ participantSid: own.sid, sessionSid: sid('KC') })
        }
      }),
    )
  })

  it('[PX23] without the participant waits, and with a deleted one has no customer', async () => {
    const [json] = fc.sample(interactionJson, { numRuns: 1, seed: 7 })
    const [event = expect.fail()] = await fromCallback(proxyCallback(Object(json)))
    expect(validate(event)).toMatchObject({ state: 'pending', reason: 'participant_unknown' })
    expect(validate(withParticipant(event, undefined))).toMatchObject({ reason: 'no_customer' })
    const [synced = expect.fail()] = await interactionFacts(Interaction.parse(json), sha256, new Map())
    expect(synced).toEqual(withParticipant(event, undefined))
  })
})

test('[PX24] a post that cannot be read is a dead letter with all its fields', async () => {
  for (const fields of [{ hello: 'x' }, { interactionSid: 'KI1' }, { interactionSid: sid('KI') }]) {
    const [event = expect.fail()] = await fromCallback(fields)
    expect(event.data).toEqual(fields)
    expect(validate(event)).toMatchObject({ state: 'rejected', reason: 'schema_rejected' })
  }
})

describe('a post out of session', () => {
  const vector = {
    ...{ MessageSid: sid('SM'), AccountSid: sid('AC', 0), From: ANN.identifier, To: MASKED, Body: 'hi' },
    ...{ SmsStatus: 'received', NumMedia: '0' },
  }
  const former = {
    ...{
      sessionSid: sid('KC'),
      sessionServiceSid: sid('KS'),
      sessionStatus: 'closed',
      sessionUniqueName: 'r',
    },
    ...{ inboundParticipantSid: ANN.sid, inboundParticipantIdentifier: ANN.identifier },
    ...{ outboundParticipantSid: BOB.sid, outboundParticipantIdentifier: BOB.identifier },
  }

  it.each([
    ['with a former session', { ...vector, ...former }],
    ['without one', vector],
  ])('[PX25] %s is one event, of who wrote, without the other number', async (_, fields) => {
    const events = await fromCallback(fields)
    expect(events.map(({ type }) => type)).toEqual(['twilio-proxy.out-of-session.received'])
    const track = trackOf(events[0] ?? expect.fail())
    expect(track.context.externalIds).toMatchObject([{ id: ANN.identifier }])
    expect(track.properties).toMatchObject({ body: 'hi', proxyIdentifier: MASKED, type: 'message' })
    expect(JSON.stringify(track)).not.toContain(BOB.identifier.slice(1))
    expect((await fromCallback(fields))[0]?.id).toBe(events[0]?.id)
  })

  it('[PX25] a post out of session happened when it came, not when the session before it changed', () => {
    const element = {
      ...{
        specversion: '1.0',
        id: 'a',
        source: '/v1/out-of-session',
        type: 'twilio-proxy.out-of-session.received',
      },
      ...{
        dataschema: 'urn:twilio-segment-bridge:Proxy.OutOfSession/1',
        datacontenttype: 'application/json',
      },
      data: { resourceSid: sid('SM'), identifier: ANN.identifier, dateUpdated: '2020-01-01T00:00:00Z' },
    }
    expect(toTrack(element, Date.UTC(2026, 0, 2))).toMatchObject({
      track: { timestamp: '2026-01-02T00:00:00.000Z' },
    })
  })
})

describe('the life of a session', () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
  const ms = (minute: number) => Date.UTC(2026, 0, 1, 0, minute)
  const session = (fields: object) => Session.parse({ sid: sid('KC'), date_created: at(0), ...fields })
  const told = (fields: object, now: number, before: Life = {}, ttl = 0) => {
    const { transitions, life } = toTransitions(session(fields), before, ms(now), ttl)
    return { names: transitions.map(one => `${one.name} ${((one.at ?? 0) - ms(0)) / 60_000}`), life }
  }
  const begun = { date_started: at(1), date_last_interaction: at(5), date_updated: at(5) }

  it.each([
    ['opened', { status: 'open' }, 9, ['opened 0']],
    ['begun', { ...begun, status: 'in-progress' }, 9, ['opened 0', 'in-progress 1']],
    [
      'closed by a request',
      { ...begun, status: 'closed', date_ended: at(7) },
      9,
      ['opened 0', 'in-progress 1', 'closed 7'],
    ],
    [
      'expired by its ttl, and not closed yet',
      { ...begun, status: 'in-progress', ttl: 120 },
      9,
      ['opened 0', 'in-progress 1', 'closed 7'],
    ],
    [
      'expired by its ttl, and closed later',
      { ...begun, status: 'closed', ttl: 120, date_ended: at(8), date_updated: at(8) },
      9,
      ['opened 0', 'in-progress 1', 'closed 7'],
    ],
    [
      'expired by its date, which goes before the ttl',
      { ...begun, status: 'in-progress', ttl: 60, date_expiry: at(8) },
      9,
      ['opened 0', 'in-progress 1', 'closed 8'],
    ],
    ['not expired yet', { ...begun, status: 'in-progress', ttl: 600 }, 9, ['opened 0', 'in-progress 1']],
    ['expired before anybody said a word', { status: 'open', ttl: 120 }, 9, ['opened 0', 'closed 2']],
    ['failed', { status: 'failed', date_updated: at(3) }, 9, ['opened 0', 'failed 3']],
  ] as const)('[PX26] %s', (_, fields, now, expected) => {
    expect(told(fields, now).names).toEqual(expected)
  })

  it("[PX26] without a ttl of its own it has its service's", () => {
    expect(told({ status: 'open' }, 9, {}, 120).names).toEqual(['opened 0', 'closed 2'])
  })

  it('[PX27] reopened, it lives from then on, and its second end is another one', () => {
    const closed = told({ ...begun, status: 'closed', date_ended: at(7), date_updated: at(7) }, 8)
    const again = { ...begun, status: 'in-progress', ttl: 120, date_updated: at(10) }
    const reopened = told(again, 11, closed.life)
    expect(reopened.names).toEqual(['opened 0', 'in-progress 1', 'reopened 10'])
    const expired = told(again, 13, reopened.life)
    expect(expired.names.at(-1)).toBe('closed 12')
    const ended = { ...again, status: 'closed', date_ended: at(11), date_updated: at(11) }
    expect(told(ended, 20, reopened.life).names.at(-1)).toBe('closed 11')
    // Closed for good: nothing new is found.
    expect(told({ ...again, status: 'closed', date_ended: at(15) }, 20, expired.life).names).toEqual(
      expired.names,
    )
  })

  it('[PX28] is one event for each participant and change, with the number of that one alone', async () => {
    const closed = session({ ...begun, service_sid: sid('KS'), status: 'closed', date_ended: at(7) })
    const { transitions } = toTransitions(closed, {}, ms(9))
    const events = await sessionFacts(closed, transitions, both, sha256)
    expect(new Set(events.map(({ id }) => id)).size).toBe(6)
    for (const event of events) {
      const track = trackOf(event)
      expect(track.timestamp).toBe(event.time)
      const numbers = JSON.stringify(track.properties).match(/\+1555\d+/g)
      expect(numbers).toEqual([both.get(event.subject ?? '')?.identifier])
    }
    expect(events.map(({ type, subject }) => `${type.split('.').at(-1)} ${subject?.at(-1)}`)).toEqual([
      ...['opened 1', 'opened 2', 'in-progress 1', 'in-progress 2', 'closed 1', 'closed 2'],
    ])
    const later = session({ ...closed, date_updated: at(30) })
    const again = await sessionFacts(later, toTransitions(later, {}, ms(40)).transitions, both, sha256)
    expect(again.map(({ id }) => id)).toEqual(events.map(({ id }) => id))
  })
})

test('[PX20] the ids of today stay what they are', async () => {
  const vector = JSON.parse(readFileSync(new URL('./callback-vector.json', import.meta.url), 'utf8'))
  const events = await fromCallback(vector.params)
  expect(events.map(({ id }) => id)).toMatchInlineSnapshot(`
    [
      "3891b4d15be8c14b942e8dfd23d1d22ddc3ef8157cbe4dd20cf9047c575208aa",
      "a2e6c643f8f5023c2f945faf4e0e6db5dc1a944a695edf963669e265dc92bf91",
    ]
  `)
})
