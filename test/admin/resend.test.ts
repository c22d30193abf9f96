/** Accepted events sent again: one by its key, or all of a span of time; same ids, and the account closes. */
// @module-tag long
import { describe, expect, it } from 'vitest'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { ask, describeHosts, type Hosted, listEvents, sumOfStates } from '../support/hosts.ts'
import { deliverAll, list, NOW, samples, take } from '../support/outbox-bench.ts'
import { openFile } from '../support/outbox-node.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

type Resent = { matched: number; pruned: number; done: number; until: string; next: string | null }

const LONG_AGO = '2026-01-01T00:00:00Z'

/** All slices, as a caller asks for them. */
async function resend(bridge: Hosted, body: Record<string, unknown>): Promise<Omit<Resent, 'next'>> {
  const sum = { matched: 0, pruned: 0, done: 0, until: '' }
  let query = body
  for (;;) {
    const { status, text } = await ask(bridge, '/api/events/resend', { body: query })
    expect(status, text).toBe(200)
    const { next, until, ...page }: Resent = JSON.parse(text)
    sum.matched += page.matched
    sum.pruned += page.pruned
    sum.done += page.done
    sum.until = until
    if (next === null) return sum
    query = { ...body, until, after: next }
  }
}

describeHosts('sending again', host => {
  it('[AP102] in bulk: a preview changes nothing; then accepted −n, pending +n, the same ids arrive, the account closes', async () => {
    await using bridge = await host.start({ ...(host.name === 'Workers' && { OUTBOX_SHARDS: '2' }) })
    const events = Array.from({ length: 12 }, () => messageStatus())
    const inbound = messageStatus({ type: 'sent' })
    await sendEvents(bridge.webhook, [...events, inbound])
    await bridge.until(({ accepted }) => accepted === 13)

    expect(await resend(bridge, { since: LONG_AGO, preview: true })).toMatchObject({
      matched: 13,
      pruned: 0,
      done: 0,
    })
    expect(await bridge.stats()).toMatchObject({ accepted: 13, pending: 0 })
    expect(await resend(bridge, { since: LONG_AGO, until: LONG_AGO })).toMatchObject({ matched: 0, done: 0 })
    const future = new Date(Date.now() + 60_000).toISOString()
    expect(await resend(bridge, { since: future })).toMatchObject({ matched: 0, done: 0 })
    expect(bridge.segment.duplicates).toBe(0)

    bridge.segment.fail({ kind: 'status', status: 500 })
    const type = inbound.type
    expect(await resend(bridge, { since: LONG_AGO, type })).toMatchObject({ matched: 1, done: 1 })
    expect(await resend(bridge, { since: LONG_AGO })).toMatchObject({ matched: 12, done: 12 })
    const waiting = await bridge.stats()
    expect(waiting).toMatchObject({ received: 13, accepted: 0, pending: 13 })
    expect(sumOfStates(waiting)).toBe(13)

    bridge.segment.heal()
    const after = await bridge.until(({ accepted }) => accepted === 13, 60_000)
    expect(after).toMatchObject({ received: 13, pending: 0, duplicates: 0 })
    expect(bridge.segment.duplicates).toBe(13)
    expect(bridge.segment.ids.size).toBe(13)
  }, 120_000)

  it('[AP101] one: accepted goes again, pending and unknown are refused with the reason', async () => {
    await using bridge = await host.start()
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ accepted }) => accepted === 1)
    const [event] = await listEvents(bridge)
    const path = `/api/events/${event?.key}/resend`
    bridge.segment.fail({ kind: 'status', status: 500 })
    expect((await ask(bridge, path, { method: 'POST' })).json).toEqual({ done: true, state: 'pending' })
    const again = await ask(bridge, path, { method: 'POST' })
    expect(again).toMatchObject({
      status: 409,
      json: { done: false, state: 'pending', reason: 'already_pending' },
    })
    expect((await ask(bridge, '/api/events/99999-0/resend', { method: 'POST' })).status).toBe(404)
    // The way for dead letters stays closed to what was accepted.
    bridge.segment.heal()
    await bridge.until(({ accepted }) => accepted === 1, 60_000)
    expect((await ask(bridge, `/api/events/${event?.key}/retry`, { method: 'POST' })).status).toBe(409)
    expect(bridge.segment.duplicates).toBe(1)
  }, 120_000)

  it('[AP101] one that is invalid is refused with its faults, as by retry', async () => {
    await using bridge = await host.start()
    await sendEvents(bridge.webhook, [messageStatus({ data: { to: 7 } })])
    const [event] = await listEvents(bridge)
    const { status, json } = await ask(bridge, `/api/events/${event?.key}/resend`, { method: 'POST' })
    expect(status).toBe(409)
    expect(json).toMatchObject({ done: false, reason: 'schema_rejected', faults: [{ path: '$.data.to' }] })
  })

  it('[AP5] a wrong or unknown field is not understood, and sends nothing', async () => {
    await using bridge = await host.start()
    const bodies = [
      {},
      { since: '6h' },
      { since: LONG_AGO, all: true },
      { since: LONG_AGO, after: '../' },
      'x',
    ]
    for (const body of bodies) {
      const { status, json } = await ask(bridge, '/api/events/resend', { body })
      expect(status).toBe(400)
      expect(json).toMatchObject({ error: 'wrong_query' })
    }
  })
})

