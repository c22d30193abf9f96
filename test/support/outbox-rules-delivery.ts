/** [OB8]–[OB11]: claimed, settled or released; what a person changes. */
import { expect } from 'vitest'
import { toPlace } from '../../src/outbox/place.ts'
import type { Leased, Settlement } from '../../src/outbox/store.ts'
import { type State, states } from '../../src/reasons.ts'
import { NOW, requestRow, samples } from './outbox-bench.ts'
import {
  account,
  claimAll,
  claimIds,
  deliverAll,
  idsAndStates,
  list,
  type StoreRule,
  take,
} from './store-bench.ts'

const accept = (event: Leased): Settlement => ({ event, state: 'accepted' })
const refuse = (event: Leased): Settlement => ({
  event,
  state: 'refused',
  reason: 'segment_refused',
  detail: 'the answer',
})
const everything = Number.MAX_SAFE_INTEGER
const hold = (event: Leased, until: number, times = 1): Settlement => ({
  ...{ event, state: 'pending', reason: 'held_back', detail: '403 blocked' },
  hold: { until, times },
})
const idsOf = (leased: readonly Leased[]) => leased.map(({ element }) => Reflect.get(Object(element), 'id'))
/** No wait is longer. */
const LATEST = NOW + 60 * 60_000

export function registerDelivery(rule: StoreRule): void {
  rule('[OB8] a claim gives the oldest pending events, and none that is under lease', async ({ open }) => {
    const outbox = await open()
    await take(
      outbox,
      samples(3),
      [{ id: 'no', verdict: 'rejected' }, ...samples(2, 4)],
      [{ id: 'no', verdict: 'skipped' }],
    )
    expect(await claimIds(outbox, 2)).toEqual(['EZ1', 'EZ2'])
    expect(await claimIds(outbox, 2)).toEqual(['EZ3', 'EZ4'])
    await take(outbox, samples(1, 6))
    expect(await claimIds(outbox, 9)).toEqual(['EZ5', 'EZ6'])
    expect(await claimIds(outbox, 9)).toEqual([])
    expect((await outbox.figures()).pending).toBe(6)
  })

  rule('[OB8] a claim holds the event as Twilio sent it and when it came', async ({ open }) => {
    const outbox = await open()
    const data = { to: '+15550100002', nested: { deep: [1, 'x', null] } }
    await outbox.append([requestRow([{ id: 'EZ1' }, { id: 'EZ2', data }], NOW - 5)])
    await outbox.index()
    expect((await claimAll(outbox))[1]).toMatchObject({
      request: 1,
      position: 1,
      receivedAt: NOW - 5,
      element: { id: 'EZ2', data },
    })
  })

  rule(
    '[OB8] a claim reads no further body once it has read its bytes, and one in any case',
    async ({ open }) => {
      const outbox = await open()
      const request = (from: number) => samples(2, from).map(event => ({ ...event, data: 'x'.repeat(1_000) }))
      await take(outbox, request(1), request(3), request(5), request(7))
      const bytes = requestRow(request(1)).body.length
      expect(await claimIds(outbox, 9, 1)).toEqual(['EZ1', 'EZ2'])
      expect(await claimIds(outbox, 9, bytes + 1)).toEqual(['EZ3', 'EZ4', 'EZ5', 'EZ6'])
      expect(await claimIds(outbox, 1, everything)).toEqual(['EZ7'])
      expect(await claimIds(outbox, 1, 1)).toEqual(['EZ8'])
    },
  )

  rule('[OB8] the newest pending event may be claimed, none that is under lease', async ({ open }) => {
    const outbox = await open()
    const newest = async () =>
      (await outbox.claimNewest({ destination: 1 })).map(({ request, position }) => `${request}-${position}`)
    expect(await newest()).toEqual([])
    await take(outbox, samples(2), samples(2, 3), [{ id: 'no', verdict: 'rejected' }])
    expect(await newest()).toEqual(['2-1'])
    expect(await claimIds(outbox, 2)).toEqual(['EZ1', 'EZ2'])
    expect(await newest()).toEqual(['2-0'])
    expect([await newest(), await claimIds(outbox)]).toEqual([[], []])
    await outbox.release([{ request: 1, position: 0, destination: 1 }])
    expect(await newest()).toEqual(['1-0'])
    await take(outbox, samples(1, 5))
    expect(await outbox.claimNewest({ destination: 1 })).toMatchObject([
      { receivedAt: NOW, element: { id: 'EZ5' } },
    ])
  })

  rule('[OB9] what is released may be claimed again, oldest first', async ({ open }) => {
    const outbox = await open()
    await take(outbox, samples(4))
    const [first, , third] = await claimAll(outbox)
    await outbox.release([third, first].filter(event => event !== undefined))
    expect(await claimIds(outbox)).toEqual(['EZ1', 'EZ3'])
    await outbox.release([{ request: 77, position: 0, destination: 1 }])
    expect(await claimIds(outbox)).toEqual([])
  })

  rule('[OB9] a lease ends with its process, and never later', async ({ open, crash }) => {
    const outbox = await open()
    await take(outbox, samples(3))
    await outbox.settle((await outbox.claim({ destination: 1, limit: 1, characters: 1 })).map(accept), NOW)
    expect(await claimIds(outbox)).toEqual(['EZ2', 'EZ3'])
    expect(await claimIds(await crash())).toEqual(['EZ2', 'EZ3'])
  })

  rule(
    '[OB10] settling gives each event its state, when and why, and ends its lease',
    async ({ open, crash }) => {
      const outbox = await open()
      await take(outbox, samples(4))
      const [one, two, three] = await claimAll(outbox)
      if (!one || !two || !three) throw new Error('three events were put')
      await outbox.settle(
        [accept(one), refuse(two), { event: three, state: 'skipped', reason: 'dry_run' }],
        NOW + 9,
      )
      expect(await account(outbox)).toMatchObject({
        received: 4,
        pending: 1,
        accepted: 1,
        refused: 1,
        skipped: 1,
      })
      expect((await list(await crash())).reverse()).toMatchObject([
        { state: 'accepted', reason: null, settledAt: NOW + 9, detail: null },
        { state: 'refused', reason: 'segment_refused', settledAt: NOW + 9, detail: 'the answer' },
        { state: 'skipped', reason: 'dry_run', settledAt: NOW + 9, detail: null },
        { state: 'pending', reason: null, settledAt: null, detail: null },
      ])
      const place = { request: two.request, position: two.position }
      expect(await outbox.transition([place], ['refused'], { state: 'pending' }, NOW)).toBe(1)
      expect(await claimIds(outbox)).toEqual(['EZ2'])
    },
  )

  rule(
    '[OB10] only what is pending is settled: an event that was settled meanwhile keeps its state',
    async ({ open }) => {
      const outbox = await open()
      await take(outbox, samples(3))
      const leased = await claimAll(outbox)
      const [one, two] = leased
      if (!one || !two) throw new Error('three events were put')
      await outbox.transition([one], ['pending'], { state: 'skipped', reason: 'dropped_by_operator' }, NOW)
      await outbox.settle([accept(two)], NOW + 1)
      const kept = await list(outbox)
      await outbox.settle([accept(one), refuse(two), refuse(two), accept({ ...one, request: 77 })], NOW + 2)
      expect(await list(outbox)).toEqual(kept)
      expect(await idsAndStates(outbox)).toEqual(['EZ1 skipped', 'EZ2 accepted', 'EZ3 pending'])
      expect(await claimIds(outbox)).toEqual([])
    },
  )

  rule('[OB10] settling nothing is nothing', async ({ open }) => {
    const outbox = await open()
    await outbox.settle([], NOW)
    expect(await account(outbox)).toMatchObject({ received: 0, pending: 0 })
  })

  rule(
    '[OB11] a person retries a dead letter: it is pending again, in its old place',
    async ({ open, crash }) => {
      const outbox = await open()
      await take(outbox, [{ id: 'EZ0', verdict: 'rejected' }], samples(2))
      await outbox.settle((await claimAll(outbox)).map(refuse), NOW)
      for (const { key } of await list(outbox)) {
        const place = toPlace(key)
        expect(
          place && (await outbox.transition([place], ['rejected', 'refused'], { state: 'pending' }, NOW + 1)),
        ).toBe(1)
      }
      const again = await crash()
      expect((await list(again))[0]).toMatchObject({
        state: 'pending',
        reason: null,
        settledAt: null,
        detail: null,
      })
      expect(await claimIds(again)).toEqual(['EZ0', 'EZ1', 'EZ2'])
      await deliverAll(again)
      expect(await account(again)).toMatchObject({ received: 3, pending: 3 })
    },
  )

  for (const is of states) {
    rule(`[OB11] of an event that is ${is} only that state may be changed`, async ({ open, crash }) => {
      const outbox = await open()
      const verdict = is === 'accepted' || is === 'refused' ? 'pending' : is
      await take(outbox, [{ id: 'EZ1', verdict }])
      if (is === 'accepted') await deliverAll(outbox)
      if (is === 'refused') await outbox.settle((await claimAll(outbox)).map(refuse), NOW)
      const place = { request: 1, position: 0 }
      const drop = { state: 'skipped', reason: 'dropped_by_operator' } as const
      const before = await list(outbox)
      const others = states.filter(state => state !== is)
      expect(await outbox.transition([place], others, drop, NOW)).toBe(0)
      expect(await outbox.transition([place], [], drop, NOW)).toBe(0)
      expect(await outbox.transition([{ request: 1, position: 1 }], states, drop, NOW)).toBe(0)
      expect(await outbox.transition([{ request: 2, position: 0 }], states, drop, NOW)).toBe(0)
      expect(await list(outbox)).toEqual(before)
      const from: State[] = [is]
      expect(await outbox.transition([place], from, drop, NOW + 1)).toBe(1)
      expect(await list(await crash())).toMatchObject([{ ...drop, settledAt: NOW + 1, detail: null }])
    })
  }

  rule(
    '[OB120] what is held back is claimed by no other claim, and counted among the pending',
    async ({ open }) => {
      const outbox = await open()
      await take(outbox, samples(4))
      const [one, two, three] = await claimAll(outbox)
      if (!one || !two || !three) throw new Error('four events were put')
      await outbox.settle([hold(one, NOW + 10), accept(two), hold(three, NOW + 5)], NOW)
      expect([(await outbox.figures()).pending, (await outbox.figures()).held]).toEqual([3, 2])
      expect([
        await outbox.claimable(9),
        await claimIds(outbox),
        idsOf(await outbox.claimNewest({ destination: 1 })),
      ]).toEqual([0, [], []])
      const places = [{ request: 1, position: 3, destination: 1 }]
      await outbox.release(places)
      expect([
        await outbox.claimable(9),
        idsOf(await outbox.claimNewest({ destination: 1, share: 0.9 })),
      ]).toEqual([1, ['EZ4']])
      expect((await list(outbox))[3]).toMatchObject({
        ...{ state: 'pending', reason: 'held_back', detail: '403 blocked', settledAt: null },
      })
    },
  )

  rule(
    '[OB120] held back, they are claimed one at a time, when due, the first due first',
    async ({ open }) => {
      const outbox = await open()
      await take(outbox, samples(3))
      const [one, two, three] = await claimAll(outbox)
      if (!one || !two || !three) throw new Error('three events were put')
      await outbox.settle([hold(one, NOW + 10), hold(two, NOW + 5, 3), hold(three, NOW + 20)], NOW)
      const held = async (at: number) =>
        idsOf(await outbox.claimHeld({ destination: 1, now: at, latest: at + LATEST }))
      expect([await outbox.nextHeldAt(), await held(NOW + 4)]).toEqual([NOW + 5, []])
      const [leased] = await outbox.claimHeld({ destination: 1, now: NOW + 30, latest: LATEST })
      expect(leased).toMatchObject({ element: { id: 'EZ2' }, holds: 3 })
      // As long as one is under way there is no next one.
      expect([await outbox.nextHeldAt(), await held(NOW + 30)]).toEqual([undefined, []])
      if (!leased) throw new Error('one was due')
      await outbox.settle([hold(leased, NOW + 90, 4)], NOW + 30)
      expect([await outbox.nextHeldAt(), await held(NOW + 30)]).toEqual([NOW + 10, ['EZ1']])
      await outbox.release([{ request: 1, position: 0, destination: 1 }])
      expect(await held(NOW + 30)).toEqual(['EZ1'])
      await outbox.settle([accept(one)], NOW + 31)
      expect(await held(NOW + 31)).toEqual(['EZ3'])
      await outbox.settle([refuse(three)], NOW + 32)
      expect([await outbox.nextHeldAt(), await held(NOW + 89), await held(NOW + 90)]).toEqual([
        NOW + 90,
        [],
        ['EZ2'],
      ])
      expect(await account(outbox)).toMatchObject({ received: 3, pending: 1, accepted: 1, refused: 1 })
      expect((await outbox.figures()).held).toBe(1)
    },
  )

  rule(
    '[OB120] a time further ahead than any wait is a clock that was wrong: it is due',
    async ({ open }) => {
      const outbox = await open()
      await take(outbox, samples(2))
      const [one, two] = await claimAll(outbox)
      if (!one || !two) throw new Error('two events were put')
      await outbox.settle([hold(one, LATEST), hold(two, LATEST + 1)], NOW)
      expect(idsOf(await outbox.claimHeld({ destination: 1, now: NOW, latest: LATEST }))).toEqual(['EZ2'])
      await outbox.settle([accept(two)], NOW)
      expect(await outbox.claimHeld({ destination: 1, now: NOW, latest: LATEST })).toEqual([])
    },
  )

  rule(
    '[OB121] until when, and how often, outlives a restart; its lease does not',
    async ({ open, crash }) => {
      const outbox = await open()
      await take(outbox, samples(2))
      const [one, two] = await claimAll(outbox)
      if (!one || !two) throw new Error('two events were put')
      await outbox.settle([hold(one, NOW + 10, 7), hold(two, NOW + 20)], NOW)
      expect(idsOf(await outbox.claimHeld({ destination: 1, now: NOW + 10, latest: LATEST }))).toEqual([
        'EZ1',
      ])
      const again = await crash()
      expect([(await again.figures()).held, await again.nextHeldAt(), await claimIds(again)]).toEqual([
        2,
        NOW + 10,
        [],
      ])
      expect(await again.claimHeld({ destination: 1, now: NOW + 10, latest: LATEST })).toMatchObject([
        { element: { id: 'EZ1' }, holds: 7 },
      ])
    },
  )

  rule('[OB121] after endHolds all are due, and keep how often they were', async ({ open, crash }) => {
    const outbox = await open()
    await take(outbox, samples(3))
    const [one, two, three] = await claimAll(outbox)
    if (!one || !two || !three) throw new Error('three events were put')
    await outbox.settle([hold(one, NOW + 10, 2), hold(two, NOW + 20, 5), accept(three)], NOW)
    await outbox.endHolds()
    const again = await crash()
    expect([await again.nextHeldAt(), (await again.figures()).held, (await again.figures()).pending]).toEqual(
      [0, 2, 2],
    )
    const times: number[] = []
    for (let left = 2; left > 0; left--) {
      const [event] = await again.claimHeld({ destination: 1, now: NOW, latest: LATEST })
      if (!event) throw new Error('both are due')
      times.push(event.holds ?? 0)
      await again.settle([accept(event)], NOW)
    }
    expect(times.toSorted()).toEqual([2, 5])
    expect(await account(again)).toMatchObject({ pending: 0, accepted: 3 })
  })

  rule('[OB121] a person retries or drops one that is held back', async ({ open }) => {
    const outbox = await open()
    await take(outbox, samples(2))
    const [one, two] = await claimAll(outbox)
    if (!one || !two) throw new Error('two events were put')
    await outbox.settle([hold(one, NOW + 10), hold(two, NOW + 20)], NOW)
    const due = { state: 'pending', reason: 'held_back', hold: { until: 0, times: 0 } } as const
    expect(await outbox.transition([one], ['rejected', 'refused', 'accepted'], due, NOW)).toBe(0)
    expect(await outbox.transition([one], ['held'], due, NOW)).toBe(1)
    expect(
      await outbox.transition([two], ['held'], { state: 'skipped', reason: 'dropped_by_operator' }, NOW),
    ).toBe(1)
    expect(await outbox.claimHeld({ destination: 1, now: NOW, latest: LATEST })).toMatchObject([
      { element: { id: 'EZ1' }, holds: 0 },
    ])
    expect(await account(outbox)).toMatchObject({ received: 2, pending: 1, skipped: 1 })
    expect((await outbox.figures()).held).toBe(1)
  })

  rule('[OB122] a probe is taken from its place in the backlog, the newest at 0', async ({ open }) => {
    const outbox = await open()
    await take(outbox, samples(4), samples(6, 5))
    const at = async (share: number) => {
      const claimed = await outbox.claimNewest({ destination: 1, share })
      await outbox.release(claimed)
      return idsOf(claimed)
    }
    const found: unknown[] = []
    for (const share of [0, 0.05, 0.1, 0.35, 0.99]) found.push(...(await at(share)))
    expect(found).toEqual(['EZ10', 'EZ10', 'EZ9', 'EZ7', 'EZ1'])
  })

  rule('[OB122] a probe is another than the last one, as long as there is another', async ({ open }) => {
    const outbox = await open()
    await take(outbox, samples(3))
    const probe = async (share: number, except: { request: number; position: number }) => {
      const claimed = await outbox.claimNewest({ destination: 1, share, except })
      await outbox.release(claimed)
      return idsOf(claimed)
    }
    expect(await probe(0, { request: 1, position: 2 })).toEqual(['EZ2'])
    expect(await probe(0.99, { request: 1, position: 0 })).toEqual(['EZ3'])
    await outbox.settle(
      (await outbox.claim({ destination: 1, limit: 2, characters: everything })).map(accept),
      NOW,
    )
    expect(await probe(0, { request: 1, position: 2 })).toEqual(['EZ3'])
    expect(await probe(0.5, { request: 1, position: 2 })).toEqual(['EZ3'])
  })

  rule('[OB123] what may be claimed is counted up to a limit, without leases', async ({ open }) => {
    const outbox = await open()
    expect(await outbox.claimable(5)).toBe(0)
    await take(outbox, samples(6), [{ id: 'no', verdict: 'rejected' }])
    expect([await outbox.claimable(1), await outbox.claimable(5), await outbox.claimable(99)]).toEqual([
      1, 5, 6,
    ])
    const [one] = await outbox.claim({ destination: 1, limit: 2, characters: everything })
    expect([await outbox.claimable(1), await outbox.claimable(99)]).toEqual([1, 4])
    if (!one) throw new Error('two were claimed')
    await outbox.settle([hold(one, NOW)], NOW)
    expect(idsOf(await outbox.claimHeld({ destination: 1, now: NOW, latest: LATEST }))).toEqual(['EZ1'])
    // The one under lease that was held back is none of those counted.
    expect(await outbox.claimable(99)).toBe(4)
    await outbox.release([{ request: 1, position: 1, destination: 1 }])
    expect(await outbox.claimable(99)).toBe(5)
  })
}
