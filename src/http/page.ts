/**
 * The debugger page: files that hold no data, so they need no login; what they ask of the API does. In: a path. Out: the
 * file the host has by that name, under a policy that lets it run nothing but its own scripts.
 */
import { type Context, Hono } from 'hono'
import type { Page } from '../runtime.ts'

/** Where the page begins; links, the cookie's reach and the start line agree on it. */
export const PAGE_PATH = '/debugger/'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // What a stranger wrote into an event can then reach no sink that would run it.
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const headers = {
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Kept, but asked about each time: an updated bridge must not be looked at through yesterday's page.
  'cache-control': 'no-cache',
} as const

/** Segments of letters, digits, `-`, `_` and inner dots: no `..`, nothing hidden, nothing that a second decoding would change. */
const fileName = /^(?:[\w-]+\/)*[\w-]+(?:\.[\w-]+)+$/

export function createPage(page: Page): Hono {
  const routes = new Hono()

  for (const path of ['/', `${PAGE_PATH}*`]) {
    routes.get(path, async (c, next) => {
      // A sink whose destination is the bare origin, or this path: the webhook tells its owner so.
      if (c.req.header('x-twilio-signature') !== undefined) return c.notFound()
      await next()
      for (const [name, value] of Object.entries(headers)) c.header(name, value)
    })
  }
  routes.get('/', c => c.redirect(PAGE_PATH))
  routes.get(PAGE_PATH.slice(0, -1), c => c.redirect(PAGE_PATH))
  routes.get(`${PAGE_PATH}*`, async c => {
    const name = c.req.path.slice(PAGE_PATH.length) || 'index.html'
    const file = fileName.test(name) ? await page(name) : undefined
    if (!file) return c.notFound()
    const { etag, type, body } = file
    if (isKnown(c, etag)) return c.body(null, 304, { etag })
    return c.body(body, 200, { etag, 'content-type': type })
  })
  return routes
}

function isKnown(c: Context, etag: string): boolean {
  const known = c.req.header('if-none-match')?.split(',') ?? []
  // A proxy that compresses marks the tag as weak.
  return known.some(tag => tag.trim().replace(/^W\//, '') === etag.replace(/^W\//, ''))
}
