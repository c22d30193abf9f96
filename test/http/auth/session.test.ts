/** How long a session lasts, and how often the login may be tried: the same code as on the hosts, by a clock of the test's own. */
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { digests } from '../../../src/hosts/node/digests.ts'
import { createGuard, createTokenCheck } from '../../../src/http/auth/guard.ts'
import { createLoginRateLimit, nothingSpent, spend } from '../../../src/http/auth/login-rate-limit.ts'
import { createSessions } from '../../../src/http/auth/session.ts'
import { toSettings } from '../../support/bridge.ts'
import { cookieOf } from '../../support/login.ts'

const HOUR_MS = 3_600_000
const START = Date.UTC(2026, 0, 1)

/** A browser with its cookie jar, and the guard. */
function startBrowser() {
  let now = START
  let jar = ''
  const lock = {
    isToken: createTokenCheck('token', digests),
    sessions: createSessions('token', digests, () => now),
  }
  const app = new Hono()
  app.post('/login', async c => {
    await lock.sessions.open(c, true)
    return c.body(null, 204)
  })
  app.use(createGuard(lock, toSettings({ ALLOW_UNSIGNED: 'true' })))
  app.get('/', c => c.text('inside'))

  async function take(response: Response): Promise<Response> {
    jar = cookieOf(response) || jar
    return response
  }
  return {
    passHours: (hours: number) => {
      now += hours * HOUR_MS
    },
    logIn: async () => take(await app.request('/login', { method: 'POST' })),
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

describe('tries', () => {
  it('[AC7] come back one in ten seconds, up to five', async () => {
    let now = START
    const tries = createLoginRateLimit(() => now)
    const takeAll = async () => {
      let taken = 0
      while ((await tries.take()) === 0) taken += 1
      return taken
    }
    expect(await takeAll()).toBe(5)
    expect(await tries.take()).toBe(10_000)
    now += 9_999
    expect(await tries.take()).toBeCloseTo(1, 3)
    now += 1
    expect(await takeAll()).toBe(1)
    now += 25_000
    expect(await takeAll()).toBe(2)
    now += HOUR_MS
    expect(await takeAll()).toBe(5)
    await tries.forget()
    expect(await takeAll()).toBe(5)
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
