/** [OB201]–[OB208]: an event goes to several destinations; each delivery is in exactly one state. */
import { expect } from 'vitest'
import { isObject } from '../../src/event/event.ts'
import type { RouteEvent } from '../../src/outbox/deliveries.ts'
import type { Leased, OutboxStore, Target } from '../../src/outbox/store.ts'
import { DAY, idOf, NOW, requestRow, type Sample } from './outbox-bench.ts'
import { account, list, pruneAll, type StoreRule, take } from './store-bench.ts'

/** Whoever the event itself names, in the order it does. */
const byData: RouteEvent = ({ element }) => {
  const data = isObject(element) && isObject(element.data) ? element.data : {}
  const named = (list: unknown) => (Array.isArray(list) ? list.filter(id => typeof id === 'number') : [])
  const to = (filtered: boolean) => (destination: number) => ({ destination, filtered })
  return [...named(data.to).map(to(false)), ...named(data.not).map(to(true))]
}

const routed = (id: string, to: readonly number[], not: readonly number[] = []): Sample => ({
  id,
  data: { to, not },
})

async function openRouted(opened: Promise<OutboxStore>): Promise<OutboxStore> {
  const outbox = await opened
  await outbox.routeTo(byData)
  return outbox
}

const claim = (outbox: OutboxStore, destination: number, limit = 100) =>
  outbox.claim({ destination, limit, characters: Number.MAX_SAFE_INTEGER, now: NOW })
const idsOf = (leased: readonly Leased[]) => leased.map(({ element }) => idOf(element))

async function settle(outbox: OutboxStore, destination: number, to: Target, at = NOW): Promise<void> {
  await outbox.settle(
    (await claim(outbox, destination)).map(event => ({ event, ...to })),
    at,
  )
}

const accepted = { state: 'accepted' } as const
const refused = { state: 'refused', reason: 'segment_refused', detail: 'no' } as const
const first = { request: 1, position: 0 }

async function there(outbox: OutboxStore, destination: number) {
  const { destinations } = await outbox.figures()
  return destinations.find(one => one.destination === destination)
}

/** `<destination> <state>` of each delivery. */
async function deliveriesOf(outbox: OutboxStore, place = first): Promise<string[]> {
  const event = await outbox.get(place)
  return (event?.deliveries ?? []).map(({ destination, state }) => `${destination} ${state}`)
}

