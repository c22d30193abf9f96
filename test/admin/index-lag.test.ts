/** What a read shows while much is stored and not indexed yet. */
// @module-tag long
import { describe, expect, it } from 'vitest'
import { openTestbed } from '../support/dispatcher.ts'
import { messageStatus } from '../support/twilio.ts'

const EVENTS = 5_000
const A_REQUEST = 500

function openLagging() {
  const bench = openTestbed({ deliver: async () => ({ kind: 'accepted', status: 200, answer: '' }) })
  for (let n = 0; n < EVENTS; n += A_REQUEST)
    bench.take(...Array.from({ length: A_REQUEST }, () => messageStatus({ data: { to: '' } })))
  return bench
}

describe('a read while the index lags', () => {
  it('[IX111] [IX112] indexes 2,000 events, shows them, and says how many are missing', async () => {
    const { admin, outbox } = openLagging()
    expect(admin.stats()).toMatchObject({ received: 2_000, rejected: 2_000, unsorted: 3_000 })
    expect(admin.deadLetters()).toMatchObject({ groups: [{ count: 4_000 }], unsorted: 1_000 })
    const { events, unsorted } = admin.events({ limit: 1 })
    expect([events.length, unsorted, outbox.total('received')]).toEqual([1, 0, EVENTS])
  })

  it('[IX113] a bulk action waits until all of them are indexed', async () => {
    const { admin, outbox } = openLagging()
    const dropped = admin.changeMany('drop', { state: 'rejected' })
    // It gives others their turn meanwhile.
    expect(outbox.unsorted()).toBeGreaterThan(0)
    expect(await dropped).toMatchObject({ matched: EVENTS, done: EVENTS })
  })

  it('[IX113] it does not wait for what comes while it indexes', async () => {
    const { admin, outbox, take } = openLagging()
    const later = Array.from({ length: 3_000 }, () => messageStatus())
    let turns = 0
    const arriving = setInterval(() => {
      if (turns++ < 100) take(...later)
    })
    expect(await admin.changeMany('drop', { state: 'rejected', preview: true })).toMatchObject({
      matched: EVENTS,
    })
    clearInterval(arriving)
    expect(turns).toBeLessThan(100)
    expect(outbox.unsorted()).toBeGreaterThan(0)
  })
})
