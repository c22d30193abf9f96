/**
 * One batch of track calls → one HTTP request through `@segment/analytics-node` → what Segment's edge answered.
 *
 * One short-lived `Analytics` a batch, with our own HTTP client: the SDK's callbacks call several losses a success
 * (a 3xx, a disabled client, a value JSON refuses) and its retries outlive any lease, so a batch counts as accepted only
 * when this client saw a 2xx for a body that held its messageIds, each and in order. Nothing here touches the outbox.
 */
import { Analytics } from '@segment/analytics-node'
import type { DeliveryReason } from '../../reasons.ts'
import { type DeliveryOutcome, failed } from '../destination.ts'
import { byteLength } from '../pack.ts'
import { toWaitMs } from '../retry.ts'
import { toHeadersShown } from './answer-headers.ts'
import type { TrackCall } from './map.ts'
import { deniesSuccess } from './success.ts'

export type Target = {
  readonly writeKey: string
  readonly host: string
  readonly path: string
  /** Sent besides the SDK's own; their values may be secrets. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What the SDK adds, in bytes. */
export type Overhead = { readonly perRequest: number; readonly perEvent: number }

/** How one HTTP attempt ended. */
type Outcome = Exclude<DeliveryOutcome, { kind: 'aborted' }>

export type DeliverPorts = {
  readonly send: typeof fetch
  readonly now: () => number
  /** Lets others have their turn: called between slices of a batch, which as a whole would keep an intake waiting. */
  readonly breathe?: () => Promise<unknown>
}

export type Deliver = (tracks: readonly TrackCall[], signal: AbortSignal) => Promise<DeliveryOutcome>

const REQUEST_TIMEOUT_MS = 10_000
/** Of an answer: characters kept, and bytes and time it is read for at all. What is cut off costs its connection. */
const ANSWER_KEPT = 1_000
/** Enough to tell whether a 2xx denies itself. */
const ANSWER_JUDGED = 16 * 1_024
const ANSWER_READ = 256 * 1_024
const ANSWER_WAIT_MS = 1_000
const SECRET_CHARS = 16
/** Some 3 ms of the SDK's work. */
const SLICE_EVENTS = 32

type Request = { readonly url: string; readonly headers: Record<string, string>; readonly body: string }
/** `wire` ends it, by whomever it is aborted. */
type Post = (request: Request, wire: AbortController) => Promise<Outcome>

export function createDeliver(
  target: Target,
  { send, now, breathe }: DeliverPorts,
  timeoutMs = REQUEST_TIMEOUT_MS,
): Deliver {
  const { headers: own = {}, ...sdk } = target
  const hide = createMask([target.writeKey, ...Object.values(own)])
  const post: Post = async ({ url, headers, body }, wire) => {
    const { signal } = wire
    const late = setTimeout(() => wire.abort(), timeoutMs)
    const all = { ...headers, ...own }
    const request = () => send(url, { method: 'POST', headers: all, body, redirect: 'manual', signal })
    try {
      const response = await request().catch((error: unknown) => {
        // A kept connection that Segment closes just then is no outage. The messageIds make a second copy harmless.
        if (signal.aborted || !isCutConnection(error)) throw error
        return request()
      })
      const body = await readAnswer(response)
      const answer = hide(body).slice(0, ANSWER_KEPT)
      const headers = toHeadersShown(response.headers, value => hide(printable(value)))
      const outcome = toOutcome(response.status, answer, response.headers, now())
      if (
        outcome.kind !== 'accepted' ||
        !deniesSuccess(outcome.status, response.headers.get('content-type'), body)
      )
        return { ...outcome, headers }
      return { ...failed('segment_misrouted', outcome.status, answer), headers }
    } catch (error) {
      const reason = signal.aborted ? 'segment_timeout' : 'segment_unreachable'
      return failed(reason, undefined, describe(error))
    } finally {
      clearTimeout(late)
    }
  }
  return (tracks, signal) =>
    new Promise((resolve, reject) => {
      const wire = new AbortController()
      const abort = () => {
        wire.abort()
        resolve({ kind: 'aborted' })
      }
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort)
      const end = () => signal.removeEventListener('abort', abort)
      const send = (request: Request) => post(request, wire)
      sendThroughSdk(sdk, tracks, send, timeoutMs, breathe).finally(end).then(resolve, reject)
    })
}

