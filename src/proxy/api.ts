/**
 * Twilio Proxy's API as the bridge itself reads it, on any host: by HTTP alone, for the `twilio` package is heavy and is no use on
 * Workers. In: credentials and a fetch. Out: resources as they are answered, or a ProxyApiError.
 */
import * as z from 'zod'
import { toBase64 } from '../event/base64.ts'

const ORIGIN = 'https://proxy.twilio.com'
const TIMEOUT_MS = 30_000
/** Without a Retry-After. */
const THROTTLED_MS = 1_000
const LONGEST_WAIT_MS = 300_000
/** In a row, of one request. */
const TRIES = 8

/** `status` undefined: there was no answer. */
export class ProxyApiError extends Error {
  readonly status: number | undefined
  constructor(message: string, status: number | undefined) {
    super(message)
    this.status = status
  }
}

export type ProxyReader = {
  /** One resource; `undefined`: there is none. `path` begins with /v1. */
  get(path: string): Promise<unknown>
  /** A list, page by page, as Twilio names the next one. `undefined` in place of a page: what it belongs to is gone. */
  pages(path: string, key: string): AsyncGenerator<readonly unknown[] | undefined, void>
}

export type ReaderPorts = {
  readonly send: typeof fetch
  /** Waits before another try, after a 429 or a failure of Twilio's. Without it there is no other try. */
  readonly wait?: ((ms: number) => Promise<void>) | undefined
  readonly pageSize?: number
}

export type BasicAuth = { readonly username: string; readonly password: string }

const Page = z.looseObject({ meta: z.looseObject({ next_page_url: z.string().nullish() }) })

export function createProxyReader({ username, password }: BasicAuth, ports: ReaderPorts): ProxyReader {
  const { send, wait, pageSize = 1_000 } = ports
  const authorization = `Basic ${toBase64(new TextEncoder().encode(`${username}:${password}`))}`

  async function ask(url: string): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      const outcome = await askOnce(url)
      if ('value' in outcome) return outcome.value
      const { error, waitMs } = outcome
      if (!wait || waitMs === undefined || tries === TRIES) throw error
      await wait(Math.min(LONGEST_WAIT_MS, waitMs * (error.status === 429 ? 1 : 2 ** (tries - 1))))
    }
  }

  async function askOnce(
    url: string,
  ): Promise<{ value: unknown } | { error: ProxyApiError; waitMs?: number }> {
    let response: Response
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      response = await send(url, { headers: { authorization, accept: 'application/json' }, signal })
      if (response.status === 404) {
        await response.body?.cancel()
        return { value: undefined }
      }
      if (response.ok) return { value: await response.json() }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return {
        error: new ProxyApiError(`Twilio's API cannot be reached: ${why}`, undefined),
        waitMs: THROTTLED_MS,
      }
    }
    const { status } = response
    await response.body?.cancel()
    const error = new ProxyApiError(`Twilio's API answered ${status}`, status)
    if (status !== 429 && status < 500) return { error }
    return { error, waitMs: toWaitMs(response.headers.get('retry-after')) }
  }

  return {
    get: path => ask(ORIGIN + path),
    async *pages(path, key) {
      let url: string | undefined = `${ORIGIN}${path}?PageSize=${pageSize}`
      while (url !== undefined) {
        const answer: unknown = await ask(url)
        if (answer === undefined) {
          yield undefined
          return
        }
        const page = Page.safeParse(answer).data
        const rows = page?.[key]
        if (page === undefined || !Array.isArray(rows))
          throw new ProxyApiError(`Twilio's API answered ${path} with something that is no list`, 200)
        yield rows
        url = toNext(page.meta.next_page_url)
      }
    },
  }
}

/** The credentials go nowhere else. */
function toNext(url: string | null | undefined): string | undefined {
  if (!url) return undefined
  if (URL.parse(url)?.origin !== ORIGIN) throw new ProxyApiError(`Twilio's API names a page elsewhere`, 200)
  return url
}

function toWaitMs(retryAfter: string | null): number {
  const seconds = Number(retryAfter ?? '')
  return retryAfter !== null && seconds > 0 ? seconds * 1_000 : THROTTLED_MS
}
