/** Times as archives hold them: each well-known form is read as its instant, and what is not sure is not guessed. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toEventTime } from '../../src/event/event-time.ts'
import { runs } from '../support/runs.ts'

describe('[MP130] a time is read as its instant (f04)', () => {
  it.each([
    ['2024-11-21T10:00:13.123456789Z', '2024-11-21T10:00:13.123456789Z'],
    ['2024-11-21T10:00:13-08:00', '2024-11-21T10:00:13-08:00'],
    [' 2024-11-21T10:00:13Z\n', '2024-11-21T10:00:13Z'],
    ['2024-11-21 10:00:13.123 UTC', '2024-11-21T10:00:13.123Z'],
    ['2024-11-21 10:00:13.123456 UTC', '2024-11-21T10:00:13.123456Z'],
    ['2024-11-21 10:00:13+00', '2024-11-21T10:00:13Z'],
    ['2024-11-21 10:00:13.5 +0100', '2024-11-21T09:00:13.5Z'],
    ['2024-11-21 10:00:13 +0000 UTC', '2024-11-21T10:00:13Z'],
    ['2024-11-21T10:00:13,123Z', '2024-11-21T10:00:13.123Z'],
    ['2024-11-21t10:00:13z', '2024-11-21T10:00:13Z'],
    ['2024-11-21T10:00Z', '2024-11-21T10:00:00Z'],
    ['2024-11-21 10:00 GMT', '2024-11-21T10:00:00Z'],
    ['20241121T100013Z', '2024-11-21T10:00:13Z'],
    ['2024-12-31T23:59:60Z', '2025-01-01T00:00:00Z'],
    ['2024-12-31T24:00:00Z', '2025-01-01T00:00:00Z'],
    ['Thu, 21 Nov 2024 10:00:13 +0000', '2024-11-21T10:00:13Z'],
    ['21 Nov 2024 10:00 EST', '2024-11-21T15:00:00Z'],
    ['Thu, 21 Nov 2024 10:00:13 GMT', '2024-11-21T10:00:13Z'],
    ['Thu Nov 21 2024 10:00:13 GMT+0100 (Central European Standard Time)', '2024-11-21T09:00:13Z'],
    ['Thu Nov 21 10:00:13 UTC 2024', '2024-11-21T10:00:13Z'],
    [1732183213, '2024-11-21T10:00:13.000Z'],
    [1732183213.5, '2024-11-21T10:00:13.500Z'],
    ['1732183213123', '2024-11-21T10:00:13.123Z'],
    ['1732183213123456', '2024-11-21T10:00:13.123456Z'],
    ['1732183213123456789', '2024-11-21T10:00:13.123456789Z'],
    ['1.732183213123E9', '2024-11-21T10:00:13.123Z'],
  ])('%j is %s', (given, text) => {
    expect(toEventTime(given)).toEqual({ text, ms: Date.parse(text.replace(/(\.\d{3})\d+/, '$1')) })
  })

  it.each([
    ...[undefined, null, true, {}, [], '', 'now', '4h', 5, -1732183213, 1e30, Number.NaN],
    ...[
      '2024-11-21',
      '2024-11-21 10:00:13',
      '2024-11-21T10:00:13.123',
      '11/21/2024 10:00:13 UTC',
      '21.11.2024 10:00 UTC',
    ],
    ...[
      '2024-02-30T10:00:00Z',
      '2023-02-29 10:00:00 UTC',
      '2024-13-01T10:00:00Z',
      '2024-11-21T25:00:00Z',
      '2024-11-21T10:60:00Z',
    ],
    ...[
      '2024-11-21T10:00:13+25:00',
      '2024-11-21 10:00:13 PM',
      '2024-11-21 10:00:13 Europe/Berlin',
      '31 Feb 2024 10:00:00 GMT',
    ],
    ...['Thu Nov 21 10:00:13 2024', '0'.repeat(5_000), `2024-11-21T10:00:13${' '.repeat(5_000)}Z`],
  ])('%j is none', given => {
    expect(toEventTime(given)).toBeUndefined()
  })

  it('every instant is read from every form it is written in', { tags: 'property' }, () => {
    const instant = fc.date({ min: new Date('2002-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(instant, date => {
        const iso = date.toISOString()
        const seconds = Math.floor(date.getTime() / 1_000) * 1_000
        for (const form of [
          iso,
          iso.replace('T', ' ').replace('Z', ' UTC'),
          iso.replace('Z', '+0000'),
          String(date.getTime()),
        ])
          expect(toEventTime(form)?.ms, form).toBe(date.getTime())
        for (const form of [date.toUTCString(), date.toString(), date.toUTCString().replace('GMT', '-0000')])
          expect(toEventTime(form)?.ms, form).toBe(seconds)
      }),
      { numRuns: runs(300) },
    )
  })
})
