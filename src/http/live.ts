/**
 * Server-sent events for the page: `GET /api/stream`. A page that goes on where it was says so by `Last-Event-ID`, as an
 * EventSource does by itself, or by `after`.
 */
import type { Handler } from 'hono'
import type { Log } from '../runtime.ts'
import { type StillHolds, stillHolds } from './auth/guard.ts'
import { createFeed, type Feed } from './live-feed.ts'
import type { RatesApi } from './rates-routes.ts'

export type StreamParts = {
  /** Readings after which a connection ends, for a host that counts them. @default without end, one feed for all */
  readonly streamReadings?: number
  /** When the bridge stops, its streams end at once. */
  readonly stopping?: AbortSignal
}

const CONNECTIONS = 50
/** What a page may leave unread. One that is slower is sent away, and goes on from where it was. */
const CHARACTERS_UNREAD = 512 * 1_024
const RECONNECT_MS = 1_000
/** So long a stream may outlive the session that opened it. */
const CHECK_SESSION_MS = 1_000
const CURSOR = /^\d{0,15}(?:_\d{0,15}){0,63}$/

export function createStream(
  { pulse }: Pick<RatesApi, 'pulse'>,
  { streamReadings, stopping, log }: StreamParts & { readonly log: Log },
): Handler {
  const encoder = new TextEncoder()
  const feeds = new Set<Feed>()
  let connections = 0
  stopping?.addEventListener('abort', () => {
    for (const feed of feeds) feed.end()
  })

  function openFeed(): Feed {
    const feed = createFeed({
      pulse,
      readings: streamReadings ?? Number.POSITIVE_INFINITY,
      failed: error => log.warn({ err: error }, 'SSE clients disconnected: stats unavailable'),
    })
    feeds.add(feed)
    return feed
  }
  const shared = streamReadings === undefined ? openFeed() : undefined

  function connect(after: string | undefined, holds: StillHolds): ReadableStream<Uint8Array> {
    const feed = shared ?? openFeed()
    connections += 1
    let isOpen = true
    let isCancelled = false
    let unread = `retry: ${RECONNECT_MS}\n\n`
    let wake = (): void => undefined
    const leave = feed.join(after, {
      send(message) {
        unread += message
        if (unread.length > CHARACTERS_UNREAD) {
          unread = ''
          close()
        }
        wake()
      },
      end: close,
    })

    const session = setInterval(async () => {
      if (!(await holds())) close()
    }, CHECK_SESSION_MS)

    function close(): void {
      if (!isOpen) return
      isOpen = false
      clearInterval(session)
      connections -= 1
      leave()
      if (feed !== shared) feeds.delete(feed)
      wake()
    }

    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        while (isOpen && unread === '') await new Promise<void>(resolve => (wake = resolve))
        if (unread !== '' && !isCancelled) {
          controller.enqueue(encoder.encode(unread))
          unread = ''
        } else if (!isCancelled) controller.close()
      },
      cancel() {
        isCancelled = true
        close()
      },
    })
  }

  return c => {
    const after = c.req.header('last-event-id') ?? c.req.query('after')
    if (after !== undefined && !CURSOR.test(after)) {
      return c.json({ error: 'wrong_query', message: '`after` is the `cursor` of an earlier answer' }, 400)
    }
    if (stopping?.aborted || connections >= CONNECTIONS) {
      const message = stopping?.aborted
        ? 'The bridge is stopping'
        : `${CONNECTIONS} pages are connected already: close one of them`
      return c.json({ error: 'too_many_streams', message }, 503, { 'retry-after': '10' })
    }
    const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' }
    return c.req.method === 'HEAD'
      ? c.body(null, 200, headers)
      : c.body(
          connect(after, () => stillHolds(c)),
          200,
          headers,
        )
  }
}
