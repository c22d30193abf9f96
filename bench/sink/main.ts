/**
 * Segment's end of the line, lean: reads bodies whole, notes which messageIds are new and when, answers 200. The full
 * stand-in of the tests checks every field of every call, which would cost more than the servers under test: its core
 * would be the bottleneck, and the loader shares that core.
 */
import { createServer, type Socket } from 'node:net'
import { monotonicMs } from '../clock.ts'

export type SinkOrder =
  | { readonly do: 'reset'; readonly keepsTimes: boolean; readonly refuses: boolean }
  | { readonly do: 'count' }
  | { readonly do: 'times' }
export type SinkReply =
  | { readonly port: number }
  | { readonly count: SinkCount }
  | { readonly times: ReadonlyMap<string, number> }
export type SinkCount = {
  readonly distinct: number
  readonly events: number
  readonly requests: number
  readonly firstAt: number
  /** When the newest messageId came that was not known before. */
  readonly lastAt: number
  readonly cpuMicros: number
}

const marker = Buffer.from('"messageId":"')
const QUOTE = 0x22
const answer = (status: string, body: string) =>
  Buffer.from(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
const taken = answer('200 OK', '{"success":true}')
const refused = answer('503 Service Unavailable', '{"success":false}')

let ids = new Set<string>()
let times = new Map<string, number>()
let keepsTimes = false
let refuses = false
let count = fresh()

function fresh() {
  return { events: 0, requests: 0, firstAt: 0, lastAt: 0 }
}

function take(body: Buffer): Buffer {
  if (refuses) return refused
  const now = monotonicMs()
  count.requests += 1
  count.firstAt ||= now
  const known = ids.size
  for (let at = body.indexOf(marker); at >= 0; at = body.indexOf(marker, at)) {
    at += marker.length
    const end = body.indexOf(QUOTE, at)
    const id = body.toString('latin1', at, end)
    count.events += 1
    if (keepsTimes && !ids.has(id)) times.set(id, now)
    ids.add(id)
    at = end
  }
  if (ids.size > known) count.lastAt = now
  return taken
}

function serve(socket: Socket): void {
  let chunks: Buffer[] = []
  let length = 0
  let wanted: number | undefined
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', chunk => {
    chunks.push(chunk)
    length += chunk.length
    if (wanted === undefined) {
      const text = Buffer.concat(chunks)
      const head = text.indexOf('\r\n\r\n')
      if (head < 0) return
      const bodyBytes = /\r\ncontent-length: *(\d+)/i.exec(text.toString('latin1', 0, head))?.[1]
      if (bodyBytes === undefined) return void socket.destroy(new Error('a request without Content-Length'))
      wanted = head + 4 + Number(bodyBytes)
    }
    if (length < wanted) return
    const body = Buffer.concat(chunks, length)
    chunks = []
    length = 0
    wanted = undefined
    socket.write(take(body))
  })
}

function obey(order: SinkOrder): SinkReply {
  if (order.do === 'times') return { times }
  if (order.do === 'reset') {
    ids = new Set()
    times = new Map()
    count = fresh()
    keepsTimes = order.keepsTimes
    refuses = order.refuses
  }
  const { user, system } = process.cpuUsage()
  return { count: { ...count, distinct: ids.size, cpuMicros: user + system } }
}

const server = createServer(serve)
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address && typeof address === 'object') process.send?.({ port: address.port })
})
process.on('message', (order: SinkOrder) => process.send?.(obey(order)))
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => undefined)
