/** A reverse proxy in front of a bridge, which may do to a request what proxies do to them. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export type Passing = {
  method: string
  path: string
  query: string
  headers: IncomingHttpHeaders
  body: Buffer
}

/** Changes what passes; or answers itself. */
export type Meddle = (passing: Passing, response: ServerResponse) => void

export type TestProxy = AsyncDisposable & { readonly origin: string; meddle: Meddle; target: string }

export async function startProxy(target = '', meddle: Meddle = () => undefined): Promise<TestProxy> {
  const server = createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://proxy')
    const passing: Passing = {
      method: request.method ?? 'GET',
      path: pathname,
      query: search.slice(1),
      headers: { ...request.headers },
      body: await buffer(request),
    }
    proxy.meddle(passing, response)
    if (response.headersSent) return
    const { method, path, query, headers, body } = passing
    const url = `${proxy.target}${path}${query && `?${query}`}`
    headers['content-length'] = String(body.length)
    const passed = send(url, { method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => response.writeHead(502).end('Bad Gateway'))
    passed.end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: TestProxy = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    meddle,
    target,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return proxy
}
