/** [OB8]–[OB11]: claimed, settled or released; what a person changes. */
import { expect } from 'vitest'
import type { Leased, Settlement } from '../../src/outbox/sqlite/lease.ts'
import { toPlace } from '../../src/outbox/sqlite/list.ts'
import { type State, states } from '../../src/reasons.ts'
import {
  account,
  claimAll,
  claimIds,
  deliverAll,
  idsAndStates,
  list,
  NOW,
  parcelOf,
  type Rule,
  samples,
  take,
} from './outbox-bench.ts'

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

export function registerDelivery(rule: Rule): void {
  rule('[OB8] a claim gives the oldest pending events, and none that is under lease', ({ open }) => {
    const outbox = open()
    take(
      outbox,
      samples(3),
      [{ id: 'no', verdict: 'rejected' }, ...samples(2, 4)],
      [{ id: 'no', verdict: 'skipped' }],
    )
    expect(claimIds(outbox, 2)).toEqual(['EZ1', 'EZ2'])
    expect(claimIds(outbox, 2)).toEqual(['EZ3', 'EZ4'])
    take(outbox, samples(1, 6))
    expect(claimIds(outbox, 9)).toEqual(['EZ5', 'EZ6'])
    expect(claimIds(outbox, 9)).toEqual([])
    expect(outbox.total('pending')).toBe(6)
  })

  rule('[OB8] a claim holds the event as Twilio sent it and when it came', ({ open }) => {
    const outbox = open()
    const data = { to: '+15550100002', nested: { deep: [1, 'x', null] } }
    outbox.put([parcelOf([{ id: 'EZ1' }, { id: 'EZ2', data }], NOW - 5)])
    outbox.sort()
    expect(claimAll(outbox)[1]).toMatchObject({
      request: 1,
      position: 1,
      receivedAt: NOW - 5,
      element: { id: 'EZ2', data },
    })
  })

  rule('[OB8] a claim reads no further body once it has read its bytes, and one in any case', ({ open }) => {
    const outbox = open()
    const request = (from: number) => samples(2, from).map(event => ({ ...event, data: 'x'.repeat(1_000) }))
    take(outbox, request(1), request(3), request(5), request(7))
    const bytes = parcelOf(request(1)).body.length
    expect(claimIds(outbox, 9, 1)).toEqual(['EZ1', 'EZ2'])
    expect(claimIds(outbox, 9, bytes + 1)).toEqual(['EZ3', 'EZ4', 'EZ5', 'EZ6'])
    expect(claimIds(outbox, 1, everything)).toEqual(['EZ7'])
    expect(claimIds(outbox, 1, 1)).toEqual(['EZ8'])
  })

  rule('[OB8] the newest pending event may be claimed, none that is under lease', ({ open }) => {
    const outbox = open()
    const newest = () => outbox.claimNewest().map(({ request, position }) => `${request}-${position}`)
    expect(newest()).toEqual([])
    take(outbox, samples(2), samples(2, 3), [{ id: 'no', verdict: 'rejected' }])
    expect(newest()).toEqual(['2-1'])
    expect(claimIds(outbox, 2)).toEqual(['EZ1', 'EZ2'])
    expect(newest()).toEqual(['2-0'])
    expect([newest(), claimIds(outbox)]).toEqual([[], []])
    outbox.release([{ request: 1, position: 0 }])
    expect(newest()).toEqual(['1-0'])
    take(outbox, samples(1, 5))
    expect(outbox.claimNewest()).toMatchObject([{ receivedAt: NOW, element: { id: 'EZ5' } }])
  })

  rule('[OB9] what is released may be claimed again, oldest first', ({ open }) => {
    const outbox = open()
    take(outbox, samples(4))
    const [first, , third] = claimAll(outbox)
    outbox.release([third, first].filter(event => event !== undefined))
    expect(claimIds(outbox)).toEqual(['EZ1', 'EZ3'])
    outbox.release([{ request: 77, position: 0 }])
    expect(claimIds(outbox)).toEqual([])
  })

  rule('[OB9] a lease ends with its process, and never later', ({ open, crash }) => {
    const outbox = open()
    take(outbox, samples(3))
    outbox.settle(outbox.claim(1, 1).map(accept), NOW)
    expect(claimIds(outbox)).toEqual(['EZ2', 'EZ3'])
    expect(claimIds(crash())).toEqual(['EZ2', 'EZ3'])
  })

  rule('[OB10] settling gives each event its state, when and why, and ends its lease', ({ open, crash }) => {
    const outbox = open()
    take(outbox, samples(4))
    const [one, two, three] = claimAll(outbox)
    if (!one || !two || !three) throw new Error('three events were put')
    outbox.settle([accept(one), refuse(two), { event: three, state: 'skipped', reason: 'dry_run' }], NOW + 9)
    expect(account(outbox)).toMatchObject({ received: 4, pending: 1, accepted: 1, refused: 1, skipped: 1 })
    expect(list(crash()).reverse()).toMatchObject([
      { state: 'accepted', reason: null, settledAt: NOW + 9, detail: null },
      { state: 'refused', reason: 'segment_refused', settledAt: NOW + 9, detail: 'the answer' },
      { state: 'skipped', reason: 'dry_run', settledAt: NOW + 9, detail: null },
      { state: 'pending', reason: null, settledAt: null, detail: null },
    ])
    const place = { request: two.request, position: two.position }
    expect(outbox.change(place, ['refused'], { state: 'pending' }, NOW)).toBe(true)
    expect(claimIds(outbox)).toEqual(['EZ2'])
  })

  rule(
    '[OB10] only what is pending is settled: an event that was settled meanwhile keeps its state',
    ({ open }) => {
      const outbox = open()
      take(outbox, samples(3))
      const leased = claimAll(outbox)
      const [one, two] = leased
      if (!one || !two) throw new Error('three events were put')
      outbox.change(one, ['pending'], { state: 'skipped', reason: 'dropped_by_operator' }, NOW)
      outbox.settle([accept(two)], NOW + 1)
      const kept = list(outbox)
      outbox.settle([accept(one), refuse(two), refuse(two), accept({ ...one, request: 77 })], NOW + 2)
      expect(list(outbox)).toEqual(kept)
      expect(idsAndStates(outbox)).toEqual(['EZ1 skipped', 'EZ2 accepted', 'EZ3 pending'])
      expect(claimIds(outbox)).toEqual([])
    },
  )

  rule('[OB10] settling nothing is nothing', ({ open }) => {
    const outbox = open()
    outbox.settle([], NOW)
    expect(account(outbox)).toMatchObject({ received: 0, pending: 0 })
  })

  rule('[OB11] a person retries a dead letter: it is pending again, in its old place', ({ open, crash }) => {
    const outbox = open()
    take(outbox, [{ id: 'EZ0', verdict: 'rejected' }], samples(2))
    outbox.settle(claimAll(outbox).map(refuse), NOW)
    for (const { key } of list(outbox)) {
      const place = toPlace(key)
      expect(place && outbox.change(place, ['rejected', 'refused'], { state: 'pending' }, NOW + 1)).toBe(true)
    }
    const again = crash()
    expect(list(again)[0]).toMatchObject({ state: 'pending', reason: null, settledAt: null, detail: null })
    expect(claimIds(again)).toEqual(['EZ0', 'EZ1', 'EZ2'])
    deliverAll(again)
    expect(account(again)).toMatchObject({ received: 3, pending: 3 })
  })

  for (const is of states) {
    rule(`[OB11] of an event that is ${is} only that state may be changed`, ({ open, crash }) => {
      const outbox = open()
      const verdict = is === 'accepted' || is === 'refused' ? 'pending' : is
      take(outbox, [{ id: 'EZ1', verdict }])
      if (is === 'accepted') deliverAll(outbox)
      if (is === 'refused') outbox.settle(claimAll(outbox).map(refuse), NOW)
      const place = { request: 1, position: 0 }
      const drop = { state: 'skipped', reason: 'dropped_by_operator' } as const
      const before = list(outbox)
      const others = states.filter(state => state !== is)
      expect(outbox.change(place, others, drop, NOW)).toBe(false)
      expect(outbox.change(place, [], drop, NOW)).toBe(false)
      expect(outbox.change({ request: 1, position: 1 }, states, drop, NOW)).toBe(false)
      expect(outbox.change({ request: 2, position: 0 }, states, drop, NOW)).toBe(false)
      expect(list(outbox)).toEqual(before)
      const from: State[] = [is]
      expect(outbox.change(place, from, drop, NOW + 1)).toBe(true)
      expect(list(crash())).toMatchObject([{ ...drop, settledAt: NOW + 1, detail: null }])
    })
  }

  rule(
    '[OB120] what is held back is claimed by no other claim, and counted among the pending',
    ({ open }) => {
      const outbox = open()
      take(outbox, samples(4))
      const [one, two, three] = claimAll(outbox)
      if (!one || !two || !three) throw new Error('four events were put')
      outbox.settle([hold(one, NOW + 10), accept(two), hold(three, NOW + 5)], NOW)
      expect([outbox.total('pending'), outbox.held()]).toEqual([3, 2])
      expect([outbox.claimable(9), claimIds(outbox), idsOf(outbox.claimNewest())]).toEqual([0, [], []])
      const places = [{ request: 1, position: 3 }]
      outbox.release(places)
      expect([outbox.claimable(9), idsOf(outbox.claimNewest(0.9))]).toEqual([1, ['EZ4']])
      expect(list(outbox)[3]).toMatchObject({
        ...{ state: 'pending', reason: 'held_back', detail: '403 blocked', settledAt: null },
      })
    },
  )

  rule('[OB120] held back, they are claimed one at a time, when due, the first due first', ({ open }) => {
    const outbox = open()
    take(outbox, samples(3))
    const [one, two, three] = claimAll(outbox)
    if (!one || !two || !three) throw new Error('three events were put')
    outbox.settle([hold(one, NOW + 10), hold(two, NOW + 5, 3), hold(three, NOW + 20)], NOW)
    const held = (at: number) => idsOf(outbox.claimHeld(at, at + LATEST))
    expect([outbox.nextHeldAt(), held(NOW + 4)]).toEqual([NOW + 5, []])
    const [leased] = outbox.claimHeld(NOW + 30, LATEST)
    expect(leased).toMatchObject({ element: { id: 'EZ2' }, holds: 3 })
    // As long as one is under way there is no next one.
    expect([outbox.nextHeldAt(), held(NOW + 30)]).toEqual([undefined, []])
    if (!leased) throw new Error('one was due')
    outbox.settle([hold(leased, NOW + 90, 4)], NOW + 30)
    expect([outbox.nextHeldAt(), held(NOW + 30)]).toEqual([NOW + 10, ['EZ1']])
    outbox.release([{ request: 1, position: 0 }])
    expect(held(NOW + 30)).toEqual(['EZ1'])
    outbox.settle([accept(one)], NOW + 31)
    expect(held(NOW + 31)).toEqual(['EZ3'])
    outbox.settle([refuse(three)], NOW + 32)
    expect([outbox.nextHeldAt(), held(NOW + 89), held(NOW + 90)]).toEqual([NOW + 90, [], ['EZ2']])
    expect(account(outbox)).toMatchObject({ received: 3, pending: 1, accepted: 1, refused: 1 })
    expect(outbox.held()).toBe(1)
  })

  rule('[OB120] a time further ahead than any wait is a clock that was wrong: it is due', ({ open }) => {
    const outbox = open()
    take(outbox, samples(2))
    const [one, two] = claimAll(outbox)
    if (!one || !two) throw new Error('two events were put')
    outbox.settle([hold(one, LATEST), hold(two, LATEST + 1)], NOW)
    expect(idsOf(outbox.claimHeld(NOW, LATEST))).toEqual(['EZ2'])
    outbox.settle([accept(two)], NOW)
    expect(outbox.claimHeld(NOW, LATEST)).toEqual([])
  })

  rule('[OB121] until when, and how often, outlives a restart; its lease does not', ({ open, crash }) => {
    const outbox = open()
    take(outbox, samples(2))
    const [one, two] = claimAll(outbox)
    if (!one || !two) throw new Error('two events were put')
    outbox.settle([hold(one, NOW + 10, 7), hold(two, NOW + 20)], NOW)
    expect(idsOf(outbox.claimHeld(NOW + 10, LATEST))).toEqual(['EZ1'])
    const again = crash()
    expect([again.held(), again.nextHeldAt(), claimIds(again)]).toEqual([2, NOW + 10, []])
    expect(again.claimHeld(NOW + 10, LATEST)).toMatchObject([{ element: { id: 'EZ1' }, holds: 7 }])
  })

  rule('[OB121] after endHolds all are due, and keep how often they were', ({ open, crash }) => {
    const outbox = open()
    take(outbox, samples(3))
    const [one, two, three] = claimAll(outbox)
    if (!one || !two || !three) throw new Error('three events were put')
    outbox.settle([hold(one, NOW + 10, 2), hold(two, NOW + 20, 5), accept(three)], NOW)
    outbox.endHolds()
    const again = crash()
    expect([again.nextHeldAt(), again.held(), again.total('pending')]).toEqual([0, 2, 2])
    const times: number[] = []
    for (let left = 2; left > 0; left--) {
      const [event] = again.claimHeld(NOW, LATEST)
      if (!event) throw new Error('both are due')
      times.push(event.holds ?? 0)
      again.settle([accept(event)], NOW)
    }
    expect(times.toSorted()).toEqual([2, 5])
    expect(account(again)).toMatchObject({ pending: 0, accepted: 3 })
  })

  rule('[OB121] a person retries or drops one that is held back', ({ open }) => {
    const outbox = open()
    take(outbox, samples(2))
    const [one, two] = claimAll(outbox)
    if (!one || !two) throw new Error('two events were put')
    outbox.settle([hold(one, NOW + 10), hold(two, NOW + 20)], NOW)
    const due = { state: 'pending', reason: 'held_back', hold: { until: 0, times: 0 } } as const
    expect(outbox.change(one, ['rejected', 'refused', 'accepted'], due, NOW)).toBe(false)
    expect(outbox.change(one, ['held'], due, NOW)).toBe(true)
    expect(outbox.change(two, ['held'], { state: 'skipped', reason: 'dropped_by_operator' }, NOW)).toBe(true)
    expect(outbox.claimHeld(NOW, LATEST)).toMatchObject([{ element: { id: 'EZ1' }, holds: 0 }])
    expect(account(outbox)).toMatchObject({ received: 2, pending: 1, skipped: 1 })
    expect(outbox.held()).toBe(1)
  })

  rule('[OB122] a probe is taken from its place in the backlog, the newest at 0', ({ open }) => {
    const outbox = open()
    take(outbox, samples(4), samples(6, 5))
    const at = (share: number) => {
      const claimed = outbox.claimNewest(share)
      outbox.release(claimed)
      return idsOf(claimed)
    }
    expect([0, 0.05, 0.1, 0.35, 0.99].flatMap(at)).toEqual(['EZ10', 'EZ10', 'EZ9', 'EZ7', 'EZ1'])
  })

  rule('[OB122] a probe is another than the last one, as long as there is another', ({ open }) => {
    const outbox = open()
    take(outbox, samples(3))
    const probe = (share: number, except: { request: number; position: number }) => {
      const claimed = outbox.claimNewest(share, except)
      outbox.release(claimed)
      return idsOf(claimed)
    }
    expect(probe(0, { request: 1, position: 2 })).toEqual(['EZ2'])
    expect(probe(0.99, { request: 1, position: 0 })).toEqual(['EZ3'])
    outbox.settle(outbox.claim(2, everything).map(accept), NOW)
    expect(probe(0, { request: 1, position: 2 })).toEqual(['EZ3'])
    expect(probe(0.5, { request: 1, position: 2 })).toEqual(['EZ3'])
  })

  rule('[OB123] what may be claimed is counted up to a limit, without leases', ({ open }) => {
    const outbox = open()
    expect(outbox.claimable(5)).toBe(0)
    take(outbox, samples(6), [{ id: 'no', verdict: 'rejected' }])
    expect([outbox.claimable(1), outbox.claimable(5), outbox.claimable(99)]).toEqual([1, 5, 6])
    const [one] = outbox.claim(2, everything)
    expect([outbox.claimable(1), outbox.claimable(99)]).toEqual([1, 4])
    if (!one) throw new Error('two were claimed')
    outbox.settle([hold(one, NOW)], NOW)
    expect(idsOf(outbox.claimHeld(NOW, LATEST))).toEqual(['EZ1'])
    // The one under lease that was held back is none of those counted.
    expect(outbox.claimable(99)).toBe(4)
    outbox.release([{ request: 1, position: 1 }])
    expect(outbox.claimable(99)).toBe(5)
  })
}