export function registerDestinations(rule: StoreRule): void {
  rule(
    '[OB201] an event is pending while a delivery is, else refused, rejected, accepted or skipped, whichever comes first',
    async ({ open, crash }) => {
      const outbox = await openRouted(open())
      await take(outbox, [routed('EZ1', [1, 2, 3])])
      const stateNow = async (store = outbox) => (await list(store)).map(({ state }) => state)
      expect(await stateNow()).toEqual(['pending'])
      await settle(outbox, 2, accepted, NOW + 2)
      expect([await stateNow(), await deliveriesOf(outbox)]).toEqual([
        ['pending'],
        ['1 pending', '2 accepted', '3 pending'],
      ])
      await settle(outbox, 1, refused, NOW + 1)
      expect(await stateNow()).toEqual(['pending'])
      await settle(outbox, 3, { state: 'skipped', reason: 'dry_run' }, NOW + 3)
      const again = await crash()
      expect(await list(again)).toMatchObject([
        { state: 'refused', reason: 'segment_refused', detail: 'no', settledAt: NOW + 3 },
      ])
      expect(await account(again)).toMatchObject({ received: 1, refused: 1, accepted: 0, skipped: 0 })
      await again.transition([first], ['refused'], { state: 'skipped', reason: 'dropped_by_operator' }, NOW)
      expect(await stateNow(again)).toEqual(['accepted'])
    },
  )

  rule(
    '[OB202] for each destination what was routed there is the sum of its states',
    async ({ open, crash }) => {
      const outbox = await openRouted(open())
      await take(
        outbox,
        [routed('EZ1', [1, 2]), routed('EZ2', [2]), routed('EZ3', [1, 2], [3])],
        [{ id: 'no', verdict: 'rejected' }, routed('EZ1', [3])],
      )
      await settle(outbox, 1, accepted)
      await settle(outbox, 2, refused)
      await outbox.transition([{ request: 1, position: 2 }], ['refused'], { state: 'pending' }, NOW, 2)
      const again = await crash()
      expect(await there(again, 1)).toMatchObject({ pending: 0, accepted: 2, refused: 0, filtered: 0 })
      expect(await there(again, 2)).toMatchObject({ pending: 1, accepted: 0, refused: 2 })
      expect(await there(again, 3)).toMatchObject({ pending: 0, filtered: 1 })
      expect(await there(again, 0)).toMatchObject({ rejected: 1 })
      expect(await account(again)).toEqual({
        ...{ received: 4, duplicate: 1, pending: 1, accepted: 0, refused: 2, rejected: 1, skipped: 0 },
      })
    },
  )

  rule(
    '[OB203] a claim gives deliveries of its destination alone, each once, oldest first',
    async ({ open }) => {
      const outbox = await openRouted(open())
      await take(
        outbox,
        [routed('EZ1', [1, 2]), routed('EZ2', [2, 1])],
        [routed('EZ3', [2]), routed('EZ4', [1])],
      )
      expect(idsOf(await claim(outbox, 2, 2))).toEqual(['EZ1', 'EZ2'])
      expect([await outbox.claimable(9, 2), await outbox.claimable(9, 1), await outbox.claimable(9)]).toEqual(
        [1, 3, 4],
      )
      const ofFirst = await claim(outbox, 1)
      expect(idsOf(ofFirst)).toEqual(['EZ1', 'EZ2', 'EZ4'])
      expect(idsOf(await claim(outbox, 2))).toEqual(['EZ3'])
      expect([await claim(outbox, 1), await claim(outbox, 2), await claim(outbox, 9)]).toEqual([[], [], []])
      await outbox.release(ofFirst)
      expect(idsOf(await outbox.claimNewest({ destination: 1 }))).toEqual(['EZ4'])
      expect(await outbox.claimNewest({ destination: 2 })).toEqual([])
    },
  )

  rule('[OB203] what settles one delivery leaves the others, attempts included', async ({ open }) => {
    const outbox = await openRouted(open())
    await take(outbox, [routed('EZ1', [1, 2])])
    const [one] = await claim(outbox, 1)
    const [two] = await claim(outbox, 2)
    if (!one || !two) throw new Error('both were routed')
    for (const [leased, status] of [
      [two, 500],
      [one, 200],
    ] as const) {
      const run = { first: leased, last: leased, events: 1, tookMs: 1 }
      const answer = { reason: status === 200 ? null : 'segment_failing', status, answer: '' }
      await outbox.recordAttempt({ destination: leased.destination, at: NOW + status, ...run, ...answer })
    }
    await outbox.settle(
      [{ event: one, ...accepted, tries: { attempts: 1, triedAt: NOW + 200 } }],
      NOW + 200,
      [{ event: two, attempts: 1, triedAt: NOW + 500 }],
    )
    expect(await outbox.get(first)).toMatchObject({
      ...{ state: 'pending', attemptCount: 2, triedAt: NOW + 500 },
      attempts: [{ status: 200 }, { status: 500 }],
      deliveries: [
        { destination: 1, state: 'accepted', attemptCount: 1, attempts: [{ status: 200 }] },
        { destination: 2, state: 'pending', attemptCount: 1, attempts: [{ status: 500 }] },
      ],
    })
  })

  rule('[OB203] each destination holds its own deliveries back', async ({ open }) => {
    const outbox = await openRouted(open())
    await take(outbox, [routed('EZ1', [1, 2]), routed('EZ2', [1, 2])])
    const hold = (until: number): Target => ({
      ...{ state: 'pending', reason: 'held_back', hold: { until, times: 1 } },
    })
    await settle(outbox, 2, hold(NOW + 10))
    expect(await outbox.figures()).toMatchObject({ pending: 2, held: 0 })
    expect([await outbox.nextHeldAt(1), await outbox.nextHeldAt(2), await outbox.nextHeldAt()]).toEqual([
      ...[undefined, NOW + 10, NOW + 10],
    ])
    expect(idsOf(await claim(outbox, 1))).toEqual(['EZ1', 'EZ2'])
    const due = { now: NOW + 10, latest: NOW + DAY }
    expect(await outbox.claimHeld({ destination: 1, ...due })).toEqual([])
    expect(idsOf(await outbox.claimHeld({ destination: 2, ...due }))).toEqual(['EZ1'])
    expect(await outbox.nextHeldAt(2)).toBeUndefined()
    await outbox.release([{ ...first, destination: 2 }])
    await outbox.endHolds(1)
    expect(await outbox.nextHeldAt()).toBe(NOW + 10)
    await outbox.endHolds()
    expect(await outbox.nextHeldAt(2)).toBe(0)
    expect([await outbox.oldestPendingAt(1), await outbox.oldestPendingAt(2)]).toEqual([NOW, undefined])
    await outbox.release([1, 2].map(n => ({ ...first, position: n - 1, destination: 1 })))
    await settle(outbox, 1, accepted)
    expect(await outbox.figures()).toMatchObject({ pending: 2, held: 2 })
  })

  rule(
    '[OB204] what no destination takes is skipped: no_destination; a filter is counted, and leaves no delivery',
    async ({ open }) => {
      const outbox = await openRouted(open())
      await take(outbox, [routed('EZ1', [], [1, 2]), routed('EZ2', [2], [1])])
      expect((await list(outbox)).reverse()).toMatchObject([
        { state: 'skipped', reason: 'no_destination', settledAt: NOW },
        { state: 'pending', reason: null },
      ])
      expect([await deliveriesOf(outbox), await deliveriesOf(outbox, { request: 1, position: 1 })]).toEqual([
        ['0 skipped'],
        ['2 pending'],
      ])
      expect(await there(outbox, 1)).toMatchObject({ filtered: 2, pending: 0, skipped: 0 })
      expect(await there(outbox, 2)).toMatchObject({ filtered: 1, pending: 1 })
      expect((await outbox.counts()).filter(({ state }) => state === 'filtered')).toMatchObject([
        { destination: 1, n: 2 },
        { destination: 2, n: 1 },
      ])
    },
  )

  rule('[OB205] bytes and ids go when no delivery of their event is open', async ({ open }) => {
    const outbox = await openRouted(open({ retentionMs: 0, dedupeMs: 0 }))
    await take(outbox, [routed('EZ1', [1, 2])], [routed('EZ2', [2, 1])], [routed('EZ3', [1, 2])])
    await settle(outbox, 1, accepted)
    await pruneAll(outbox, NOW + 1)
    expect((await list(outbox)).map(({ element }) => idOf(element))).toEqual(['EZ3', 'EZ2', 'EZ1'])
    const [one, two] = await claim(outbox, 2)
    if (!one || !two) throw new Error('three were routed')
    await outbox.settle(
      [
        { event: one, ...refused },
        { event: two, ...accepted },
      ],
      NOW + 2,
    )
    await pruneAll(outbox, NOW + 3)
    expect((await list(outbox)).map(({ key, element }) => `${key} ${idOf(element)}`)).toEqual([
      '3-0 EZ3',
      '1-0 EZ1',
    ])
    expect(await account(outbox)).toMatchObject({ received: 3, accepted: 1, refused: 1, pending: 1 })
    await take(outbox, [routed('EZ2', [1, 2]), routed('EZ1', [1])])
    expect(await account(outbox)).toMatchObject({ received: 4, accepted: 1, refused: 0, pending: 3 })
  })

  rule(
    '[OB206] a destination keeps its id, and its deliveries when it is configured no more',
    async ({ open, crash }) => {
      const outbox = await openRouted(open())
      const configured = [
        { name: 'segment', scope: 'segment', tag: '' },
        { name: 'acme', scope: 'segment', tag: 'acme' },
      ]
      expect(await outbox.destinations()).toEqual([])
      expect(await outbox.keepDestinations(configured, NOW)).toMatchObject([
        { id: 1, name: 'segment', tag: '', since: NOW, removedAt: undefined },
        { id: 2, name: 'acme', tag: 'acme' },
      ])
      await take(outbox, [routed('EZ1', [1, 2])])
      const again = await crash()
      const renamed = [{ id: 1, name: 'main', scope: 'segment', tag: '' }]
      expect(await again.keepDestinations(renamed, NOW + 1)).toMatchObject([
        { id: 1, name: 'main', since: NOW },
        { id: 2, name: 'acme', removedAt: NOW + 1 },
      ])
      expect(
        await again.keepDestinations([...renamed, { name: 'files', scope: 'f', tag: '' }], NOW + 2),
      ).toMatchObject([
        ...[{ id: 1 }, { id: 2, removedAt: NOW + 1 }, { id: 3, name: 'files', since: NOW + 2 }],
      ])
      expect(idsOf(await claim(again, 2))).toEqual(['EZ1'])
      expect(await again.keepDestinations(configured, NOW + 3)).toMatchObject([
        ...[
          { name: 'main', removedAt: NOW + 3 },
          { id: 2, name: 'acme', removedAt: undefined },
        ],
        ...[
          { id: 3, removedAt: NOW + 3 },
          { id: 4, name: 'segment', since: NOW + 3 },
        ],
      ])
    },
  )

  rule('[OB207] what the webhook judged, and a person retries, is routed first', async ({ open }) => {
    const outbox = await openRouted(open())
    await take(outbox, [
      { ...routed('EZ1', [2, 3]), verdict: 'rejected' },
      { ...routed('EZ2', [], [2]), verdict: 'skipped' },
      routed('EZ3', []),
    ])
    const places = [0, 1, 2].map(position => ({ request: 1, position }))
    expect(await outbox.transition(places, ['rejected', 'skipped'], { state: 'pending' }, NOW)).toBe(3)
    expect(await Promise.all(places.map(place => deliveriesOf(outbox, place)))).toEqual([
      ['2 pending', '3 pending'],
      ['0 skipped'],
      ['0 skipped'],
    ])
    expect(await account(outbox)).toMatchObject({ received: 3, pending: 1, rejected: 0, skipped: 2 })
    expect(idsOf(await claim(outbox, 3))).toEqual(['EZ1'])
  })

  rule(
    '[OB211] a backfill adds a delivery to stored events that have none there, and to no other',
    async ({ open, crash }) => {
      const outbox = await openRouted(open())
      await take(outbox, [routed('EZ1', [1]), routed('EZ2', [1, 2]), routed('EZ3', [])])
      await take(outbox, [
        { id: 'no', verdict: 'rejected' },
        { id: 'test', verdict: 'skipped' },
      ])
      await settle(outbox, 1, accepted)
      await settle(outbox, 2, accepted)
      const everything = { destination: 2, since: 0, until: NOW + DAY }
      // By the routes of now none of them goes there.
      expect(await outbox.backfillPage(everything, NOW)).toMatchObject({ matched: 0, done: 0 })
      await outbox.routeTo(() => [{ destination: 2, filtered: false }])
      expect(await outbox.backfillPage({ ...everything, until: NOW }, NOW)).toMatchObject({ matched: 0 })
      expect(await outbox.backfillPage({ ...everything, type: 'other' }, NOW)).toMatchObject({ matched: 0 })
      const preview = await outbox.backfillPage({ ...everything, preview: true }, NOW)
      expect(preview).toEqual({ matched: 2, pruned: 0, done: 0, next: undefined })
      expect(await outbox.backfillPage(everything, NOW)).toMatchObject({ matched: 2, done: 2 })
      expect(await outbox.backfillPage(everything, NOW)).toMatchObject({ matched: 0, done: 0 })
      const again = await crash()
      expect(await deliveriesOf(again)).toEqual(['1 accepted', '2 pending'])
      expect(await deliveriesOf(again, { request: 1, position: 1 })).toEqual(['1 accepted', '2 accepted'])
      expect(await deliveriesOf(again, { request: 1, position: 2 })).toEqual(['2 pending'])
      expect(await account(again)).toMatchObject({
        received: 5,
        pending: 2,
        accepted: 1,
        rejected: 1,
        skipped: 1,
      })
      expect(await there(again, 2)).toMatchObject({ pending: 2, accepted: 1 })
      expect(idsOf(await claim(again, 2))).toEqual(['EZ1', 'EZ3'])
      expect(await claim(again, 1)).toEqual([])
    },
  )

  rule(
    '[OB212] an import for one destination alone adds deliveries there, and sends nothing elsewhere',
    async ({ open }) => {
      const outbox = await openRouted(open({ retentionMs: 0, dedupeMs: 9 * DAY }))
      await take(outbox, [routed('EZ1', [1]), routed('EZ2', [1, 2]), routed('EZ4', [1])])
      await settle(outbox, 1, accepted)
      await outbox.routeTo(() => [1, 2].map(destination => ({ destination, filtered: false })))
      const only = (id: string): Sample => ({ ...routed(id, [1]), only: 2 })
      const rows = [requestRow([only('EZ1'), only('EZ2'), only('EZ3'), only('EZ3'), only('EZ4')])]
      const counts = { stored: 1, pending: 1, skipped: 0, duplicates: 2, again: 2 }
      expect(await outbox.import(rows, NOW)).toEqual(counts)
      expect(await deliveriesOf(outbox)).toEqual(['1 accepted', '2 pending'])
      expect(idsOf(await claim(outbox, 2))).toEqual(['EZ1', 'EZ2', 'EZ4', 'EZ3'])
      expect(await claim(outbox, 1)).toEqual([])
      expect(await account(outbox)).toMatchObject({ received: 4, pending: 4, duplicate: 4 })
    },
  )

  rule('[OB212] one whose bytes are pruned comes in anew, for that destination alone', async ({ open }) => {
    const outbox = await openRouted(open({ retentionMs: 0, dedupeMs: 9 * DAY }))
    await take(outbox, [routed('EZ1', [1])])
    await settle(outbox, 1, accepted)
    await pruneAll(outbox, NOW + DAY)
    await outbox.routeTo(() => [1, 2].map(destination => ({ destination, filtered: false })))
    const row = requestRow([{ ...routed('EZ1', [1]), only: 2 }])
    expect(await outbox.import([row], NOW + DAY)).toMatchObject({ stored: 1, pending: 1, again: 0 })
    expect(idsOf(await claim(outbox, 2))).toEqual(['EZ1'])
    expect(await claim(outbox, 1)).toEqual([])
    expect(await account(outbox)).toMatchObject({ received: 2, pending: 1, accepted: 1 })
  })

  rule('[OB207] a change of one destination leaves the deliveries of the others', async ({ open }) => {
    const outbox = await openRouted(open())
    await take(outbox, [routed('EZ1', [1, 2]), routed('EZ2', [1, 2])])
    await settle(outbox, 1, refused)
    await settle(outbox, 2, refused)
    const places = [0, 1].map(position => ({ request: 1, position }))
    expect(await outbox.transition(places, ['refused'], { state: 'pending' }, NOW, 2)).toBe(2)
    expect(await deliveriesOf(outbox)).toEqual(['1 refused', '2 pending'])
    await settle(outbox, 2, accepted, NOW + 5)
    const query = { since: NOW, until: NOW + 9 }
    expect(await outbox.resendPage({ ...query, destination: 1 }, NOW)).toMatchObject({ matched: 0, done: 0 })
    expect(await outbox.resendPage({ ...query, destination: 2 }, NOW)).toMatchObject({ matched: 2, done: 2 })
    expect(await account(outbox)).toMatchObject({ pending: 2, refused: 0 })
  })

  rule(
    '[OB208] lists and changes show an event once; of one destination, as its delivery there stands',
    async ({ open }) => {
      const outbox = await openRouted(open())
      const { cursor } = await outbox.figures()
      await take(outbox, [routed('EZ1', [1, 2]), routed('EZ2', [2]), routed('EZ3', [2, 1])])
      await settle(outbox, 1, refused)
      const keys = async (query: Parameters<typeof list>[1]) =>
        (await list(outbox, query)).map(({ key }) => key)
      expect(await keys({})).toEqual(['1-2', '1-1', '1-0'])
      expect(await keys({ destination: 1 })).toEqual(['1-2', '1-0'])
      expect(await keys({ destination: 1, state: 'refused', reason: 'segment_refused' })).toEqual([
        '1-2',
        '1-0',
      ])
      expect([await keys({ state: 'refused' }), await keys({ state: 'pending' })]).toEqual([
        [],
        ['1-2', '1-1', '1-0'],
      ])
      await settle(outbox, 2, accepted)
      expect([await keys({ state: 'refused' }), await keys({ destination: 2, state: 'refused' })]).toEqual([
        ['1-2', '1-0'],
        [],
      ])
      expect(await keys({ destination: 2, state: 'accepted' })).toEqual(['1-2', '1-1', '1-0'])
      const { events, states } = await outbox.changes({ after: cursor, keys: ['1-0'], recent: 0, limit: 9 })
      expect(events.map(({ key, state }) => `${key} ${state}`)).toEqual([
        '1-2 refused',
        '1-1 accepted',
        '1-0 refused',
      ])
      expect(states).toMatchObject([{ key: '1-0', state: 'refused' }])
      expect((await outbox.scan({})).lines.trim().split('\n')).toHaveLength(3)
    },
  )

  rule('[OB6] a good copy takes the place of an event that one destination refused', async ({ open }) => {
    const outbox = await openRouted(open())
    await take(outbox, [routed('EZ1', [1, 2])])
    await settle(outbox, 1, refused)
    await take(outbox, [routed('EZ1', [1, 2])])
    expect(await account(outbox)).toMatchObject({ received: 1, duplicate: 1, pending: 1 })
    await settle(outbox, 2, accepted)
    await take(outbox, [routed('EZ1', [1, 2])])
    expect(await account(outbox)).toMatchObject({ received: 1, duplicate: 2, pending: 1, refused: 0 })
    expect(await there(outbox, 1)).toMatchObject({ pending: 1, refused: 0 })
    expect(await there(outbox, 2)).toMatchObject({ pending: 1, accepted: 0 })
  })
}
