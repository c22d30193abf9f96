/** Requests no HTTP client would make, byte by byte, to the server that Node runs. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bridge, startBridge } from '../support/bridge.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { sha256, sign } from '../support/signatures.ts'
import { authToken, messageStatus, sendEvents } from '../support/twilio.ts'

const LIMIT = 100_000

let bridge: Bridge & { stop(): Promise<void> }
beforeAll(async () => {
  bridge = await startBridge({
    MAX_BODY_BYTES: String(LIMIT),
    SEGMENT_WRITE_KEY: 'key',
    SEGMENT_HOST: 'http://127.0.0.1:9',
  })
})
afterAll(() => bridge.stop())

type Wire = {
  readonly socket: Socket
  /** What has come back so far. */
  readonly text: string
  /** Until the server has answered, or closed. */
  answered(): Promise<string>
  until(holds: () => boolean): Promise<string>
  closed(): Promise<string>
}

async function dial(): Promise<Wire & AsyncDisposable> {
  const { hostname, port } = new URL(bridge.origin)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  let text = ''
  socket.on('data', data => {
    text += data.toString('latin1')
  })
  // The server may cut the line while we still write.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const until = async (holds: () => boolean) => {
    for (const end = Date.now() + PATIENCE_MS / 2; !holds() && Date.now() < end; ) await sleep(5)
    return text
  }
  return {
    socket,
    get text() {
      return text
    },
    until,
    answered: () => until(() => text.includes('\r\n\r\n') || socket.readableEnded || socket.destroyed),
    closed: () => until(() => socket.readableEnded || socket.destroyed),
    [Symbol.asyncDispose]: async () => void socket.destroy(),
  }
}

/** A signed POST; `body` is what is signed, not what is sent. */
function head(body: string, ...headers: string[]): string {
  return headTo(`/webhooks/twilio?bodySHA256=${sha256(body)}`, ...headers)
}

function headTo(target: string, ...headers: string[]): string {
  const { host } = new URL(bridge.origin)
  const path = target.replace(bridge.origin, '')
  const lines = [
    `POST ${target} HTTP/1.1`,
    `Host: ${host}`,
    `X-Twilio-Signature: ${sign(bridge.origin + path, authToken)}`,
  ]
  return [...lines, ...headers, '', ''].join('\r\n')
}

function toStatus(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])
}

/** Also as a pause: a round trip to the server, which has met by then what was written before. */
const received = async () => (await bridge.stats()).received
const body = () => JSON.stringify([messageStatus()])

