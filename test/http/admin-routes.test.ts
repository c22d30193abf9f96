/** What the debugger page and a person's tools ask, and the two things they may do to a dead letter. */
import { describe, expect, it } from 'vitest'
import {
  ask,
  type Detail,
  describeHosts,
  type Hosted,
  listEvents,
  newestEvent,
  type Summary,
  shareBridge,
  someNotices,
  sumOfStates,
} from '../support/hosts.ts'
import {
  accountSid,
  inboundMessage,
  messageStatus,
  sendBody,
  sendEvents,
  sinkTest,
} from '../support/twilio.ts'

const bad = (id?: string) => messageStatus({ ...(id && { id }), data: { to: '' } })
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** Some events of each kind, all settled. */
async function fill(bridge: Hosted) {
  const good = Array.from({ length: 5 }, () => messageStatus())
  const inbound = inboundMessage({ to: '+15550100777', data: { body: 'Where is my "parcel"?' } })
  const poisoned = messageStatus({ id: 'EZpoison' })
  bridge.segment.fail({ kind: 'poison', messageIds: ['EZpoison'] })
  await sendEvents(bridge.webhook, [...good, inbound, poisoned])
  await sendEvents(bridge.webhook, [
    bad('EZbad1'),
    sinkTest(),
    bad('EZbad2'),
    { ...messageStatus(), type: 'com.twilio.other' },
  ])
  await sendBody(bridge.webhook, 'no JSON')
  await bridge.until(({ pending }) => pending === 0)
  return { good, inbound, poisoned }
}

