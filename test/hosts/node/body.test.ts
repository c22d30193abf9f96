/** Bodies that come in pieces, from many callers by turns. */
// @module-tag long
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readBody } from '../../../src/hosts/node/body.ts'
import type { Body } from '../../../src/ingest/receive.ts'
import { startBridge } from '../../support/bridge.ts'
import { everyEvent } from '../../support/hosts.ts'
import { until as untilThere } from '../../support/patience.ts'
import { sha256, sign } from '../../support/signatures.ts'
import { authToken, messageStatus } from '../../support/twilio.ts'

const LIMIT = 200_000

type Request = { readonly body: Body; answer(): void }

let port: number
let end: () => Promise<void>
/** Read, and not yet answered, in the order in which they were whole. */
let taken: Request[]
/** How many bodies have begun to come. */
let begun: number

beforeEach(async () => {
  taken = []
  begun = 0
  const server = createServer(async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    incoming.once('data', () => {
      begun += 1
    })
    const body = await readBody(incoming, LIMIT)
    taken.push({ body, answer: () => outgoing.end() })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address ? address.port : 0
  end = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})
afterEach(() => end())

async function dial(to = port): Promise<Socket> {
  const socket = connect(to, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

function post(socket: Socket, bytes: number, path = '/', ...headers: string[]): void {
  const lines = [`host: 127.0.0.1:${socket.remotePort}`, `content-length: ${bytes}`, ...headers]
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
}

const until = (holds: () => boolean) => untilThere(`${holds}`, holds)

const filled = (letter: number, bytes: number) => Buffer.alloc(bytes, letter)
const text = (body: Body) => (typeof body === 'string' ? body : Buffer.from(body).toString('latin1'))

describe('bodies', () => {
  it('[DR110] of 100 callers who send by turns, each is its own', async () => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => dial()))
    const bytes = 100_000
    for (const round of [1, 2, 3]) {
      taken = []
      for (const socket of sockets) post(socket, bytes)
      for (let at = 0; at < bytes; at += 10_000) {
        for (const [index, socket] of sockets.entries())
          socket.write(filled(((index + round) % 100) + 33, 10_000))
        await new Promise(resolve => setImmediate(resolve))
      }
      await until(() => taken.length === sockets.length)
      const found = taken.map(({ body }) => text(body)).sort()
      const sent = sockets.map((_, index) => filled(index + 33, bytes).toString('latin1'))
      expect(found).toEqual(sent)
      for (const { answer } of taken) answer()
    }
    for (const socket of sockets) socket.destroy()
  })

  it('[DR16] a caller who goes in the middle is told apart, and costs the others nothing', async () => {
    const [goes, stays] = [await dial(), await dial()]
    for (const socket of [goes, stays]) {
      post(socket, 2_000)
      socket.write(filled(65, 1_000))
    }
    await until(() => begun === 2)
    goes.destroy()
    await until(() => taken.length === 1)
    stays.write(filled(66, 1_000))
    await until(() => taken.length === 2)
    expect(taken.map(({ body }) => text(body))).toEqual([
      'body_cut_off',
      'A'.repeat(1_000) + 'B'.repeat(1_000),
    ])
    stays.destroy()
  })

  it('[DR110] a large body, one without a length and one that is too large are told apart', async () => {
    const sockets = await Promise.all(Array.from({ length: 3 }, () => dial()))
    const [large, chunked, tooLarge] = sockets
    if (!large || !chunked || !tooLarge) throw new Error('unreachable')
    post(large, 150_000)
    for (let at = 0; at < 150_000; at += 50_000) large.write(filled(67, 50_000))
    chunked.write('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n')
    for (const piece of ['3\r\nabc\r\n', '3\r\ndef\r\n', '0\r\n\r\n']) {
      chunked.write(piece)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    post(tooLarge, LIMIT + 1)
    tooLarge.write(filled(68, LIMIT + 1))
    await until(() => taken.length === 3)
    const found = taken.map(({ body }) => text(body)).sort((a, b) => a.length - b.length)
    expect(found).toEqual(['abcdef', 'body_too_large', 'C'.repeat(150_000)])
    for (const socket of sockets) socket.destroy()
  })
})

it('[DR110] a bridge stores what 40 callers send it piece by piece at the same time', async () => {
  await using bridge = await startBridge({ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: 'http://127.0.0.1:9' })
  const { port: at } = new URL(bridge.origin)
  const calls = await Promise.all(
    Array.from({ length: 40 }, async (_, caller) => {
      const events = Array.from({ length: 60 }, (_, n) => messageStatus({ data: { body: `${caller} ${n}` } }))
      const body = Buffer.from(JSON.stringify(events))
      const query = `bodySHA256=${sha256(body)}`
      const socket = await dial(Number(at))
      const signature = sign(`${bridge.webhook}?${query}`, authToken)
      const answered = once(socket, 'data').then(([data]) => String(data).slice(0, 12))
      post(socket, body.length, `/webhooks/twilio?${query}`, `x-twilio-signature: ${signature}`)
      return { events, body, socket, answered }
    }),
  )
  const longest = Math.max(...calls.map(({ body }) => body.length))
  for (let from = 0; from < longest; from += 7_000) {
    for (const { socket, body } of calls) socket.write(body.subarray(from, from + 7_000))
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  expect(new Set(await Promise.all(calls.map(({ answered }) => answered)))).toEqual(new Set(['HTTP/1.1 200']))
  const kept = (await everyEvent(bridge)).map(({ id, state }) => `${id} ${state}`)
  const sent = calls.flatMap(({ events }) => events.map(({ id }) => `${id} pending`))
  expect(kept.sort()).toEqual(sent.sort())
  for (const { socket } of calls) socket.destroy()
})
