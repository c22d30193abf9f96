/**
 * Stands in for Segment's Tracking API on loopback: a real HTTP server with the real limits and silences, faults
 * to order, and everything it has accepted to look at. What the vendor leaves open is settled strictly.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE_MS } from './patience.ts'
import { control } from './segment-control.ts'
import { disturb } from './segment-disturb.ts'
import { createFaults, type Fault, type FaultSpan } from './segment-faults.ts'
import { type Call, createLedger, type Discard, type Keep, type TrackCall } from './segment-ledger.ts'
import { createLog, readBody, type SeenRequest } from './segment-log.ts'
import { type Answer, badRequest, isObject, taken, unpack } from './segment-request.ts'
import { createWaiting } from './segment-waiting.ts'

export type { Fault, FaultSpan } from './segment-faults.ts'
export type { Call, Discard, DiscardCode, Keep, TrackCall } from './segment-ledger.ts'
export type { SeenRequest } from './segment-log.ts'
export type { Json } from './segment-request.ts'

export type SegmentOptions = {
  readonly port?: number
  readonly host?: string
  /** @default 'all' */
  readonly keep?: Keep
  /** Answers 401 to any other write key, as RudderStack does. Segment takes every key. */
  readonly acceptKeys?: readonly string[]
  /** Also sets the `Date` header, so that a test can play a clock that is off. */
  readonly now?: () => number
}

export type SegmentStats = {
  readonly requests: number
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>
  readonly accepted: number
  readonly duplicates: number
  readonly discarded: number
  readonly silentlyDropped: number
}

export type SegmentStandIn = {
  readonly url: string
  /** Accepted track calls, first copies only, in order; empty with `keep: 'ids'`. */
  readonly events: readonly TrackCall[]
  /** The same for identify, page, screen, group and alias. */
  readonly others: readonly Call[]
  readonly ids: ReadonlySet<string>
  /** The last 10,000; those under `/_/` are not counted. */
  readonly requests: readonly SeenRequest[]
  readonly duplicates: number
  /** Answered 200, then thrown away for a reason Segment tells in its own pages only. */
  readonly discarded: readonly Discard[]
  /** Calls over 2,500 in one batch: answered 200, told nowhere. */
  readonly silentlyDropped: number
  readonly stats: SegmentStats
  fail(fault: Fault, span?: FaultSpan): void
  heal(): void
  /** Until so many calls are accepted, or until the predicate holds. Fails after `timeoutMs`. */
  waitFor(what: number | ((segment: SegmentStandIn) => boolean), timeoutMs?: number): Promise<void>
  /** As new, on the same port; what is under way does not count any more. */
  reset(): void
  /** Cuts every connection, hanging ones too. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function startSegment(options: SegmentOptions = {}): Promise<SegmentStandIn> {
  const { port = 0, host = '127.0.0.1', keep = 'all', acceptKeys, now = Date.now } = options
  const faults = createFaults()
  const waiting = createWaiting()
  const closing = new AbortController()
  let state = createState(keep)

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Held on to, so that a request from before a reset reports to the state from before it.
    const { ledger, log } = state
    const entry = log.open(request, now())
    waiting.changed()
    const fault = faults.next()
    const cut = () => request.socket.resetAndDestroy()
    if (fault?.kind === 'reset-before') return void cut()

    const body = await readBody(request)
    if (body === undefined) return
    const { method, path, headers } = entry
    const delivery = await unpack({ method, path, headers, body: body.kept }, acceptKeys)
    entry.bytes = body.bytes
    entry.count = delivery.calls.length
    waiting.changed()

    await disturb(faults.dislikes(String(body.kept ?? '')) ?? fault, {
      now,
      cut,
      sleep: ms => sleep(ms, undefined, { signal: closing.signal }),
      send: answer => {
        send(response, answer)
        log.answered(entry, response)
      },
      take: () => {
        if (delivery.refusal) return delivery.refusal
        if (faults.poisoned(toIds(delivery.calls))) return badRequest
        ledger.take(delivery, now())
        waiting.changed()
        return taken
      },
    })
    waiting.changed()
  }

  function send(response: ServerResponse, { status, headers, body }: Answer): void {
    response.statusCode = status
    response.setHeaders(new Map(Object.entries({ date: new Date(now()).toUTCString(), ...headers })))
    response.end(body)
  }

  const server = createServer(async (request, response) => {
    try {
      if (request.url?.startsWith('/_/')) send(response, await control(segment, request))
      else await serve(request, response)
    } catch (error) {
      if (!closing.signal.aborted) throw error
    }
  })
  // A caller that idles between two tests must not meet a connection just being closed.
  server.keepAliveTimeout = 60_000
  server.listen(port, host)
  await once(server, 'listening')
  const closed = once(server, 'close')

  const segment: SegmentStandIn = {
    url: toOrigin(server),
    get events() {
      return state.ledger.events
    },
    get others() {
      return state.ledger.others
    },
    get ids() {
      return state.ledger.ids
    },
    get requests() {
      return state.log.requests
    },
    get duplicates() {
      return state.ledger.counts.duplicates
    },
    get discarded() {
      return state.ledger.discarded
    },
    get silentlyDropped() {
      return state.ledger.counts.silentlyDropped
    },
    get stats() {
      const { ledger, log } = state
      return { ...structuredClone(log.counts), ...ledger.counts, discarded: ledger.discarded.length }
    },
    fail: faults.order,
    heal: faults.clear,
    waitFor(what, timeoutMs = PATIENCE_MS / 2) {
      const holds = typeof what === 'function' ? what : () => state.ledger.counts.accepted >= what
      return waiting.until(
        () => holds(segment),
        timeoutMs,
        () => {
          const wanted = typeof what === 'function' ? `${what}` : `${what} accepted calls`
          return `Segment's stand-in waited ${timeoutMs} ms for ${wanted}, and has ${JSON.stringify(segment.stats)}`
        },
      )
    },
    reset() {
      faults.clear()
      state = createState(keep)
    },
    async close() {
      closing.abort()
      waiting.giveUp("Segment's stand-in was closed")
      if (server.listening) server.close()
      server.closeAllConnections()
      await closed
    },
    [Symbol.asyncDispose]: () => segment.close(),
  }
  return segment
}

function createState(keep: Keep) {
  return { ledger: createLedger(keep), log: createLog() }
}

function toIds(calls: readonly unknown[]): string[] {
  return calls.flatMap(call => (isObject(call) && typeof call.messageId === 'string' ? [call.messageId] : []))
}

function toOrigin(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The stand-in listens on no port')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