describeHosts('looking', host => {
  const bridge = shareBridge(host)
  const list = (query = '') => listEvents(bridge(), query)
  let known: Awaited<ReturnType<typeof fill>>
  const filled = async () => (known ??= await fill(bridge()))

  it('[AP1] the account closes: received = pending + accepted + rejected + refused + skipped', async () => {
    await filled()
    const { counts: _, ...stats } = await bridge().stats()
    expect(stats).toMatchObject({
      ...{
        received: 12,
        accepted: 6,
        rejected: 3,
        refused: 1,
        skipped: 2,
        pending: 0,
        duplicates: 0,
        unsorted: 0,
        held: 0,
      },
      ...{
        oldestPendingSeconds: 0,
        troubles: [],
        delivery: { failures: 0, reason: null, nextAttemptAt: null },
      },
    })
    expect(sumOfStates(await bridge().stats())).toBe(stats.received)
  })

  it('[AP1] the account is told by type, version and reason as well', async () => {
    await filled()
    const { counts } = await bridge().stats()
    expect(counts).toContainEqual({
      ...{
        type: 'com.twilio.messaging.message.delivered',
        version: 7,
        state: 'rejected',
        reason: 'schema_rejected',
        n: 2,
      },
    })
    expect(counts).toContainEqual({ type: '', version: 0, state: 'rejected', reason: 'body_not_json', n: 1 })
  })

  it('[AP2] lists the newest first, each with what a person looks for', async () => {
    const { good, inbound } = await filled()
    const all = await list()
    expect(all.map(({ state }) => state).join(' ')).toBe(
      'rejected skipped rejected skipped rejected refused accepted accepted accepted accepted accepted accepted',
    )
    expect(all.slice(-5).map(({ id }) => id)).toEqual(good.map(({ id }) => id).reverse())
    expect(all.find(({ id }) => id === inbound.id)).toEqual({
      key: expect.stringMatching(/^[\w.-]+$/),
      ...{ type: inbound.type, version: 6, state: 'accepted', reason: null },
      ...{ id: inbound.id, source: inbound.source, customer: '+15550100777' },
      attempts: expect.any(Number),
      occurredAt: inbound.time,
      receivedAt: expect.stringMatching(isoTime),
      storedAt: expect.stringMatching(isoTime),
      triedAt: expect.stringMatching(isoTime),
      settledAt: expect.stringMatching(isoTime),
    })
  })

  it.each([
    ['state=accepted', 6],
    ['state=pending', 0],
    ['state=rejected', 3],
    ['state=refused', 1],
    ['state=skipped', 2],
    ['type=com.twilio.messaging.inbound-message.received', 1],
    ['type=com.twilio.messaging.message.delivered', 8],
    ['type=com.twilio.messaging.message', 0],
    ['reason=schema_rejected', 2],
    ['reason=sink_test', 1],
    ['state=rejected&reason=body_not_json', 1],
    ['state=accepted&reason=body_not_json', 0],
    ['q=15550100777', 1],
    ['q=%2B15550100777', 1],
    ['q=WHERE+IS', 1],
    ['q=%22parcel%22', 1],
    ['q=EZbad', 2],
    ['q=no+json', 1],
    ['q=there-is-no-such', 0],
    ['q=EZbad&state=accepted', 0],
    ['limit=4', 4],
    ['', 12],
  ])('[AP2] ?%s finds %i', async (query, count) => {
    await filled()
    expect(await list(query)).toHaveLength(count)
  })

  it.each(['', '&state=accepted', '&q=EZ', '&type=com.twilio.messaging.message.delivered'])(
    '[AP3] page by page gives what one page gives, each once (%s)',
    async filter => {
      await filled()
      const paged: Summary[] = []
      let pages = 0
      for (let before = ''; pages < 20; pages++) {
        const page = await bridge().api<{ events: Summary[]; next: string | null }>(
          `/api/events?limit=2${filter}${before}`,
        )
        expect(page.events.length).toBeLessThanOrEqual(2)
        paged.push(...page.events)
        if (page.next === null) break
        before = `&before=${encodeURIComponent(page.next)}`
      }
      expect(paged).toEqual(await list(`limit=500${filter}`))
    },
  )

  it('[AP4] shows an event as received, as mapped, and every attempt', async () => {
    const { inbound } = await filled()
    const [found] = await list('q=15550100777')
    const event = await bridge().api<Detail>(`/api/events/${found?.key}`)
    expect(event).toEqual({
      ...found,
      name: 'Message Received',
      received: inbound,
      mapped: {
        ...{ event: inbound.type, messageId: inbound.id, anonymousId: expect.stringMatching(/^\d+$/) },
        ...{ timestamp: inbound.time, properties: inbound.data },
        context: {
          app: { name: 'twilio-segment-bridge', version: expect.any(String) },
          externalIds: [{ id: '+15550100777', type: 'phone', collection: 'users', encoding: 'none' }],
        },
      },
      faults: [],
      answer: null,
      attempts: expect.any(Array),
      attemptCount: event.attempts.length,
      deliveries: [
        {
          ...{ destination: 'segment', state: 'accepted', reason: null, answer: null, messageId: inbound.id },
          ...{ settledAt: found?.settledAt, triedAt: found?.triedAt, attempts: event.attempts.length },
        },
      ],
      origins: expect.arrayContaining([
        expect.objectContaining({ to: '$.messageId', from: '$.id' }),
        { to: '$.context.externalIds[0].id', from: '$.data.from' },
      ]),
    })
    expect(event.attempts.at(-1)).toEqual({
      destination: 'segment',
      at: expect.stringMatching(isoTime),
      tookMs: expect.any(Number),
      events: expect.any(Number),
      ...{ reason: null, status: 200, answer: '{"success":true}' },
      headers: expect.objectContaining({ 'content-type': 'application/json' }),
    })
  })

  it('[AP4] shows why an event was rejected, fault by fault, and no attempt', async () => {
    await filled()
    const [found] = await list('q=EZbad2')
    expect(await bridge().api<Detail>(`/api/events/${found?.key}`)).toMatchObject({
      ...{ state: 'rejected', reason: 'schema_rejected', mapped: null, attempts: [], answer: null },
      faults: [{ path: '$.data.to', expected: 'non-empty string', received: '""' }],
    })
  })

  it("[AP4] shows Segment's answer to what it refused", async () => {
    await filled()
    const [found] = await list('state=refused')
    const event = await bridge().api<Detail>(`/api/events/${found?.key}`)
    expect(event).toMatchObject({
      reason: 'segment_refused',
      answer: expect.stringMatching(/\S/),
      mapped: { messageId: 'EZpoison' },
    })
    expect(event.attempts.at(-1)).toMatchObject({ events: 1, status: 400, reason: 'segment_refused' })
  })

  it('[AP4] shows a body that is no JSON as its text', async () => {
    await filled()
    expect(await newestEvent(bridge())).toMatchObject({
      received: 'no JSON',
      reason: 'body_not_json',
      id: null,
      customer: null,
    })
  })

  it.each(['999-0', '1-999', '1', 'x', '0-0', '1-0-0', '..%2f', '1-99999999999999999999', '%00'])(
    '[AP4] knows no event %s',
    async key => {
      await filled()
      expect(await ask(bridge(), `/api/events/${key}`)).toMatchObject({
        status: 404,
        json: { error: 'not_found' },
      })
    },
  )

  it.each([
    ['/api/events?state=unknown', 'state'],
    ['/api/events?limit=0', 'limit'],
    ['/api/events?limit=501', 'limit'],
    ['/api/events?limit=all', 'limit'],
    ['/api/events?limit=1.5', 'limit'],
    ['/api/events?limit=', 'limit'],
    ['/api/events?before=now%20then', 'before'],
    ['/api/events?before=', 'before'],
    [`/api/events?q=${'x'.repeat(201)}`, 'q'],
    ['/api/events?stat=accepted', ''],
    ['/api/notices?limit=0', 'limit'],
    ['/api/notices?limit=1001', 'limit'],
    ['/api/notices?since=yesterday', ''],
  ])('[AP5] %s is answered 400, and says what is wrong', async (path, at) => {
    const { status, json } = await ask(bridge(), path)
    expect({ status, json }).toEqual({
      status: 400,
      json: {
        error: 'wrong_query',
        message: expect.any(String),
        faults: [{ path: at, message: expect.stringMatching(/\S/) }],
      },
    })
  })

  it('[AP5] state=held is answered 400 with the query that finds events held back', async () => {
    const { status, text } = await ask(bridge(), '/api/events?state=held')
    expect(status).toBe(400)
    expect(text).toContain('state=pending&reason=held_back')
  })

  it('[AP6] tells the notices, newest first, in the shape of a Debugger event', async () => {
    await filled()
    const notices = await someNotices(bridge())
    // Each component has a clock of its own.
    const components = notices.map(({ payload }) => payload.more_info.component)
    expect(components).toEqual([...new Set(components)])
    const [notice] = notices
    expect(notice).toMatchObject({
      sid: expect.stringMatching(/^NO[0-9a-f]{32}$/),
      account_sid: accountSid,
      timestamp: expect.stringMatching(isoTime),
      level: expect.stringMatching(/^(Error|Warning)$/),
      error_code: expect.any(Number),
      payload: {
        resource_sid: `DG${'0'.repeat(32)}`,
        message: expect.stringMatching(/\S/),
        more_info: {
          reason: expect.any(String),
          remedy: expect.stringMatching(/\S/),
          counts: expect.any(Object),
        },
      },
    })
    expect(JSON.stringify(notice)).not.toMatch(/\+1555010\d{4}/)
    expect(await ask(bridge(), '/api/notices?limit=1')).toMatchObject({ json: { notices: [notice] } })
  })
})

