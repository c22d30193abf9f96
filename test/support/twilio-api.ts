/**
 * Stands in for Twilio's Events API (events.twilio.com/v1) on loopback: a real HTTP server that knows one account, keeps
 * sinks and subscriptions as the real one does, and sends the sink's test event. The SDK is led here by its own HTTP client.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import RequestClient from 'twilio/lib/base/RequestClient.js'
import { type Connect, connect } from '../../src/cli/sink/api.ts'
import { PATIENCE_MS } from './patience.ts'
import { accountSid, authToken, sendEvents, sinkTest } from './twilio.ts'
import { ApiError } from './twilio-api-answers.ts'
import { type CatalogueEntry, catalogue } from './twilio-api-catalogue.ts'
import { createStore, type Store } from './twilio-api-store.ts'

export const apiKey = { sid: `SK${'0'.repeat(32)}`, secret: 'secret-of-the-key' } as const

export type TwilioApiOptions = {
  /** Where a test event really goes, when that is not the sink's destination; `undefined` swallows it. */
  readonly reach?: (destination: string) => string | undefined
  readonly testDelayMs?: number
  /** Instead of the catalogue's, by type. */
  readonly statuses?: Readonly<Record<string, CatalogueEntry['status']>>
  /** Newest version by schema, instead of the catalogue's. */
  readonly latest?: Readonly<Record<string, number>>
  /** Of a list page. */
  readonly pageSize?: number
  /** The account's own. */
  readonly phoneNumbers?: readonly string[]
}

export type TwilioApi = AsyncDisposable &
  Omit<Store, 'route'> & {
    readonly origin: string
    /** What the commands are given instead of their own. */
    readonly connect: Connect
    /** As they came: method, path, form. */
    readonly requests: { readonly method: string; readonly path: string; readonly form: URLSearchParams }[]
    /** The answers of the bridges that the test events went to. */
    readonly testAnswers: number[]
    /** Every request from now on gets this. `undefined` heals it. */
    fail(answer: { status: number; body: unknown } | 'cut' | undefined): void
  }

export async function startTwilioApi(options: TwilioApiOptions = {}): Promise<TwilioApi> {
  const {
    reach = destination => destination,
    testDelayMs = 20,
    pageSize = 50,
    statuses = {},
    latest = {},
    phoneNumbers = [],
  } = options
  const requests: TwilioApi['requests'] = []
  const testAnswers: number[] = []
  let failure: Parameters<TwilioApi['fail']>[0]
  const offered = catalogue.map(entry => ({
    ...entry,
    status: statuses[entry.type] ?? entry.status,
    latest: latest[entry.schema] ?? entry.latest,
  }))
  const { route, ...account } = createStore(offered, pageSize, destination => {
    const url = reach(destination)
    if (url) setTimeout(() => void deliverTest(url, destination), testDelayMs)
  })

  async function deliverTest(url: string, publicUrl: string): Promise<void> {
    const response = await sendEvents(url, [sinkTest()], { publicUrl }).catch(() => undefined)
    testAnswers.push(response?.status ?? 0)
  }

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://api')
    const form = new URLSearchParams(await text(request))
    requests.push({ method: request.method ?? '', path: pathname, form })
    if (failure === 'cut') return void request.socket.destroy()
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body === undefined ? '' : JSON.stringify(body))
    }
    if (failure) return send(failure.status, failure.body)
    try {
      checkCredentials(request)
      if (pathname.endsWith('/IncomingPhoneNumbers.json'))
        return send(200, toNumbersPage(phoneNumbers, pathname))
      const body = route(request.method ?? '', pathname, form, searchParams)
      send(request.method === 'DELETE' ? 204 : request.method === 'POST' ? 201 : 200, body)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      send(error.status, error.toJson())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`

  class Loopback extends RequestClient {
    override request<T>(request: RequestClient.RequestOptions<T>) {
      return super.request<T>({
        ...request,
        uri: request.uri.replace(/^https:\/\/(events|api)\.twilio\.com/, origin),
      })
    }
  }
  return {
    origin,
    connect: credentials =>
      connect(credentials, new Loopback({ keepAlive: false, timeout: PATIENCE_MS / 2 })),
    ...account,
    requests,
    testAnswers,
    fail(answer) {
      failure = answer
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** One page, in the form of the older API. */
function toNumbersPage(numbers: readonly string[], uri: string): object {
  return {
    ...{ uri, first_page_uri: uri, next_page_uri: null, previous_page_uri: null, page: 0, page_size: 50 },
    incoming_phone_numbers: numbers.map(phone_number => ({ sid: `PN${'0'.repeat(32)}`, phone_number })),
  }
}

function checkCredentials({ headers }: IncomingMessage): void {
  const [, encoded = ''] = /^Basic (.*)$/.exec(headers.authorization ?? '') ?? []
  const allowed = [`${accountSid}:${authToken}`, `${apiKey.sid}:${apiKey.secret}`]
  if (!allowed.includes(Buffer.from(encoded, 'base64').toString()))
    throw new ApiError(401, 20003, 'Authenticate')
}
