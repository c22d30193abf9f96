/** Requests byte by byte over a socket, as no HTTP client would send them, and the answers that come back. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { sha256, sign } from '../../support/signatures.ts'
import { authToken } from '../../support/twilio.ts'

export type Answer = { readonly status: number; readonly head: string; readonly body: string }

export type Wire = {
  readonly socket: Socket
  /** What has come back so far, a character a byte. */
  readonly text: string
  readonly isOver: boolean
  /** Until the other side has closed, or the time is over; says whether it did. */
  closed(timeoutMs?: number): Promise<boolean>
  /** Until so many answers are there, or the other side has closed, or the time is over. */
  answers(count?: number, timeoutMs?: number): Promise<readonly Answer[]>
}

export async function dial(origin: string, localAddress = '127.0.0.1'): Promise<Wire & Disposable> {
  const { hostname, port } = new URL(origin)
  const socket = connect({ host: hostname, port: Number(port), localAddress, allowHalfOpen: true })
  let text = ''
  let isOver = false
  const over = () => {
    isOver = true
  }
  socket.on('data', data => {
    text += data.toString('latin1')
  })
  // The other side may cut the line while this one still writes.
  socket.on('error', over)
  socket.on('end', over)
  socket.on('close', over)
  await once(socket, 'connect')

  async function until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    for (const end = Date.now() + timeoutMs; !holds(); await sleep(2)) if (Date.now() > end) return false
    return true
  }
  return {
    socket,
    get text() {
      return text
    },
    get isOver() {
      return isOver
    },
    closed: (timeoutMs = 5_000) => until(() => isOver, timeoutMs),
    async answers(count = 1, timeoutMs = 5_000) {
      await until(() => isOver || toAnswers(text).length >= count, timeoutMs)
      return toAnswers(text)
    },
    [Symbol.dispose]: () => socket.destroy(),
  }
}

/** Whole answers, one after the other; what is no answer at all counts as one of status 0. */
export function toAnswers(text: string): Answer[] {
  const answers: Answer[] = []
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end < 0) return answers
    const head = text.slice(at, end)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0)
    const start = end + 4
    if (status === 0) return [...answers, { status, head, body: text.slice(start) }]
    if (/^transfer-encoding: chunked/im.test(head)) {
      const { body, next } = unchunk(text, start)
      if (next === undefined) return answers
      answers.push({ status, head, body })
      at = next
      continue
    }
    const length = status === 100 ? 0 : Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
    if (text.length < start + length) return answers
    answers.push({ status, head, body: text.slice(start, start + length) })
    at = start + length
  }
  return answers
}

function unchunk(text: string, start: number): { body: string; next: number | undefined } {
  let body = ''
  for (let at = start; ; ) {
    const line = text.indexOf('\r\n', at)
    const size = line < 0 ? Number.NaN : Number.parseInt(text.slice(at, line), 16)
    if (Number.isNaN(size) || text.length < line + 4 + size) return { body, next: undefined }
    body += text.slice(line + 2, line + 2 + size)
    at = line + 4 + size
    if (size === 0) return { body, next: at }
  }
}

export type HeadOptions = {
  readonly method?: string
  /** Instead of the webhook's, without query. */
  readonly path?: string
  readonly version?: string
  readonly host?: string | undefined
  readonly token?: string
}

/** The head of a signed request. `signed` is the body that the signature speaks of, whatever is sent. */
export function head(
  origin: string,
  signed: string | Uint8Array,
  headers: readonly string[] = [],
  options: HeadOptions = {},
): string {
  const { method = 'POST', path = '/webhooks/twilio', version = 'HTTP/1.1', token = authToken } = options
  const { host = new URL(origin).host } = options
  const target = `${path}?bodySHA256=${sha256(signed)}`
  const signature = sign(`http://${host}${target}`, token)
  const lines = [`${method} ${target} ${version}`, `Host: ${host}`, `X-Twilio-Signature: ${signature}`]
  return [...lines, ...headers, '', ''].join('\r\n')
}

/** A whole signed request, as it should be. */
export function whole(origin: string, body: string, options: HeadOptions = {}): string {
  return head(origin, body, [`Content-Length: ${Buffer.byteLength(body)}`], options) + body
}

export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}