/** Hands the batch to the SDK, whose last `track` sends exactly one request, to `post`. */
function sendThroughSdk(
  target: Omit<Target, 'headers'>,
  tracks: readonly TrackCall[],
  post: (request: Request) => Promise<Outcome>,
  timeoutMs: number,
  breathe: DeliverPorts['breathe'],
): Promise<Outcome> {
  return new Promise(resolve => {
    let open = true
    // The SDK may keep events to itself (an error inside it): then this batch ends here and is tried again.
    const deadline = setTimeout(
      () => finish(failed('bridge_fault', undefined, 'the SDK sent no request')),
      timeoutMs * 2,
    )
    const finish = (outcome: Outcome): void => {
      open = false
      clearTimeout(deadline)
      resolve(outcome)
    }
    const analytics = new Analytics({
      ...target,
      flushAt: tracks.length,
      flushInterval: timeoutMs * 4,
      maxRetries: 0,
      httpClient: {
        async makeRequest({ url, headers, body }) {
          // Whatever the SDK sends after the end is not ours to wait for: its events may be on their way again.
          const outcome =
            open && holdsAll(body, tracks)
              ? await post({ url, headers, body })
              : failed('bridge_fault', undefined, 'the SDK changed the batch')
          finish(outcome)
          // Anything but a true 2xx is told to the SDK as a 400 without headers, the one answer it never retries or waits on.
          return outcome.kind === 'accepted'
            ? { status: 200, statusText: 'OK' }
            : { status: 400, statusText: outcome.kind }
        },
      },
    })
    const trackAll = async () => {
      for (const [index, track] of tracks.entries()) {
        if (breathe && index % SLICE_EVENTS === SLICE_EVENTS - 1) await breathe()
        if (open) analytics.track(track)
      }
    }
    trackAll().catch((error: unknown) => finish(failed('bridge_fault', undefined, describe(error))))
  })
}

/** What the SDK adds around events and to each of them, in bytes: measured by letting it send one to nobody. */
export async function measureOverhead({ headers: _, ...target }: Target): Promise<Overhead> {
  const probe: TrackCall = {
    event: 'probe',
    messageId: 'probe',
    anonymousId: 'probe',
    timestamp: '2026-01-01T00:00:00.000Z',
    properties: {},
    context: { app: { name: 'probe', version: '0' } },
  }
  const body = await new Promise<string>(resolve => {
    const analytics = new Analytics({
      ...target,
      flushAt: 1,
      maxRetries: 0,
      httpClient: {
        async makeRequest(request) {
          resolve(request.body)
          return { status: 200, statusText: 'OK' }
        },
      },
    })
    analytics.track(structuredClone(probe))
  })
  const [event = ''] = eventsOf(body).map(sent => JSON.stringify(sent))
  return {
    perRequest: byteLength(body) - byteLength(event),
    perEvent: byteLength(event) - byteLength(JSON.stringify(probe)),
  }
}

/** Looked up in the text: parsing it once more would cost hundreds of objects an event. */
function holdsAll(body: string, tracks: readonly TrackCall[]): boolean {
  let from = 0
  for (const { messageId } of tracks) {
    const field = `"messageId":${JSON.stringify(messageId)}`
    const at = body.indexOf(field, from)
    if (at === -1) return false
    from = at + field.length
  }
  return true
}

function eventsOf(body: string): { messageId?: unknown }[] {
  const parsed: { batch?: { messageId?: unknown }[] } = JSON.parse(body)
  return parsed.batch ?? []
}

function toOutcome(status: number, answer: string, headers: Headers, now: number): Outcome {
  const waitToldMs = toWaitMs(headers, now)
  const fail = (reason: DeliveryReason): Outcome => ({ kind: 'failed', reason, status, answer, waitToldMs })
  if (status >= 200 && status < 300) return { kind: 'accepted', status, answer }
  if (status === 429) return fail('segment_throttled')
  if (status === 408) return fail('segment_timeout')
  if (status === 410 || status === 460 || status >= 500) return fail('segment_failing')
  // Segment's words for a malformed key, which it otherwise takes in silence: no event is at fault.
  if (status === 401 || status === 403 || (status === 400 && /write\s*key/i.test(answer)))
    return fail('segment_unauthorized')
  if (status === 400 || status === 413) return { kind: 'refused', status, answer }
  return fail('segment_misrouted')
}

/** The first bytes of the answer; the rest is read and thrown away, for an unread body would keep its connection. */
async function readAnswer({ body }: Response): Promise<string> {
  if (body === null) return ''
  const reader = body.getReader()
  const stop = () => void reader.cancel().catch(() => undefined)
  const late = setTimeout(stop, ANSWER_WAIT_MS)
  const decoder = new TextDecoder()
  let answer = ''
  try {
    for (let read = 0; ; ) {
      const { done, value } = await reader.read()
      if (done) break
      read += value.length
      if (answer.length < ANSWER_JUDGED) answer += decoder.decode(value, { stream: true })
      if (read > ANSWER_READ) stop()
    }
  } catch {
    // The status has been seen, and it alone decides: a body cut off changes nothing.
  }
  clearTimeout(late)
  return printable(answer)
}

/** An answer may quote the request. A short key could be a word of the answer itself. */
function createMask(secrets: readonly string[]): (text: string) => string {
  const hidden = secrets
    .flatMap(secret => secret.split(' '))
    .filter(word => word.length >= SECRET_CHARS)
    .flatMap(word => [btoa(`${word}:`), word])
  return text => hidden.reduce((shown, word) => shown.replaceAll(word, '***'), text)
}

/** Garbage is kept readable: no control characters in logs, notices or the debugger. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ').trim()
}

/** Error code and message of what lies at the bottom of it. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause : error
  const code = codeOf(error)
  return `${code === undefined ? '' : `${code} `}${cause.message}`
}

function isCutConnection(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error) ?? '')
}

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}
