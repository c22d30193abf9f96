/** Which URL Twilio signed, as settings and proxies have it; and which tokens count. */
// @module-tag long
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { describeHosts, shareBridge, toReply } from '../support/hosts.ts'
import { sha256, sign } from '../support/signatures.ts'
import { authToken, messageStatus, sendEvents } from '../support/twilio.ts'

const body = JSON.stringify([messageStatus()])
const query = `bodySHA256=${sha256(body)}`

/** As a proxy passes it on: `fetch` would set the Host header itself. Gives the status. */
function post(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describeHosts('the webhook and its URL', host => {
  describe('with two tokens', () => {
    const bridge = shareBridge(host, () => ({ TWILIO_AUTH_TOKEN: 'the-new-one, the-old-one' }))

    it.each([
      ['the first', 'the-new-one', 200],
      ['the second', 'the-old-one', 200],
      ['neither', authToken, 503],
      ['both, as they stand in the setting', 'the-new-one, the-old-one', 503],
    ])('[DR9] a signature by %s', async (_, token, status) => {
      expect((await sendEvents(bridge().webhook, [], { token })).status).toBe(status)
    })
  })

  it.each<[publicUrl: string, taken: readonly (readonly [path: string, signed: string])[]]>([
    // Where Twilio's request arrives, and what Twilio signed.
    [
      'https://bridge.example.com',
      [
        ['/webhooks/twilio', 'https://bridge.example.com/webhooks/twilio'],
        ['/webhooks/twilio', 'https://bridge.example.com:443/webhooks/twilio'],
      ],
    ],
    [
      'https://bridge.example.com:8443/hooks/a/',
      [
        ['/hooks/a/', 'https://bridge.example.com:8443/hooks/a/'],
        ['/webhooks/twilio', 'https://bridge.example.com:8443/hooks/a/'],
      ],
    ],
    ['https://bridge.example.com/a/:b*c', [['/a/:b*c', 'https://bridge.example.com/a/:b*c']]],
    [
      'https://bridge.example.com/café/%7Ex',
      [
        ['/caf%C3%A9/%7Ex', 'https://bridge.example.com/caf%C3%A9/%7Ex'],
        ['/caf%C3%A9/%7Ex', 'https://bridge.example.com/café/%7Ex'],
      ],
    ],
    ['https://bridge.example.com/healthz', [['/healthz', 'https://bridge.example.com/healthz']]],
    [
      'https://user:pass@bridge.example.com/hook',
      [
        ['/hook', 'https://user:pass@bridge.example.com/hook'],
        ['/hook', 'https://bridge.example.com/hook'],
      ],
    ],
  ])(
    '[DR10] PUBLIC_URL=%s is listened at, besides the usual path, and taken to the letter',
    async (publicUrl, taken) => {
      await using bridge = await host.start({ PUBLIC_URL: publicUrl })
      for (const [path, signedUrl] of taken) {
        const headers = { 'x-twilio-signature': sign(`${signedUrl}?${query}`, authToken) }
        expect([path, signedUrl, await post(`${bridge.origin}${path}?${query}`, headers)]).toEqual([
          path,
          signedUrl,
          200,
        ])
      }
      expect((await bridge.stats()).received).toBe(1)
      // What is no webhook is none.
      expect(await post(`${bridge.origin}/other?${query}`, {})).toBe(404)
    },
  )

  it('[DR10] PUBLIC_URL wins over what the request says of itself', async () => {
    await using bridge = await host.start({ PUBLIC_URL: 'https://bridge.example.com', TRUST_PROXY: 'true' })
    expect((await sendEvents(bridge.webhook, [])).status).toBe(503)
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'other.example.com' }
    const other = 'https://other.example.com/webhooks/twilio'
    expect((await sendEvents(bridge.webhook, [], { publicUrl: other, headers: forwarded })).status).toBe(503)
  })

  describe('with a sink at another path', () => {
    const bridge = shareBridge(host)
    const elsewhere = async (path: string, init: RequestInit = {}) =>
      toReply(await fetch(bridge().origin + path, { method: 'POST', body, ...init }))

    it.each(['/', '/webhooks/twilio/', '/webhook', '/events?a=b', '/debugger'])(
      '[DR19] %s takes what is signed for it',
      async path => {
        const before = (await bridge().stats()).received
        const event = JSON.stringify([messageStatus()])
        const url = `${bridge().origin}${path}${path.includes('?') ? '&' : '?'}bodySHA256=${sha256(event)}`
        const headers = { 'x-twilio-signature': sign(url, authToken) }
        const { status, json } = await toReply(await fetch(url, { method: 'POST', body: event, headers }))
        expect({ status, json }).toEqual({ status: 200, json: { received: 1, rejected: 0 } })
        expect((await bridge().stats()).received).toBe(before + 1)
      },
    )

    it('[DR19] what is signed for another URL is answered 503, that it may come again', async () => {
      const headers = { 'x-twilio-signature': sign(`https://other.example.com/?${query}`, authToken) }
      expect((await elsewhere(`/wrong?${query}`, { headers })).status).toBe(503)
    })

    it('[DR19] what is not signed is answered 404, and what is guarded stays so', async () => {
      expect((await elsewhere(`/wrong?${query}`)).status).toBe(404)
      const headers = { 'x-twilio-signature': sign(`${bridge().origin}/api/events?${query}`, authToken) }
      expect((await elsewhere(`/api/events?${query}`, { headers })).status).toBe(401)
    })
  })

  describe.each(['true', 'false'])('with TRUST_PROXY=%s', trust => {
    const bridge = shareBridge(host, () => ({ TRUST_PROXY: trust }))
    const publicUrl = 'https://bridge.example.com/webhooks/twilio'
    const expected = trust === 'true' ? 200 : 503

    it(`[DR11] forwarded headers are answered ${expected}`, async () => {
      const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'bridge.example.com' }
      expect((await sendEvents(bridge().webhook, [], { publicUrl, headers })).status).toBe(expected)
    })

    it(`[DR11] the first of a chain of proxies is answered ${expected}`, async () => {
      const headers = { 'x-forwarded-proto': 'https, http', 'x-forwarded-host': 'bridge.example.com, inner' }
      expect((await sendEvents(bridge().webhook, [], { publicUrl, headers })).status).toBe(expected)
    })

    it('[DR11] without such headers the Host header counts', async () => {
      const signature = sign(`http://bridge.example.com/webhooks/twilio?${query}`, authToken)
      const headers = { host: 'bridge.example.com', 'x-twilio-signature': signature }
      expect(await post(`${bridge().webhook}?${query}`, headers)).toBe(200)
    })
  })

  describe('with ALLOW_UNSIGNED', () => {
    const bridge = shareBridge(host, () => ({ TWILIO_AUTH_TOKEN: '', ALLOW_UNSIGNED: 'true' }))
    const send = async (init: RequestInit = {}) =>
      toReply(
        await fetch(bridge().webhook, { method: 'POST', body: JSON.stringify([messageStatus()]), ...init }),
      )

    it('[DR12] takes what carries no signature', async () => {
      expect((await send()).json).toEqual({ received: 1, rejected: 0 })
    })

    it('[DR12] takes what is signed by anybody, for there is no token to check it by', async () => {
      expect((await sendEvents(bridge().webhook, [messageStatus()])).status).toBe(200)
    })

    it('[DR12] still answers 405 to other methods', async () => {
      expect((await send({ method: 'PUT' })).status).toBe(405)
    })
  })

  it('[DR12] with ALLOW_UNSIGNED and a token, a signature that is there must fit', async () => {
    await using bridge = await host.start({ ALLOW_UNSIGNED: 'true' })
    expect((await fetch(bridge.webhook, { method: 'POST', body })).status).toBe(200)
    expect((await sendEvents(bridge.webhook, [])).status).toBe(200)
    expect((await sendEvents(bridge.webhook, [], { token: 'another token' })).status).toBe(503)
  })
})
