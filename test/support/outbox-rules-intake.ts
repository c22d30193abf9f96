/** [OB1]–[OB7]: what is put is kept, in order, once; a good copy mends a bad one. */
import { expect } from 'vitest'
import type { ValidationError } from '../../src/event/validation-errors.ts'
import type { Leased, OutboxStore } from '../../src/outbox/store.ts'
import { states } from '../../src/reasons.ts'
import { faults, NOW, requestRow, type Sample, samples, TYPE, toElement } from './outbox-bench.ts'
import {
  account,
  claimAll,
  claimIds,
  deliverAll,
  idsAndStates,
  list,
  type StoreRule,
  sortAll,
  take,
} from './store-bench.ts'

const good = { id: 'EZ1' }
const bad = { id: 'EZ1', verdict: 'rejected' } as const
const unknown = { id: 'EZ1', verdict: 'skipped' } as const
const elsewhere = { id: 'EZ1', source: '/another' }
const sinkTest = { type: 'com.twilio.eventstreams.test-event', verdict: 'skipped' } as const

export function registerIntake(rule: StoreRule): void {
  rule('[OB1] what was put is there when the process is killed right after', async ({ open, crash }) => {
    await (await await open()).append([
      requestRow(samples(2)),
      requestRow([{ id: 'EZ3', verdict: 'rejected' }]),
    ])
    const outbox = await crash()
    expect((await outbox.figures()).unsorted).toBe(3)
    await sortAll(outbox)
    expect(await idsAndStates(outbox)).toEqual(['EZ1 pending', 'EZ2 pending', 'EZ3 rejected'])
    expect((await outbox.figures()).unsorted).toBe(0)
  })

  rule('[OB1] an event comes back as it came, with what was said of it', async ({ open, crash }) => {
    const events: Sample[] = [
      { id: 'EZ1', version: 3, data: { to: '+15550100002', deep: [null, 1.5, { '': true }] } },
      { id: 'EZ2', type: 'com.example.other', version: 0, verdict: 'skipped' },
      { id: 'EZ3', verdict: 'rejected' },
      sinkTest,
    ]
    await take(await open(), events)
    const times = { receivedAt: NOW, storedAt: null, triedAt: null, settledAt: null }
    const base = { ...times, attemptCount: 0, type: TYPE, version: 6, reason: null, detail: null }
    const skipped = { state: 'skipped', reason: 'type_unmapped', settledAt: NOW }
    const rejected = { state: 'rejected', reason: 'schema_rejected', detail: JSON.stringify(faults) }
    expect((await list(await crash())).reverse()).toEqual([
      { ...base, key: '1-0', version: 3, state: 'pending', element: toElement(events[0] ?? {}) },
      {
        ...base,
        ...skipped,
        key: '1-1',
        type: 'com.example.other',
        version: 0,
        element: toElement(events[1] ?? {}),
      },
      { ...base, ...rejected, key: '1-2', element: toElement(events[2] ?? {}) },
      { ...base, ...skipped, key: '1-3', type: sinkTest.type, element: toElement(sinkTest) },
    ])
  })

  rule(
    '[OB1] a body that holds no JSON is one event, its text, its base64 or nothing',
    async ({ open, crash }) => {
      const parcel = { ...requestRow([{ verdict: 'rejected' }]), checksum: undefined }
      const broken = { ...parcel, body: '{"specversion":"1.0",' }
      // Three bytes whose base64 could be read as JSON.
      const bytes = { ...broken, body: '1234', encoding: 'base64' } as const
      await (await await open()).append([
        broken,
        bytes,
        { ...broken, body: '' },
        { ...broken, body: '{"one":1}' },
      ])
      const outbox = await crash()
      await sortAll(outbox)
      const elements = (await list(outbox)).map(({ element }) => element)
      expect(elements.reverse()).toEqual(['{"specversion":"1.0",', '1234', '', { one: 1 }])
    },
  )

  rule('[OB1] characters of any kind come back the same', async ({ open, crash }) => {
    const odd = `"it's" \\ %_?; -- \u2028 é 😀`
    const escaped = String.raw`"\u0000 \ud800 \" \\u0000 \ud83d\ude00"`
    const seen: readonly ValidationError[] = [
      { path: `$[${odd}]`, expected: '\0', received: JSON.parse(escaped) },
    ]
    const event: Sample = { id: odd, source: odd, type: odd, verdict: 'rejected', faults: seen }
    const outbox = await open()
    const raw = JSON.stringify(odd)
    const body = `[{"id":${raw},"source":${raw},"data":${escaped},"raw":${raw}}]`
    await outbox.append([{ ...requestRow([event]), body, checksum: undefined }])
    await outbox.remember(odd, odd)
    const again = await crash()
    await take(again, [event])
    expect(await account(again)).toMatchObject({ received: 1, duplicate: 1, rejected: 1 })
    const [view] = await list(again)
    expect(view).toMatchObject({ type: odd, element: { data: JSON.parse(escaped), raw: odd } })
    expect(JSON.parse(view?.detail ?? '')).toEqual(seen)
    expect(await again.recall(odd)).toBe(odd)
  })

  rule('[OB1] of one request 256 Ki characters of faults are kept, and every reason', async ({ open }) => {
    const outbox = await open()
    const many = Array.from({ length: 20 }, () => ({ path: '$', expected: 'x', received: 'y'.repeat(1_000) }))
    await take(
      outbox,
      Array.from({ length: 40 }, () => ({ verdict: 'rejected', faults: many }) as const),
    )
    const events = (await list(outbox)).reverse()
    const kept = events.filter(({ detail }) => detail !== null)
    expect(events.every(({ reason }) => reason === 'schema_rejected')).toBe(true)
    expect(kept).toEqual(events.slice(0, 12))
  })

  rule(
    '[OB2] received = pending + accepted + rejected + refused + skipped, by kind as well',
    async ({ open }) => {
      const outbox = await open()
      await take(
        outbox,
        [good, bad, elsewhere, { id: 'EZ2', verdict: 'rejected' }],
        [{ ...sinkTest, version: 1 }],
      )
      await refuse(outbox, await outbox.claim({ destination: 1, limit: 1, characters: 1 }))
      const of = { type: TYPE, version: 6 }
      expect((await outbox.eventCounts()).filter(({ n }) => n > 0)).toEqual([
        { type: sinkTest.type, version: 1, state: 'received', reason: '', n: 1 },
        { type: sinkTest.type, version: 1, state: 'skipped', reason: 'type_unmapped', n: 1 },
        { ...of, state: 'duplicate', reason: '', n: 1 },
        { ...of, state: 'pending', reason: '', n: 1 },
        { ...of, state: 'received', reason: '', n: 3 },
        { ...of, state: 'refused', reason: 'segment_refused', n: 1 },
        { ...of, state: 'rejected', reason: 'schema_rejected', n: 1 },
      ])
    },
  )

  rule('[OB2] the account is the same after a restart', async ({ open, crash }) => {
    const outbox = await open()
    await take(outbox, [good, good, { id: 'EZ2', verdict: 'rejected' }, sinkTest, { id: 'EZ3' }])
    await outbox.settle(
      (await outbox.claim({ destination: 1, limit: 1, characters: 1 })).map(event => ({
        event,
        state: 'accepted',
      })),
      NOW,
    )
    const before = [await account(outbox), await outbox.counts()]
    const again = await crash()
    expect([await account(again), await again.counts()]).toEqual(before)
    expect(await account(again)).toEqual({
      ...{ received: 4, duplicate: 1, pending: 1, accepted: 1 },
      ...{ rejected: 1, refused: 0, skipped: 1 },
    })
  })

  rule('[OB3] events are sorted in the order they came, request by request', async ({ open }) => {
    const outbox = await open()
    await outbox.append([requestRow(samples(3)), requestRow(samples(2, 4))])
    await outbox.append([requestRow(samples(2, 6))])
    await sortAll(outbox)
    expect(await claimIds(outbox)).toEqual(['EZ1', 'EZ2', 'EZ3', 'EZ4', 'EZ5', 'EZ6', 'EZ7'])
  })

  rule('[OB3] a turn sorts as many as are asked for', async ({ open }) => {
    const outbox = await open()
    for (let n = 0; n < 5; n++) await outbox.append([requestRow(samples(200, 1 + n * 200))])
    expect([await outbox.index(700), await outbox.index(1), await outbox.index(700)]).toEqual([800, 200, 0])
  })

  rule('[OB3] requests without events hold nothing up', async ({ open }) => {
    const outbox = await open()
    await outbox.append(Array.from({ length: 300 }, () => requestRow([])))
    await outbox.append([requestRow([good])])
    expect(await outbox.index()).toBe(1)
  })

  const onceAndAgain: Record<
    string,
    (outbox: OutboxStore, restart: () => Promise<OutboxStore>) => Promise<OutboxStore>
  > = {
    'in one request': async outbox => await put(outbox, [[good, good]]),
    'in one turn': async outbox => await put(outbox, [[good], [good]]),
    'in a later turn': async outbox => await put(await put(outbox, [[good]]), [[good]]),
    'after it was claimed': async outbox => await put(await claimed(await put(outbox, [[good]])), [[good]]),
    'after a restart': async (outbox, restart) =>
      await put(await restartAfter(await put(outbox, [[good]]), restart), [[good]]),
    'after a restart before it was sorted': async (outbox, restart) => {
      await outbox.append([requestRow([good])])
      return await put(await restart(), [[good]])
    },
    'when it was skipped': async outbox => await put(outbox, [[unknown], [good]]),
    'when the second is rejected': async outbox => await put(outbox, [[good, bad]]),
    'when both are rejected': async outbox => await put(outbox, [[bad], [bad]]),
  }
  for (const [when, sendTwice] of Object.entries(onceAndAgain)) {
    rule(`[OB4] an event that comes twice ${when} is stored once and counted as a duplicate`, async bench => {
      const outbox = await sendTwice(await bench.open(), bench.crash)
      expect(await account(outbox)).toMatchObject({ received: 1, duplicate: 1 })
      expect(await list(outbox)).toHaveLength(1)
    })
  }

  rule('[OB4] a duplicate changes nothing about the event that is there', async ({ open }) => {
    const outbox = await put(await open(), [[good]])
    await deliverAll(outbox)
    const [before] = await list(outbox)
    await outbox.append([requestRow([good], NOW + 1), requestRow([bad], NOW + 2)])
    await sortAll(outbox)
    expect(await list(outbox)).toEqual([before])
    expect(await account(outbox)).toMatchObject({ received: 1, accepted: 1, duplicate: 2 })
    expect(await claimAll(outbox)).toEqual([])
  })

  for (const [first, second] of [
    [{}, { again: true }],
    [{ again: true }, {}],
  ]) {
    const ways = [first, second].map(way => (way?.again ? 'once more' : 'by the door')).join(', then ')
    rule(`[OB4] an event that comes ${ways}, is known`, async bench => {
      const outbox = await bench.open()
      await take(outbox, [{ ...good, ...first }])
      await take(outbox, [{ ...good, ...second }])
      expect(await account(outbox)).toMatchObject({ received: 1, duplicate: 1, pending: 1 })
    })
  }

  rule('[OB4] the same id from another source is another event', async ({ open, crash }) => {
    await put(await open(), [
      [good, elsewhere],
      [good, elsewhere],
    ])
    const outbox = await put(await crash(), [[elsewhere, good], [{ ...elsewhere, source: '/a third' }]])
    expect(await account(outbox)).toMatchObject({ received: 3, duplicate: 4 })
    expect(await claimIds(outbox)).toEqual(['EZ1', 'EZ1', 'EZ1'])
  })

  rule('[OB4] events without an identity, as sink tests, are never duplicates', async ({ open }) => {
    const outbox = await put(await open(), [
      [sinkTest, sinkTest],
      [sinkTest],
      [{ verdict: 'rejected' }, { verdict: 'rejected' }],
    ])
    expect(await account(outbox)).toMatchObject({ received: 5, duplicate: 0, skipped: 3, rejected: 2 })
  })

  const mended: Record<
    string,
    (outbox: OutboxStore, restart: () => Promise<OutboxStore>) => Promise<OutboxStore>
  > = {
    'rejected one, in the same request': async outbox => await put(outbox, [[bad, good]]),
    'rejected one, in the same turn': async outbox => await put(outbox, [[bad], [good]]),
    'rejected one, in a later turn': async outbox => await put(await put(outbox, [[bad]]), [[good]]),
    'rejected one, after a restart': async (outbox, restart) =>
      await put(await restartAfter(await put(outbox, [[bad]]), restart), [[good]]),
    'refused one': async outbox => await put(await refuseAll(await put(outbox, [[good]])), [[good]]),
  }
  for (const [what, mend] of Object.entries(mended)) {
    rule(`[OB5] a good copy takes the place of a ${what}`, async bench => {
      const outbox = await mend(await bench.open(), bench.crash)
      expect(await account(outbox)).toMatchObject({
        received: 1,
        pending: 1,
        duplicate: 1,
        rejected: 0,
        refused: 0,
      })
      expect(await list(outbox)).toMatchObject([{ state: 'pending', reason: null, detail: null }])
      await put(outbox, [[good], [bad]])
      expect(await account(outbox)).toMatchObject({ received: 1, pending: 1, duplicate: 3 })
      expect(await claimIds(outbox)).toEqual(['EZ1'])
    })
  }

  rule('[OB5] the copy that mends may be of another type or version', async ({ open }) => {
    const outbox = await put(await open(), [[{ ...bad, type: 'com.example.old', version: 1 }], [good]])
    expect((await outbox.eventCounts()).filter(({ n }) => n > 0)).toEqual([
      { type: TYPE, version: 6, state: 'duplicate', reason: '', n: 1 },
      { type: TYPE, version: 6, state: 'pending', reason: '', n: 1 },
      { type: TYPE, version: 6, state: 'received', reason: '', n: 1 },
    ])
  })

  for (const [what, copy] of Object.entries({ rejected: bad, skipped: unknown })) {
    rule(`[OB5] a ${what} copy takes nobody's place`, async ({ open }) => {
      const outbox = await put(await open(), [[good]])
      const [before] = await list(await refuseAll(outbox))
      await put(outbox, [[copy], [copy]])
      expect(await list(outbox)).toEqual([before])
      expect(await account(outbox)).toMatchObject({ received: 1, refused: 1, duplicate: 2 })
    })
  }

  for (const is of states) {
    const mended = is !== 'pending'
    rule(
      `[OB5] sent again by a person, a copy takes ${mended ? 'the' : 'no'} place of one that is ${is}`,
      async bench => {
        const outbox = await bench.open()
        await take(outbox, [is === 'rejected' ? bad : is === 'skipped' ? unknown : good])
        if (is === 'accepted') await deliverAll(outbox)
        if (is === 'refused') await refuseAll(outbox)
        await take(outbox, [{ ...good, again: true }])
        expect(await account(outbox)).toMatchObject({ received: 1, pending: 1, duplicate: 1 })
        expect((await list(outbox)).map(({ key }) => key)).toEqual([mended ? '2-0' : '1-0'])
      },
    )
  }
}

async function put(outbox: OutboxStore, requests: readonly (readonly Sample[])[]): Promise<OutboxStore> {
  await outbox.append(requests.map(request => requestRow(request)))
  await sortAll(outbox)
  return outbox
}

async function claimed(outbox: OutboxStore): Promise<OutboxStore> {
  await claimAll(outbox)
  return outbox
}

async function restartAfter(_: OutboxStore, restart: () => Promise<OutboxStore>): Promise<OutboxStore> {
  return await restart()
}

async function refuse(outbox: OutboxStore, events: readonly Leased[]): Promise<OutboxStore> {
  const refused = { state: 'refused', reason: 'segment_refused' } as const
  await outbox.settle(
    events.map(event => ({ event, ...refused })),
    NOW,
  )
  return outbox
}

async function refuseAll(outbox: OutboxStore): Promise<OutboxStore> {
  return await refuse(outbox, await claimAll(outbox))
}
