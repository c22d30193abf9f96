/** When an event happened, by its data: each format that Twilio writes, and what is no time. */
import { describe, expect, test } from 'vitest'
import { toSample } from '../../src/cli/send/samples.ts'
import { pathsOf, toDataTime } from '../../src/event/family-time.ts'
import { families } from '../../src/families/index.ts'
import { toTrack } from '../../src/send/segment/map.ts'

const NOW = Date.parse('2026-11-28T12:00:00Z')
const read = (at: unknown) => toDataTime(['at'], { at }, NOW)?.text

describe('formats', () => {
  test.each([
    ['2026-11-28T10:00:00Z', '2026-11-28T10:00:00Z'],
    ['2026-11-28T10:00:00.123456789Z', '2026-11-28T10:00:00.123456789Z'],
    ['2026-11-28T10:00:00.5+05:30', '2026-11-28T10:00:00.5+05:30'],
    ['2026-11-28T02:00:00-0800', '2026-11-28T10:00:00Z'],
    ['2026-11-28T10:00:00', '2026-11-28T10:00:00Z'],
    ['2026-11-28 10:00:00.123 UTC', '2026-11-28T10:00:00.123Z'],
    ['2026-11-28 10:00:00 GMT', '2026-11-28T10:00:00Z'],
    ['2026-11-28 10:00:00+00', '2026-11-28T10:00:00Z'],
    ['Sat, 28 Nov 2026 10:00:00 +0000', '2026-11-28T10:00:00Z'],
    ['Sat, 28 Nov 2026 10:00:00 GMT', '2026-11-28T10:00:00Z'],
    ['28 Nov 2026 02:00:00 -0800', '2026-11-28T10:00:00Z'],
    [1_795_860_000, '2026-11-28T10:00:00.000Z'],
    [1_795_860_000_123, '2026-11-28T10:00:00.123Z'],
    ['1795860000123', '2026-11-28T10:00:00.123Z'],
    ['1795860000', '2026-11-28T10:00:00.000Z'],
  ])('[FM10] %j is %s', (written, expected) => {
    expect(read(written)).toBe(expected)
  })

  test.each([
    ...['', 'now', '0', 0, -1, 1, 1e20, Number.NaN, null, undefined, true, {}, [], '2026-02-30T10:00:00Z'],
    ...['2026-13-01T10:00:00Z', '2026-11-28T25:00:00Z', '30 Feb 2026 10:00:00 +0000', '2026-11-28', '12345'],
    ...['Sat, 28 Nov 2026 10:00:00 MARS', '2026-11-28T10:00:00 Mars'],
  ])('[FM10] %j is no time', written => {
    expect(read(written)).toBeUndefined()
  })
})

describe('in an event without a time', () => {
  const timestampOf = (type: string, data: Record<string, unknown>) => {
    const { time: _, ...sample } = toSample(`com.twilio.${type}`)
    const mapping = { ...asResource }
    const mapped = toTrack({ ...sample, data: { ...sample.data, ...data } }, NOW, undefined, mapping)
    return mapped.ok ? mapped.track.timestamp : mapped.reason
  }
  const asResource = {
    ...{ ownNumbers: new Set<string>(), userIdFrom: [], taskAddressKeys: [] },
    ...({ noCustomer: 'resource', eventNames: 'verbatim' } as const),
  }
  const T = '2026-11-28T10:00:00Z'

  test.each<[string, Record<string, unknown>, string]>([
    ['voice.insights.call-summary.complete', { start_time: '2026-11-28T09:00:00Z', end_time: T }, T],
    ['voice.insights.call-summary.partial', { start_time: T, end_time: '' }, T],
    ['voice.insights.conference-summary.complete', { end_time: T, start_time: '2026-11-28T09:00:00Z' }, T],
    ['voice.insights.conference-summary.partial', { start_time: T, end_time: '2026-11-28T11:00:00Z' }, T],
    ['studio.flow.execution.started', { date_created: T, date_updated: '2026-11-28T11:00:00Z' }, T],
    ['studio.flow.execution.ended', { date_updated: T }, T],
    ['conversations.message.added', { DateCreated: T, DateUpdated: '2026-11-28T11:00:00Z' }, T],
    [
      'conversations.message.removed',
      { DateRemoved: null, DateUpdated: T, DateCreated: '2026-11-28T09:00:00Z' },
      T,
    ],
    ['daptbt.link-shortening.link-clicked', { link_create_time: '2026-11-28T09:00:00Z', click_time: T }, T],
    ['messaging.message.delivered', { timestamp: T }, T],
    ['messaging.message.delivered', { timestamp: '2026-11-28 10:00:00' }, '2026-11-28T12:00:00.000Z'],
    ['iam.ip.blocked', { timestamp: '1795860000000' }, '2026-11-28T10:00:00.000Z'],
    [
      'messaging.compliance.brand-registration.brand-failure',
      { createddate: 1_795_850_000_000, updateddate: 1_795_860_000_000 },
      '2026-11-28T10:00:00.000Z',
    ],
    [
      'voice.status-callback.recording.processed',
      { timestamp: '', requestDateCreated: 'Sat, 28 Nov 2026 10:00:00 +0000' },
      T,
    ],
    [
      'accountsecurity.verify.verification.canceled',
      {
        expired_at: '2026-11-28T11:30:00Z',
        send_code_attempts: { attempts: [{ time: '2026-11-28T09:00:00Z' }, { time: T }] },
        check_attempts: { attempts: [{ time: '2026-11-28T09:30:00Z' }] },
      },
      T,
    ],
    ['accountsecurity.verify.verification.expired', { expired_at: T, created_at: '2026-11-28T09:50:00Z' }, T],
    [
      'accountsecurity.verify.verification.approved',
      { verified_at: T, expired_at: '2026-11-28T10:10:00Z' },
      T,
    ],
  ])('[FM10] %s happened at the time of its own field', (type, data, expected) => {
    expect(timestampOf(type, data)).toBe(expected)
  })

  test('[FM11] a time more than five minutes ahead is not believed', () => {
    const ahead = (ms: number) => timestampOf('studio.flow.execution.ended', at(ms))
    const at = (ms: number) => ({ date_updated: new Date(NOW + ms).toISOString(), date_created: T })
    expect(ahead(60_000)).toBe('2026-11-28T12:01:00.000Z')
    expect(ahead(6 * 60_000)).toBe(T)
    expect(toDataTime(['a'], { a: '2027-01-01T00:00:00Z' }, NOW)).toBeUndefined()
  })

  test.each(
    families.flatMap(({ eventTypes, skip }) => (skip ? [] : eventTypes.map(one => [one.type, one] as const))),
  )('[FM10] %s has a rule whose fields its schema knows', (type, { time, resource, family, customer }) => {
    const known = Object.keys(family.newest.shape)
    const paths = pathsOf(time)
    const noTime = /comms-api|notify|track-summary|cleanup|toll-free|out-of-session/.test(type)
    if (!noTime) expect(paths.length, type).toBeGreaterThan(0)
    if (!/toll-free|a2p|compliance/.test(type))
      for (const path of [...paths, ...resource]) expect(known).toContain(path.split('.')[0])
    expect(customer.rule).toBeDefined()
  })
})
