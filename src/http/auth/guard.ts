/**
 * Who may see the events and touch them: the bearer of the admin token, and the browser that has logged in with it.
 * "Loopback may enter" would be no guard, since behind a proxy on the same host every caller is loopback.
 */
import type { Context, MiddlewareHandler } from 'hono'
import type { Settings } from '../../config.ts'
import type { Digests } from '../../runtime.ts'
import { pageOf } from './same-origin.ts'
import type { Session, Sessions } from './session.ts'

/** What the admin token opens; `undefined` in its place: nothing does, and nothing of it exists. */
export type Lock = {
  /** Takes the same time however many first characters are right. */
  isToken(given: string): Promise<boolean>
  readonly sessions: Sessions
}

export function createTokenCheck(token: string, digests: Digests): Lock['isToken'] {
  const encoder = new TextEncoder()
  const digest = (text: string) => digests.sha256(encoder.encode(text))
  return async given => (await digest(given)) === (await digest(token))
}

/** For an answer that goes on after the guard has let the request in: does what let it in still hold? */
export type StillHolds = () => Promise<boolean>
const held = new WeakMap<Request, StillHolds>()
export const stillHolds = (c: Context): Promise<boolean> => held.get(c.req.raw)?.() ?? Promise.resolve(true)

export type Caller = { readonly via: 'bearer' } | { readonly via: 'cookie'; readonly session: Session }

/**
 * Wrong bearers are not held up as wrong logins are: a limit that a stranger can exhaust would shut out the machines that
 * scrape and command. What keeps guessers out is the token's length.
 */
export async function findCaller(c: Context, { isToken, sessions }: Lock): Promise<Caller | undefined> {
  const given = bearerOf(c)
  if (given !== undefined) return (await isToken(given)) ? { via: 'bearer' } : undefined
  const session = await sessions.find(c)
  return session && { via: 'cookie', session }
}

function bearerOf(c: Context): string | undefined {
  // Other schemes may be for a proxy in front, which a browser then sends with every request.
  return /^Bearer\b *(.*)$/i.exec(c.req.header('authorization') ?? '')?.[1]
}

/** `isAlso`: another token that opens what stands behind this guard, and nothing else. */
export function createGuard(
  lock: Lock | undefined,
  settings: Settings,
  isAlso?: Lock['isToken'],
): MiddlewareHandler {
  return async (c, next) => {
    if (!lock && !isAlso) return c.notFound()
    const bearer = bearerOf(c)
    if (isAlso && bearer !== undefined && (await isAlso(bearer))) return next()
    const caller = lock && (await findCaller(c, lock))
    if (!lock || !caller) {
      const message = 'Log in at /debugger/, or send the admin token: Authorization: Bearer <ADMIN_TOKEN>'
      return c.json({ error: 'unauthorized', message }, 401, { 'www-authenticate': 'Bearer' })
    }
    // A browser sends the cookie whoever makes it ask; what only reads is kept from that page by the browser.
    const isRead = ['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)
    if (caller.via === 'cookie' && !isRead && pageOf(c, settings) !== 'our_page') return refuse(c)
    if (caller.via === 'cookie') held.set(c.req.raw, () => lock.sessions.holds(caller.session))
    await next()
    if (caller.via === 'cookie') await lock.sessions.prolong(c, caller.session)
  }
}

/** For the routes behind the guard, and those that give and take what opens it. */
export const keepPrivate: MiddlewareHandler = async (c, next) => {
  await next()
  c.header('cache-control', 'no-store')
  c.header('x-content-type-options', 'nosniff')
}

export function refuse(c: Context): Response {
  const message =
    'This request does not come from the debugger page of this bridge. ' +
    'If it does, by a proxy: set PUBLIC_URL to the address of the page, or TRUST_PROXY=true'
  return c.json({ error: 'cross_site', message }, 403)
}
