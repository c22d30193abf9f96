/** [OB15]–[OB17]: what people are shown: lists, one event and the attempts at it, what is remembered. */
import { expect } from 'vitest'
import type { Delivery, Place } from '../../src/outbox/lease.ts'
import type { OutboxStore } from '../../src/outbox/outbox.ts'
import {
  claimAll,
  deliverAll,
  idOf,
  list,
  NOW,
  type Rule,
  type Sample,
  samples,
  TYPE,
  take,
  toIntake,
} from './outbox-bench.ts'

const ids = (outbox: OutboxStore, query: Parameters<typeof list>[1]) =>
  list(outbox, query).map(({ element }) => idOf(element))

export function registerLook(rule: Rule): void {
  rule('[OB15] events are listed newest first', ({ open }) => {
    const outbox = open()
    take(outbox, samples(3), samples(2, 4))
    expect(ids(outbox, {})).toEqual(['EZ5', 'EZ4', 'EZ3', 'EZ2', 'EZ1'])
  })

  rule('[OB15] page by page every event is listed exactly once, whatever comes meanwhile', ({ open }) => {
    const outbox = open()
    take(outbox, samples(7), samples(1, 8), samples(5, 9))
    for (const limit of [1, 2, 3, 13, 14]) {
      const before = ids(outbox, {})
      const found: unknown[] = []
      for (let next: string | undefined, more = true; more; more = next !== undefined) {
        const page = outbox.events({ limit, before: next })
        expect(page.events.length).toBeLessThanOrEqual(limit)
        found.push(...page.events.map(({ element }) => idOf(element)))
        next = page.next
        take(outbox, [{ id: `later ${limit} ${next}` }])
      }
      expect(found).toEqual(before)
    }
  })

  rule('[OB15] the list is narrowed by state, type, reason and words, and paged all the same', ({ open }) => {
    const outbox = open()
    const mixed: Sample[] = samples(60).map((event, n) => ({
      ...event,
      ...{ type: n % 2 ? TYPE : 'com.example.even', data: { n, text: n % 3 ? 'Ahoy "there"' : 'Ünïque 😀' } },
      verdict: n % 5 === 0 ? 'rejected' : n % 5 === 1 ? 'skipped' : 'pending',
    }))
    for (let n = 0; n < 60; n += 4) take(outbox, mixed.slice(n, n + 4))
    const leased = outbox.claim(20, 1e9)
    const settle = (event: (typeof leased)[number], n: number) =>
      n % 2
        ? ({ event, state: 'accepted' } as const)
        : ({ event, state: 'refused', reason: 'segment_refused' } as const)
    outbox.settle(leased.map(settle), NOW)
    const all = list(outbox)
    const n = (element: unknown) => Number(String(idOf(element)).slice(2)) - 1
    const cases: [Parameters<typeof list>[1], (event: (typeof all)[number]) => boolean][] = [
      [{ state: 'pending' }, ({ state }) => state === 'pending'],
      [{ state: 'accepted' }, ({ state }) => state === 'accepted'],
      [{ state: 'rejected' }, ({ state }) => state === 'rejected'],
      [{ state: 'refused' }, ({ state }) => state === 'refused'],
      [{ state: 'skipped' }, ({ state }) => state === 'skipped'],
      [{ type: 'com.example.even' }, ({ type }) => type === 'com.example.even'],
      [{ type: 'com.example' }, () => false],
      [{ reason: 'segment_refused' }, ({ reason }) => reason === 'segment_refused'],
      [{ q: 'ÜNÏQUE 😀' }, ({ element }) => n(element) % 3 === 0],
      [{ q: 'ahoy "THERE"' }, ({ element }) => n(element) % 3 !== 0],
      [{ q: '"n":7,' }, ({ element }) => n(element) === 7],
      [{ q: 'nowhere' }, () => false],
      [
        { state: 'skipped', type: TYPE, q: 'there' },
        event => event.state === 'skipped' && event.type === TYPE && n(event.element) % 3 !== 0,
      ],
    ]
    for (const [query, fits] of cases) {
      const expected = all.filter(fits)
      expect(all.length).toBeGreaterThan(expected.length)
      for (const limit of [1, 3, 500])
        expect(list(outbox, { ...query, limit }), JSON.stringify(query)).toEqual(expected)
    }
  })

  rule('[OB15] one search reads 5,000 events, and says where to go on', ({ open }) => {
    const outbox = open()
    take(outbox, [{ id: 'needle' }], samples(2_600), samples(2_600, 2_601))
    const first = outbox.events({ q: 'needle', limit: 10 })
    expect(first).toEqual({ events: [], next: '2-200' })
    const second = outbox.events({ q: 'needle', limit: 10, before: first.next })
    expect(second).toMatchObject({ events: [{ key: '1-0' }], next: undefined })
  })

  rule('[OB15] one search reads 8,000,000 characters, and says where to go on', ({ open }) => {
    const outbox = open()
    const large = { data: 'x'.repeat(900_000) }
    for (let n = 1; n <= 10; n++) outbox.put([toIntake([{ id: `EZ${n}`, ...large }])])
    while (outbox.sort() > 0);
    expect(outbox.events({ limit: 500 })).toMatchObject({ events: { length: 9 }, next: '2-0' })
    expect(outbox.events({ limit: 500, q: 'EZ10' })).toMatchObject({ events: [{ key: '10-0' }], next: '2-0' })
    expect(outbox.events({ limit: 500, before: '2-0' })).toMatchObject({
      events: [{ key: '1-0' }],
      next: undefined,
    })
  })

  rule('[OB15] an event nested too deeply to be written hinders no search', ({ open }) => {
    const outbox = open()
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    outbox.put([{ ...toIntake(samples(2)), body: `[{"id":"EZ1"},{"id":"EZ2","data":${deep}}]` }])
    outbox.sort()
    // How deep is too deep depends on the host's stack.
    expect(outbox.events({ q: 'EZ', limit: 9 }).events.map(({ key }) => key)).toContain('1-0')
    expect(outbox.events({ limit: 9 }).events).toHaveLength(2)
  })

  rule(
    '[OB15] a key that is none lists from the newest on; an event that is not there is undefined',
    ({ open }) => {
      const outbox = open()
      take(outbox, samples(2))
      for (const before of ['', 'x', '1', '1-', '-1-0', '1-0-0', '9'.repeat(99)]) {
        expect(outbox.events({ before, limit: 9 }).events).toHaveLength(2)
      }
      expect(outbox.event({ request: 1, position: 2 })).toBeUndefined()
      expect(outbox.event({ request: 2, position: 0 })).toBeUndefined()
    },
  )

  rule('[OB15] the age of the backlog is that of its oldest event', ({ open }) => {
    const outbox = open()
    expect(outbox.oldestPendingAt()).toBeUndefined()
    outbox.put([toIntake([{ id: 'EZ1' }], NOW - 2), toIntake([{ id: 'EZ2' }], NOW - 1)])
    outbox.sort()
    expect(outbox.oldestPendingAt()).toBe(NOW - 2)
    outbox.settle(
      outbox.claim(1, 1).map(event => ({ event, state: 'accepted' })),
      NOW,
    )
    expect(outbox.oldestPendingAt()).toBe(NOW - 1)
    deliverAll(outbox)
    expect(outbox.oldestPendingAt()).toBeUndefined()
  })

  rule('[OB16] an event shows the attempts at it, oldest first', ({ open, crash }) => {
    const outbox = open()
    take(outbox, samples(3), samples(3, 4))
    const failed = { reason: 'segment_failing', status: 503, answer: 'no "😀"' }
    attempt(outbox, { at: NOW + 1, first: at(1, 1), last: at(2, 0), ...failed })
    attempt(outbox, { at: NOW + 2, first: at(2, 1), last: at(2, 2) })
    attempt(outbox, { at: NOW + 3, first: at(1, 0), last: at(2, 2), reason: 'segment_timeout', status: null })
    const shown = { tookMs: 5, events: 2, reason: null, status: 200, answer: '' }
    const third = { ...shown, at: NOW + 3, reason: 'segment_timeout', status: null }
    const again = crash()
    const attempts = (place: Place) => again.event(place)?.attempts
    expect(attempts(at(1, 0))).toEqual([third])
    expect(attempts(at(1, 1))).toEqual([{ ...shown, at: NOW + 1, ...failed }, third])
    expect(attempts(at(2, 0))).toEqual([{ ...shown, at: NOW + 1, ...failed }, third])
    expect(attempts(at(2, 1))).toEqual([{ ...shown, at: NOW + 2 }, third])
    expect(again.event(at(2, 1))).toMatchObject({ key: '2-1', state: 'pending', element: { id: 'EZ5' } })
  })

  rule('[OB16] only attempts between its receipt and its settling were at an event', ({ open }) => {
    const outbox = open()
    take(outbox, samples(1))
    for (const late of [-1, 0, 5, 6]) attempt(outbox, { at: NOW + late, first: at(1, 0), last: at(1, 0) })
    deliverAll(outbox, NOW + 5)
    expect(outbox.event(at(1, 0))?.attempts.map(attempt => attempt.at - NOW)).toEqual([0, 5])
  })

  rule("[OB16] an event that never was in a request shows none of its neighbours' attempts", ({ open }) => {
    const outbox = open()
    take(outbox, [...samples(3), { id: 'EZ4', verdict: 'rejected' }, ...samples(1, 5)])
    attempt(outbox, { at: NOW + 1, first: at(1, 0), last: at(1, 4) })
    const reasons = [undefined, 'event_too_large', 'not_serializable', 'segment_refused'] as const
    const settlements = claimAll(outbox).map((event, n) => {
      const reason = reasons[n]
      return { event, reason, state: reason ? 'refused' : 'accepted' } as const
    })
    outbox.settle(settlements, NOW + 2)
    expect(list(outbox).map(({ key }) => outbox.event(at(1, Number(key.slice(2))))?.attempts.length)).toEqual(
      [1, 0, 0, 0, 1],
    )
  })

  rule('[OB16] of very many attempts the newest 200 are shown', ({ open }) => {
    const outbox = open()
    take(outbox, samples(1))
    for (let n = 1; n <= 210; n++) attempt(outbox, { at: NOW + n, first: at(1, 0), last: at(1, 0) })
    const shown = outbox.event(at(1, 0))?.attempts.map(attempt => attempt.at - NOW)
    expect([shown?.length, shown?.[0], shown?.at(-1)]).toEqual([200, 11, 210])
  })

  rule(
    '[OB17] what is remembered is there after a restart, and the notice that went with it',
    ({ open, crash }) => {
      const outbox = open()
      outbox.remember('clock', '1')
      outbox.remember('clock', '2', { at: NOW, body: { message: 'first "😀"' } })
      outbox.remember('other', 'x', { at: NOW, body: { message: 'second' } })
      const again = crash()
      expect([again.recall('clock'), again.recall('other'), again.recall('none')]).toEqual([
        '2',
        'x',
        undefined,
      ])
      expect(again.notices(9)).toEqual([{ message: 'second' }, { message: 'first "😀"' }])
      expect(again.notices(1)).toEqual([{ message: 'second' }])
    },
  )
}

const at = (request: number, position: number): Place => ({ request, position })

function attempt(
  outbox: OutboxStore,
  delivery: Partial<Delivery> & Pick<Delivery, 'at' | 'first' | 'last'>,
): void {
  outbox.note({ tookMs: 5, events: 2, reason: null, status: 200, answer: '', ...delivery })
}
