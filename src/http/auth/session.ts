/**
 * The session of a browser that has logged in: a signed cookie. The server stores only which sessions were logged out
 * (ended-sessions.ts). The key comes from the admin token, so that a new token ends every session.
 */
import type { Context } from 'hono'
import { getSignedCookie, setCookie, setSignedCookie } from 'hono/cookie'
import type { Digests } from '../../runtime.ts'
import { type EndedSessions, LONGEST_SECONDS } from './ended-sessions.ts'

/** Ends after so long without a request; each request in its second half begins it anew. It ends after LONGEST_SECONDS however much it is used. */
const IDLE_SECONDS = 12 * 3_600

const NAME = 'bridge_session'
const attributes = { path: '/', httpOnly: true, sameSite: 'Strict' } as const

/** Times in seconds since 1970. */
export type Session = {
  /** Random; all copies of the cookie have it, prolonged ones as well. */
  readonly id: string
  readonly since: number
  readonly until: number
  /** Came as a `__Host-` cookie, which a browser sends by https only. */
  readonly secure: boolean
}

export type Sessions = {
  open(c: Context, secure: boolean): Promise<void>
  /** The session this request belongs to. */
  find(c: Context): Promise<Session | undefined>
  /** Does what `find` found still hold? For an answer that goes on. */
  holds(session: Session): Promise<boolean>
  /** To be called once the answer is there. */
  prolong(c: Context, session: Session): Promise<void>
  /** Ends it for every copy of the cookie, and clears this browser's. */
  close(c: Context): Promise<void>
}

export function createSessions(
  adminToken: string,
  digests: Digests,
  now: () => number,
  ended: EndedSessions,
): Sessions {
  // Another key than the token itself, so that nothing else ever signed with one is taken for the other.
  const key = async () => digests.sha256(new TextEncoder().encode(`debugger session\n${adminToken}`))
  const seconds = () => Math.floor(now() / 1_000)

  async function give(
    c: Context,
    { id, since, secure }: Pick<Session, 'id' | 'since' | 'secure'>,
  ): Promise<void> {
    const until = Math.min(seconds() + IDLE_SECONDS, since + LONGEST_SECONDS)
    const maxAge = until - seconds()
    const prefix = secure ? { prefix: 'host' as const } : {}
    await setSignedCookie(c, NAME, `${id}-${since}-${until}`, await key(), {
      ...attributes,
      ...prefix,
      secure,
      maxAge,
    })
  }

  async function holds(session: Session): Promise<boolean> {
    return session.until > seconds() && !(await ended.has(session))
  }

  async function find(c: Context): Promise<Session | undefined> {
    if (!c.req.header('cookie')?.includes(NAME)) return undefined
    const secret = await key()
    const hosted = await getSignedCookie(c, secret, NAME, 'host')
    const value = hosted || (await getSignedCookie(c, secret, NAME))
    const [, id = '', since, until] = /^([0-9a-f]{32})-(\d{1,12})-(\d{1,12})$/.exec(value || '') ?? []
    if (id === '') return undefined
    const session = { id, since: Number(since), until: Number(until), secure: Boolean(hosted) }
    return (await holds(session)) ? session : undefined
  }

  return {
    find,
    holds,
    open: (c, secure) => give(c, { id: crypto.randomUUID().replaceAll('-', ''), since: seconds(), secure }),

    async prolong(c, session) {
      const isUsed = session.until - seconds() < IDLE_SECONDS / 2
      if (isUsed && session.until < session.since + LONGEST_SECONDS) await give(c, session)
    },

    async close(c) {
      const session = await find(c)
      if (session) await ended.add(session)
      setCookie(c, NAME, '', { ...attributes, maxAge: 0 })
      setCookie(c, NAME, '', { ...attributes, prefix: 'host', secure: true, maxAge: 0 })
    },
  }
}
