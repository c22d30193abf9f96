/** The login of the debugger page, on both hosts: what the cookie is, what it opens, and from whose page. */
// @module-tag long
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { newDataDir, startBridge } from '../../support/bridge.ts'
import { describeHosts, type Hosted, shareBridge, toReply } from '../../support/hosts.ts'
import { cookieOf, logIn } from '../../support/login.ts'
import { startWorkers } from '../../support/workers.ts'

const ADMIN_TOKEN = 'the-token-of-the-tests'
const secureProxy = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'bridge.example.com' }

const get = async (bridge: Hosted, path: string, headers: Record<string, string> = {}) =>
  toReply(await fetch(bridge.origin + path, { headers }))
const post = async (bridge: Hosted, path: string, headers: Record<string, string> = {}) =>
  toReply(await fetch(bridge.origin + path, { method: 'POST', headers }))
const loggedIn = async (bridge: Hosted) => cookieOf(await logIn(bridge.origin, bridge.adminToken))

describeHosts('the login', host => {
  const bridge = shareBridge(host)

  it('[AC1] takes the token once and gives a cookie that no script and no other site can use', async () => {
    const { status, headers, text } = await toReply(await logIn(bridge().origin, bridge().adminToken))
    expect({ status, text }).toEqual({ status: 204, text: '' })
    const [cookie, ...others] = headers.getSetCookie()
    expect(others).toEqual([])
    expect(cookie).toMatch(
      /^bridge_session=[0-9a-f]{32}-\d+-\d+\.[\w%]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('[AC2] the cookie opens what the token opens, and says so', async () => {
    const cookie = await loggedIn(bridge())
    for (const path of ['/api/stats', '/api/events', '/api/notices', '/metrics'])
      expect((await get(bridge(), path, { cookie })).status).toBe(200)
    expect(await get(bridge(), '/api/session', { cookie })).toMatchObject({
      status: 200,
      json: { via: 'cookie' },
    })
    const authorization = `Bearer ${bridge().adminToken}`
    expect((await get(bridge(), '/api/session', { authorization })).json).toEqual({ via: 'bearer' })
    expect((await get(bridge(), '/api/session')).json).toEqual({ via: null })
  })

  it('[AC2] beside the Basic credentials of a proxy the cookie counts; beside a wrong Bearer it does not', async () => {
    const cookie = await loggedIn(bridge())
    const status = async (authorization: string) =>
      (await get(bridge(), '/api/stats', { cookie, authorization })).status
    expect(await status(`Basic ${btoa('somebody:else')}`)).toBe(200)
    expect(await status('Bearer wrong')).toBe(401)
  })

  it('[AC3] a cookie that was touched, or signed by somebody else, opens nothing', async () => {
    const cookie = await loggedIn(bridge())
    const [, name, since, until, signature] = /^(\w+)=(\w+-\d+)-(\d+)\.(.+)$/.exec(cookie) ?? []
    const forged = [
      ...[`${name}=`, `${name}=${since}-${until}`, `${name}=${since}-${until}.`, `${name}=${signature}`],
      ...[
        `${name}=${since}-${Number(until) + 1}.${signature}`,
        `${name}=${since?.replace(/\d+$/, '0')}-${until}.${signature}`,
      ],
      ...[`${name}=${since}-${until}.${'A'.repeat(43)}%3D`, `${name}=${bridge().adminToken}`, `${name}=true`],
      ...[`x${cookie}`, cookie.replace(name ?? '', 'session'), cookie.slice(0, -4), `${cookie}x`],
      ...[
        `${name}="${since}-${until}`,
        `${name}=%00.${signature}`,
        `${name}=%`,
        `__Host-${cookie}`.slice(0, -1),
      ],
    ]
    for (const other of forged)
      expect([other, (await get(bridge(), '/api/stats', { cookie: other })).status]).toEqual([other, 401])
  })

  it('[AC4] without a login the page asks for one: no browser prompt stands before it', async () => {
    const { status, headers, json } = await get(bridge(), '/api/stats')
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toBe('Bearer')
    expect(json).toMatchObject({ error: 'unauthorized', message: expect.stringContaining('/debugger/') })
  })

  it('[AC5] a logout takes the cookie back', async () => {
    const cookie = await loggedIn(bridge())
    const { status, headers } = await post(bridge(), '/api/logout', { cookie, origin: bridge().origin })
    expect(status).toBe(204)
    const cleared = headers.getSetCookie()
    expect(cleared).toContain('bridge_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict')
    expect(cleared).toContain('__Host-bridge_session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Strict')
    expect((await post(bridge(), '/api/logout')).status).toBe(204)
  })

  it.each([
    ['a form', 'application/x-www-form-urlencoded', 'token=x', 415],
    ['a form of text', 'text/plain', '{"token":"x"}', 415],
    ['no type', '', '{"token":"x"}', 415],
    ['another JSON', 'application/json-patch', '{"token":"x"}', 415],
    ['no JSON', 'application/json', '{"token":', 400],
    ['nothing', 'application/json', '', 400],
    ['no object', 'application/json', '"x"', 400],
    ['no text', 'application/json', '{"token":7}', 400],
    ['more than a token', 'application/json', '{"token":"x","admin":true}', 400],
    ['too much', 'application/json', JSON.stringify({ token: 'x'.repeat(4_096) }), 413],
  ])('[AC6] %s is no login, and no try', async (_what, type, body, status) => {
    const headers = { 'content-type': type }
    const bytes = new TextEncoder().encode(body)
    for (let times = 0; times < 3; times += 1) {
      const response = await fetch(`${bridge().origin}/api/login`, { method: 'POST', headers, body: bytes })
      expect(response.status).toBe(status)
      expect(response.headers.getSetCookie()).toEqual([])
    }
  })

  it('[AC6] the type may name its charset', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    expect((await logIn(bridge().origin, bridge().adminToken, headers)).status).toBe(204)
  })
})

describeHosts('guesses at the login', host => {
  it('[AC7] after five wrong ones there is one try in ten seconds, for the right token too', async () => {
    await using bridge = await host.start()
    const statuses: number[] = []
    for (const guess of ['1', '2', '3', '4', '5', bridge.adminToken])
      statuses.push((await logIn(bridge.origin, guess)).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
    const { headers, json } = await toReply(await logIn(bridge.origin, bridge.adminToken))
    expect(json).toMatchObject({ error: 'too_many_tries' })
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(10)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    // Machines are not shut out by a stranger.
    expect((await bridge.stats()).received).toBe(0)
  })

  it('[AC7] fifty at once are fifty tries', async () => {
    await using bridge = await host.start()
    const guesses = Array.from({ length: 50 }, (_, index) => logIn(bridge.origin, `guess ${index}`))
    const statuses = (await Promise.all(guesses)).map(({ status }) => status)
    expect(statuses.filter(status => status === 401)).toHaveLength(5)
    expect(statuses.filter(status => status === 429)).toHaveLength(45)
  })

  it('[AC7] the right token within them wipes them out', async () => {
    await using bridge = await host.start()
    for (let round = 0; round < 4; round += 1) {
      for (const guess of ['1', '2', '3']) expect((await logIn(bridge.origin, guess)).status).toBe(401)
      expect((await logIn(bridge.origin, bridge.adminToken)).status).toBe(204)
    }
  })

  it('[AC170] A13: five strangers lock nobody else out', async () => {
    await using bridge = await host.start({ TRUST_PROXY: 'true' })
    const from = (address: string) => ({ 'x-forwarded-for': address })
    for (let stranger = 1; stranger <= 5; stranger += 1) {
      for (let guess = 1; guess <= 5; guess += 1)
        await logIn(bridge.origin, `guess ${guess}`, from(`198.51.100.${stranger}`))
      const next = await logIn(bridge.origin, bridge.adminToken, from(`198.51.100.${stranger}`))
      expect(next.status).toBe(429)
    }
    expect((await logIn(bridge.origin, bridge.adminToken, from('203.0.113.7'))).status).toBe(204)
    // What the client claims itself does not make it another one.
    const claimed = await logIn(bridge.origin, bridge.adminToken, from('203.0.113.7, 198.51.100.1'))
    expect(claimed.status).toBe(429)
  })

  it('[AC170] A13: without TRUST_PROXY no header makes a client another one', async () => {
    await using bridge = await host.start()
    for (let guess = 1; guess <= 5; guess += 1)
      await logIn(bridge.origin, 'a guess', { 'x-forwarded-for': `198.51.100.${guess}` })
    const next = await logIn(bridge.origin, bridge.adminToken, { 'x-forwarded-for': '203.0.113.7' })
    expect(next.status).toBe(429)
  })

  it('[AC7] tries of another site are none', async () => {
    await using bridge = await host.start()
    for (let times = 0; times < 10; times += 1) {
      const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://elsewhere.example' }
      const { status, json } = await toReply(await logIn(bridge.origin, 'guess', foreign))
      expect({ status, json }).toMatchObject({ status: 403, json: { error: 'cross_site' } })
    }
    expect((await logIn(bridge.origin, bridge.adminToken)).status).toBe(204)
  })
})

describeHosts('a cookie that other pages send along', host => {
  const bridge = shareBridge(host)
  const change = async (headers: Record<string, string>) => {
    const cookie = await loggedIn(bridge())
    return post(bridge(), '/api/dead-letters/drop', { cookie, ...headers })
  }

  it('[AC8] changes something from our own page', async () => {
    expect((await change({ 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    // Plain http but for localhost: browsers send no Sec-Fetch-Site there.
    expect((await change({ origin: bridge().origin })).status).toBe(200)
  })

  it.each<Record<string, string>>([
    {},
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'SAME-ORIGIN' },
    { 'sec-fetch-site': '' },
    { origin: 'null' },
    { origin: 'https://elsewhere.example' },
    { origin: 'http://localhost' },
    { origin: 'http://127.0.0.1' },
    { origin: 'https://bridge.example.com' },
    { origin: 'https://bridge.example.com', ...secureProxy },
    { referer: 'http://127.0.0.1/debugger/' },
  ])('[AC8] changes nothing from %j', async headers => {
    const { status, json } = await change(headers)
    expect(status).toBe(403)
    expect(json).toMatchObject({ error: 'cross_site', message: expect.stringContaining('PUBLIC_URL') })
  })

  it('[AC8] nothing but the page of the same scheme, host and port is ours', async () => {
    const { hostname, port } = new URL(bridge().origin)
    for (const origin of [
      `https://${hostname}:${port}`,
      `http://${hostname}:1`,
      `http://x.${hostname}:${port}`,
    ])
      expect((await change({ origin })).status).toBe(403)
    expect((await change({ origin: bridge().origin, 'sec-fetch-site': 'same-site' })).status).toBe(403)
  })

  it('[AC8] every other method is refused alike, whatever the path', async () => {
    const cookie = await loggedIn(bridge())
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      for (const path of ['/api/events/1-0/retry', '/api/there-is-no-such', '/metrics']) {
        const { status } = await fetch(bridge().origin + path, { method, headers: { cookie } })
        expect([method, path, status]).toEqual([method, path, 403])
      }
    }
  })

  it('[AC8] reads for whom the browser lets read', async () => {
    const cookie = await loggedIn(bridge())
    const { status, headers } = await get(bridge(), '/api/stats', { cookie, 'sec-fetch-site': 'cross-site' })
    expect(status).toBe(200)
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  it('[AC8] a Bearer needs no page', async () => {
    const authorization = `Bearer ${bridge().adminToken}`
    const foreign = { authorization, 'sec-fetch-site': 'cross-site', origin: 'https://elsewhere.example' }
    expect((await post(bridge(), '/api/dead-letters/drop', foreign)).status).toBe(200)
  })

  it('[AC8] no other page logs somebody out', async () => {
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://elsewhere.example' }
    const { status, headers } = await post(bridge(), '/api/logout', foreign)
    expect({ status, cookies: headers.getSetCookie() }).toEqual({ status: 403, cookies: [] })
  })
})

describeHosts('behind a proxy', host => {
  it('[AC9] by https the cookie is Secure, and bound to this host', async () => {
    await using bridge = await host.start({ TRUST_PROXY: 'true' })
    const login = await logIn(bridge.origin, bridge.adminToken, secureProxy)
    expect(login.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-bridge_session=\S+; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
      ),
    ])
    const cookie = cookieOf(login)
    expect((await get(bridge, '/api/stats', { cookie })).status).toBe(200)
    const drop = async (origin: string) =>
      (await post(bridge, '/api/dead-letters/drop', { cookie, ...secureProxy, origin })).status
    expect(await drop('https://bridge.example.com')).toBe(200)
    expect(await drop('http://bridge.example.com')).toBe(403)
    expect(await drop('https://bridge.example.com:444')).toBe(403)
    expect(await drop(bridge.origin)).toBe(403)
  })

  it('[AC9] PUBLIC_URL is our page too, and an Origin of https is enough for Secure', async () => {
    await using bridge = await host.start({ PUBLIC_URL: 'https://Bridge.example.com/hooks/twilio?x=1' })
    const origin = 'https://bridge.example.com'
    const login = await logIn(bridge.origin, bridge.adminToken, { origin })
    expect(login.status).toBe(204)
    const cookie = cookieOf(login)
    expect(cookie).toMatch(/^__Host-/)
    const drop = async (from: string) =>
      (await post(bridge, '/api/dead-letters/drop', { cookie, origin: from })).status
    expect(await drop(origin)).toBe(200)
    expect(await drop(bridge.origin)).toBe(200)
    expect(await drop('https://example.com')).toBe(403)
  })
})

describeHosts('a session', host => {
  it('[AC10] outlives the bridge, and ends with its token', async () => {
    await using first = await host.start()
    const cookie = await loggedIn(first)
    await first.stop()
    {
      await using same = await host.start()
      expect((await get(same, '/api/stats', { cookie })).status).toBe(200)
    }
    await using other = await host.start({ ADMIN_TOKEN: 'another-token-of-the-tests' })
    expect((await get(other, '/api/stats', { cookie })).status).toBe(401)
  })
})

describeHosts('A13: a logout', host => {
  it('[AC171] ends the session for every copy of its cookie, and no other session', async () => {
    await using bridge = await host.start()
    const [cookie, other] = [await loggedIn(bridge), await loggedIn(bridge)]
    expect((await post(bridge, '/api/logout', { cookie, origin: bridge.origin })).status).toBe(204)
    expect((await get(bridge, '/api/stats', { cookie })).status).toBe(401)
    expect((await get(bridge, '/api/session', { cookie })).json).toEqual({ via: null })
    expect((await get(bridge, '/api/stats', { cookie: other })).status).toBe(200)
  })

  it('[AC172] ends the streams of its session, and no other', async () => {
    await using bridge = await host.start()
    const [cookie, other] = [await loggedIn(bridge), await loggedIn(bridge)]
    const abort = new AbortController()
    const open = async (headers: Record<string, string>) =>
      (await fetch(`${bridge.origin}/api/stream`, { headers, signal: abort.signal })).body?.getReader()
    const [mine, theirs] = [await open({ cookie }), await open({ cookie: other })]
    await mine?.read()
    await theirs?.read()
    await post(bridge, '/api/logout', { cookie, origin: bridge.origin })
    let last = await mine?.read()
    while (last && !last.done) last = await mine?.read()
    expect(last?.done).toBe(true)
    expect((await theirs?.read())?.done).toBe(false)
    abort.abort()
  })
})

it.each([
  ['Node', (DATA_DIR: string) => startBridge({ ADMIN_TOKEN, DATA_DIR })],
  ['Workers', (stateDir: string) => startWorkers({ ADMIN_TOKEN }, { stateDir })],
])('[AC171] A13: a session that was logged out stays ended after a restart (%s)', async (_host, start) => {
  const folder = newDataDir()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const first = await start(folder)
  const logged = async () => cookieOf(await logIn(first.origin, ADMIN_TOKEN))
  const [cookie, other] = [await logged(), await logged()]
  await fetch(`${first.origin}/api/logout`, { method: 'POST', headers: { cookie, origin: first.origin } })
  await first.stop()
  const again = await start(folder)
  onTestFinished(() => again.stop())
  const ask = async (cookie: string) =>
    (await fetch(`${again.origin}/api/stats`, { headers: { cookie } })).status
  expect([await ask(cookie), await ask(other)]).toEqual([401, 200])
})

it('[AC171] A13: a list of ended sessions that cannot be read ends them all', async () => {
  const DATA_DIR = newDataDir()
  onTestFinished(() => rmSync(DATA_DIR, { recursive: true, force: true }))
  const first = await startBridge({ ADMIN_TOKEN, DATA_DIR })
  const cookie = cookieOf(await logIn(first.origin, ADMIN_TOKEN))
  await first.stop()
  writeFileSync(join(DATA_DIR, 'ended-sessions'), '{"before":')
  await using again = await startBridge({ ADMIN_TOKEN, DATA_DIR })
  expect((await fetch(`${again.origin}/api/stats`, { headers: { cookie } })).status).toBe(401)
})
