/** The debugger page as it is served: which files, under which headers, and nothing that lies beside them. */
import { request } from 'node:http'
import { expect, it } from 'vitest'
import { describeHosts, shareBridge, toReply } from '../support/hosts.ts'

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

const files: [path: string, type: string][] = [
  ['', 'text/html'],
  ['index.html', 'text/html'],
  ['main.js', 'text/javascript'],
  ['vendor/uPlot.esm.js', 'text/javascript'],
  ['vendor/uPlot.min.css', 'text/css'],
]

const strays = [
  ...['../package.json', '%2e%2e/package.json', '%2e%2e%2fpackage.json', '..%2f..%2f..%2fetc%2fpasswd'],
  ...[
    '..%5c..%5cpackage.json',
    '%252e%252e%252fpackage.json',
    'vendor/../../http/app.ts',
    'vendor%2f..%2fmain.js',
  ],
  ...[
    'vendor/%2e%2e/%2e%2e/%2e%2e/package.json',
    '....//package.json',
    '/main.js',
    '//etc/passwd',
    '/etc/passwd',
  ],
  ...[
    'main.js%00',
    'main.js%00.html',
    '%00',
    'main.js/',
    './/main.js',
    'vendor',
    'vendor/',
    'views',
    'tsconfig.json',
  ],
  ...[
    '.gitignore',
    'vendor/uPlot.cjs.js',
    'vendor/package.json',
    'main',
    'index',
    '%ff',
    'main.js;x',
    'MAIN.JS',
  ],
  ...[
    'file:/etc/passwd',
    'http://127.0.0.1:9/',
    '*',
    '_headers',
    'constructor',
    '__proto__',
    'node_modules/uplot',
  ],
]

/** With the path as it is: `fetch` would tidy it up. */
function get(origin: string, path: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(origin, { path }, async response => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode, text })
    })
    sent.on('error', reject)
    sent.end()
  })
}

describeHosts('the page', host => {
  const bridge = shareBridge(host)
  const knock = (path: string, init: RequestInit = {}) =>
    fetch(bridge().origin + path, { redirect: 'manual', ...init })

  it.each(files)('[PG1] /debugger/%s is there without a login, as %s', async (name, type) => {
    const { status, headers, text } = await toReply(await knock(`/debugger/${name}`))
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe(`${type}; charset=utf-8`)
    expect(text.length).toBeGreaterThan(0)
    expect(text).not.toContain(bridge().adminToken)
  })

  it.each(['/debugger/', '/debugger/main.js', '/debugger/there-is-no-such.js', '/debugger', '/'])(
    '[PG2] %s runs nothing but its own scripts, in no frame, and tells no referrer',
    async path => {
      const { headers } = await knock(path)
      expect(headers.get('content-security-policy')).toBe(policy)
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
    },
  )

  it.each(['/', '/debugger'])('[PG3] %s leads to the page', async path => {
    const { status, headers } = await knock(path)
    expect(status).toBe(302)
    expect(headers.get('location')).toBe('/debugger/')
  })

  it('[PG4] a file is asked about each time, and not sent again while it is the same', async () => {
    const first = await knock('/debugger/main.js')
    expect(first.headers.get('cache-control')).toBe('no-cache')
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^(W\/)?"[\w-]+"$/)
    const again = await toReply(await knock('/debugger/main.js', { headers: { 'if-none-match': etag } }))
    expect(again).toMatchObject({ status: 304, text: '' })
    expect(again.headers.get('etag')).toBe(etag)
    expect(again.headers.get('content-security-policy')).toBe(policy)
    const other = await knock('/debugger/main.js', { headers: { 'if-none-match': '"another"' } })
    expect(other.status).toBe(200)
  })

  it('[PG4] HEAD tells the same without the file', async () => {
    const { status, headers, text } = await toReply(await knock('/debugger/main.js', { method: 'HEAD' }))
    expect({ status, text }).toEqual({ status: 200, text: '' })
    expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  })

  it.each(strays)('[PG5] /debugger/%s gives no file', async path => {
    const { status, text } = await get(bridge().origin, `/debugger/${path}`)
    expect([401, 404]).toContain(status)
    expect(text).toMatch(/^\{"error":/)
  })

  it.each(['/main.js', '/index.html', '/vendor/uPlot.esm.js', '/assets/main.js'])(
    '[PG5] %s is not beside the page',
    async path => {
      expect((await knock(path)).status).toBe(404)
    },
  )

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('[PG5] %s does nothing to the page', async method => {
    expect((await knock('/debugger/main.js', { method })).status).toBe(404)
  })

  it('[PG6] a sink that calls the page is told so: what is signed goes to the webhook', async () => {
    for (const path of ['/', '/debugger', '/debugger/']) {
      const headers = { 'x-twilio-signature': 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }
      const query = `?bodySHA256=${'0'.repeat(64)}`
      expect((await knock(path + query, { headers })).status).not.toBe(302)
      expect((await toReply(await knock(path + query, { headers }))).text).not.toContain('<html')
      expect((await knock(path + query, { headers, method: 'POST', body: '[]' })).status).toBe(503)
    }
  })
})