describeHosts('dead letters', host => {
  const one = async (bridge: Hosted, query: string) => {
    const [found] = await listEvents(bridge, query)
    if (!found) throw new Error(`There is no event for ${query}`)
    return `/api/events/${found.key}`
  }
  const post = (bridge: Hosted, path: string, body?: unknown) =>
    ask(bridge, path, { method: 'POST', ...(body !== undefined && { body }) })

  describe('that can go nowhere', () => {
    const bridge = shareBridge(host)

    it('[AP7] a retry of what is still wrong is answered 409, with the reason and the faults', async () => {
      await sendEvents(bridge().webhook, [bad('EZ409')])
      const { status, json } = await post(bridge(), `${await one(bridge(), 'q=EZ409')}/retry`)
      expect({ status, json }).toMatchObject({
        status: 409,
        json: { done: false, state: 'rejected', reason: 'schema_rejected', faults: [{ path: '$.data.to' }] },
      })
      expect((await listEvents(bridge(), 'q=EZ409'))[0]?.state).toBe('rejected')
    })

    it('[AP7] a retry of a type without a family is answered 409', async () => {
      await sendEvents(bridge().webhook, [{ ...messageStatus(), type: 'com.twilio.other' }, sinkTest()])
      const retry = async (query: string) =>
        (await post(bridge(), `${await one(bridge(), query)}/retry`)).json
      expect(await retry('type=com.twilio.other')).toMatchObject({
        state: 'skipped',
        reason: 'type_unmapped',
      })
      expect(await retry('reason=sink_test')).toMatchObject({ state: 'skipped', reason: 'sink_test' })
    })

    it.each(['retry', 'drop'])('[AP7] a %s of what is accepted is answered 409', async action => {
      await sendEvents(bridge().webhook, [messageStatus({ id: `EZ${action}` })])
      await bridge().until(({ pending }) => pending === 0)
      const { status, json } = await post(bridge(), `${await one(bridge(), `q=EZ${action}`)}/${action}`)
      expect({ status, json }).toEqual({
        status: 409,
        json: { done: false, state: 'accepted', reason: 'not_a_dead_letter' },
      })
    })

    it.each(['retry', 'drop'])('[AP7] a %s of what there is not is answered 404', async action => {
      const { status, json } = await post(bridge(), `/api/events/999999-0/${action}`)
      expect({ status, json }).toEqual({ status: 404, json: { done: false, reason: 'not_found' } })
    })

    it('[AP7] GET changes nothing', async () => {
      const key = await one(bridge(), 'q=EZ409')
      expect((await ask(bridge(), `${key}/drop`)).status).toBe(404)
      expect((await listEvents(bridge(), 'q=EZ409'))[0]?.state).toBe('rejected')
    })
  })

  it('[AP8] a retry of what Segment refused goes out again, and is accepted once it may be', async () => {
    await using bridge = await host.start()
    bridge.segment.fail({ kind: 'poison', messageIds: ['EZpoison'] })
    await sendEvents(bridge.webhook, [messageStatus({ id: 'EZpoison' })])
    await bridge.until(({ refused }) => refused === 1)
    const path = await one(bridge, 'q=EZpoison')

    await post(bridge, `${path}/retry`)
    await bridge.until(({ refused }) => refused === 1)
    expect(bridge.segment.ids.size).toBe(0)

    bridge.segment.heal()
    expect(await post(bridge, `${path}/retry`)).toMatchObject({
      status: 200,
      json: { done: true, state: 'pending' },
    })
    await bridge.until(({ accepted }) => accepted === 1)
    expect([...bridge.segment.ids]).toEqual(['EZpoison'])
    const { attempts, answer } = await bridge.api<Detail>(path)
    expect(attempts.length).toBeGreaterThanOrEqual(3)
    expect(answer).toBe(null)
  })

  it('[AP8] a dropped one is skipped and not sent, and can be taken back', async () => {
    await using bridge = await host.start()
    bridge.segment.fail({ kind: 'poison', messageIds: ['EZpoison'] })
    await sendEvents(bridge.webhook, [messageStatus({ id: 'EZpoison' })])
    await bridge.until(({ refused }) => refused === 1)
    const path = await one(bridge, 'q=EZpoison')
    expect(await post(bridge, `${path}/drop`)).toMatchObject({
      status: 200,
      json: { done: true, state: 'skipped' },
    })
    expect(await bridge.api<Detail>(path)).toMatchObject({ state: 'skipped', reason: 'dropped_by_operator' })
    expect(await bridge.stats()).toMatchObject({ received: 1, refused: 0, skipped: 1 })

    bridge.segment.heal()
    expect((await post(bridge, `${path}/retry`)).status).toBe(200)
    await bridge.until(({ accepted }) => accepted === 1)
  })

  describe('in bulk', () => {
    const bridge = shareBridge(host)
    const bulk = (action: string, body?: unknown) => post(bridge(), `/api/dead-letters/${action}`, body)
    let filled = false
    const fillOnce = async () => {
      if (filled) return
      filled = true
      bridge().segment.fail({ kind: 'poison', messageIds: { prefix: 'EZpoison' } })
      for (let index = 0; index < 5; index++) {
        await sendEvents(bridge().webhook, [messageStatus({ id: `EZpoison${index}` }), messageStatus()])
        await bridge().until(({ pending }) => pending === 0)
      }
      await sendEvents(
        bridge().webhook,
        Array.from({ length: 300 }, () => bad()),
      )
      await sendEvents(bridge().webhook, [{ ...inboundMessage(), data: {} }, { specversion: '1.0' }])
      await bridge().until(({ refused, rejected }) => refused === 5 && rejected === 302)
    }

    it('[AP9] a filter finds by state, reason and type; what is still wrong stays', async () => {
      await fillOnce()
      expect((await bulk('retry', { state: 'rejected' })).json).toEqual({ matched: 302, ready: 0, done: 0 })
      expect((await bulk('drop', { state: 'refused', reason: 'schema_rejected' })).json).toEqual({
        matched: 0,
        ready: 0,
        done: 0,
      })
      expect((await bulk('drop', { type: inboundMessage().type })).json).toEqual({
        matched: 1,
        ready: 1,
        done: 1,
      })
      expect((await bulk('drop', { reason: 'not_a_cloudevent' })).json).toEqual({
        matched: 1,
        ready: 1,
        done: 1,
      })
      expect(await bridge().stats()).toMatchObject({ rejected: 300, refused: 5, skipped: 2 })
    })

    it('[AP9] a filter may stand in the query', async () => {
      await fillOnce()
      const { json } = await post(bridge(), '/api/dead-letters/drop?reason=event_too_large')
      expect(json).toEqual({ matched: 0, ready: 0, done: 0 })
    })

    it('[AP9] retries what may go', async () => {
      await fillOnce()
      bridge().segment.heal()
      expect((await bulk('retry', { state: 'refused' })).json).toEqual({ matched: 5, ready: 5, done: 5 })
      await bridge().until(({ accepted }) => accepted === 10)
      expect((await bridge().stats()).refused).toBe(0)
    })

    it.each([
      [{ state: 'pending' }, 'drop'],
      [{ state: 'accepted' }, 'drop'],
      [{ state: 'skipped' }, 'drop'],
      [{ state: 'accepted' }, 'retry'],
      [{ stat: 'rejected' }, 'drop'],
      [{ reason: 7 }, 'drop'],
      [[], 'drop'],
      ['rejected', 'drop'],
      [null, 'drop'],
    ])('[AP9] %j is no filter for %s: 400, and nothing is done', async (body, action) => {
      await fillOnce()
      const before = await bridge().stats()
      expect(await bulk(action, body)).toMatchObject({ status: 400, json: { error: 'wrong_query' } })
      expect(await bridge().stats()).toMatchObject({ skipped: before.skipped, rejected: before.rejected })
    })

    it('[AP9] a body that is no JSON is no filter', async () => {
      await fillOnce()
      const headers = { authorization: `Bearer ${bridge().adminToken}` }
      const { status } = await fetch(`${bridge().origin}/api/dead-letters/drop`, {
        method: 'POST',
        headers,
        body: '{',
      })
      expect(status).toBe(400)
    })

    it('[AP9] without a filter it is all dead letters, however many pages', async () => {
      await fillOnce()
      const { rejected, refused } = await bridge().stats()
      const all = rejected + refused
      expect((await bulk('drop')).json).toEqual({ matched: all, ready: all, done: all })
      const stats = await bridge().stats()
      expect(stats).toMatchObject({ rejected: 0, refused: 0 })
      expect(sumOfStates(stats)).toBe(stats.received)
    })
  })
})
