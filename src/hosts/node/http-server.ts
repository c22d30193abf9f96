/**
 * HTTP as the webhook needs it. Twilio drops an event for good on any 4xx but 429, so a request that was cut off or came too
 * slowly gets a 503 here, where Node would say 400 or 408.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Settings } from '../../config.ts'
import { RETRY_AFTER_SECONDS } from '../../reasons.ts'

export type HttpServer = {
  /** The origin to reach it at from this machine. */
  readonly url: string
  /** Takes no more requests and finishes those it has. */
  close(): Promise<void>
}

/** Twilio gives up after 5 s; a caller that needs much longer to send its bytes is holding a place. */
const patience = { headersMs: 10_000, requestMs: 30_000, checkMs: 2_000 }
/** How long requests under way may take to finish when the bridge is asked to stop. */
const LAST_REQUESTS_MS = 3_000
const LAST_CHECK_MS = 50

/**
 * The answers that are owed, by connection. Not one Set of all: its table is replaced every few dozen requests, V8 leaves in
 * each a pointer to the next, and once one of them is old, every later one stays, with the requests it held, until a full
 * collection; that cost a third of all throughput.
 */
type UnderWay = Map<Socket, ServerResponse[]>

type Listener = Parameters<typeof getRequestListener>[0]

/** Throws, with a sentence for a person, when the port cannot be had. */
export async function openServer(
  fetch: Listener,
  { HOST, PORT, MAX_BODY_BYTES, KEEP_ALIVE_SECONDS }: Settings,
  { headersMs, requestMs, checkMs }: typeof patience = patience,
): Promise<HttpServer> {
  const server = createServer(
    {
      // The side that closes an idle connection first must be the proxy in front: a request that crosses the close gets 502.
      keepAliveTimeout: KEEP_ALIVE_SECONDS * 1_000,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
    },
    // What comes after an early answer, it reads and throws away for half a second, so that the caller can read the answer.
    getRequestListener(fetch),
  )
  const open: UnderWay = new Map()
  server.on('connection', socket => {
    open.set(socket, [])
    socket.once('close', () => open.delete(socket))
  })
  server.prependListener('request', ({ socket }, outgoing) => {
    const line = open.get(socket) ?? []
    line.push(outgoing)
    outgoing.once('close', () => line.splice(line.indexOf(outgoing), 1))
  })
  server.on('clientError', (error, socket: Socket) => turnAway(error, socket, open))
  server.on('checkContinue', (incoming, outgoing) => {
    // Who asks first whether a body is welcome should not be told to send one that is too large.
    if (Number(incoming.headers['content-length'] ?? 0) <= MAX_BODY_BYTES) outgoing.writeContinue()
    server.emit('request', incoming, outgoing)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => {
      reject(new Error(`Cannot listen on HOST ${HOST}, PORT ${PORT}: ${error.message}`, { cause: error }))
    })
    server.listen(PORT, HOST, resolve)
  })
  return { url: toUrl(server.address(), HOST), close: () => close(server, open) }
}

/** The path and query as the caller wrote them. */
export function rawUrl(incoming: IncomingMessage): string {
  const { url = '' } = incoming
  // Node hands non-ASCII bytes over one char each; Twilio signed them as UTF-8.
  return /[\x80-\xff]/.test(url) ? Buffer.from(url, 'latin1').toString('utf8') : url
}

/** What Node's HTTP parser gave up on: a stranger's noise, or a request that ended before it was whole. */
function turnAway(error: Error & { code?: string }, socket: Socket, open: UnderWay): void {
  // Nothing was asked, and a proxy that keeps connections ready would take an answer for that to its next request.
  if (socket.bytesRead === 0) {
    socket.destroy()
    return
  }
  const underWay = open.get(socket) ?? []
  const owed = underWay.findLast(({ req }) => req.complete)
  if (owed && socket.writable) {
    // A caller takes the first answer that comes for that of its first request.
    makeLast(owed)
    owed.once('close', () => socket.destroySoon())
    socket.pause()
    return
  }
  const isNoise =
    underWay.length === 0 &&
    !['HPE_INVALID_EOF_STATE', 'ERR_HTTP_REQUEST_TIMEOUT', 'ECONNRESET'].includes(error.code ?? '')
  const status = isNoise
    ? '400 Bad Request'
    : `503 Service Unavailable\r\nRetry-After: ${RETRY_AFTER_SECONDS}`
  if (socket.writable && !underWay.some(({ headersSent }) => headersSent)) {
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }
  socket.destroySoon()
}

function makeLast(outgoing: ServerResponse): void {
  if (!outgoing.headersSent) outgoing.setHeader('connection', 'close')
}

async function close(server: Server, open: UnderWay): Promise<void> {
  // Else a caller who keeps its connection busy would be served until the connections are cut.
  for (const line of open.values()) line.forEach(makeLast)
  server.prependListener('request', (_incoming, outgoing) => makeLast(outgoing))
  const closed = new Promise(resolve => server.close(resolve))
  const idle = setInterval(() => server.closeIdleConnections(), LAST_CHECK_MS)
  const late = setTimeout(() => server.closeAllConnections(), LAST_REQUESTS_MS)
  await closed
  clearInterval(idle)
  clearTimeout(late)
}

function toUrl(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' && address ? address.port : 0
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
