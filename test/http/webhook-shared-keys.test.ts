/** Requests signed with a SharedKey, and repeated headers, at the webhook of both hosts. */
// @module-tag long
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { validateRequest } from 'twilio/lib/webhooks/webhooks.js'
import { expect, it } from 'vitest'
import {
  describeHosts,
  type Hosted,
  listEvents,
  shareBridge,
  someNotices,
  toReply,
  untilAnswered,
} from '../support/hosts.ts'
import { until } from '../support/patience.ts'
import { sha256, sign } from '../support/signatures.ts'
import { authToken, messageStatus, sendBody, sendEvents } from '../support/twilio.ts'

const id = 'webhooks_sharedkey_00000000000000000000000000'
const secret = 'the=shared=secret'
const settingsHeader = 'x-twilio-webhooks-signature-settings'
const TWILIO_SHARED_KEYS = `other=unused,${id}=${secret}`

/** Signed with HMAC-SHA256. */
function post(
  bridge: Hosted,
  body: string,
  { key = secret, settings = `key=${id},algorithm=HMAC_SHA256` } = {},
) {
  const url = `${bridge.webhook}?bodySHA256=${sha256(body)}`
  const headers = { 'x-twilio-signature': sign(url, key, 'sha256'), [settingsHeader]: settings }
  return untilAnswered(() => fetch(url, { method: 'POST', body, headers })).then(toReply)
}

/** With the headers as a list: fetch would join those of one name itself. Gives the status. */
function postRaw(url: string, body: string, headers: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { host } = new URL(url)
    const sent = request(url, { method: 'POST', headers: ['Host', host, ...headers] }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describeHosts('the webhook and SharedKeys', host => {
  const bridge = shareBridge(host, () => ({ TWILIO_SHARED_KEYS, MAX_BODY_BYTES: '100000' }))

  it('[DR85] takes requests of both kinds at one URL', async () => {
    const [first, second] = [messageStatus(), messageStatus()]
    expect(await post(bridge(), JSON.stringify([first]))).toMatchObject({ status: 200 })
    expect(await sendEvents(bridge().webhook, [second])).toMatchObject({ status: 200 })
    const ids = (await listEvents(bridge(), 'limit=2')).map(event => event.id)
    expect(ids).toEqual([second.id, first.id])
  })

  it('[DR85] answers 503, and never 4xx, to a key, an algorithm or a secret that it does not know', async () => {
    const unknown = { status: 503, json: { error: 'shared_key_unknown' } }
    expect(await post(bridge(), '[]', { settings: 'key=k9,algorithm=HMAC_SHA256' })).toMatchObject(unknown)
    expect(await post(bridge(), '[]', { settings: `key=${id},algorithm=HMAC_SHA3` })).toMatchObject(unknown)
    const { status, json, text } = await post(bridge(), '[]', { key: 'old secret' })
    expect({ status, json }).toMatchObject({ status: 503, json: { error: 'signature_mismatch' } })
    expect(text).not.toContain(secret)
  })

  it('[DR80] answers 503 to a body over the limit that a SharedKey signs', async () => {
    const { status, json } = await post(bridge(), ' '.repeat(100_001))
    expect({ status, json }).toMatchObject({ status: 503, json: { error: 'body_too_large' } })
  })

  it('[DR85] starts without an auth token, and then takes SharedKeys only', async () => {
    await using alone = await host.start({ TWILIO_AUTH_TOKEN: '', TWILIO_SHARED_KEYS })
    expect(await post(alone, JSON.stringify([messageStatus()]))).toMatchObject({ status: 200 })
    expect(await sendEvents(alone.webhook, [messageStatus()])).toMatchObject({ status: 503 })
  })

  it('[TL100] posts its notices signed with the first SharedKey when there is no auth token', async () => {
    const posts: { headers: IncomingHttpHeaders; form: Record<string, string> }[] = []
    const handler = createServer(async (incoming, response) => {
      const form = Object.fromEntries(new URLSearchParams(await text(incoming)))
      posts.push({ headers: incoming.headers, form })
      response.end()
    })
    await once(handler.listen(0, '127.0.0.1'), 'listening')
    const { port } = handler.address() as AddressInfo
    const NOTIFY_URL = `http://127.0.0.1:${port}/debugger?a=b`
    await using alone = await host.start({
      TWILIO_AUTH_TOKEN: '',
      TWILIO_SHARED_KEYS: `${id}=${secret},k2=x`,
      NOTIFY_URL,
    })
    await post(alone, '[]', { settings: 'key=k9' })
    await until('the post', () => posts.length > 0)
    const [{ headers, form } = { headers: {} as IncomingHttpHeaders, form: {} }] = posts
    expect(headers[settingsHeader]).toBe(`key=${id},algorithm=HMAC_SHA256`)
    const signature = String(headers['x-twilio-signature'])
    expect(validateRequest(secret, signature, NOTIFY_URL, form, 'HMAC_SHA256')).toBe(true)
    handler.closeAllConnections()
    handler.close()
  })

  it('[DR85] tells the operator of a key that it does not know', async () => {
    await using told = await host.start()
    await post(told, '[]')
    const [notice] = await someNotices(told)
    expect(notice?.payload.more_info).toMatchObject({
      reason: 'shared_key_unknown',
      remedy: expect.stringContaining('TWILIO_SHARED_KEYS'),
    })
  })

  it('[DR12] with ALLOW_UNSIGNED and a SharedKey alone, a signature that is there must fit', async () => {
    await using open = await host.start({ TWILIO_AUTH_TOKEN: '', TWILIO_SHARED_KEYS, ALLOW_UNSIGNED: 'true' })
    expect((await fetch(open.webhook, { method: 'POST', body: '[]' })).status).toBe(200)
    expect(await post(open, '[]', { key: 'another' })).toMatchObject({ status: 503 })
  })

  it('[DR6] answers 413 with ALLOW_UNSIGNED to a body over the limit that carries no signature', async () => {
    await using open = await host.start({
      ...{ TWILIO_AUTH_TOKEN: '', ALLOW_UNSIGNED: 'true', MAX_BODY_BYTES: '10' },
    })
    const body = ' '.repeat(11)
    expect((await fetch(open.webhook, { method: 'POST', body })).status).toBe(413)
    expect((await sendBody(open.webhook, body)).status).toBe(503)
  })

  it('[AU83] takes a signature header that comes twice', async () => {
    const body = JSON.stringify([messageStatus()])
    const url = `${bridge().webhook}?bodySHA256=${sha256(body)}`
    const own = ['X-Twilio-Signature', sign(url, authToken)]
    expect(await postRaw(url, body, [...own, ...own])).toBe(200)
    expect(await postRaw(url, body, ['X-Twilio-Signature', sign('else'), ...own])).toBe(200)
    expect(await postRaw(url, body, ['X-Twilio-Signature', 'abc', ...own])).toBe(200)
    expect(await postRaw(url, body, ['X-Twilio-Signature', 'abc', 'X-Twilio-Signature', 'abc'])).toBe(403)
    const settings = [settingsHeader, `key=${id},algorithm=HMAC_SHA256`]
    const shared = ['X-Twilio-Signature', sign(url, secret, 'sha256')]
    expect(await postRaw(url, body, [...shared, ...settings, ...shared, ...settings])).toBe(200)
  })
})
