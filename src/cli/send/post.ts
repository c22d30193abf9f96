/**
 * One signed request to a webhook, with Twilio's manners: 5 seconds for an answer; 429, 5xx, no answer and no connection are
 * tried again with exponential backoff and jitter; any other answer but 2xx loses the events for good.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { withoutUserinfo } from '../../ingest/url-candidates.ts'
import { toCause } from '../admin-client.ts'
import { type SigningKey, toSignatureHeaders } from '../signing-key.ts'

export type Target = {
  /** Where it goes. */
  readonly url: string
  /** What the signature is made over: the sink's destination. */
  readonly signedFor: string
  /** Without one the request is not signed. */
  readonly key: SigningKey | undefined
}

export type Signed = { readonly url: string; readonly text: string; readonly headers: Record<string, string> }

/** `text` is the very string that was signed. Userinfo goes out as a header at once, as Twilio sends it. */
export function sign({ url, signedFor, key }: Target, body: string): Signed {
  const query = `bodySHA256=${createHash('sha256').update(body).digest('hex')}`
  const join = (base: string) => `${base}${base.includes('?') ? '&' : '?'}${query}`
  const text = join(signedFor)
  const { username, password } = new URL(url)
  const userinfo = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    url: join(withoutUserinfo(url)),
    text,
    headers: {
      'content-type': 'application/json',
      ...(key && toSignatureHeaders(key, text)),
      ...(userinfo !== ':' && { authorization: `Basic ${Buffer.from(userinfo).toString('base64')}` }),
    },
  }
}

export const TIMEOUT_MS = 5_000
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 5 * 60_000

export type Manners = {
  readonly timeoutMs: number
  /** How long an event is tried again: Twilio's own is 4 hours. */
  readonly retryForMs: number
  readonly firstWaitMs: number
  readonly random: () => number
}

export const twilioManners: Manners = {
  timeoutMs: TIMEOUT_MS,
  retryForMs: 4 * 3_600_000,
  firstWaitMs: FIRST_WAIT_MS,
  random: Math.random,
}

export type Answer =
  | { readonly status: number; readonly text: string; readonly tookMs: number }
  | { readonly status: undefined; readonly text: string; readonly tookMs: number }

export type Posted = {
  readonly fate: 'acknowledged' | 'lost' | 'given up'
  readonly last: Answer
  readonly retries: number
}

/** `stop` ends the waiting between two tries, never a request on its way. */
export async function post(
  target: Target,
  body: string,
  { timeoutMs, retryForMs, firstWaitMs, random }: Manners,
  stop: AbortSignal,
  onAnswer: (answer: Answer) => void,
): Promise<Posted> {
  const { url, headers } = sign(target, body)
  const startedAt = performance.now()
  for (let retries = 0; ; retries++) {
    const last = await once(url, headers, body, timeoutMs)
    onAnswer(last)
    if (last.status !== undefined && last.status >= 200 && last.status < 300)
      return { fate: 'acknowledged', last, retries }
    if (!isRetried(last.status)) return { fate: 'lost', last, retries }
    const longest = Math.min(LONGEST_WAIT_MS, firstWaitMs * 2 ** retries)
    const waitMs = longest / 2 + (random() * longest) / 2
    const isOver = performance.now() + waitMs - startedAt > retryForMs
    if (isOver || stop.aborted) return { fate: 'given up', last, retries }
    await sleep(waitMs, undefined, { signal: stop }).catch(() => undefined)
    if (stop.aborted) return { fate: 'given up', last, retries }
  }
}

/** What Twilio does about redirects is not known; here they are lost, as the stricter reading. */
export function isRetried(status: number | undefined): boolean {
  return status === undefined || status === 429 || status >= 500
}

async function once(
  url: string,
  headers: Record<string, string>,
  body: string,
  timeoutMs: number,
): Promise<Answer> {
  const at = performance.now()
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
    const text = await response.text()
    return { status: response.status, text, tookMs: performance.now() - at }
  } catch (error) {
    return { status: undefined, text: toCause(error), tookMs: performance.now() - at }
  }
}
