/** [OB100], [OB124]–[OB126], [OB190]: figures of one moment, events into the store and out of it, and sent again. */
import { expect } from 'vitest'
import type { ScanQuery } from '../../src/outbox/queries.ts'
import type { OutboxStore } from '../../src/outbox/store.ts'
import { states } from '../../src/reasons.ts'
import { idOf, NOW, requestRow, SOURCE, samples } from './outbox-bench.ts'
import {
  account,
  claimAll,
  deliverAll,
  idsAndStates,
  list,
  pruneAll,
  type StoreRule,
  sortAll,
  take,
} from './store-bench.ts'

export function registerTransfer(rule: StoreRule): void {
  rule(
    '[OB124] figures are those of one moment: what is stored is in one of them, and once',
    async ({ open, crash }) => {
      const outbox = await open()
      expect(await outbox.figures()).toMatchObject({ received: 0, unsorted: 0, isIndexed: true })
      await outbox.append([requestRow(samples(3)), requestRow([]), requestRow([{ id: 'EZ1' }])])
      const again = await crash()
      for (const store of [outbox, again])
        expect(await store.figures()).toMatchObject({ received: 0, unsorted: 4, isIndexed: false, held: 0 })
      await sortAll(again)
      const { received, duplicate, cursor, ...figures } = await again.figures()
      expect([received, duplicate]).toEqual([3, 1])
      expect(states.reduce((sum, state) => sum + figures[state], 0)).toBe(received)
      expect(figures).toMatchObject({ unsorted: 0, isIndexed: true })
      expect((await (await crash()).figures()).cursor).toBe(cursor)
    },
  )

  rule('[OB124] a request without events is indexed as well', async ({ open }) => {
    const outbox = await open()
    await outbox.append([requestRow([])])
    expect(await outbox.figures()).toMatchObject({ unsorted: 0, isIndexed: false })
    await sortAll(outbox)
    expect(await outbox.figures()).toMatchObject({ unsorted: 0, isIndexed: true })
  })

  rule(
    '[OB125] an import is stored and indexed at once, and tells what became of its own events',
    async ({ open, crash }) => {
      const outbox = await open()
      await take(outbox, samples(2), [{ id: 'bad', verdict: 'rejected' }])
      // Stored, and not indexed: none of these is the import's.
      await outbox.append([requestRow([{ id: 'EZ1' }, { id: 'EZ5' }])])
      const rows = [
        requestRow([{ id: 'EZ2' }, { id: 'EZ3' }, { id: 'EZ3' }]),
        requestRow([{ id: 'bad' }, { id: 'EZ4', verdict: 'rejected' }, { id: 'EZ5' }]),
      ]
      expect(await outbox.import(rows, NOW + 1)).toEqual({
        stored: 2,
        pending: 1,
        skipped: 0,
        duplicates: 3,
        again: 1,
      })
      expect(await outbox.import(rows, NOW + 2)).toEqual({
        stored: 0,
        pending: 0,
        skipped: 0,
        duplicates: 6,
        again: 0,
      })
      expect(await outbox.import([], NOW + 3)).toEqual({
        stored: 0,
        pending: 0,
        skipped: 0,
        duplicates: 0,
        again: 0,
      })
      const again = await crash()
      expect(await again.figures()).toMatchObject({ received: 6, unsorted: 0, isIndexed: true })
      expect((await idsAndStates(again)).toSorted()).toEqual([
        ...['EZ1 pending', 'EZ2 pending', 'EZ3 pending', 'EZ4 rejected', 'EZ5 pending', 'bad pending'],
      ])
    },
  )

  rule('[OB125] an event is known, indexed or not, as long as its id is kept', async ({ open }) => {
    const outbox = await open({ retentionMs: 0, dedupeMs: 0 })
    await outbox.import([requestRow(samples(1))], NOW)
    const asked = ['EZ1', 'EZ2'].map(id => ({ source: SOURCE, id }))
    expect(await outbox.knows(asked)).toEqual([true, false])
    expect(await outbox.knows([{ source: '/another', id: 'EZ1' }])).toEqual([false])
    await deliverAll(outbox)
    await pruneAll(outbox, NOW + 1)
    expect(await outbox.knows(asked)).toEqual([false, false])
  })

  rule('[OB126] an export has each event once, oldest first, narrowed as was asked', async ({ open }) => {
    const outbox = await open()
    await outbox.import(
      [requestRow(samples(3)), requestRow([{ id: 'bad', verdict: 'rejected' }], NOW + 5)],
      NOW,
    )
    const lines = async (query: ScanQuery) => {
      const found: string[] = []
      for (const text of (await scanAll(outbox, query)).split('\n').filter(Boolean)) {
        const { state, event } = JSON.parse(text)
        found.push(`${idOf(event)} ${state}`)
      }
      return found
    }
    const all = ['EZ1 pending', 'EZ2 pending', 'EZ3 pending', 'bad rejected']
    expect(await lines({})).toEqual(all)
    expect(await lines({ states: ['rejected'] })).toEqual(all.slice(3))
    expect(await lines({ reason: 'schema_rejected' })).toEqual(all.slice(3))
    expect(await lines({ type: 'com.example.none' })).toEqual([])
    expect(await lines({ since: NOW, until: NOW + 5 })).toEqual(all.slice(0, 3))
    expect(await lines({ since: NOW + 5 })).toEqual(all.slice(3))
  })

  rule('[OB190] a type that ends in * stands for all that begin so, whatever is asked', async ({ open }) => {
    const outbox = await open()
    await take(outbox, [
      { id: 'one' },
      { id: 'other', type: 'com.twilio.voice.status-callback.call.ringing' },
    ])
    await deliverAll(outbox)
    for (const [type, expected] of [
      ['com.twilio.*', 2],
      ['com.twilio.voice.*', 1],
      ['com.twilio.voice', 0],
    ] as const) {
      expect(await list(outbox, { type })).toHaveLength(expected)
      expect((await scanAll(outbox, { type })).split('\n').filter(Boolean)).toHaveLength(expected)
      const everything = { since: 0, until: Number.MAX_SAFE_INTEGER, preview: true }
      expect(await outbox.resendPage({ ...everything, type }, NOW)).toMatchObject({ matched: expected })
    }
  })

  rule(
    '[OB100] accepted events of a span are pending again, and nothing else; a preview changes nothing',
    async ({ open }) => {
      const outbox = await open()
      await take(outbox, samples(3), [{ id: 'bad', verdict: 'rejected' }])
      const [one, ...others] = await claimAll(outbox)
      if (!one) throw new Error('three were put')
      await outbox.settle([{ event: one, state: 'accepted' }], NOW + 1)
      await outbox.settle(
        others.map(event => ({ event, state: 'accepted' })),
        NOW + 2,
      )
      const before = await list(outbox)
      const span = { since: NOW + 2, until: NOW + 3 }
      const counted = { matched: 2, pruned: 0 }
      expect(await outbox.resendPage({ ...span, preview: true }, NOW)).toMatchObject({ ...counted, done: 0 })
      expect(await list(outbox)).toEqual(before)
      expect(await outbox.resendPage(span, NOW)).toMatchObject({ ...counted, done: 2 })
      expect(await idsAndStates(outbox)).toEqual([
        'EZ1 accepted',
        'EZ2 pending',
        'EZ3 pending',
        'bad rejected',
      ])
      expect(await account(outbox)).toMatchObject({ received: 4, accepted: 1, pending: 2 })
      expect(await outbox.resendPage(span, NOW)).toMatchObject({ matched: 0, done: 0 })
    },
  )

  rule('[OB11] many are changed in one call, each from the states named alone', async ({ open }) => {
    const outbox = await open()
    await take(outbox, [
      { id: 'bad', verdict: 'rejected' },
      ...samples(1),
      { id: 'worse', verdict: 'rejected' },
    ])
    const places = [0, 1, 2, 3].map(position => ({ request: 1, position }))
    expect(await outbox.transition(places, ['rejected'], { state: 'pending' }, NOW)).toBe(2)
    expect(await outbox.transition(places, ['rejected'], { state: 'pending' }, NOW)).toBe(0)
    expect(await idsAndStates(outbox)).toEqual(['bad pending', 'EZ1 pending', 'worse pending'])
  })
}

async function scanAll(outbox: OutboxStore, query: ScanQuery): Promise<string> {
  let text = ''
  for (let after: string | undefined, more = true; more; more = after !== undefined) {
    const page = await outbox.scan({ ...query, after })
    expect(page.unreadable).toBe(0)
    text += page.lines
    after = page.next
  }
  return text
}
