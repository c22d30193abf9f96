/** How long a session lasts, and how often the login may be tried: the same code as on the hosts, by a clock of the test's own. */
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { digests } from '../../../src/hosts/node/digests.ts'
import { toClient, toNetwork } from '../../../src/http/auth/client-address.ts'
import { createEndedSessions, isEnded, noneEnded, withEnded } from '../../../src/http/auth/ended-sessions.ts'
import { createGuard, createTokenCheck } from '../../../src/http/auth/guard.ts'
import { createLoginRateLimit, nothingSpent, spend } from '../../../src/http/auth/login-rate-limit.ts'
import { createSessions } from '../../../src/http/auth/session.ts'
import { createStream } from '../../../src/http/live.ts'
import { toSettings } from '../../support/bridge.ts'
import { createLogKeeper } from '../../support/dispatcher.ts'
import { cookieOf } from '../../support/login.ts'

const HOUR_MS = 3_600_000
const START = Date.UTC(2026, 0, 1)

/** A browser with its cookie jar, and the guard. */
function startBrowser() {
  let now = START
  let jar = ''
  const lock = {
    isToken: createTokenCheck('token', digests),
    sessions: createSessions(
      'token',
      digests,
      () => now,
      createEndedSessions(() => now),
    ),
  }
  const app = new Hono()
  app.post('/login', async c => {
    await lock.sessions.open(c, true)
    return c.body(null, 204)
  })
  app.use(createGuard(lock, toSettings({ ALLOW_UNSIGNED: 'true' })))
  app.get('/', c => c.text('inside'))
  app.get(
    '/stream',
    createStream({ pulse: () => new Promise(() => undefined) }, { log: createLogKeeper().log }),
  )

  async function take(response: Response): Promise<Response> {
    jar = cookieOf(response) || jar
    return response
  }
  return {
    passHours: (hours: number) => {
      now += hours * HOUR_MS
    },
    logIn: async () => take(await app.request('/login', { method: 'POST' })),
    stream: async () => (await app.request('/stream', { headers: { cookie: jar } })).body?.getReader(),
    look: async () => take(await app.request('/', { headers: { cookie: jar } })),
  }
}

describe('a session', () => {
  it('[AC11] ends twelve hours after the login', async () => {
    const browser = startBrowser()
    await browser.logIn()
    browser.passHours(11.999)
    const last = await browser.look()
    expect(last.status).toBe(200)

    const idle = startBrowser()
    await idle.logIn()
    idle.passHours(12)
    expect((await idle.look()).status).toBe(401)
  })

  it('[AC11] is prolonged by use in its second half, not before', async () => {
    const browser = startBrowser()
    await browser.logIn()
    browser.passHours(6)
    expect((await browser.look()).headers.getSetCookie()).toEqual([])
    browser.passHours(0.1)
    expect((await browser.look()).headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-bridge_session=.*; Max-Age=43200; .*Secure/),
    ])
    browser.passHours(11.9)
    expect((await browser.look()).status).toBe(200)
  })

  it('[AC11] ends after seven days, however much it is used', async () => {
    const browser = startBrowser()
    await browser.logIn()
    let hours = 0
    while ((await browser.look()).status === 200) {
      browser.passHours(1)
      hours += 1
    }
    expect(hours).toBe(7 * 24)
    await browser.logIn()
    expect((await browser.look()).status).toBe(200)
  })
})

describe('A13: a stream', () => {
  it('[AC172] ends with the session that opened it', async () => {
    const browser = startBrowser()
    await browser.logIn()
    const reader = await browser.stream()
    expect((await reader?.read())?.done).toBe(false)
    browser.passHours(12)
    expect((await reader?.read())?.done).toBe(true)
  })
})

describe('A13: sessions that were logged out', () => {
  const session = (since: number) => ({ id: since.toString(16).padStart(32, '0'), since })

  it('[AC171] are remembered as long as they could have lasted', () => {
    const day = 24 * 3_600
    let list = withEnded(noneEnded, session(day), day)
    list = withEnded(list, session(2 * day), 8 * day - 1)
    expect([
      isEnded(list, session(day)),
      isEnded(list, session(2 * day)),
      isEnded(list, session(3 * day)),
    ]).toEqual([true, true, false])
    list = withEnded(list, session(3 * day), 8 * day)
    expect(list.ids).toHaveLength(2)
  })

  it('[AC171] are never forgotten sooner: beyond a thousand all older sessions have ended', () => {
    let list = noneEnded
    for (let since = 1; since <= 1_500; since += 1) list = withEnded(list, session(since), since)
    expect(list.ids.length).toBe(1_000)
    for (let since = 1; since <= 1_500; since += 1) expect(isEnded(list, session(since))).toBe(true)
    expect(isEnded(list, session(1_501))).toBe(false)
  })
})

describe('A13: whose try it is', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:50123', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
    ['', ''],
  ])('[AC170] %s is %s: an IPv6 network of 64 bits is one client', (address, client) => {
    expect(toNetwork(address)).toBe(client)
  })

  it('[AC170] a proxy that is trusted names it last, and nobody is made to be remembered at length', () => {
    expect(toClient('10.0.0.1', '203.0.113.7, 198.51.100.9', true)).toBe('198.51.100.9')
    expect(toClient('10.0.0.1', '203.0.113.7', false)).toBe('10.0.0.1')
    expect(toClient('10.0.0.1', undefined, true)).toBe('10.0.0.1')
    expect(toClient(undefined, undefined, true)).toBe('')
    expect(toClient('10.0.0.1', 'x'.repeat(10_000), true)).toHaveLength(64)
  })

  it('[AC170] the memory is bounded, and holds those that tried last', () => {
    const tries = createLoginRateLimit(() => START, { clients: 100 })
    for (let n = 0; n < 5; n += 1) tries.take('one that goes on')
    for (let n = 0; n < 1_000; n += 1) {
      tries.take(`client ${n}`)
      expect(tries.take('one that goes on')).toBeGreaterThan(0)
    }
    expect(tries.entries()).toHaveLength(100)
  })
})

describe('tries', () => {
  it('[AC7] come back one in ten seconds, up to five', () => {
    let now = START
    const tries = createLoginRateLimit(() => now)
    const takeAll = () => {
      let taken = 0
      while (tries.take('a') === 0) taken += 1
      return taken
    }
    expect(takeAll()).toBe(5)
    expect(tries.take('a')).toBe(10_000)
    now += 9_999
    expect(tries.take('a')).toBeCloseTo(1, 3)
    now += 1
    expect(takeAll()).toBe(1)
    now += 25_000
    expect(takeAll()).toBe(2)
    now += HOUR_MS
    expect(takeAll()).toBe(5)
    tries.forget('a')
    expect(takeAll()).toBe(5)
  })

  it('[AC7] that are refused cost nothing, and a clock set back shuts nobody out', () => {
    let spent = nothingSpent
    for (let times = 0; times < 5; times += 1) ({ spent } = spend(spent, START))
    for (let times = 0; times < 100; times += 1) ({ spent } = spend(spent, START))
    expect(spend(spent, START).waitMs).toBe(10_000)
    ;({ spent } = spend(spent, START - 24 * HOUR_MS))
    expect(spend(spent, START - 24 * HOUR_MS + 10_000).waitMs).toBe(0)
  })
})
