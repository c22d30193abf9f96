/** [OB15]–[OB17]: what people are shown: lists, one event and the attempts at it, what is remembered. */
import { expect } from 'vitest'
import { type Place, toPlace } from '../../src/outbox/place.ts'
import type { EventPage } from '../../src/outbox/queries.ts'
import type { DeliveryAttempt, OutboxStore } from '../../src/outbox/store.ts'
import { idOf, NOW, requestRow, type Sample, samples, TYPE } from './outbox-bench.ts'
import { claimAll, deliverAll, list, type StoreRule, sortAll, take } from './store-bench.ts'

const ids = async (outbox: OutboxStore, query: Parameters<typeof list>[1]) =>
  (await list(outbox, query)).map(({ element }) => idOf(element))

export function registerLook(rule: StoreRule): void {
  rule('[OB15] events are listed newest first', async ({ open }) => {
    const outbox = await open()
    await take(outbox, samples(3), samples(2, 4))
    expect(await ids(outbox, {})).toEqual(['EZ5', 'EZ4', 'EZ3', 'EZ2', 'EZ1'])
  })

  rule(
    '[OB15] page by page every event is listed exactly once, whatever comes meanwhile',
    async ({ open }) => {
      const outbox = await open()
      await take(outbox, samples(7), samples(1, 8), samples(5, 9))
      for (const limit of [1, 2, 3, 13, 14]) {
        const before = await ids(outbox, {})
        const found: unknown[] = []
        for (let next: string | undefined, more = true; more; more = next !== undefined) {
          const page = await outbox.list({ limit, before: next })
          expect(page.events.length).toBeLessThanOrEqual(limit)
          found.push(...page.events.map(({ element }) => idOf(element)))
          next = page.next
          await take(outbox, [{ id: `later ${limit} ${next}` }])
        }
        expect(found).toEqual(before)
      }
    },
  )

  rule(
    '[OB15] the list is narrowed by state, type, reason and words, and paged all the same',
    async ({ open }) => {
      const outbox = await open()
      const mixed: Sample[] = samples(60).map((event, n) => ({
        ...event,
        ...{
          type: n % 2 ? TYPE : 'com.example.even',
          data: { n, text: n % 3 ? 'Ahoy "there"' : 'Ünïque 😀' },
        },
        verdict: n % 5 === 0 ? 'rejected' : n % 5 === 1 ? 'skipped' : 'pending',
      }))
      for (let n = 0; n < 60; n += 4) await take(outbox, mixed.slice(n, n + 4))
      const leased = await outbox.claim({ destination: 1, limit: 20, characters: 1e9 })
      const settle = (event: (typeof leased)[number], n: number) =>
        n % 2
          ? ({ event, state: 'accepted' } as const)
          : ({ event, state: 'refused', reason: 'segment_refused' } as const)
      await outbox.settle(leased.map(settle), NOW)
      const all = await list(outbox)
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
          expect(await list(outbox, { ...query, limit }), JSON.stringify(query)).toEqual(expected)
      }
    },
  )

  rule('[OB15] one search reads 5,000 events, and says where to go on', async ({ open }) => {
    const outbox = await open()
    await take(outbox, [{ id: 'needle' }], samples(2_600), samples(2_600, 2_601))
    const first = await outbox.list({ q: 'needle', limit: 10 })
    expect(first).toEqual({ events: [], next: '2-200', reachedAt: NOW })
    const second = await outbox.list({ q: 'needle', limit: 10, before: first.next })
    expect(second).toMatchObject({ events: [{ key: '1-0' }], next: undefined })
  })

  rule('[OB15] one page parses 2,000,000 characters, and says where to go on', async ({ open }) => {
    const outbox = await open()
    const large = { data: 'x'.repeat(900_000) }
    for (let n = 1; n <= 5; n++) await outbox.append([requestRow([{ id: `EZ${n}`, ...large }], NOW + n)])
    await sortAll(outbox)
    const keysOf = ({ events, next, reachedAt = 0 }: EventPage) => [
      events.map(({ key }) => key).join(' '),
      next,
      reachedAt - NOW,
    ]
    expect(keysOf(await outbox.list({ limit: 500 }))).toEqual(['5-0 4-0 3-0', '3-0', 3])
    expect(keysOf(await outbox.list({ limit: 500, before: '3-0' }))).toEqual(['2-0 1-0', undefined, 1])
    // To look through a text costs as much again.
    expect(keysOf(await (await open()).list({ limit: 500, q: 'EZ5' }))).toEqual(['5-0', '4-0', 4])
  })

  rule('[OB15] accepted events far down, or of a rare reason, are found page by page', async ({ open }) => {
    const outbox = await open()
    await take(outbox, samples(2))
    await deliverAll(outbox)
    await take(outbox, samples(6_000, 3), [{ id: 'bad', verdict: 'rejected' }])
    const first = await outbox.list({ state: 'accepted', limit: 10 })
    expect(first).toMatchObject({ events: [], reachedAt: NOW })
    expect(await ids(outbox, { state: 'accepted' })).toEqual(['EZ2', 'EZ1'])
    expect(await ids(outbox, { reason: 'schema_rejected' })).toEqual(['bad'])
    expect(await ids(outbox, { state: 'rejected', reason: 'schema_rejected' })).toEqual(['bad'])
  })

  rule('[OB15] a phone number is found however it is written', async ({ open }) => {
    const outbox = await open()
    await take(outbox, [
      { id: 'EZ1', data: { to: '+15550000199' } },
      { id: 'EZ2', data: { to: '+15550000200' } },
    ])
    for (const q of ['+1 555 000 0199', '(555) 000-0199', '555.000.0199', ' +1-555-000-0199 ', '0000199']) {
      expect(await ids(outbox, { q }), q).toEqual(['EZ1'])
    }
    for (const q of ['x555 000 0199', '- -', '( )']) expect(await ids(outbox, { q }), q).toEqual([])
  })

  rule('[OB15] an event nested too deeply to be written hinders no search', async ({ open }) => {
    const outbox = await open()
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const body = `[{"id":"EZ1"},{"id":"EZ2","data":${deep}}]`
    await outbox.append([{ ...requestRow(samples(2)), body, checksum: undefined }])
    await outbox.index()
    // How deep is too deep depends on the host's stack.
    expect((await outbox.list({ q: 'EZ', limit: 9 })).events.map(({ key }) => key)).toContain('1-0')
    expect((await outbox.list({ limit: 9 })).events).toHaveLength(2)
  })

  rule(
    '[OB15] a key that is none lists from the newest on; an event that is not there is undefined',
    async ({ open }) => {
      const outbox = await open()
      await take(outbox, samples(2))
      for (const before of ['', 'x', '1', '1-', '-1-0', '1-0-0', '9'.repeat(99)]) {
        expect((await outbox.list({ before, limit: 9 })).events).toHaveLength(2)
      }
      expect(await outbox.get({ request: 1, position: 2 })).toBeUndefined()
      expect(await outbox.get({ request: 2, position: 0 })).toBeUndefined()
    },
  )

  rule('[OB15] the age of the backlog is that of its oldest event', async ({ open }) => {
    const outbox = await open()
    expect(await outbox.oldestPendingAt()).toBeUndefined()
    await outbox.append([requestRow([{ id: 'EZ1' }], NOW - 2), requestRow([{ id: 'EZ2' }], NOW - 1)])
    await outbox.index()
    expect(await outbox.oldestPendingAt()).toBe(NOW - 2)
    await outbox.settle(
      (await outbox.claim({ destination: 1, limit: 1, characters: 1 })).map(event => ({
        event,
        state: 'accepted',
      })),
      NOW,
    )
    expect(await outbox.oldestPendingAt()).toBe(NOW - 1)
    await deliverAll(outbox)
    expect(await outbox.oldestPendingAt()).toBeUndefined()
  })

  rule('[OB16] an event shows the attempts at it, oldest first', async ({ open, crash }) => {
    const outbox = await open()
    await take(outbox, samples(3), samples(3, 4))
    const failed = { reason: 'segment_failing', status: 503, answer: 'no "😀"' }
    await attempt(outbox, { at: NOW + 1, first: at(1, 1), last: at(2, 0), ...failed })
    await attempt(outbox, { at: NOW + 2, first: at(2, 1), last: at(2, 2) })
    await attempt(outbox, {
      at: NOW + 3,
      first: at(1, 0),
      last: at(2, 2),
      reason: 'segment_timeout',
      status: null,
    })
    const shown = { tookMs: 5, events: 2, reason: null, status: 200, answer: '', headers: { via: '1' } }
    const third = { ...shown, at: NOW + 3, reason: 'segment_timeout', status: null }
    const again = await crash()
    const attempts = async (place: Place) => (await again.get(place))?.attempts
    expect(await attempts(at(1, 0))).toEqual([third])
    expect(await attempts(at(1, 1))).toEqual([{ ...shown, at: NOW + 1, ...failed }, third])
    expect(await attempts(at(2, 0))).toEqual([{ ...shown, at: NOW + 1, ...failed }, third])
    expect(await attempts(at(2, 1))).toEqual([{ ...shown, at: NOW + 2 }, third])
    expect(await again.get(at(2, 1))).toMatchObject({
      key: '2-1',
      state: 'pending',
      element: { id: 'EZ5' },
    })
  })

  rule('[OB16] no attempt after its last one, or before its receipt, was at an event', async ({ open }) => {
    const outbox = await open()
    await take(outbox, samples(1))
    const run = { first: at(1, 0), last: at(1, 0) }
    for (const late of [-1, 0, 5]) await attempt(outbox, { at: NOW + late, ...run })
    await deliverAll(outbox, NOW + 5)
    await outbox.recordAttempt({ at: NOW + 6, ...run, ...answered })
    expect(await outbox.get(at(1, 0))).toMatchObject({ attemptCount: 3, triedAt: NOW + 5 })
    expect((await outbox.get(at(1, 0)))?.attempts.map(attempt => attempt.at - NOW)).toEqual([0, 5])
  })

  rule('[OB16] the attempts of a whole backlog may lie between those of an event', async ({ open }) => {
    const outbox = await open()
    await take(outbox, samples(3))
    await attempt(outbox, { at: NOW + 1, first: at(1, 1), last: at(1, 1) })
    for (let n = 2; n < 500; n++)
      await outbox.recordAttempt({ at: NOW + n, first: at(1, 0), last: at(1, 0), ...answered })
    await attempt(outbox, { at: NOW + 500, first: at(1, 1), last: at(1, 2) })
    expect((await outbox.get(at(1, 1)))?.attempts.map(attempt => attempt.at - NOW)).toEqual([1, 500])
  })

  rule(
    '[OB24] how often an event was tried, and when last, is kept whatever became of it',
    async ({ open }) => {
      const outbox = await open()
      await take(outbox, samples(3))
      const [one, two, three] = await claimAll(outbox)
      if (!one || !two || !three) throw new Error('three were taken')
      const tried = { event: three, attempts: 2, triedAt: NOW + 2 }
      await outbox.settle(
        [
          { event: one, state: 'accepted', tries: { attempts: 1, triedAt: NOW + 1 } },
          { event: two, state: 'refused', reason: 'event_too_large' },
        ],
        NOW + 3,
        [tried],
      )
      await outbox.settle([], NOW + 4, [{ ...tried, attempts: 1, triedAt: NOW + 4 }])
      const shown = (await list(outbox)).map(({ attemptCount, triedAt }) => [
        attemptCount,
        triedAt && triedAt - NOW,
      ])
      expect(shown).toEqual([
        [3, 4],
        [0, null],
        [1, 1],
      ])
      await outbox.settle(
        [{ event: three, state: 'accepted', tries: { attempts: 1, triedAt: NOW + 5 } }],
        NOW + 6,
      )
      expect(await outbox.get(three)).toMatchObject({
        attemptCount: 4,
        triedAt: NOW + 5,
        settledAt: NOW + 6,
      })
    },
  )

  rule('[OB24] when an event was stored is known for as long as its bytes are', async ({ open }) => {
    const outbox = await open({ retentionMs: 0 })
    await outbox.append([requestRow(samples(1))], NOW + 3)
    await outbox.append([requestRow(samples(1, 2))])
    await sortAll(outbox)
    expect((await list(outbox)).map(({ storedAt }) => storedAt)).toEqual([null, NOW + 3])
    await deliverAll(outbox, NOW + 4)
    while (await outbox.prune(NOW + 5));
    expect((await list(outbox)).map(({ storedAt }) => storedAt)).toEqual([null, null])
  })

  rule(
    '[OB25] one that watches is told what came since, newest first, and how many more',
    async ({ open }) => {
      const outbox = await open()
      const cursors = [(await outbox.figures()).cursor]
      for (const request of [samples(3), samples(4, 4)]) {
        await take(outbox, request)
        cursors.push((await outbox.figures()).cursor)
      }
      const since = async (after: number, upTo: number, limit: number) => {
        const query = { after: cursors[after], upTo: cursors[upTo], keys: [], recent: 0, limit }
        const { events, missed, cursor } = await outbox.changes(query)
        expect(cursor).toBe(cursors[upTo])
        return [...events.map(({ element }) => idOf(element)), missed]
      }
      expect(await since(0, 2, 9)).toEqual(['EZ7', 'EZ6', 'EZ5', 'EZ4', 'EZ3', 'EZ2', 'EZ1', 0])
      expect(await since(1, 2, 3)).toEqual(['EZ7', 'EZ6', 'EZ5', 1])
      expect(await since(0, 1, 9)).toEqual(['EZ3', 'EZ2', 'EZ1', 0])
      expect(await since(2, 2, 9)).toEqual([0])
      await take(outbox, ...Array.from({ length: 12 }, (_, n) => samples(1_000, 8 + n * 1_000)))
      const all = { keys: [], recent: 0, limit: 100 }
      expect(await outbox.changes({ ...all, after: cursors[0] })).toMatchObject({ missed: 9_900 })
      for (const after of [undefined, '', 'x'])
        expect(await outbox.changes({ ...all, after })).toMatchObject({ events: [], missed: 0 })
    },
  )

  rule('[OB25] the states of events are told by key, and of the newest up to a place', async ({ open }) => {
    const outbox = await open()
    await take(outbox, samples(2))
    const { cursor } = await outbox.figures()
    await take(outbox, [{ id: 'bad', verdict: 'rejected' }])
    const statesOf = async (keys: readonly string[], recent: number, after?: string) => {
      const { states } = await outbox.changes({ after, keys, recent, limit: 0 })
      return states.map(({ key, state }) => `${key} ${state}`)
    }
    expect(await statesOf(['1-1', '2-0', '9-9', 'x'], 0)).toEqual(['1-1 pending', '2-0 rejected'])
    expect(await statesOf([], 2)).toEqual(['2-0 rejected', '1-1 pending'])
    expect(await statesOf(['2-0'], 2, cursor)).toEqual(['1-1 pending', '1-0 pending', '2-0 rejected'])
  })

  rule(
    "[OB16] an event that never was in a request shows none of its neighbours' attempts",
    async ({ open }) => {
      const outbox = await open()
      await take(outbox, [...samples(3), { id: 'EZ4', verdict: 'rejected' }, ...samples(1, 5)])
      await outbox.recordAttempt({ at: NOW + 1, first: at(1, 0), last: at(1, 4), ...answered })
      const reasons = [undefined, 'event_too_large', 'not_serializable', 'segment_refused'] as const
      const settlements = (await claimAll(outbox)).map((event, n) => {
        const reason = reasons[n]
        const tries = n % 3 === 0 ? { attempts: 1, triedAt: NOW + 1 } : undefined
        return { event, reason, tries, state: reason ? 'refused' : 'accepted' } as const
      })
      await outbox.settle(settlements, NOW + 2)
      const shown: unknown[] = []
      for (const { key } of await list(outbox))
        shown.push((await outbox.get(at(1, Number(key.slice(2)))))?.attempts.length)
      expect(shown).toEqual([1, 0, 0, 0, 1])
    },
  )

  rule('[OB16] of very many attempts the newest 200 are shown', async ({ open }) => {
    const outbox = await open()
    await take(outbox, samples(1))
    for (let n = 1; n <= 210; n++) await attempt(outbox, { at: NOW + n, first: at(1, 0), last: at(1, 0) })
    const shown = (await outbox.get(at(1, 0)))?.attempts.map(attempt => attempt.at - NOW)
    expect([shown?.length, shown?.[0], shown?.at(-1)]).toEqual([200, 11, 210])
  })

  rule(
    '[OB17] what is remembered is there after a restart, and the notice that went with it',
    async ({ open, crash }) => {
      const outbox = await open()
      await outbox.remember('clock', '1')
      await outbox.remember('clock', '2', { at: NOW, body: { message: 'first "😀"' } })
      await outbox.remember('other', 'x', { at: NOW, body: { message: 'second' } })
      const again = await crash()
      expect([await again.recall('clock'), await again.recall('other'), await again.recall('none')]).toEqual([
        '2',
        'x',
        undefined,
      ])
      expect(await again.notices(9)).toEqual([{ message: 'second' }, { message: 'first "😀"' }])
      expect(await again.notices(1)).toEqual([{ message: 'second' }])
    },
  )
}

const at = (request: number, position: number): Place => ({ request, position })
const answered = {
  destination: 1,
  tookMs: 5,
  events: 2,
  reason: null,
  status: 200,
  answer: '',
  headers: { via: '1' },
}
const isUpTo = (a: Place, b: Place) =>
  a.request < b.request || (a.request === b.request && a.position <= b.position)

/** As a delivery does: noted, and counted with the pending events that it held. */
async function attempt(
  outbox: OutboxStore,
  delivery: Partial<DeliveryAttempt> & Pick<DeliveryAttempt, 'at' | 'first' | 'last'>,
): Promise<void> {
  await outbox.recordAttempt({ ...answered, ...delivery })
  const held = (await list(outbox, { state: 'pending' }))
    .flatMap(({ key }) => toPlace(key) ?? [])
    .filter(place => isUpTo(delivery.first, place) && isUpTo(place, delivery.last))
  await outbox.settle(
    [],
    delivery.at,
    held.map(event => ({ event: { ...event, destination: 1 }, attempts: 1, triedAt: delivery.at })),
  )
}
