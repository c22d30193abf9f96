/**
 * Who may see the events and touch them: the bearer of the admin token. "Loopback may enter" would be no guard, since behind
 * a proxy on the same host every caller is loopback.
 */
import type { MiddlewareHandler } from 'hono'
import type { Digests } from '../ports.ts'

/** Without a token the routes do not exist. */
export function createGuard(token: string | undefined, digests: Digests): MiddlewareHandler {
  const encoder = new TextEncoder()
  // Comparing digests takes the same time however many first characters are right.
  const digest = (text: string) => digests.sha256(encoder.encode(text))
  return async (c, next) => {
    if (token === undefined) return c.notFound()
    const [, given] = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? []
    if (given === undefined || (await digest(given)) !== (await digest(token))) {
      return c.json(
        { error: 'unauthorized', message: 'Send the admin token: Authorization: Bearer <ADMIN_TOKEN>' },
        401,
        {
          'www-authenticate': 'Bearer',
        },
      )
    }
    await next()
    c.header('cache-control', 'no-store')
    c.header('x-content-type-options', 'nosniff')
  }
}
