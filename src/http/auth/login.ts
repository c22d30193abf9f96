/** The login of the debugger page: the admin token once, then a cookie that scripts cannot read. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { Settings } from '../../config.ts'
import type { Log } from '../../runtime.ts'
import { readStream } from '../body.ts'
import { toClient } from './client-address.ts'
import { findCaller, keepPrivate, type Lock, refuse } from './guard.ts'
import type { LoginRateLimit } from './login-rate-limit.ts'
import { isSecure, pageOf } from './same-origin.ts'

export type LoginParts = {
  readonly lock: Lock
  readonly settings: Settings
  readonly tries: LoginRateLimit
  /** The address at the other end of the connection, as far as the host knows it. */
  readonly peerAddress: (c: Context) => string | undefined
  readonly log: Log
  readonly now: () => number
}

const BODY_LIMIT_BYTES = 4_096
/** Wrong tokens are logged together: strangers with many addresses must not fill the log. */
const LOG_EVERY_MS = 10_000
export const Login = z.strictObject({ token: z.string() })

export function createLogin({ lock, settings, tries, peerAddress, log, now }: LoginParts): Hono {
  const routes = new Hono()
  let wrong = 0
  let loggedAt = Number.NEGATIVE_INFINITY

  function logWrongToken(): void {
    wrong += 1
    if (Math.abs(now() - loggedAt) < LOG_EVERY_MS) return
    log.warn({ attempts: wrong }, 'logins with a wrong token')
    loggedAt = now()
    wrong = 0
  }

  routes.use('/login', keepPrivate)
  routes.use('/logout', keepPrivate)
  routes.use('/session', keepPrivate)

  routes.post('/login', async c => {
    // Before a try is taken: another site's page must not use them up.
    if (pageOf(c, settings) === 'elsewhere') return refuse(c)
    const token = await readToken(c)
    if (token instanceof Response) return token
    const client = toClient(peerAddress(c), c.req.header('x-forwarded-for'), settings.TRUST_PROXY)
    const waitMs = await tries.take(client)
    if (waitMs > 0) return later(c, waitMs)
    if (!(await lock.isToken(token))) {
      logWrongToken()
      return c.json({ error: 'wrong_token', message: 'Wrong admin token' }, 401)
    }
    await tries.forget(client)
    await lock.sessions.open(c, isSecure(c, settings))
    return c.body(null, 204)
  })

  routes.post('/logout', async c => {
    if (pageOf(c, settings) === 'elsewhere') return refuse(c)
    await lock.sessions.close(c)
    return c.body(null, 204)
  })

  // By what the caller came in; a stranger is told so and not refused, for a browser logs each refusal as an error.
  routes.get('/session', async c => {
    const caller = await findCaller(c, lock)
    if (caller?.via === 'cookie') await lock.sessions.prolong(c, caller.session)
    return c.json({ via: caller?.via ?? null })
  })
  return routes
}

async function readToken(c: Context): Promise<string | Response> {
  // No form of another site can send this type without asking first.
  if (!/^application\/json *(;|$)/i.test(c.req.header('content-type') ?? '')) {
    return c.json({ error: 'not_json', message: 'Send content-type: application/json' }, 415)
  }
  const bytes = await readStream(c.req.raw.body, BODY_LIMIT_BYTES)
  if (bytes === 'body_too_large') {
    return c.json({ error: bytes, message: `A login has at most ${BODY_LIMIT_BYTES} bytes` }, 413)
  }
  const login = Login.safeParse(bytes === 'body_cut_off' ? undefined : parse(bytes))
  return login.success
    ? login.data.token
    : c.json({ error: 'wrong_login', message: 'Send {"token": "<ADMIN_TOKEN>"}' }, 400)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

function later(c: Context, waitMs: number): Response {
  const seconds = Math.ceil(waitMs / 1_000)
  const message = `Too many wrong tokens: try again in ${seconds} s. Bearer tokens are not delayed`
  return c.json({ error: 'too_many_tries', message }, 429, { 'retry-after': String(seconds) })
}
