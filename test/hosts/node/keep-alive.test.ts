/** How long the Node server keeps connections, seen from a socket; the times are small ones. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type HttpServer, openServer } from '../../../src/hosts/node/http-server.ts'
import { toSettings } from '../../support/bridge.ts'

/** Far below the second for which an idle connection is kept, so that the two cannot be taken for each other. */
const patience = { headersMs: 100, requestMs: 200, checkMs: 20 }
const GET = 'GET /healthz HTTP/1.1\r\nHost: bridge\r\n\r\n'

let server: HttpServer
beforeEach(async () => {
  const settings = toSettings({
    ...{ ALLOW_UNSIGNED: 'true', HOST: '127.0.0.1', PORT: '0', KEEP_ALIVE_SECONDS: '1' },
  })
  server = await openServer(() => new Response('up'), settings, patience)
})
afterEach(() => server.close())

type Line = { readonly socket: Socket; text(): string; until(holds: () => boolean): Promise<void> }

async function dial(): Promise<Line> {
  const { hostname, port } = new URL(server.url)
  const socket = connect({ host: hostname, port: Number(port) })
  let text = ''
  socket.on('data', data => {
    text += data.toString('latin1')
  })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const until = async (holds: () => boolean) => {
    for (const late = Date.now() + 20_000; !holds() && Date.now() < late; )
      await new Promise(resolve => setTimeout(resolve, 5))
    expect(holds()).toBe(true)
  }
  return { socket, text: () => text, until }
}

const isOver = ({ socket }: Line) => socket.readableEnded || socket.destroyed
const answers = (line: Line) => line.text().match(/HTTP\/1\.1 \d+/g) ?? []

it('[DR87] a connection on which nothing ever came is closed without a word', async () => {
  const line = await dial()
  await line.until(() => isOver(line))
  expect(line.text()).toBe('')
})

it('[DR87] one that stops in the middle of its headers gets 503', async () => {
  const line = await dial()
  line.socket.write('POST /webhooks/twilio HTTP/1.1\r\nHost')
  await line.until(() => isOver(line))
  expect(answers(line)).toEqual(['HTTP/1.1 503'])
})

it('[DR86] an idle connection is kept for KEEP_ALIVE_SECONDS, longer than headers may take, and closed without a word', async () => {
  const line = await dial()
  line.socket.write(GET)
  await line.until(() => answers(line).length === 1)
  expect(line.text()).toContain('Keep-Alive: timeout=1')
  // Others that came later and stay silent are closed meanwhile: the time that headers may take is over.
  const silent = await dial()
  await silent.until(() => isOver(silent))
  expect(isOver(line)).toBe(false)
  line.socket.write(GET)
  await line.until(() => answers(line).length === 2)
  await line.until(() => isOver(line))
  expect(answers(line)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200'])
})

it('[DR87] an idle connection that begins a second request and stops gets 503 for it', async () => {
  const line = await dial()
  line.socket.write(GET)
  await line.until(() => answers(line).length === 1)
  line.socket.write('POST /webhooks/twilio HTTP/1.1\r\nHost')
  await line.until(() => isOver(line))
  expect(answers(line)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 503'])
})

it('[CF81] KEEP_ALIVE_SECONDS is 620 unless it is set: longer than the idle time of any load balancer', () => {
  expect(toSettings({ ALLOW_UNSIGNED: 'true' }).KEEP_ALIVE_SECONDS).toBe(620)
})
