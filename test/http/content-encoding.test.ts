/** Requests with a Content-Encoding, at the webhook of both hosts: the hash is of the bytes as sent. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decompress } from '../../src/hosts/node/decompress.ts'
import { trustUnsigned } from '../../src/ingest/authenticate.ts'
import { undoContentEncoding } from '../../src/ingest/content-encoding.ts'
import { ask, describeHosts, newestEvent, shareBridge, someNotices, toReply } from '../support/hosts.ts'
import { messageStatus, sendBody } from '../support/twilio.ts'

const LIMIT = 100_000
const encode = (encoding: string) => ({ headers: { 'content-encoding': encoding } })
/** Of a buffer of their own. */
const bytes = (of: Uint8Array) => Uint8Array.from(of)

const codings: readonly (readonly [name: string, encode: (body: string) => Uint8Array])[] = [
  ['gzip', body => gzipSync(body)],
  ['x-gzip', body => gzipSync(body)],
  ['GZIP', body => gzipSync(body)],
  ['deflate', body => deflateSync(body)],
  ['deflate', body => deflateRawSync(body)],
  ['br', body => brotliCompressSync(body)],
  ['identity', body => new TextEncoder().encode(body)],
  ['gzip, br', body => brotliCompressSync(gzipSync(body))],
  ['br , identity,deflate', body => deflateSync(brotliCompressSync(body))],
]

describeHosts('the webhook and Content-Encoding', host => {
  const bridge = shareBridge(host, () => ({ MAX_BODY_BYTES: String(LIMIT) }))

  it.each(codings)('[DR81] decodes %s, and keeps the event as it was before', async (name, compress) => {
    const event = messageStatus({ data: { body: 'Grüße 👋' } })
    const body = bytes(compress(JSON.stringify([event])))
    const { status, json } = await toReply(await sendBody(bridge().webhook, body, encode(name)))
    expect({ status, json }).toEqual({ status: 200, json: { received: 1, rejected: 0 } })
    expect((await newestEvent(bridge())).received).toEqual(event)
  })

  it('[DR81] still compares the hash, which is of the bytes as sent', async () => {
    const body = JSON.stringify([messageStatus()])
    const signedPlain = await sendBody(bridge().webhook, body)
    const { search } = new URL(signedPlain.url)
    const other = await fetch(bridge().webhook + search, {
      ...{ method: 'POST', body: bytes(gzipSync(body)) },
      headers: { 'content-encoding': 'gzip', 'x-twilio-signature': `${'A'.repeat(27)}=` },
    })
    expect(other.status).toBe(503)
  })

  it.each(['zstd', 'compress', 'gzip, aws-chunked'])(
    '[DR82] answers 503 to %s, names it and stores nothing',
    async name => {
      const before = (await bridge().stats()).received
      const { status, headers, json } = await toReply(await sendBody(bridge().webhook, '[{}]', encode(name)))
      const detail = name.replace('gzip, ', '')
      expect({ status, json }).toMatchObject({ status: 503, json: { error: 'encoding_unsupported', detail } })
      expect(headers.get('retry-after')).toBe('10')
      expect((await bridge().stats()).received).toBe(before)
    },
  )

  it.each([
    ['gzip that ends early', 'gzip', () => gzipSync(JSON.stringify([messageStatus()])).subarray(0, -9)],
    ['br that is none', 'br', () => Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
    ['an empty body', 'gzip', () => new Uint8Array()],
  ])('[DR83] keeps %s as rejected, with the bytes as sent', async (_, name, make) => {
    const body = bytes(make())
    const { status, json } = await toReply(await sendBody(bridge().webhook, body, encode(name)))
    expect({ status, json }).toEqual({ status: 200, json: { received: 1, rejected: 1 } })
    const { state, reason, faults, received } = await newestEvent(bridge())
    expect({ state, reason, received }).toEqual({
      ...{ state: 'rejected', reason: 'body_not_json' },
      received: Buffer.from(body).toString('base64'),
    })
    expect(faults[0]).toEqual({
      ...{ path: '$', expected: `a body in the coding ${name}`, received: 'bytes that are damaged' },
    })
  })

  it('[DR83] takes JSON that says it is compressed and is not', async () => {
    const { json } = await toReply(
      await sendBody(bridge().webhook, JSON.stringify([messageStatus()]), encode('gzip')),
    )
    expect(json).toEqual({ received: 1, rejected: 0 })
  })

  it.each(codings.slice(0, 6))(
    '[DR84] answers 503 to %s that decodes to more than the limit',
    async (name, compress) => {
      const full = JSON.stringify([messageStatus()]).padEnd(LIMIT)
      const send = (text: string) => sendBody(bridge().webhook, bytes(compress(text)), encode(name))
      expect((await send(full)).status).toBe(200)
      const { status, json } = await toReply(await send(`${full} `))
      expect({ status, json }).toMatchObject({ status: 503, json: { error: 'body_too_large' } })
    },
  )

  it('[DR84] tells the operator of a body that is too large once decoded', async () => {
    await using told = await host.start({ MAX_BODY_BYTES: '1000' })
    await sendBody(told.webhook, bytes(gzipSync(' '.repeat(1_001))), encode('gzip'))
    const [notice] = await someNotices(told)
    expect(notice?.payload.more_info.reason).toBe('body_too_large')
  })

  it('[DR82] tells the operator of a coding that it cannot decode', async () => {
    await using told = await host.start()
    await sendBody(told.webhook, '[]', encode('zstd'))
    const [notice] = await someNotices(told)
    expect(notice?.payload.more_info).toMatchObject({
      reason: 'encoding_unsupported',
      remedy: expect.stringContaining('gzip'),
    })
    expect(JSON.stringify(await ask(told, '/api/notices'))).toContain('zstd')
  })
})

describe('a bomb', () => {
  it('[DR84] is stopped at the limit, at each coding of several', async () => {
    const limits: [number, number][] = []
    const counted: typeof decompress = async (...args) => {
      const decoded = await decompress(...args)
      if (typeof decoded !== 'string') limits.push([args[2], decoded.length])
      return decoded
    }
    // 50 MB in 50 KB in 300 bytes.
    const bomb = gzipSync(gzipSync(Buffer.alloc(50_000_000)))
    const sent = trustUnsigned(bytes(bomb))
    const content = await undoContentEncoding(sent, 'gzip, gzip', counted, LIMIT)
    expect(content).toEqual({ ok: false, reason: 'body_too_large' })
    expect(limits.every(([limit, length]) => length <= limit && limit === LIMIT)).toBe(true)
    expect(limits.length).toBe(1)
  })
})