describe('the outbox', () => {
  const all = { since: NOW, until: NOW + 1 }

  it('[OB100] goes through all events page by page, each once, and leaves alone what is not accepted', () => {
    const file = openFile()
    const outbox = createOutbox(file.sql, { retentionMs: 0, dedupeMs: 0 })
    take(outbox, samples(700), samples(500, 701), [{ id: 'dead', verdict: 'rejected' }])
    deliverAll(outbox)
    take(outbox, samples(3, 2_001))
    let after: string | undefined
    const pages = []
    do {
      const page = outbox.resendPage({ ...all, after }, NOW)
      pages.push(page.done)
      after = page.next
    } while (after !== undefined)
    expect(pages).toEqual([500, 500, 200])
    expect([outbox.total('accepted'), outbox.total('pending'), outbox.total('rejected')]).toEqual([
      0, 1_203, 1,
    ])
    expect(list(outbox, { state: 'pending' })).toHaveLength(1_203)
    deliverAll(outbox, NOW + 1)
    expect(outbox.resendPage(all, NOW).matched).toBe(0)
    file.close()
  })

  it('[OB101] A1: an event of a damaged row is counted and stays accepted, for it would become a dead letter', () => {
    const file = openFile()
    const outbox = createOutbox(file.sql, { retentionMs: 1e9, dedupeMs: 1e9 })
    take(outbox, samples(3))
    take(outbox, samples(2, 11))
    deliverAll(outbox)
    file.sql.exec("UPDATE requests SET body = body || '1' WHERE id = 1")
    for (const preview of [true, false]) {
      const done = preview ? 0 : 2
      expect(outbox.resendPage({ ...all, preview }, NOW)).toMatchObject({ matched: 5, pruned: 3, done })
    }
    deliverAll(outbox)
    expect([outbox.total('accepted'), outbox.total('rejected')]).toEqual([5, 0])
    file.close()
  })

  it('[OB101] an event whose bytes are pruned is counted and stays accepted', () => {
    const file = openFile()
    const outbox = createOutbox(file.sql, { retentionMs: 1_000, dedupeMs: 1_000_000 })
    take(outbox, samples(3))
    deliverAll(outbox)
    while (outbox.prune(NOW + 2_000));
    take(outbox, samples(2, 11))
    deliverAll(outbox)
    for (const preview of [true, false]) {
      const done = preview ? 0 : 2
      expect(outbox.resendPage({ ...all, preview }, NOW)).toEqual({
        matched: 5,
        pruned: 3,
        done,
        next: undefined,
      })
    }
    expect([outbox.total('accepted'), outbox.total('pending')]).toEqual([3, 2])
    file.close()
  })
})
