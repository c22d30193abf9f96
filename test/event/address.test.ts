/** The phone number in an address, however it is written; and what is none. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAddress } from '../../src/event/address.ts'
import { fnv1a64 } from '../../src/event/hash.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { statusEvent } from '../support/events.ts'

const phone = { kind: 'phone', bare: '+15551234567' }

describe('a phone number', () => {
  test.each([
    '+15551234567',
    '15551234567',
    '+1 (555) 123-4567',
    '1.555.123.4567',
    'whatsapp:+15551234567',
    'whatsapp:15551234567',
    'whatsapp:%2B15551234567',
    'WhatsApp:%2b1%20555%20123%204567',
    'rcs:+1-555-123-4567',
    'sms:+15551234567',
    'tel:+1-555-123-4567',
    '%2B15551234567',
    'whatsapp%3A%2B15551234567',
    ' +15551234567 ',
    '\ufeff+15551234567',
    '\u202a+15551234567\u202c',
    '\u200ewhatsapp:+15551234567',
    '\u00a0whatsapp:\u00a0+1\u00a0555\u2009123\u00a04567',
  ])('[MP90] %j is +15551234567', address => {
    expect(readAddress(address)).toMatchObject(phone)
  })

  test.each([
    ['+12345678', '+12345678'],
    ['+123456789012345', '+123456789012345'],
    ['123456789012345', '+123456789012345'],
    ['12345678901', '+12345678901'],
  ])('[MP90] %j is %s', (address, bare) => {
    expect(readAddress(address)).toMatchObject({ kind: 'phone', bare })
  })

  // Written from the rule, in other words than the code.
  const digits = (min: number, max: number) =>
    fc.stringMatching(new RegExp(`^[1-9][0-9]{${min - 1},${max - 1}}$`))
  const number = fc.oneof(
    digits(8, 15).map(text => `+${text}`),
    digits(11, 15),
  )
  const scheme = fc.constantFrom('', 'whatsapp:', 'rcs:', 'sms:', 'tel:', 'WHATSAPP:', 'Tel:')
  const between = fc.constantFrom('', '', '', ' ', '-', '.', '(', ')', '\u00a0', '\u200e', '\ufeff')

  test('[MP90] [MP91] any number is itself, whatever blanks and marks stand in it, encoded once or not', () => {
    const written = fc
      .tuple(number, fc.infiniteStream(between), fc.boolean())
      .map(([text, gaps, encoded]) => {
        const spread = [...text].map(character => `${gaps.next().value ?? ''}${character}`).join('')
        return { text, spread: encoded ? encodeURIComponent(spread) : spread }
      })
    fc.assert(
      fc.property(scheme, written, (prefix, { text, spread }) => {
        const { kind, bare } = readAddress(prefix + spread)
        expect({ kind, bare }).toEqual({ kind: 'phone', bare: text.startsWith('+') ? text : `+${text}` })
      }),
    )
  })

  test('[MP90] what is called a phone number is + and 8 to 15 digits; any other text keeps what it is', () => {
    fc.assert(
      fc.property(scheme, fc.oneof(fc.string({ unit: 'binary' }), number, digits(1, 20)), (prefix, text) => {
        const { kind, bare } = readAddress(prefix + text)
        if (kind === 'phone') expect(bare).toMatch(/^\+[1-9]\d{7,14}$/)
        else expect(prefix + text).toContain(bare)
      }),
    )
  })
})

describe('no phone number', () => {
  test.each([
    ['12345', 'short_code'],
    ['5551234567', 'short_code'],
    ['+1234567', 'short_code'],
    ['whatsapp:12345', 'short_code'],
    ['(555) 123', 'short_code'],
    ['0015551234567', 'alphanumeric'],
    ['+015551234567', 'alphanumeric'],
    ['+1555123456789012', 'alphanumeric'],
    ['1555123456789012', 'alphanumeric'],
    ['+1555CALLNOW', 'alphanumeric'],
    ['ACME', 'alphanumeric'],
    ['whatsapp:US.1349', 'other_scheme'],
    ['messenger:15551234567', 'other_scheme'],
    ['sip:15551234567@example.com', 'other_scheme'],
    // Encoded twice: one decoding leaves %2B.
    ['whatsapp:%252B15551234567', 'other_scheme'],
  ])('[MP90] %j is %s', (address, kind) => {
    expect(readAddress(address).kind).toBe(kind)
  })

  test.each(['%', '%2', '+1555123%', 'whatsapp:%ZZ', '%E0%A4%A'])(
    '[MP91] %j, whose percent-encoding is malformed, stays as it is',
    address => {
      const { kind, bare, scheme } = readAddress(address)
      expect(kind).not.toBe('phone')
      expect(scheme === undefined ? bare : `${scheme}:${bare}`).toBe(address)
    },
  )
})

describe('the track call', () => {
  test.each(['15551234567', '+1 (555) 123-4567', 'whatsapp:%2B15551234567', 'tel:+1-555-123-4567'])(
    '[MP90] [MP5] %s is the phone in externalIds, and its own text in anonymousId',
    to => {
      const mapped = toTrack(statusEvent({ to }), 0)
      if (!mapped.ok) expect.fail(mapped.reason)
      const { context, anonymousId, properties } = mapped.track
      expect(context.externalIds).toEqual([
        { id: '+15551234567', type: 'phone', collection: 'users', encoding: 'none' },
      ])
      expect(anonymousId).toBe(fnv1a64(to))
      expect(properties.to).toBe(to)
    },
  )

  test.each(['whatsapp:12345', '5551234567'])('[MP90] the short code %s gives no externalId', to => {
    const mapped = toTrack(statusEvent({ to }), 0)
    if (!mapped.ok) expect.fail(mapped.reason)
    expect(mapped.track.context).not.toHaveProperty('externalIds')
  })
})