describe('a body over the limit', () => {
  it('[DR80] is answered 503 by its announced length, before any of it came', async () => {
    await using wire = await dial()
    wire.socket.write(head('', 'Content-Length: 100001'))
    const text = await wire.answered()
    expect(toStatus(text)).toBe(503)
    expect(text).toContain('body_too_large')
  })

  it('[DR80] is answered 503 in chunks as soon as the limit is passed, though it never ends', async () => {
    await using wire = await dial()
    wire.socket.write(head('', 'Transfer-Encoding: chunked'))
    wire.socket.write(`${LIMIT.toString(16)}\r\n${' '.repeat(LIMIT)}\r\n`)
    await received()
    expect(wire.text).toBe('')
    wire.socket.write('1\r\n \r\n')
    expect(toStatus(await wire.answered())).toBe(503)
    // And the place it held is free again.
    await wire.closed()
    expect(wire.socket.readableEnded || wire.socket.destroyed).toBe(true)
  })

  it.each([
    ['of announced length', 'Content-Length: 5000000', (text: string) => text],
    [
      'in chunks',
      'Transfer-Encoding: chunked',
      (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`,
    ],
  ])('[DR80] %s may be sent to its end first, and the answer read then', async (_, header, wrap) => {
    await using wire = await dial()
    wire.socket.pause()
    wire.socket.write(head('', header))
    for (let sent = 0; sent < 5; sent++) {
      if (!wire.socket.write(wrap(' '.repeat(1_000_000)))) await once(wire.socket, 'drain')
    }
    if (header.includes('chunked')) wire.socket.write('0\r\n\r\n')
    wire.socket.resume()
    expect(toStatus(await wire.answered())).toBe(503)
    expect(wire.socket.destroyed).toBe(false)
  })

  it('[DR100] is answered 503 by its announced length when no key signs its URL: the token may be rotated', async () => {
    await using wire = await dial()
    wire.socket.write(head('', 'Content-Length: 100001').replace('bodySHA256', 'x=1&bodySHA256'))
    const text = await wire.answered()
    expect(toStatus(text)).toBe(503)
    expect(text).toContain('signature_mismatch')
  })

  it('[DR6] is not asked for by 100 Continue', async () => {
    await using wire = await dial()
    wire.socket.write(head('', 'Content-Length: 100001', 'Expect: 100-continue'))
    expect(toStatus(await wire.answered())).toBe(503)
  })

  it('[DR6] under the limit, 100 Continue is given, and the body taken', async () => {
    const whole = body()
    await using wire = await dial()
    wire.socket.write(head(whole, `Content-Length: ${whole.length}`, 'Expect: 100-continue'))
    expect(toStatus(await wire.answered())).toBe(100)
    wire.socket.write(whole)
    expect(await wire.until(() => wire.text.includes('rejected'))).toContain('HTTP/1.1 200 OK')
  })
})

describe('a request that is not whole', () => {
  it('[DR16] stores nothing of a body that ends before its announced length, and asks for it again', async () => {
    const before = await received()
    const whole = body()
    await using wire = await dial()
    wire.socket.end(head(whole, `Content-Length: ${whole.length + 1}`) + whole)
    const text = await wire.closed()
    expect(toStatus(text)).toBe(503)
    expect(text).toContain('Retry-After: 10')
    expect(await received()).toBe(before)
  })

  it('[DR16] stores nothing when the line breaks in the middle of the body', async () => {
    const before = await received()
    const whole = body()
    await using wire = await dial()
    wire.socket.write(head(whole, `Content-Length: ${whole.length}`) + whole.slice(0, -1))
    await received()
    wire.socket.resetAndDestroy()
    await received()
    expect(await received()).toBe(before)
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(200)
  })

  it('[DR16] stores nothing of chunks without an end', async () => {
    const before = await received()
    await using wire = await dial()
    wire.socket.end(`${head('[]', 'Transfer-Encoding: chunked')}2\r\n[]\r\n`)
    expect(toStatus(await wire.closed())).toBe(503)
    expect(await received()).toBe(before)
  })

  it('[DR16] waits for a body that comes slowly', async () => {
    const whole = body()
    await using wire = await dial()
    wire.socket.write(head(whole, `Content-Length: ${whole.length}`))
    for (let at = 0; at < whole.length; at += 100) {
      await received()
      wire.socket.write(whole.slice(at, at + 100))
    }
    expect(toStatus(await wire.answered())).toBe(200)
  })

  it('[DR16] ends a connection that sent half a request before it asks for long', async () => {
    await using wire = await dial()
    wire.socket.end('POST /webhooks/twilio HTTP/1.1\r\nHost: x')
    await wire.closed()
    expect(wire.socket.readableEnded || wire.socket.destroyed).toBe(true)
  })
})

describe('a caller that goes', () => {
  it('[DR16] before its answer costs nobody anything', async () => {
    const before = await received()
    const whole = body()
    for (let times = 0; times < 20; times++) {
      await using wire = await dial()
      const text = body()
      wire.socket.write(head(text, `Content-Length: ${text.length}`) + text)
      await new Promise(resolve => setImmediate(resolve))
    }
    await using wire = await dial()
    wire.socket.write(head(whole, `Content-Length: ${whole.length}`) + whole)
    expect(toStatus(await wire.answered())).toBe(200)
    // Those whose bytes had come are stored, though nobody heard of it: they come again, and are known.
    const stats = await bridge.stats()
    expect(stats.received).toBeGreaterThan(before)
    expect(stats.received).toBe(
      stats.pending + stats.accepted + stats.rejected + stats.refused + stats.skipped,
    )
  })
})

describe('a request with two meanings', () => {
  it.each([
    ['a length and chunks', ['Content-Length: 2', 'Transfer-Encoding: chunked'], '2\r\n[]\r\n0\r\n\r\n'],
    ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 2'], '2\r\n[]\r\n0\r\n\r\n'],
    ['two lengths', ['Content-Length: 2', 'Content-Length: 3'], '[] '],
    ['a length that is none', ['Content-Length: 2x'], '[]'],
    ['a negative length', ['Content-Length: -2'], '[]'],
    ['an unknown encoding last', ['Transfer-Encoding: chunked, gzip'], '[]'],
    ['a header folded over two lines', ['Content-Length: 2', 'X-A: b', ' c'], '[]'],
  ])('[DR16] is refused: %s', async (_, headers, rest) => {
    const before = await received()
    await using wire = await dial()
    wire.socket.write(head('[]', ...headers) + rest)
    expect(toStatus(await wire.closed())).toBe(400)
    expect(await received()).toBe(before)
  })

  it('[DR16] in its absolute form is as good as in the usual one', async () => {
    const whole = body()
    await using wire = await dial()
    const target = `${bridge.webhook}?bodySHA256=${sha256(whole)}`
    wire.socket.write(headTo(target, `Content-Length: ${whole.length}`) + whole)
    const text = await wire.answered()
    expect(toStatus(text)).toBe(200)
    expect(text).toContain('{"received":1,"rejected":0}')
  })

  it('[DR16] two in one go are answered one after the other', async () => {
    const before = await received()
    const [first, second] = [body(), body()]
    await using wire = await dial()
    const whole = (text: string) => head(text, `Content-Length: ${text.length}`) + text
    wire.socket.write(whole(first) + whole(second))
    await wire.until(() => wire.text.split('HTTP/1.1 200 OK').length === 3)
    wire.socket.end()
    expect((await wire.closed()).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
    expect(await received()).toBe(before + 2)
  })

  it.each([
    ['noise', '\0\x01 noise'],
    ['a request that breaks off', 'POST /webhooks/twilio HTTP/1.1\r\nHost'],
    ['a request with two lengths', 'GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ])('[DR20] a whole request with %s behind it gets its own answer, and no other', async (_, rest) => {
    const before = await received()
    const whole = body()
    await using wire = await dial()
    wire.socket.end(head(whole, `Content-Length: ${whole.length}`) + whole + rest)
    expect((await wire.closed()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
    expect(await received()).toBe(before + 1)
  })

  it('[DR20] two requests with noise behind them get two answers', async () => {
    const [first, second] = [body(), body()]
    await using wire = await dial()
    const whole = (text: string) => head(text, `Content-Length: ${text.length}`) + text
    wire.socket.write(`${whole(first)}${whole(second)}\0`)
    expect((await wire.closed()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200'])
  })

  it('[DR20] a body longer than it says is not what was signed: 503, never a 4xx', async () => {
    const before = await received()
    const whole = body()
    await using wire = await dial()
    wire.socket.write(head(whole, `Content-Length: ${whole.length - 5}`) + whole)
    expect((await wire.closed()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503'])
    expect(await received()).toBe(before)
  })

  it.each([
    ['a size that is none', 'zz\r\n[]\r\n0\r\n\r\n'],
    ['a chunk longer than it says', '1\r\n[]\r\n0\r\n\r\n'],
    ['an extension without end', `2;${'a'.repeat(20_000)}\r\n[]\r\n0\r\n\r\n`],
  ])('[DR20] chunks that break get 503, and never a 4xx: %s', async (_, chunks) => {
    await using wire = await dial()
    wire.socket.write(head('[]', 'Transfer-Encoding: chunked') + chunks)
    expect((await wire.closed()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503'])
  })

  it('[DR16] noise is answered 400 and the line is closed', async () => {
    await using wire = await dial()
    wire.socket.write('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')
    expect(toStatus(await wire.closed())).toBe(400)
  })
})
