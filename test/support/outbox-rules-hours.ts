/** [DQ1]–[DQ6]: what came is counted by the hour and kind, with the events or not at all, and in bounded room. */
import { expect } from 'vitest'
import type { OutboxStore } from '../../src/outbox/store.ts'
import { type Counts, eventsOf, noCounts } from '../../src/stats/quality-sample.ts'
import { DAY, HOUR, NOW, requestRow, type Sample, SINK_TEST, samples, TYPE } from './outbox-bench.ts'
import { account, deliverAll, pruneAll, type StoreRule, sortAll, take } from './store-bench.ts'

const hourOf = (at: number) => Math.floor(at / HOUR)
const ever = { from: 0, to: Number.MAX_SAFE_INTEGER }
const unmapped = { type: 'com.example.other', version: 0, verdict: 'skipped' } as const
/** The smallest event that has everything it must, and a body. */
const data = {
  ...{ messageSid: 'SM0', timestamp: '2026-01-02T03:04:05Z', accountSid: 'AC0', eventName: TYPE },
  ...{
    apiVersion: '2010-04-01',
    from: '+15550100100',
    to: '+15550100199',
    messageStatus: 'SENT',
    body: 'Hi',
  },
}

export function registerHours(rule: StoreRule): void {
  rule(
    '[DQ1] an event is counted in the hour and kind it came in, by how it was judged',
    async ({ open }) => {
      const outbox = await open()
      await outbox.append([
        requestRow([
          { id: 'EZ1', data },
          { id: 'EZ2', verdict: 'rejected' },
          { ...unmapped, id: 'EZ3' },
        ]),
        requestRow(
          [
            { id: 'EZ4', data },
            { id: 'EZ5', version: 5, data },
          ],
          NOW + HOUR,
        ),
      ])
      await sortAll(outbox)
      const span = { from: hourOf(NOW), to: hourOf(NOW) }
      expect(await outbox.kindHours(span)).toMatchObject([
        { type: TYPE, version: 6, first: span.from, counts: { passing: 1, violating: 1, unmapped: 0 } },
        { ...name(unmapped), first: span.from, counts: { unmapped: 1, passing: 0 } },
        { type: TYPE, version: 5, first: span.from + 1, counts: noCounts },
      ])
      expect((await outbox.kindHours(span)).map(({ events }) => events)).toEqual([
        [
          { hour: span.from, n: 2 },
          { hour: span.from + 1, n: 1 },
        ],
        [{ hour: span.from, n: 1 }],
        [{ hour: span.from + 1, n: 1 }],
      ])
    },
  )

  rule('[DQ1] an event that names no customer passes its schema all the same', async ({ open }) => {
    const outbox = await open()
    const skipped = { verdict: 'skipped', data } as const
    await take(outbox, [
      { id: 'EZ1', ...skipped, reason: 'no_customer' },
      { id: 'EZ2', ...skipped, reason: 'customer_ambiguous' },
    ])
    const [kind] = await outbox.kindTotals()
    expect(kind?.counts).toMatchObject({ passing: 2, unmapped: 0, present: { messageStatus: 2 } })
  })

  rule(
    '[DQ1] a copy is a duplicate of the hour it came in, and nothing else, even one that mends',
    async bench => {
      const outbox = await bench.open()
      await take(outbox, [{ id: 'EZ1', verdict: 'rejected' }])
      await outbox.append([
        requestRow(
          [
            { id: 'EZ1', data },
            { id: 'EZ1', data },
          ],
          NOW + HOUR,
        ),
      ])
      await sortAll(outbox)
      expect(await account(outbox)).toMatchObject({ received: 1, duplicate: 2, pending: 1 })
      const span = { from: hourOf(NOW) + 1, to: hourOf(NOW) + 1 }
      expect(await outbox.kindHours(span)).toMatchObject([{ counts: { ...noCounts, duplicates: 2 } }])
      expect(await outbox.kindTotals()).toMatchObject([
        { counts: { passing: 0, violating: 1, duplicates: 2 } },
      ])
    },
  )

  rule('[DQ2] sink tests and what came by another way than the door are not counted', async ({ open }) => {
    const outbox = await open()
    await take(outbox, [
      { type: SINK_TEST, verdict: 'skipped' },
      { id: 'EZ1', again: true },
    ])
    const imported = requestRow([{ id: 'EZ2', data }])
    const kept: unknown[][] = JSON.parse(imported.kept)
    await outbox.append([{ ...imported, kept: JSON.stringify(kept.map(entry => entry.slice(0, 7))) }])
    await sortAll(outbox)
    expect(await account(outbox)).toMatchObject({ received: 3 })
    expect(await outbox.kindTotals()).toEqual([])
  })

  rule('[DQ3] properties and kinds of address are added up by name', async ({ open, crash }) => {
    const { body: _, ...bodiless } = data
    const events: Sample[] = [
      { id: 'EZ1', data },
      { id: 'EZ2', data },
      { id: 'EZ3', data: { ...bodiless, to: 'whatsapp:+15550100199' } },
      { id: 'EZ4', data: { ...data, to: 'messenger:42', body: '' } },
      { id: 'EZ5', verdict: 'rejected', data: { to: '12345', from: null, unheardOf: 1 } },
      { id: 'EZ6', verdict: 'rejected' },
      { id: 'EZ1', data },
    ]
    await take(await open(), events)
    const [kind] = await (await await crash()).kindTotals()
    expect(kind?.counts).toEqual({
      ...{ passing: 4, violating: 2, unmapped: 0, duplicates: 1 },
      present: {
        ...{ messageSid: 4, timestamp: 4, accountSid: 4, eventName: 4, apiVersion: 4, from: 4 },
        ...{ to: 5, messageStatus: 4, body: 2 },
      },
      identity: { phone: 3, other_scheme: 1, short_code: 1, missing: 1 },
    })
  })

  rule('[DQ4] the hours add up to the account, and a restart counts on', async ({ open, crash }) => {
    await take(await open(), samples(3), [{ id: 'EZ1', verdict: 'rejected' }], [unmapped])
    const outbox = await crash()
    expect(await outbox.kindTotals()).toHaveLength(2)
    await take(outbox, samples(4), [unmapped])
    await deliverAll(outbox)
    await pruneAll(outbox, NOW + 10 * DAY)
    const again = await crash()
    const { received, duplicate } = await account(again)
    expect(await sumOf(again)).toEqual([received, duplicate])
    expect(await again.kindTotals()).toEqual(await outbox.kindTotals())
    expect(await totalsOf(again)).toEqual((await again.kindTotals()).map(({ counts }) => counts))
  })
}

function name({ type, version }: { type: string; version: number }) {
  return { type, version }
}

/** Events and duplicates, over all hours and kinds, as the tables have them. */
async function sumOf(outbox: OutboxStore): Promise<[events: number, duplicates: number]> {
  const counts = await totalsOf(outbox)
  return [
    counts.reduce((sum, one) => sum + eventsOf(one), 0),
    counts.reduce((sum, { duplicates }) => sum + duplicates, 0),
  ]
}

async function totalsOf(outbox: OutboxStore): Promise<Counts[]> {
  return (await outbox.kindHours(ever)).map(({ counts }) => counts)
}
