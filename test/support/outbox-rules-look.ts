/** [OB15]–[OB17]: what people are shown: lists, one event and the attempts at it, what is remembered. */
import { expect } from 'vitest'
import type { Delivery } from '../../src/outbox/sqlite/lease.ts'
import { toPlace } from '../../src/outbox/sqlite/list.ts'
import type { OutboxStore } from '../../src/outbox/sqlite/outbox.ts'
import type { Place } from '../../src/outbox/sqlite/place.ts'
import {
  claimAll,
  deliverAll,
  idOf,
  list,
  NOW,
  parcelOf,
  type Rule,
  type Sample,
  samples,
  sortAll,
  TYPE,
  take,
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
    expect(first).toEqual({ events: [], next: '2-200', reachedAt: NOW })
    const second = outbox.events({ q: 'needle', limit: 10, before: first.next })
    expect(second).toMatchObject({ events: [{ key: '1-0' }], next: undefined })
  })

  rule('[OB15] one page parses 2,000,000 characters, and says where to go on', ({ open }) => {
    const outbox = open()
    const large = { data: 'x'.repeat(900_000) }
    for (let n = 1; n <= 5; n++) outbox.put([parcelOf([{ id: `EZ${n}`, ...large }], NOW + n)])
    sortAll(outbox)
    const keysOf = ({ events, next, reachedAt = 0 }: ReturnType<OutboxStore['events']>) => [
      events.map(({ key }) => key).join(' '),
      next,
      reachedAt - NOW,
    ]
    expect(keysOf(outbox.events({ limit: 500 }))).toEqual(['5-0 4-0 3-0', '3-0', 3])
    expect(keysOf(outbox.events({ limit: 500, before: '3-0' }))).toEqual(['2-0 1-0', undefined, 1])
    // To look through a text costs as much again.
    expect(keysOf(open().events({ limit: 500, q: 'EZ5' }))).toEqual(['5-0', '4-0', 4])
  })

  rule('[OB15] accepted events far down, or of a rare reason, are found page by page', ({ open }) => {
    const outbox = open()
    take(outbox, samples(2))
    deliverAll(outbox)
    take(outbox, samples(6_000, 3), [{ id: 'bad', verdict: 'rejected' }])
    const first = outbox.events({ state: 'accepted', limit: 10 })
    expect(first).toMatchObject({ events: [], reachedAt: NOW })
    expect(ids(outbox, { state: 'accepted' })).toEqual(['EZ2', 'EZ1'])
    expect(ids(outbox, { reason: 'schema_rejected' })).toEqual(['bad'])
    expect(ids(outbox, { state: 'rejected', reason: 'schema_rejected' })).toEqual(['bad'])
  })

  rule('[OB15] a phone number is found however it is written', ({ open }) => {
    const outbox = open()
    take(outbox, [
      { id: 'EZ1', data: { to: '+15550000199' } },
      { id: 'EZ2', data: { to: '+15550000200' } },
    ])
    for (const q of ['+1 555 000 0199', '(555) 000-0199', '555.000.0199', ' +1-555-000-0199 ', '0000199']) {
      expect(ids(outbox, { q }), q).toEqual(['EZ1'])
    }
    for (const q of ['x555 000 0199', '- -', '( )']) expect(ids(outbox, { q }), q).toEqual([])
  })

  rule('[OB15] an event nested too deeply to be written hinders no search', ({ open }) => {
    const outbox = open()
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const body = `[{"id":"EZ1"},{"id":"EZ2","data":${deep}}]`
    outbox.put([{ ...parcelOf(samples(2)), body, checksum: undefined }])
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
    outbox.put([parcelOf([{ id: 'EZ1' }], NOW - 2), parcelOf([{ id: 'EZ2' }], NOW - 1)])
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
    const shown = { tookMs: 5, events: 2, reason: null, status: 200, answer: '', headers: { via: '1' } }
    const third = { ...shown, at: NOW + 3, reason: 'segment_timeout', status: null }
    const again = crash()
    const attempts = (place: Place) => again.event(place)?.attempts
    expect(attempts(at(1, 0))).toEqual([third])
    expect(attempts(at(1, 1))).toEqual([{ ...shown, at: NOW + 1, ...failed }, third])
    expect(attempts(at(2, 0))).toEqual([{ ...shown, at: NOW + 1, ...failed }, third])
    expect(attempts(at(2, 1))).toEqual([{ ...shown, at: NOW + 2 }, third])
    expect(again.event(at(2, 1))).toMatchObject({ key: '2-1', state: 'pending', element: { id: 'EZ5' } })
  })

  rule('[OB16] no attempt after its last one, or before its receipt, was at an event', ({ open }) => {
    const outbox = open()
    take(outbox, samples(1))
    const run = { first: at(1, 0), last: at(1, 0) }
    for (const late of [-1, 0, 5]) attempt(outbox, { at: NOW + late, ...run })
    deliverAll(outbox, NOW + 5)
    outbox.note({ at: NOW + 6, ...run, ...answered })
    expect(outbox.event(at(1, 0))).toMatchObject({ attemptCount: 3, triedAt: NOW + 5 })
    expect(outbox.event(at(1, 0))?.attempts.map(attempt => attempt.at - NOW)).toEqual([0, 5])
  })

  rule('[OB16] the attempts of a whole backlog may lie between those of an event', ({ open }) => {
    const outbox = open()
    take(outbox, samples(3))
    attempt(outbox, { at: NOW + 1, first: at(1, 1), last: at(1, 1) })
    for (let n = 2; n < 500; n++) outbox.note({ at: NOW + n, first: at(1, 0), last: at(1, 0), ...answered })
    attempt(outbox, { at: NOW + 500, first: at(1, 1), last: at(1, 2) })
    expect(outbox.event(at(1, 1))?.attempts.map(attempt => attempt.at - NOW)).toEqual([1, 500])
  })

  rule('[OB24] how often an event was tried, and when last, is kept whatever became of it', ({ open }) => {
    const outbox = open()
    take(outbox, samples(3))
    const [one, two, three] = claimAll(outbox)
    if (!one || !two || !three) throw new Error('three were taken')
    const tried = { event: three, attempts: 2, triedAt: NOW + 2 }
    outbox.settle(
      [
        { event: one, state: 'accepted', tries: { attempts: 1, triedAt: NOW + 1 } },
        { event: two, state: 'refused', reason: 'event_too_large' },
      ],
      NOW + 3,
      [tried],
    )
    outbox.settle([], NOW + 4, [{ ...tried, attempts: 1, triedAt: NOW + 4 }])
    const shown = list(outbox).map(({ attemptCount, triedAt }) => [attemptCount, triedAt && triedAt - NOW])
    expect(shown).toEqual([
      [3, 4],
      [0, null],
      [1, 1],
    ])
    outbox.settle([{ event: three, state: 'accepted', tries: { attempts: 1, triedAt: NOW + 5 } }], NOW + 6)
    expect(outbox.event(three)).toMatchObject({ attemptCount: 4, triedAt: NOW + 5, settledAt: NOW + 6 })
  })

  rule('[OB24] when an event was stored is known for as long as its bytes are', ({ open }) => {
    const outbox = open({ retentionMs: 0 })
    outbox.put([parcelOf(samples(1))], NOW + 3)
    outbox.put([parcelOf(samples(1, 2))])
    sortAll(outbox)
    expect(list(outbox).map(({ storedAt }) => storedAt)).toEqual([null, NOW + 3])
    deliverAll(outbox, NOW + 4)
    while (outbox.prune(NOW + 5));
    expect(list(outbox).map(({ storedAt }) => storedAt)).toEqual([null, null])
  })

  rule('[OB25] one that watches is told what came since, newest first, and how many more', ({ open }) => {
    const outbox = open()
    take(outbox, samples(3), samples(4, 4))
    const since = (after: number, upTo: number, limit: number) => {
      const { events, missed } = outbox.since({ after, upTo }, limit)
      return [...events.map(({ element }) => idOf(element)), missed]
    }
    expect(outbox.sortedUpTo()).toBe(2)
    expect(since(0, 2, 9)).toEqual(['EZ7', 'EZ6', 'EZ5', 'EZ4', 'EZ3', 'EZ2', 'EZ1', 0])
    expect(since(1, 2, 3)).toEqual(['EZ7', 'EZ6', 'EZ5', 1])
    expect(since(0, 1, 9)).toEqual(['EZ3', 'EZ2', 'EZ1', 0])
    expect(since(2, 2, 9)).toEqual([0])
    take(outbox, ...Array.from({ length: 12 }, (_, n) => samples(1_000, 8 + n * 1_000)))
    expect(outbox.since({ after: 0, upTo: 14 }, 100)).toMatchObject({ missed: 9_900 })
  })

  rule('[OB25] the states of events are told by key, and of the newest up to a place', ({ open }) => {
    const outbox = open()
    take(outbox, samples(2), [{ id: 'bad', verdict: 'rejected' }])
    const states = outbox.statesOf(['1-1', '2-0', '9-9', 'x']).map(({ key, state }) => `${key} ${state}`)
    expect(states).toEqual(['1-1 pending', '2-0 rejected'])
    expect(outbox.statesUpTo(2, 2).map(({ key }) => key)).toEqual(['2-0', '1-1'])
    expect(outbox.statesUpTo(1, 2).map(({ key }) => key)).toEqual(['1-1', '1-0'])
  })

  rule("[OB16] an event that never was in a request shows none of its neighbours' attempts", ({ open }) => {
    const outbox = open()
    take(outbox, [...samples(3), { id: 'EZ4', verdict: 'rejected' }, ...samples(1, 5)])
    outbox.note({ at: NOW + 1, first: at(1, 0), last: at(1, 4), ...answered })
    const reasons = [undefined, 'event_too_large', 'not_serializable', 'segment_refused'] as const
    const settlements = claimAll(outbox).map((event, n) => {
      const reason = reasons[n]
      const tries = n % 3 === 0 ? { attempts: 1, triedAt: NOW + 1 } : undefined
      return { event, reason, tries, state: reason ? 'refused' : 'accepted' } as const
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
const answered = { tookMs: 5, events: 2, reason: null, status: 200, answer: '', headers: { via: '1' } }
const isUpTo = (a: Place, b: Place) =>
  a.request < b.request || (a.request === b.request && a.position <= b.position)

/** As a delivery does: noted, and counted with the pending events that it held. */
function attempt(
  outbox: OutboxStore,
  delivery: Partial<Delivery> & Pick<Delivery, 'at' | 'first' | 'last'>,
): void {
  outbox.note({ ...answered, ...delivery })
  const held = list(outbox, { state: 'pending' })
    .flatMap(({ key }) => toPlace(key) ?? [])
    .filter(place => isUpTo(delivery.first, place) && isUpTo(place, delivery.last))
  outbox.settle(
    [],
    delivery.at,
    held.map(event => ({ event, attempts: 1, triedAt: delivery.at })),
  )
}
