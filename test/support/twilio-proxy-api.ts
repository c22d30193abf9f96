/**
 * Stands in for Twilio Proxy's API (proxy.twilio.com/v1) on loopback: a real HTTP server with services, sessions, participants and
 * interactions, in pages that shift when something is deleted. The `twilio` package is led here by its own HTTP client.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import RequestClient from 'twilio/lib/base/RequestClient.js'
import { PATIENCE_MS } from './patience.ts'
import { accountSid, authToken } from './twilio.ts'
import { apiKey } from './twilio-api.ts'
import { ApiError } from './twilio-api-answers.ts'
import { createProxyStore, type ProxyStore, type Stored, type StoredSession } from './twilio-proxy-store.ts'

export type TwilioProxyApiOptions = {
  readonly now?: () => number
  /** Called before each answer, with how many there have been: for what happens meanwhile. */
  readonly before?: (requests: number, store: ProxyStore) => unknown
}

export type TwilioProxyApi = AsyncDisposable &
  ProxyStore & {
    readonly origin: string
    /** For the `twilio` package. */
    readonly httpClient: RequestClient
    /** For the bridge itself. */
    readonly send: typeof fetch
    readonly requests: { readonly method: string; readonly path: string; readonly form: URLSearchParams }[]
    /** So many requests from now on get 429. */
    throttle(requests: number, headers?: Readonly<Record<string, string>>): void
    fail(answer: { status: number; body: unknown } | 'cut' | undefined): void
  }

const MOST = 1_000

export async function startTwilioProxyApi(options: TwilioProxyApiOptions = {}): Promise<TwilioProxyApi> {
  const { now = Date.now, before } = options
  const store = createProxyStore(now)
  const requests: TwilioProxyApi['requests'] = []
  let throttled = 0
  let throttleHeaders: Readonly<Record<string, string>> = {}
  let failure: Parameters<TwilioProxyApi['fail']>[0]

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://api')
    const form = new URLSearchParams(await text(request))
    const method = request.method ?? ''
    requests.push({ method, path: pathname, form })
    await before?.(requests.length, store)
    const send = (status: number, body: unknown, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(body === undefined ? '' : JSON.stringify(body))
    }
    if (failure === 'cut') return void request.socket.destroy()
    if (failure) return send(failure.status, failure.body)
    if (throttled > 0) {
      throttled -= 1
      return send(429, new ApiError(429, 20429, 'Too Many Requests').toJson(), throttleHeaders)
    }
    try {
      const [, encoded = ''] = /^Basic (.*)$/.exec(request.headers.authorization ?? '') ?? []
      const user = Buffer.from(encoded, 'base64').toString()
      if (![`${accountSid}:${authToken}`, `${apiKey.sid}:${apiKey.secret}`].includes(user))
        throw new ApiError(401, 20003, 'Authenticate')
      const body = route(method, pathname, form, searchParams)
      send(method === 'DELETE' ? 204 : method === 'POST' && pathname.endsWith('/Sessions') ? 201 : 200, body)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      send(error.status, error.toJson())
    }
  })

  function route(method: string, path: string, form: URLSearchParams, query: URLSearchParams): unknown {
    const [, version, root, ks, kind, kc, more, sid] = path.split('/')
    if (version !== 'v1' || root !== 'Services') throw notFound(path)
    const list = (key: string, rows: readonly Stored[]) => toPage(key, rows, path, query)
    if (ks === undefined) return list('services', [...store.services.values()])
    if (!store.services.has(ks)) throw notFound(path)
    if (kind === undefined) return store.services.get(ks)
    if (kind === 'PhoneNumbers') return list('phone_numbers', store.of(store.numbers, 'service_sid', ks))
    if (kc === undefined) {
      if (method === 'POST') return toSessionJson(store.createSession(ks, form))
      return list('sessions', store.of(store.sessions, 'service_sid', ks).map(toSessionJson))
    }
    const session = [...store.sessions.values()].find(
      one => one.service_sid === ks && (one.sid === kc || one.unique_name === kc),
    )
    if (!session) throw notFound(path)
    if (more === undefined) {
      if (method === 'DELETE') return void store.deleteSession(session)
      return toSessionJson(method === 'POST' ? store.updateSession(session, form) : session)
    }
    const rows = more === 'Participants' ? store.participants : store.interactions
    const own = store.of(rows, 'session_sid', session.sid)
    if (sid === undefined) return list(more.toLowerCase(), own)
    const one = own.find(row => row.sid === sid)
    if (!one) throw notFound(path)
    return one
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  class Loopback extends RequestClient {
    override request<T>(request: RequestClient.RequestOptions<T>) {
      return super.request<T>({ ...request, uri: request.uri.replace('https://proxy.twilio.com', origin) })
    }
  }
  const send: typeof fetch = (url, init) =>
    fetch(String(url).replace('https://proxy.twilio.com', origin), init)
  return {
    ...store,
    origin,
    send,
    requests,
    httpClient: new Loopback({ keepAlive: false, autoRetry: true, timeout: PATIENCE_MS / 2 }),
    throttle(count, headers = {}) {
      throttled = count
      throttleHeaders = headers
    },
    fail(answer) {
      failure = answer
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const notFound = (path: string) => new ApiError(404, 20404, `The requested resource ${path} was not found`)

function toSessionJson(session: StoredSession): StoredSession {
  const url = `https://proxy.twilio.com/v1/Services/${session.service_sid}/Sessions/${session.sid}`
  const links = { interactions: `${url}/Interactions`, participants: `${url}/Participants` }
  return { ...session, url, links }
}

/** By number: what is deleted meanwhile makes others slip to a page that was read already. */
function toPage(key: string, rows: readonly Stored[], path: string, query: URLSearchParams): object {
  const size = Math.min(Number(query.get('PageSize') ?? 50), MOST)
  const page = Number(query.get('Page') ?? 0)
  const toUrl = (number: number) =>
    `https://proxy.twilio.com${path}?PageSize=${size}&Page=${number}&PageToken=PT${number}`
  const hasMore = (page + 1) * size < rows.length
  return {
    [key]: rows.slice(page * size, (page + 1) * size),
    meta: {
      ...{ key, page, page_size: size, url: toUrl(page), first_page_url: toUrl(0) },
      previous_page_url: page > 0 ? toUrl(page - 1) : null,
      next_page_url: hasMore ? toUrl(page + 1) : null,
    },
  }
}
