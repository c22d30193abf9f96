/** [OB12]–[OB14]: what goes in time, what never does, and what is never given twice. */
import { expect } from 'vitest'
import { DAY, HOUR, NOW, requestRow, samples } from './outbox-bench.ts'
import {
  account,
  claimAll,
  claimIds,
  deliverAll,
  idsAndStates,
  list,
  pruneAll,
  type StoreRule,
  sortAll,
  take,
} from './store-bench.ts'

const YEAR = 365 * DAY
const short = { retentionMs: HOUR, dedupeMs: 3 * HOUR }

export function registerPruning(rule: StoreRule): void {
  rule('[OB12] pending events and dead letters stay for ever, whole', async ({ open, crash }) => {
    const outbox = await open(short)
    await take(outbox, [{ id: 'EZ1', verdict: 'rejected' }], [{ id: 'EZ2' }], [{ id: 'EZ3' }])
    const [first] = await outbox.claim({ destination: 1, limit: 1, characters: 1 })
    if (first)
      await outbox.settle([{ event: first, state: 'refused', reason: 'segment_refused', detail: 'why' }], NOW)
    const before = await list(outbox)
    await pruneAll(outbox, NOW + 100 * YEAR)
    expect(await list(outbox)).toEqual(before)
    const again = await crash(short)
    await take(again, [{ id: 'EZ1', verdict: 'rejected' }], [{ id: 'EZ3' }])
    expect(await account(again)).toMatchObject({
      received: 3,
      duplicate: 2,
      rejected: 1,
      refused: 1,
      pending: 1,
    })
    expect(await claimIds(again)).toEqual(['EZ3'])
  })

  rule(
    '[OB12] an accepted or skipped event goes when both its times have passed, and stays counted',
    async ({ open, crash }) => {
      const outbox = await open({ retentionMs: 3 * HOUR, dedupeMs: HOUR })
      await take(outbox, samples(2), [{ id: 'EZ3', verdict: 'skipped' }])
      await deliverAll(outbox, NOW + HOUR)
      await pruneAll(outbox, NOW + 3 * HOUR - 1)
      expect(await list(outbox)).toHaveLength(3)
      await pruneAll(outbox, NOW + 3 * HOUR)
      expect(await idsAndStates(outbox)).toEqual(['EZ1 accepted', 'EZ2 accepted'])
      await pruneAll(outbox, NOW + 4 * HOUR - 1)
      expect(await list(outbox)).toHaveLength(2)
      await pruneAll(outbox, NOW + 4 * HOUR)
      expect(await list(outbox)).toEqual([])
      expect(await account(await crash())).toMatchObject({ received: 3, accepted: 2, skipped: 1 })
    },
  )

  rule(
    '[OB12] the bytes go after retentionMs, the id is remembered for dedupeMs after acceptance',
    async ({ open }) => {
      const outbox = await open(short)
      await take(outbox, [{ id: 'EZ1' }])
      await deliverAll(outbox, NOW + HOUR)
      await pruneAll(outbox, NOW + 2 * HOUR - 1)
      expect((await list(outbox))[0]?.element).toBeDefined()
      await pruneAll(outbox, NOW + 2 * HOUR)
      expect(await list(outbox)).toMatchObject([{ key: '1-0', state: 'accepted', element: undefined }])
      await pruneAll(outbox, NOW + 4 * HOUR - 1)
      await take(outbox, [{ id: 'EZ1' }])
      expect(await account(outbox)).toMatchObject({ received: 1, accepted: 1, duplicate: 1 })
      await pruneAll(outbox, NOW + 4 * HOUR)
      await take(outbox, [{ id: 'EZ1' }])
      expect(await account(outbox)).toMatchObject({ received: 2, accepted: 1, pending: 1, duplicate: 1 })
    },
  )

  rule(
    '[OB12] kept for no time means gone at the next turn, the id all the same remembered',
    async ({ open }) => {
      const outbox = await open({ retentionMs: 0, dedupeMs: HOUR })
      await take(outbox, [{ id: 'EZ1' }])
      await pruneAll(outbox, NOW)
      expect(await claimAll(outbox)).toMatchObject([{ element: { id: 'EZ1' } }])
      await outbox.release([{ request: 1, position: 0, destination: 1 }])
      await deliverAll(outbox)
      await pruneAll(outbox, NOW)
      await take(outbox, [{ id: 'EZ1' }])
      expect(await list(outbox)).toMatchObject([{ state: 'accepted', element: undefined }])
      expect(await account(outbox)).toMatchObject({ received: 1, duplicate: 1 })
    },
  )

  rule('[OB12] a request keeps its bytes while any event of it is open', async ({ open }) => {
    const outbox = await open(short)
    await take(outbox, [...samples(2), { id: 'EZ3', verdict: 'rejected' }])
    await outbox.settle(
      (await outbox.claim({ destination: 1, limit: 1, characters: 1 })).map(event => ({
        event,
        state: 'accepted',
      })),
      NOW,
    )
    await pruneAll(outbox, NOW + YEAR)
    expect(await idsAndStates(outbox)).toEqual(['EZ2 pending', 'EZ3 rejected'])
    await deliverAll(outbox, NOW + YEAR)
    await outbox.transition([{ request: 1, position: 2 }], ['rejected'], { state: 'pending' }, NOW + YEAR)
    await pruneAll(outbox, NOW + 2 * YEAR)
    expect(await claimAll(outbox)).toMatchObject([{ position: 2, element: { id: 'EZ3' } }])
  })

  rule('[OB12] what is not sorted yet is not pruned, however old', async ({ open }) => {
    const outbox = await open({ retentionMs: 0, dedupeMs: 0 })
    await outbox.append([requestRow(samples(2))])
    await pruneAll(outbox, NOW + YEAR)
    await sortAll(outbox)
    expect(await claimIds(outbox)).toEqual(['EZ1', 'EZ2'])
  })

  rule("[OB12] a pruned copy takes no id with it that has become another event's", async ({ open }) => {
    const outbox = await open({ retentionMs: 0, dedupeMs: 0 })
    await take(outbox, [{ id: 'EZ1', verdict: 'rejected' }], [{ id: 'EZ1' }])
    await pruneAll(outbox, NOW + 1)
    await take(outbox, [{ id: 'EZ1' }])
    expect(await account(outbox)).toMatchObject({ received: 1, pending: 1, duplicate: 2 })
  })

  rule('[OB12] an hour of a clock that was wrong keeps nothing that came after it', async ({ open }) => {
    const outbox = await open(short)
    await outbox.append([
      requestRow([{ id: 'EZ1', verdict: 'skipped' }], NOW + YEAR),
      requestRow([{ id: 'EZ2', verdict: 'skipped' }]),
    ])
    await sortAll(outbox)
    await pruneAll(outbox, NOW + DAY)
    expect(await idsAndStates(outbox)).toEqual(['EZ1 skipped'])
    await pruneAll(outbox, NOW + 2 * YEAR)
    expect(await list(outbox)).toEqual([])
  })

  rule('[OB13] the newest 1,000 notices are kept', async ({ open }) => {
    const outbox = await open()
    for (let n = 1; n <= 1_005; n++) await outbox.remember('clock', String(n), { at: NOW, body: { n } })
    await pruneAll(outbox, NOW)
    const kept = await outbox.notices(2_000)
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([1_000, { n: 1_005 }, { n: 6 }])
  })

  rule(
    '[OB14] the number of a request is never given twice, even when nothing is left of the others',
    async ({ open, crash }) => {
      const none = { retentionMs: 0, dedupeMs: 0 }
      const outbox = await open(none)
      await take(outbox, samples(2), samples(2, 3))
      await deliverAll(outbox)
      await pruneAll(outbox, NOW)
      expect(await list(outbox)).toEqual([])
      const again = await crash(none)
      expect((await again.figures()).unsorted).toBe(0)
      await take(again, samples(1, 5))
      expect(await list(again)).toMatchObject([{ key: '3-0', state: 'pending', element: { id: 'EZ5' } }])
      await again.append([requestRow(samples(1, 6))])
      const third = await crash(none)
      await take(third, samples(1, 7))
      expect((await list(third)).map(({ key }) => key)).toEqual(['5-0', '4-0', '3-0'])
    },
  )
}
