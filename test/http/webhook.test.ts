/** What the webhook answers, host by host: everything between Twilio's request and the outbox. */
import { describe, expect, it } from 'vitest'
import {
  describeHostsQuick,
  type Hosted,
  listEvents,
  newestEvent,
  shareBridge,
  someNotices,
  sumOfStates,
  toReply,
  untilAnswered,
} from '../support/hosts.ts'
import { sha256, sign } from '../support/signatures.ts'
import { authToken, messageStatus, sendBody, sendEvents, sinkTest } from '../support/twilio.ts'

const signature = `${'A'.repeat(27)}=`

async function knock(url: string, init: RequestInit = { method: 'POST', body: '[]' }) {
  return toReply(await fetch(url, init))
}

/** A request with any method, signed over its URL. */
async function signed(bridge: Hosted, method: string, body = '[]') {
  const url = `${bridge.webhook}?bodySHA256=${sha256(body)}`
  const headers = { 'x-twilio-signature': sign(url, authToken) }
  return knock(url, { method, headers, ...(method !== 'GET' && method !== 'HEAD' && { body }) })
}

describeHostsQuick('the webhook', host => {
  describe('takes what Twilio signed', () => {
    const bridge = shareBridge(host)

    it('[DR1] answers 200 with how many came and how many were rejected, once they are stored', async () => {
      const good = [messageStatus(), messageStatus()]
      const { status, json, headers } = await toReply(
        await sendEvents(bridge().webhook, [...good, { specversion: '1.0' }]),
      )
      expect({ status, json }).toEqual({ status: 200, json: { received: 3, rejected: 1 } })
      expect(headers.get('content-type')).toBe('application/json')
      // Asked at once, over another connection: the answer came after the commit.
      const [first, second, third] = await listEvents(bridge(), 'limit=3')
      expect([third?.id, second?.id, first?.state]).toEqual([good[0]?.id, good[1]?.id, 'rejected'])
    })

    it('[DR1] answers an empty array with nothing received', async () => {
      const before = await bridge().stats()
      const { status, json } = await toReply(await sendEvents(bridge().webhook, []))
      expect({ status, json }).toEqual({ status: 200, json: { received: 0, rejected: 0 } })
      expect((await bridge().stats()).received).toBe(before.received)
    })

    it('[DR2] answers 200 to a body that is not JSON, and keeps it as rejected with its fault', async () => {
      const { status, json } = await toReply(await sendBody(bridge().webhook, '{"specversion":"1.0",'))
      expect({ status, json }).toEqual({ status: 200, json: { received: 1, rejected: 1 } })
      expect(await newestEvent(bridge())).toMatchObject({
        ...{
          state: 'rejected',
          reason: 'body_not_json',
          type: '',
          received: '{"specversion":"1.0",',
          mapped: null,
        },
        faults: [{ path: '$', expected: 'JSON', received: expect.stringContaining('JSON') }],
      })
    })

    it('[DR2] answers 200 to what is no CloudEvent, and names each fault by its path', async () => {
      const { type, source, ...event } = messageStatus()
      const { status } = await sendEvents(bridge().webhook, [{ ...event, type: 7, specversion: '2.0' }])
      expect(status).toBe(200)
      const { state, reason, id, faults } = await newestEvent(bridge())
      expect({ state, reason, id }).toEqual({ state: 'rejected', reason: 'not_a_cloudevent', id: event.id })
      expect(faults).toEqual([
        { path: '$.specversion', expected: '"1.0"', received: '"2.0"' },
        { path: '$.source', expected: 'non-empty string', received: 'missing' },
        { path: '$.type', expected: 'non-empty string', received: 'number 7' },
      ])
      expect([type, source]).not.toContain(undefined)
    })

    it('[DR2] answers 200 to data that does not fit its schema, and names each fault by its path', async () => {
      const { status, json } = await toReply(
        await sendEvents(bridge().webhook, [messageStatus({ data: { to: '', messageStatus: 1 } })]),
      )
      expect({ status, json }).toEqual({ status: 200, json: { received: 1, rejected: 1 } })
      const { state, reason, version, faults } = await newestEvent(bridge())
      expect({ state, reason, version }).toEqual({ state: 'rejected', reason: 'schema_rejected', version: 7 })
      expect(faults.map(({ path }) => path).sort()).toEqual(['$.data.messageStatus', '$.data.to'])
    })

    it('[DR3] keeps the neighbours of a bad event', async () => {
      const good = [messageStatus(), messageStatus(), messageStatus(), messageStatus()]
      const [first, second, ...others] = good
      const body = [first, null, second, 'text', 7, { ...messageStatus(), data: [] }, ...others]
      const { json } = await toReply(await sendEvents(bridge().webhook, body))
      expect(json).toEqual({ received: 8, rejected: 4 })
      const listed = await listEvents(bridge(), 'limit=8')
      const kept = listed.filter(({ state }) => state !== 'rejected').map(({ id }) => id)
      expect(kept.reverse()).toEqual(good.map(({ id }) => id))
    })

    it('[DR14] answers 200 to a copy, counts it and stores nothing', async () => {
      const event = messageStatus()
      await sendEvents(bridge().webhook, [event])
      const before = await bridge().stats()
      const again = await toReply(await sendEvents(bridge().webhook, [event, messageStatus(), event]))
      expect({ status: again.status, json: again.json }).toEqual({
        status: 200,
        json: { received: 3, rejected: 0 },
      })
      const after = await bridge().stats()
      expect(after.received - before.received).toBe(1)
      expect(after.duplicates - before.duplicates).toBe(2)
      expect(sumOfStates(after)).toBe(after.received)
    })

    it('[DR14] takes every sink test for one of its own, and sends none', async () => {
      const before = await bridge().stats()
      await sendEvents(bridge().webhook, [sinkTest()])
      await sendEvents(bridge().webhook, [sinkTest(), sinkTest()])
      const after = await bridge().stats()
      expect(after.skipped - before.skipped).toBe(3)
      expect(after.duplicates).toBe(before.duplicates)
      const { state, reason } = await newestEvent(bridge())
      expect({ state, reason }).toEqual({ state: 'skipped', reason: 'sink_test' })
    })

    it('[DR1] keeps an event of an unknown type as skipped', async () => {
      const type = 'com.twilio.intelligence.operator-result.created'
      const { json } = await toReply(await sendEvents(bridge().webhook, [{ ...messageStatus(), type }]))
      expect(json).toEqual({ received: 1, rejected: 0 })
      expect(await newestEvent(bridge())).toMatchObject({
        type,
        state: 'skipped',
        reason: 'type_unmapped',
        mapped: null,
      })
    })
  })

  describe('turns the rest away', () => {
    const bridge = shareBridge(host, () => ({ MAX_BODY_BYTES: '100000' }))
    const stored = async () => (await bridge().stats()).received

    it('[DR4] answers 503 with Retry-After to a signature that fits no token, and stores nothing', async () => {
      const { status, headers, json } = await toReply(
        await sendEvents(bridge().webhook, [messageStatus()], { token: 'another token' }),
      )
      expect(status).toBe(503)
      expect(headers.get('retry-after')).toBe('10')
      expect(json).toMatchObject({
        error: 'signature_mismatch',
        remedy: expect.stringContaining('PUBLIC_URL'),
      })
      expect(await stored()).toBe(0)
    })

    it('[DR4] answers 503 when the URL is signed but not this body', async () => {
      const url = `${bridge().webhook}?bodySHA256=${sha256('[]')}`
      const headers = { 'x-twilio-signature': sign(url, authToken) }
      const { status, json } = await knock(url, { method: 'POST', body: '[{}]', headers })
      expect({ status, json }).toMatchObject({ status: 503, json: { error: 'signature_mismatch' } })
      expect(await stored()).toBe(0)
    })

    it('[DR4] tells no token and no signature in its answer', async () => {
      const { text } = await toReply(await sendEvents(bridge().webhook, [], { token: 'another token' }))
      expect(text).not.toContain(authToken)
      expect(text).not.toContain(bridge().adminToken)
    })

    it.each([
      ['no signature', '?bodySHA256=00', {}, 'signature_missing'],
      ['an empty signature', '?bodySHA256=00', { 'x-twilio-signature': '' }, 'signature_missing'],
      ['a signature that is none', '?bodySHA256=00', { 'x-twilio-signature': 'abc' }, 'signature_malformed'],
      ['a hex signature', '?bodySHA256=00', { 'x-twilio-signature': 'a'.repeat(40) }, 'signature_malformed'],
      [
        'two signatures that are none',
        '?bodySHA256=00',
        { 'x-twilio-signature': 'abc, abd' },
        'signature_malformed',
      ],
      ['no bodySHA256', '', { 'x-twilio-signature': signature }, 'body_hash_missing'],
      [
        'a bodySHA256 in another case',
        '?bodysha256=00',
        { 'x-twilio-signature': signature },
        'body_hash_missing',
      ],
    ])('[DR5] answers 403 to %s', async (_, query, headers, error) => {
      const { status, json } = await knock(bridge().webhook + query, { method: 'POST', body: '[]', headers })
      expect({ status, json }).toMatchObject({ status: 403, json: { error } })
      expect(await stored()).toBe(0)
    })

    // Local workerd at times cuts the connection of an answer that comes before the whole body.
    const again = { retry: 3 }
    it(
      '[DR80] answers 503 to a signed body over MAX_BODY_BYTES, and takes one of exactly that size',
      again,
      async () => {
        const full = JSON.stringify([messageStatus()]).padEnd(100_000)
        const { status, headers, json } = await toReply(
          await untilAnswered(() => sendBody(bridge().webhook, `${full} `)),
        )
        expect({ status, json }).toMatchObject({ status: 503, json: { error: 'body_too_large' } })
        expect(headers.get('retry-after')).toBe('10')
        expect(await stored()).toBe(0)
        expect((await untilAnswered(() => sendBody(bridge().webhook, full))).status).toBe(200)
        expect(await stored()).toBe(1)
      },
    )

    it(
      '[DR100] answers 503 signature_mismatch to one over the limit that another token signs',
      again,
      async () => {
        const body = ' '.repeat(100_001)
        const send = () => sendBody(bridge().webhook, body, { token: 'the token of yesterday' })
        const { status, json } = await toReply(await untilAnswered(send))
        expect({ status, json }).toMatchObject({ status: 503, json: { error: 'signature_mismatch' } })
      },
    )

    it.each([
      ['one byte over the limit', 100_001, 503],
      ['of exactly the limit', 100_000, 200],
    ])('[DR80] reads a body in chunks %s as any other', async (_, size, expected) => {
      const before = await stored()
      const body = JSON.stringify([messageStatus()]).padEnd(size)
      const url = `${bridge().webhook}?bodySHA256=${sha256(body)}`
      const headers = { 'x-twilio-signature': sign(url, authToken) }
      const init = { method: 'POST', headers, duplex: 'half' } as const
      const { status } = await untilAnswered(() => fetch(url, { ...init, body: new Blob([body]).stream() }))
      expect(status).toBe(expected)
      expect(await stored()).toBe(before + (expected === 200 ? 1 : 0))
    })

    it('[DR17] reads no large body before its URL has proved to be signed', async () => {
      const { status, json } = await toReply(
        await sendBody(bridge().webhook, ' '.repeat(90_000), { token: 'another token' }),
      )
      expect({ status, json }).toMatchObject({ status: 503, json: { error: 'signature_mismatch' } })
    })

    it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'GET'])(
      '[DR7] answers 405 to an unsigned %s',
      async method => {
        const { status, headers, text } = await knock(bridge().webhook, { method })
        expect(status).toBe(405)
        expect(headers.get('allow')).toBe('POST')
        expect(text === '').toBe(method === 'HEAD')
      },
    )

    it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])(
      '[DR7] answers 405 to a signed %s',
      async method => {
        expect((await signed(bridge(), method)).status).toBe(405)
      },
    )

    it('[DR7] answers 503 to a signed GET: the sink uses the wrong method', async () => {
      const { status, headers, json } = await signed(bridge(), 'GET')
      expect(status).toBe(503)
      expect(headers.get('retry-after')).toBe('10')
      expect(json).toMatchObject({ error: 'sink_uses_get', remedy: expect.stringContaining('POST') })
    })
  })

  describe('tells the operator', () => {
    it('[DR4] of a signature that fits nothing', async () => {
      await using bridge = await host.start()
      await sendEvents(bridge.webhook, [], { token: 'another token' })
      const [notice] = await someNotices(bridge)
      expect(notice).toMatchObject({
        level: 'Error',
        payload: { more_info: { reason: 'signature_mismatch' } },
      })
    })

    it('[DR7] of a sink that uses GET, and how to mend it', async () => {
      await using bridge = await host.start()
      await signed(bridge, 'GET')
      const [notice] = await someNotices(bridge)
      expect(notice?.payload.more_info).toMatchObject({
        reason: 'sink_uses_get',
        remedy: expect.stringContaining('POST'),
      })
    })

    it('[DR80] of a signed body that is too large', async () => {
      await using bridge = await host.start({ MAX_BODY_BYTES: '10' })
      await sendBody(bridge.webhook, ' '.repeat(11))
      const [notice] = await someNotices(bridge)
      expect(notice?.payload.more_info).toMatchObject({
        reason: 'body_too_large',
        remedy: expect.stringContaining('Raise MAX_BODY_BYTES within 4 hours'),
      })
    })

    it('[DR5] of nothing that a stranger sends', async () => {
      await using bridge = await host.start({ MAX_BODY_BYTES: '10' })
      await knock(bridge.webhook)
      await knock(bridge.webhook, { method: 'GET' })
      const headers = { 'x-twilio-signature': 'no signature' }
      await knock(`${bridge.webhook}?bodySHA256=00`, { method: 'POST', body: ' '.repeat(11), headers })
      await sendEvents(bridge.webhook, [])
      // The first cause there is makes the first notice.
      await sendBody(bridge.webhook, ' '.repeat(11))
      const [notice, ...more] = await someNotices(bridge)
      expect(more).toEqual([])
      expect(notice?.payload.more_info.counts).toEqual({ body_too_large: 1 })
    })
  })

  it('[DR8] answers 503 while MAX_BACKLOG events wait, and takes events again afterwards', async () => {
    await using bridge = await host.start({ MAX_BACKLOG: '3' })
    const { segment } = bridge
    segment.fail({ kind: 'status', status: 503 })
    const first = [messageStatus(), messageStatus(), messageStatus()]
    expect((await sendEvents(bridge.webhook, first)).status).toBe(200)

    const late = messageStatus()
    const { status, headers, json } = await toReply(await sendEvents(bridge.webhook, [late]))
    expect(status).toBe(503)
    expect(headers.get('retry-after')).toBe('10')
    expect(json).toMatchObject({ error: 'backlog_full' })
    const { received, troubles } = await bridge.stats()
    expect({ received, troubles }).toEqual({
      received: 3,
      troubles: [expect.stringContaining('MAX_BACKLOG')],
    })

    segment.heal()
    await bridge.until(({ pending }) => pending === 0)
    expect((await sendEvents(bridge.webhook, [late])).status).toBe(200)
    await segment.waitFor(4)
    expect([...segment.ids].sort()).toEqual([...first, late].map(({ id }) => id).sort())
  })
})
