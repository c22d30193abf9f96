/**
 * The session of a browser that has logged in, all of it in a signed cookie: there is no table of sessions to keep, prune or
 * share between isolates. The key comes from the admin token, so that a new token ends every session.
 */
import type { Context } from 'hono'
import { getSignedCookie, setCookie, setSignedCookie } from 'hono/cookie'
import type { Digests } from '../../runtime.ts'

/** Ends after so long without a request; each request in its second half begins it anew. */
const IDLE_SECONDS = 12 * 3_600
/** Ends then however much it is used: a cookie that got out opens nothing for ever. */
const LONGEST_SECONDS = 7 * 24 * 3_600

const NAME = 'bridge_session'
const attributes = { path: '/', httpOnly: true, sameSite: 'Strict' } as const

/** Times in seconds since 1970. */
export type Session = {
  readonly since: number
  readonly until: number
  /** Came as a `__Host-` cookie, which a browser sends by https only. */
  readonly secure: boolean
}

export type Sessions = {
  open(c: Context, secure: boolean): Promise<void>
  /** The session this request belongs to. */
  find(c: Context): Promise<Session | undefined>
  /** To be called once the answer is there. */
  prolong(c: Context, session: Session): Promise<void>
  close(c: Context): void
}

export function createSessions(adminToken: string, digests: Digests, now: () => number): Sessions {
  // Another key than the token itself, so that nothing else ever signed with one is taken for the other.
  const key = async () => digests.sha256(new TextEncoder().encode(`debugger session\n${adminToken}`))
  const seconds = () => Math.floor(now() / 1_000)

  async function give(c: Context, since: number, secure: boolean): Promise<void> {
    const until = Math.min(seconds() + IDLE_SECONDS, since + LONGEST_SECONDS)
    const maxAge = until - seconds()
    const prefix = secure ? { prefix: 'host' as const } : {}
    await setSignedCookie(c, NAME, `${since}-${until}`, await key(), {
      ...attributes,
      ...prefix,
      secure,
      maxAge,
    })
  }

  return {
    open: (c, secure) => give(c, seconds(), secure),

    async find(c) {
      if (!c.req.header('cookie')?.includes(NAME)) return
      const secret = await key()
      const hosted = await getSignedCookie(c, secret, NAME, 'host')
      const value = hosted || (await getSignedCookie(c, secret, NAME))
      const [, since, until] = /^(\d{1,12})-(\d{1,12})$/.exec(value || '') ?? []
      if (Number(until) > seconds()) {
        return { since: Number(since), until: Number(until), secure: Boolean(hosted) }
      }
    },

    async prolong(c, { since, until, secure }) {
      const isUsed = until - seconds() < IDLE_SECONDS / 2
      if (isUsed && until < since + LONGEST_SECONDS) await give(c, since, secure)
    },

    close(c) {
      setCookie(c, NAME, '', { ...attributes, maxAge: 0 })
      setCookie(c, NAME, '', { ...attributes, prefix: 'host', secure: true, maxAge: 0 })
    },
  }
}
