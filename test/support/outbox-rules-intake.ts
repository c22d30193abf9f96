/** [OB1]–[OB7]: what is put is kept, in order, once; a good copy mends a bad one. */
import { expect } from 'vitest'
import { fnv1a53 } from '../../src/event/hash.ts'
import type { ValidationError } from '../../src/event/validation-errors.ts'
import type { Leased } from '../../src/outbox/sqlite/lease.ts'
import { createOutbox, type OutboxStore } from '../../src/outbox/sqlite/outbox.ts'
import type { Durability, Sql } from '../../src/outbox/sqlite/sql.ts'
import { states } from '../../src/reasons.ts'
import {
  account,
  claimAll,
  claimIds,
  deliverAll,
  faults,
  idsAndStates,
  list,
  NOW,
  parcelOf,
  pruning,
  type Rule,
  type Sample,
  SOURCE,
  samples,
  sortAll,
  TYPE,
  take,
  toElement,
} from './outbox-bench.ts'

const good = { id: 'EZ1' }
const bad = { id: 'EZ1', verdict: 'rejected' } as const
const unknown = { id: 'EZ1', verdict: 'skipped' } as const
const elsewhere = { id: 'EZ1', source: '/another' }
const sinkTest = { type: 'com.twilio.eventstreams.test-event', verdict: 'skipped' } as const

