/** Twilio Proxy's resources: what is read of them, and what is never sent. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SessionCreate, SessionUpdate, whyNot } from '../../src/proxy/requests.ts'
import { Interaction, Participant, Service, Session } from '../../src/proxy/resources.ts'

const ZEROS = '0'.repeat(32)

describe('reading', () => {
  it('[PX1] a session is read with nulls, a date without time, unknown fields and values', () => {
    const session = {
      sid: `KC${ZEROS}`,
      service_sid: `KS${ZEROS}`,
      account_sid: `AC${ZEROS}`,
      date_started: null,
      date_expiry: '2018-07-31',
      status: 'archived',
      ttl: 3600,
      mode: 'video-only',
      more: { of: 'it' },
    }
    const { date_started: _, ...rest } = session
    expect(Session.parse(session)).toEqual({ ...rest, date_started: undefined })
  })

  it.each([
    ['service', Service, 'KS'],
    ['session', Session, 'KC'],
    ['participant', Participant, 'KP'],
    ['interaction', Interaction, 'KI'],
  ] as const)(
    '[PX1] a %s needs its SID and nothing else, whatever its other fields are',
    (_, schema, prefix) => {
      const sid = `${prefix}${ZEROS}`
      const fields = Object.keys(schema.shape).filter(name => name !== 'sid')
      fc.assert(
        fc.property(fc.dictionary(fc.constantFrom(...fields), fc.jsonValue()), loose => {
          expect(schema.safeParse({ ...loose, sid }).success).toBe(true)
        }),
      )
      for (const wrong of [undefined, null, '', `XX${ZEROS}`, `${prefix}0`, `${sid}0`])
        expect(schema.safeParse({ sid: wrong }).success).toBe(false)
    },
  )
})

describe('sending', () => {
  const fine = {
    uniqueName: 'ride-42',
    dateExpiry: '2026-12-01T18:00:00Z',
    ttl: 3600,
    mode: 'message-only',
    status: 'open',
    participants: [{ identifier: '+15551230001', friendlyName: 'Ann' }],
  }

  it('[PX2] a session to create is taken as it is', () => {
    expect(SessionCreate.parse(fine)).toEqual(fine)
    expect(SessionCreate.parse({})).toEqual({})
  })

  it.each([
    ['a name of 192 characters', { uniqueName: 'x'.repeat(192) }],
    ['an empty name', { uniqueName: '' }],
    ['a date without time', { dateExpiry: '2026-12-01' }],
    ['a time without zone', { dateExpiry: '2026-12-01T18:00:00' }],
    ['half a second', { ttl: 0.5 }],
    ['a negative ttl', { ttl: -1 }],
    ['an unknown mode', { mode: 'video-only' }],
    ['a status only Twilio sets', { status: 'failed' }],
    ['three participants', { participants: Array(3).fill({ identifier: '+15551230001' }) }],
    ['a participant without identifier', { participants: [{ friendlyName: 'Ann' }] }],
    ['an identifier of 192 characters', { participants: [{ identifier: 'x'.repeat(192) }] }],
    [
      'a friendly name of 256',
      { participants: [{ identifier: '+15551230001', friendlyName: 'x'.repeat(256) }] },
    ],
    [
      'a SID of something else',
      { participants: [{ identifier: '+15551230001', proxyIdentifierSid: `KP${ZEROS}` }] },
    ],
    ['a misspelt field', { uniquename: 'ride-42' }],
  ])('[PX2] %s is turned down', (_, change) => {
    expect(SessionCreate.safeParse({ ...fine, ...change }).success).toBe(false)
  })

  it('[PX2] an update has an expiry, a ttl or a status, and nothing else', () => {
    expect(SessionUpdate.safeParse({ ttl: 60 }).success).toBe(true)
    expect(SessionUpdate.safeParse({ status: 'closed' }).success).toBe(true)
    for (const wrong of [{}, { mode: 'voice-only' }, { uniqueName: 'x', ttl: 60 }, { status: 'open' }])
      expect(SessionUpdate.safeParse(wrong).success).toBe(false)
  })

  it.each([
    ['open', { status: 'closed' }, true],
    ['in-progress', { status: 'closed' }, true],
    ['closed', { status: 'in-progress' }, true],
    ['closed', { status: 'in-progress', ttl: 60 }, true],
    ['open', { ttl: 60 }, true],
    ['open', { status: 'in-progress' }, false],
    ['closed', { ttl: 60 }, false],
    ['closed', { status: 'closed' }, false],
    ['failed', { status: 'in-progress' }, false],
  ] as const)('[PX3] a session that is %s takes %j: %s', (current, update, isTaken) => {
    expect(whyNot(update, current) === undefined).toBe(isTaken)
  })
})
