/** [OB12]–[OB14]: what goes in time, what never does, and what is never given twice. */
import { expect } from 'vitest'
import type { OutboxStore } from '../../src/outbox/sqlite/outbox.ts'
import {
  account,
  claimAll,
  claimIds,
  DAY,
  deliverAll,
  HOUR,
  idsAndStates,
  list,
  NOW,
  parcelOf,
  pruneAll,
  type Rule,
  samples,
  sortAll,
  take,
} from './outbox-bench.ts'

const YEAR = 365 * DAY
const short = { retentionMs: HOUR, dedupeMs: 3 * HOUR }

export function registerPruning(rule: Rule): void {
  rule('[OB12] pending events and dead letters stay for ever, whole', ({ open, crash }) => {
    const outbox = open(short)
    take(outbox, [{ id: 'EZ1', verdict: 'rejected' }], [{ id: 'EZ2' }], [{ id: 'EZ3' }])
    const [first] = outbox.claim(1, 1)
    if (first)
      outbox.settle([{ event: first, state: 'refused', reason: 'segment_refused', detail: 'why' }], NOW)
    const before = list(outbox)
    pruneAll(outbox, NOW + 100 * YEAR)
    expect(list(outbox)).toEqual(before)
    const again = crash(short)
    take(again, [{ id: 'EZ1', verdict: 'rejected' }], [{ id: 'EZ3' }])
    expect(account(again)).toMatchObject({ received: 3, duplicate: 2, rejected: 1, refused: 1, pending: 1 })
    expect(claimIds(again)).toEqual(['EZ3'])
  })

  rule(
    '[OB12] an accepted or skipped event goes when both its times have passed, and stays counted',
    ({ open, crash }) => {
      const outbox = open({ retentionMs: 3 * HOUR, dedupeMs: HOUR })
      take(outbox, samples(2), [{ id: 'EZ3', verdict: 'skipped' }])
      deliverAll(outbox, NOW + HOUR)
      pruneAll(outbox, NOW + 3 * HOUR - 1)
      expect(list(outbox)).toHaveLength(3)
      pruneAll(outbox, NOW + 3 * HOUR)
      expect(idsAndStates(outbox)).toEqual(['EZ1 accepted', 'EZ2 accepted'])
      pruneAll(outbox, NOW + 4 * HOUR - 1)
      expect(list(outbox)).toHaveLength(2)
      pruneAll(outbox, NOW + 4 * HOUR)
      expect(list(outbox)).toEqual([])
      expect(account(crash())).toMatchObject({ received: 3, accepted: 2, skipped: 1 })
    },
  )

  rule(
    '[OB12] the bytes go after retentionMs, the id is remembered for dedupeMs after acceptance',
    ({ open }) => {
      const outbox = open(short)
      take(outbox, [{ id: 'EZ1' }])
      deliverAll(outbox, NOW + HOUR)
      pruneAll(outbox, NOW + 2 * HOUR - 1)
      expect(list(outbox)[0]?.element).toBeDefined()
      pruneAll(outbox, NOW + 2 * HOUR)
      expect(list(outbox)).toMatchObject([{ key: '1-0', state: 'accepted', element: undefined }])
      pruneAll(outbox, NOW + 4 * HOUR - 1)
      take(outbox, [{ id: 'EZ1' }])
      expect(account(outbox)).toMatchObject({ received: 1, accepted: 1, duplicate: 1 })
      pruneAll(outbox, NOW + 4 * HOUR)
      take(outbox, [{ id: 'EZ1' }])
      expect(account(outbox)).toMatchObject({ received: 2, accepted: 1, pending: 1, duplicate: 1 })
    },
  )

  rule('[OB12] kept for no time means gone at the next turn, the id all the same remembered', ({ open }) => {
    const outbox = open({ retentionMs: 0, dedupeMs: HOUR })
    take(outbox, [{ id: 'EZ1' }])
    pruneAll(outbox, NOW)
    expect(claimAll(outbox)).toMatchObject([{ element: { id: 'EZ1' } }])
    outbox.release([{ request: 1, position: 0 }])
    deliverAll(outbox)
    pruneAll(outbox, NOW)
    take(outbox, [{ id: 'EZ1' }])
    expect(list(outbox)).toMatchObject([{ state: 'accepted', element: undefined }])
    expect(account(outbox)).toMatchObject({ received: 1, duplicate: 1 })
  })

  rule('[OB12] a request keeps its bytes while any event of it is open', ({ open }) => {
    const outbox = open(short)
    take(outbox, [...samples(2), { id: 'EZ3', verdict: 'rejected' }])
    outbox.settle(
      outbox.claim(1, 1).map(event => ({ event, state: 'accepted' })),
      NOW,
    )
    pruneAll(outbox, NOW + YEAR)
    expect(idsAndStates(outbox)).toEqual(['EZ2 pending', 'EZ3 rejected'])
    deliverAll(outbox, NOW + YEAR)
    outbox.change({ request: 1, position: 2 }, ['rejected'], { state: 'pending' }, NOW + YEAR)
    pruneAll(outbox, NOW + 2 * YEAR)
    expect(claimAll(outbox)).toMatchObject([{ position: 2, element: { id: 'EZ3' } }])
  })

  rule('[OB12] what is not sorted yet is not pruned, however old', ({ open }) => {
    const outbox = open({ retentionMs: 0, dedupeMs: 0 })
    outbox.put([parcelOf(samples(2))])
    pruneAll(outbox, NOW + YEAR)
    sortAll(outbox)
    expect(claimIds(outbox)).toEqual(['EZ1', 'EZ2'])
  })

  rule('[OB12] pruning goes in slices, past what must stay, and starts again at its end', ({ open }) => {
    const outbox = open(short)
    const stay = (from: number) =>
      samples(400, from).map(event => ({ ...event, verdict: 'rejected' as const }))
    const go = (from: number) => samples(700, from).map(event => ({ ...event, verdict: 'skipped' as const }))
    outbox.put([...stay(1), ...go(401), ...stay(1_101), ...go(1_501)].map(event => parcelOf([event])))
    sortAll(outbox)
    expect(pruneAll(outbox, NOW + DAY)).toBe(5)
    expect(list(outbox).map(({ state }) => state)).toEqual(Array.from({ length: 800 }, () => 'rejected'))
    outbox.change({ request: 1, position: 0 }, ['rejected'], { state: 'skipped' }, NOW + DAY)
    pruneAll(outbox, NOW + 2 * DAY)
    expect(list(outbox)).toHaveLength(799)
  })

  rule("[OB12] a pruned copy takes no id with it that has become another event's", ({ open }) => {
    const outbox = open({ retentionMs: 0, dedupeMs: 0 })
    take(outbox, [{ id: 'EZ1', verdict: 'rejected' }], [{ id: 'EZ1' }])
    pruneAll(outbox, NOW + 1)
    take(outbox, [{ id: 'EZ1' }])
    expect(account(outbox)).toMatchObject({ received: 1, pending: 1, duplicate: 2 })
  })

  rule('[OB12] an hour of a clock that was wrong keeps nothing that came after it', ({ open }) => {
    const outbox = open(short)
    outbox.put([
      parcelOf([{ id: 'EZ1', verdict: 'skipped' }], NOW + YEAR),
      parcelOf([{ id: 'EZ2', verdict: 'skipped' }]),
    ])
    sortAll(outbox)
    pruneAll(outbox, NOW + DAY)
    expect(idsAndStates(outbox)).toEqual(['EZ1 skipped'])
    pruneAll(outbox, NOW + 2 * YEAR)
    expect(list(outbox)).toEqual([])
  })

  rule(
    '[OB13] attempts are kept for 30 days, and no longer than any event they can have been at',
    ({ sql, open }) => {
      const outbox = open(short)
      const left = () => sql.all<{ n: number }>('SELECT count(*) AS n FROM deliveries')[0]?.n
      const leftAfter = (ms: number) => {
        pruneAll(outbox, NOW + ms)
        return left()
      }
      take(outbox, [{ id: 'EZ1' }])
      for (const at of [NOW, NOW + DAY]) attempt(outbox, at)
      expect([29, 30, 31, 32].map(days => leftAfter(days * DAY))).toEqual([2, 2, 1, 0])
      attempt(outbox, NOW + 32 * DAY)
      expect(leftAfter(33 * DAY)).toBe(1)
      deliverAll(outbox, NOW + 33 * DAY)
      expect([leftAfter(34 * DAY), leftAfter(34 * DAY + 1)]).toEqual([0, 0])
    },
  )

  rule('[OB13] the newest 1,000 notices are kept', ({ open }) => {
    const outbox = open()
    for (let n = 1; n <= 1_005; n++) outbox.remember('clock', String(n), { at: NOW, body: { n } })
    pruneAll(outbox, NOW)
    const kept = outbox.notices(2_000)
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([1_000, { n: 1_005 }, { n: 6 }])
  })

  rule(
    '[OB14] the number of a request is never given twice, even when nothing is left of the others',
    ({ open, crash }) => {
      const none = { retentionMs: 0, dedupeMs: 0 }
      const outbox = open(none)
      take(outbox, samples(2), samples(2, 3))
      deliverAll(outbox)
      pruneAll(outbox, NOW)
      expect(list(outbox)).toEqual([])
      const again = crash(none)
      expect(again.unsorted()).toBe(0)
      take(again, samples(1, 5))
      expect(list(again)).toMatchObject([{ key: '3-0', state: 'pending', element: { id: 'EZ5' } }])
      again.put([parcelOf(samples(1, 6))])
      const third = crash(none)
      take(third, samples(1, 7))
      expect(list(third).map(({ key }) => key)).toEqual(['5-0', '4-0', '3-0'])
    },
  )
}

function attempt(outbox: OutboxStore, at: number): void {
  const place = { request: 1, position: 0 }
  outbox.note({
    at,
    tookMs: 1,
    events: 1,
    first: place,
    last: place,
    reason: 'segment_failing',
    status: 500,
    answer: '',
  })
}