export function registerIntake(rule: Rule): void {
  rule('[OB1] what was put is there when the process is killed right after', ({ open, crash }) => {
    open().put([parcelOf(samples(2)), parcelOf([{ id: 'EZ3', verdict: 'rejected' }])])
    const outbox = crash()
    expect(outbox.unsorted()).toBe(3)
    sortAll(outbox)
    expect(idsAndStates(outbox)).toEqual(['EZ1 pending', 'EZ2 pending', 'EZ3 rejected'])
    expect(outbox.unsorted()).toBe(0)
  })

  rule('[OB1] a put is one transaction, on disk, however many requests share it', ({ sql, open }) => {
    open()
    const durabilities: Durability[] = []
    const watched: Sql = {
      ...sql,
      transaction(work, durability) {
        durabilities.push(durability)
        return sql.transaction(work, durability)
      },
    }
    const outbox = createOutbox(watched, pruning)
    outbox.put(samples(50).map(sample => parcelOf([sample])))
    expect(durabilities).toEqual(['on-disk'])
    sortAll(outbox)
    expect(outbox.total('pending')).toBe(50)
  })

  rule('[OB1] an event comes back as it came, with what was said of it', ({ open, crash }) => {
    const events: Sample[] = [
      { id: 'EZ1', version: 3, data: { to: '+15550100002', deep: [null, 1.5, { '': true }] } },
      { id: 'EZ2', type: 'com.example.other', version: 0, verdict: 'skipped' },
      { id: 'EZ3', verdict: 'rejected' },
      sinkTest,
    ]
    take(open(), events)
    const times = { receivedAt: NOW, storedAt: null, triedAt: null, settledAt: null }
    const base = { ...times, attemptCount: 0, type: TYPE, version: 6, reason: null, detail: null }
    const skipped = { state: 'skipped', reason: 'type_unmapped', settledAt: NOW }
    const rejected = { state: 'rejected', reason: 'schema_rejected', detail: JSON.stringify(faults) }
    expect(list(crash()).reverse()).toEqual([
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

  rule('[OB1] a body that holds no JSON is one event, its text, its base64 or nothing', ({ open, crash }) => {
    const parcel = { ...parcelOf([{ verdict: 'rejected' }]), checksum: undefined }
    const broken = { ...parcel, body: '{"specversion":"1.0",' }
    // Three bytes whose base64 could be read as JSON.
    const bytes = { ...broken, body: '1234', encoding: 'base64' } as const
    open().put([broken, bytes, { ...broken, body: '' }, { ...broken, body: '{"one":1}' }])
    const outbox = crash()
    sortAll(outbox)
    const elements = list(outbox).map(({ element }) => element)
    expect(elements.reverse()).toEqual(['{"specversion":"1.0",', '1234', '', { one: 1 }])
  })

  rule('[OB1] characters of any kind come back the same', ({ open, crash }) => {
    const odd = `"it's" \\ %_?; -- \u2028 é 😀`
    const escaped = String.raw`"\u0000 \ud800 \" \\u0000 \ud83d\ude00"`
    const seen: readonly ValidationError[] = [
      { path: `$[${odd}]`, expected: '\0', received: JSON.parse(escaped) },
    ]
    const event: Sample = { id: odd, source: odd, type: odd, verdict: 'rejected', faults: seen }
    const outbox = open()
    const raw = JSON.stringify(odd)
    const body = `[{"id":${raw},"source":${raw},"data":${escaped},"raw":${raw}}]`
    outbox.put([{ ...parcelOf([event]), body, checksum: undefined }])
    outbox.remember(odd, odd)
    const again = crash()
    take(again, [event])
    expect(account(again)).toMatchObject({ received: 1, duplicate: 1, rejected: 1 })
    const [view] = list(again)
    expect(view).toMatchObject({ type: odd, element: { data: JSON.parse(escaped), raw: odd } })
    expect(JSON.parse(view?.detail ?? '')).toEqual(seen)
    expect(again.recall(odd)).toBe(odd)
  })

  rule('[OB1] of one request 256 Ki characters of faults are kept, and every reason', ({ open }) => {
    const outbox = open()
    const many = Array.from({ length: 20 }, () => ({ path: '$', expected: 'x', received: 'y'.repeat(1_000) }))
    take(
      outbox,
      Array.from({ length: 40 }, () => ({ verdict: 'rejected', faults: many }) as const),
    )
    const events = list(outbox).reverse()
    const kept = events.filter(({ detail }) => detail !== null)
    expect(events.every(({ reason }) => reason === 'schema_rejected')).toBe(true)
    expect(kept).toEqual(events.slice(0, 12))
  })

  rule('[OB2] received = pending + accepted + rejected + refused + skipped, by kind as well', ({ open }) => {
    const outbox = open()
    take(outbox, [good, bad, elsewhere, { id: 'EZ2', verdict: 'rejected' }], [{ ...sinkTest, version: 1 }])
    refuse(outbox, outbox.claim(1, 1))
    const of = { type: TYPE, version: 6 }
    expect(outbox.counts().filter(({ n }) => n > 0)).toEqual([
      { type: sinkTest.type, version: 1, state: 'received', reason: '', n: 1 },
      { type: sinkTest.type, version: 1, state: 'skipped', reason: 'type_unmapped', n: 1 },
      { ...of, state: 'duplicate', reason: '', n: 1 },
      { ...of, state: 'pending', reason: '', n: 1 },
      { ...of, state: 'received', reason: '', n: 3 },
      { ...of, state: 'refused', reason: 'segment_refused', n: 1 },
      { ...of, state: 'rejected', reason: 'schema_rejected', n: 1 },
    ])
  })

  rule('[OB2] the account is the same after a restart', ({ open, crash }) => {
    const outbox = open()
    take(outbox, [good, good, { id: 'EZ2', verdict: 'rejected' }, sinkTest, { id: 'EZ3' }])
    outbox.settle(
      outbox.claim(1, 1).map(event => ({ event, state: 'accepted' })),
      NOW,
    )
    const before = [account(outbox), outbox.counts()]
    const again = crash()
    expect([account(again), again.counts()]).toEqual(before)
    expect(account(again)).toEqual({
      ...{ received: 4, duplicate: 1, pending: 1, accepted: 1 },
      ...{ rejected: 1, refused: 0, skipped: 1 },
    })
  })

  rule('[OB3] events are sorted in the order they came, request by request', ({ open }) => {
    const outbox = open()
    outbox.put([parcelOf(samples(3)), parcelOf(samples(2, 4))])
    outbox.put([parcelOf(samples(2, 6))])
    sortAll(outbox)
    expect(claimIds(outbox)).toEqual(['EZ1', 'EZ2', 'EZ3', 'EZ4', 'EZ5', 'EZ6', 'EZ7'])
  })

  rule('[OB3] a turn sorts some 500 events and says how many; 0 is the end', ({ open, crash }) => {
    const outbox = open()
    for (let n = 0; n < 5; n++) outbox.put([parcelOf(samples(200, 1 + n * 200))])
    expect(outbox.unsorted()).toBe(1_000)
    expect(outbox.sort()).toBe(600)
    expect(outbox.unsorted()).toBe(400)
    const again = crash()
    expect(again.unsorted()).toBe(400)
    expect([again.sort(), again.sort(), again.unsorted()]).toEqual([400, 0, 0])
    expect(again.total('pending')).toBe(1_000)
    expect(claimIds(again)).toEqual(samples(1_000).map(({ id }) => id))
  })

  rule('[OB3] a turn sorts as many as are asked for', ({ open }) => {
    const outbox = open()
    for (let n = 0; n < 5; n++) outbox.put([parcelOf(samples(200, 1 + n * 200))])
    expect([outbox.sort(700), outbox.sort(1), outbox.sort(700)]).toEqual([800, 200, 0])
  })

  rule('[OB3] requests without events hold nothing up', ({ open }) => {
    const outbox = open()
    outbox.put(Array.from({ length: 300 }, () => parcelOf([])))
    outbox.put([parcelOf([good])])
    expect(outbox.sort()).toBe(1)
  })

  const onceAndAgain: Record<string, (outbox: OutboxStore, restart: () => OutboxStore) => OutboxStore> = {
    'in one request': outbox => put(outbox, [[good, good]]),
    'in one turn': outbox => put(outbox, [[good], [good]]),
    'in a later turn': outbox => put(put(outbox, [[good]]), [[good]]),
    'after it was claimed': outbox => put(claimed(put(outbox, [[good]])), [[good]]),
    'after a restart': (outbox, restart) => put(restartAfter(put(outbox, [[good]]), restart), [[good]]),
    'after a restart before it was sorted': (outbox, restart) => {
      outbox.put([parcelOf([good])])
      return put(restart(), [[good]])
    },
    'when it was skipped': outbox => put(outbox, [[unknown], [good]]),
    'when the second is rejected': outbox => put(outbox, [[good, bad]]),
    'when both are rejected': outbox => put(outbox, [[bad], [bad]]),
  }
  for (const [when, sendTwice] of Object.entries(onceAndAgain)) {
    rule(`[OB4] an event that comes twice ${when} is stored once and counted as a duplicate`, bench => {
      const outbox = sendTwice(bench.open(), bench.crash)
      expect(account(outbox)).toMatchObject({ received: 1, duplicate: 1 })
      expect(list(outbox)).toHaveLength(1)
    })
  }

  rule('[OB4] a duplicate changes nothing about the event that is there', ({ open }) => {
    const outbox = put(open(), [[good]])
    deliverAll(outbox)
    const [before] = list(outbox)
    outbox.put([parcelOf([good], NOW + 1), parcelOf([bad], NOW + 2)])
    sortAll(outbox)
    expect(list(outbox)).toEqual([before])
    expect(account(outbox)).toMatchObject({ received: 1, accepted: 1, duplicate: 2 })
    expect(claimAll(outbox)).toEqual([])
  })

  for (const [first, second] of [
    [{}, { again: true }],
    [{ again: true }, {}],
  ]) {
    const ways = [first, second].map(way => (way?.again ? 'once more' : 'by the door')).join(', then ')
    rule(`[OB4] an event that comes ${ways}, is known`, bench => {
      const outbox = bench.open()
      take(outbox, [{ ...good, ...first }])
      take(outbox, [{ ...good, ...second }])
      expect(account(outbox)).toMatchObject({ received: 1, duplicate: 1, pending: 1 })
    })
  }

  rule('[OB4] the same id from another source is another event', ({ open, crash }) => {
    put(open(), [
      [good, elsewhere],
      [good, elsewhere],
    ])
    const outbox = put(crash(), [[elsewhere, good], [{ ...elsewhere, source: '/a third' }]])
    expect(account(outbox)).toMatchObject({ received: 3, duplicate: 4 })
    expect(claimIds(outbox)).toEqual(['EZ1', 'EZ1', 'EZ1'])
  })

  rule('[OB4] events without an identity, as sink tests, are never duplicates', ({ open }) => {
    const outbox = put(open(), [
      [sinkTest, sinkTest],
      [sinkTest],
      [{ verdict: 'rejected' }, { verdict: 'rejected' }],
    ])
    expect(account(outbox)).toMatchObject({ received: 5, duplicate: 0, skipped: 3, rejected: 2 })
  })

  const mended: Record<string, (outbox: OutboxStore, restart: () => OutboxStore) => OutboxStore> = {
    'rejected one, in the same request': outbox => put(outbox, [[bad, good]]),
    'rejected one, in the same turn': outbox => put(outbox, [[bad], [good]]),
    'rejected one, in a later turn': outbox => put(put(outbox, [[bad]]), [[good]]),
    'rejected one, after a restart': (outbox, restart) =>
      put(restartAfter(put(outbox, [[bad]]), restart), [[good]]),
    'refused one': outbox => put(refuseAll(put(outbox, [[good]])), [[good]]),
  }
  for (const [what, mend] of Object.entries(mended)) {
    rule(`[OB5] a good copy takes the place of a ${what}`, bench => {
      const outbox = mend(bench.open(), bench.crash)
      expect(account(outbox)).toMatchObject({
        received: 1,
        pending: 1,
        duplicate: 1,
        rejected: 0,
        refused: 0,
      })
      expect(list(outbox)).toMatchObject([{ state: 'pending', reason: null, detail: null }])
      put(outbox, [[good], [bad]])
      expect(account(outbox)).toMatchObject({ received: 1, pending: 1, duplicate: 3 })
      expect(claimIds(outbox)).toEqual(['EZ1'])
    })
  }

  rule('[OB5] the copy that mends may be of another type or version', ({ open }) => {
    const outbox = put(open(), [[{ ...bad, type: 'com.example.old', version: 1 }], [good]])
    expect(outbox.counts().filter(({ n }) => n > 0)).toEqual([
      { type: TYPE, version: 6, state: 'duplicate', reason: '', n: 1 },
      { type: TYPE, version: 6, state: 'pending', reason: '', n: 1 },
      { type: TYPE, version: 6, state: 'received', reason: '', n: 1 },
    ])
  })

  for (const [what, copy] of Object.entries({ rejected: bad, skipped: unknown })) {
    rule(`[OB5] a ${what} copy takes nobody's place`, ({ open }) => {
      const outbox = put(open(), [[good]])
      const [before] = list(refuseAll(outbox))
      put(outbox, [[copy], [copy]])
      expect(list(outbox)).toEqual([before])
      expect(account(outbox)).toMatchObject({ received: 1, refused: 1, duplicate: 2 })
    })
  }

  for (const is of states) {
    const mended = is !== 'pending'
    rule(
      `[OB5] sent again by a person, a copy takes ${mended ? 'the' : 'no'} place of one that is ${is}`,
      bench => {
        const outbox = bench.open()
        take(outbox, [is === 'rejected' ? bad : is === 'skipped' ? unknown : good])
        if (is === 'accepted') deliverAll(outbox)
        if (is === 'refused') refuseAll(outbox)
        take(outbox, [{ ...good, again: true }])
        expect(account(outbox)).toMatchObject({ received: 1, pending: 1, duplicate: 1 })
        expect(list(outbox).map(({ key }) => key)).toEqual([mended ? '2-0' : '1-0'])
        expect(outbox.replaced()).toBe(mended ? 1 : 0)
      },
    )
  }

  rule('[OB6] an event whose hash is taken by others is stored, and known again', ({ sql, open, crash }) => {
    const slot = fnv1a53(`${SOURCE}\nEZ1`)
    open()
    for (const next of [0, 1, 2]) occupy(sql, slot + next)
    const outbox = put(crash(), [[good, good], [bad]])
    expect(account(outbox)).toMatchObject({ received: 1, pending: 1, duplicate: 2 })
    put(outbox, [[{ id: 'EZ2' }, good]])
    expect(account(outbox)).toMatchObject({ received: 2, pending: 2, duplicate: 3 })
    expect(sql.all('SELECT identity FROM seen WHERE proof = 0')).toHaveLength(3)
  })

  rule(
    '[OB6] events of one hash are each stored once; after the last of 2^53 hashes comes the first',
    bench => {
      const last = Number.MAX_SAFE_INTEGER
      const entries = [1, 2, 3, 2].map(proof => [last, proof, TYPE, 6, 'pending', null, null])
      bench.open()
      for (const id of [1, 2]) insertRequest(bench.sql, id, entries)
      const outbox = bench.crash()
      sortAll(outbox)
      expect(account(outbox)).toMatchObject({ received: 3, pending: 3, duplicate: 5 })
    },
  )

  rule('[OB6] a good copy takes the place of its own bad one, not of one with the same hash', bench => {
    const rejected = (proof: number) => [7, proof, TYPE, 6, 'rejected', 'schema_rejected', null]
    bench.open()
    insertRequest(bench.sql, 1, [rejected(1), rejected(2), rejected(3)])
    insertRequest(bench.sql, 2, [[7, 2, TYPE, 6, 'pending', null, null]])
    const outbox = bench.crash()
    sortAll(outbox)
    const found = list(outbox).map(({ state, key }) => `${key} ${state}`)
    expect(found).toEqual(['2-0 pending', '1-2 rejected', '1-0 rejected'])
  })
}

function put(outbox: OutboxStore, requests: readonly (readonly Sample[])[]): OutboxStore {
  outbox.put(requests.map(request => parcelOf(request)))
  sortAll(outbox)
  return outbox
}

function claimed(outbox: OutboxStore): OutboxStore {
  claimAll(outbox)
  return outbox
}

function restartAfter(_: OutboxStore, restart: () => OutboxStore): OutboxStore {
  return restart()
}

function refuse(outbox: OutboxStore, events: readonly Leased[]): OutboxStore {
  const refused = { state: 'refused', reason: 'segment_refused' } as const
  outbox.settle(
    events.map(event => ({ event, ...refused })),
    NOW,
  )
  return outbox
}

function refuseAll(outbox: OutboxStore): OutboxStore {
  return refuse(outbox, claimAll(outbox))
}

/** As if an event that is not known had this very hash. */
function occupy(sql: Sql, slot: number): void {
  sql.all('INSERT INTO seen (identity, proof, request, position) VALUES (?, 0, 0, 0)', slot)
}

/** A kept request, past the hashing. */
function insertRequest(sql: Sql, id: number, entries: unknown): void {
  const insert = 'INSERT INTO requests (id, received_at, encoding, entries, body) VALUES (?, ?, ?, ?, ?)'
  sql.all(insert, id, NOW, 'text', JSON.stringify(entries), '[]')
}
