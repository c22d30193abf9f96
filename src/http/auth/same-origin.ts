/** Which page a request comes from, as the browser tells it; a page can neither set nor drop these headers. Pure. */
import type { Context } from 'hono'
import type { Settings } from '../../config.ts'
import { toOrigins } from '../../ingest/public-url.ts'

/** `unsaid`: not a browser, or one from before 2020 that was asked to read something. */
export type From = 'our_page' | 'elsewhere' | 'unsaid'

type Of = Pick<Settings, 'PUBLIC_URL' | 'TRUST_PROXY'>

export function pageOf(c: Context, settings: Of): From {
  // Sent by https and on localhost only. It knows what no comparison here can: the URL the browser itself used.
  const site = c.req.header('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' ? 'our_page' : 'elsewhere'
  const origin = c.req.header('origin')
  if (origin === undefined) return 'unsaid'
  return originsOf(c, settings).includes(origin) ? 'our_page' : 'elsewhere'
}

/** Did the browser use https? Its Origin says so even behind a proxy that no setting names. */
export function isSecure(c: Context, settings: Of): boolean {
  const [called] = originsOf(c, settings)
  return [called, c.req.header('origin')].some(origin => origin?.startsWith('https:'))
}

function originsOf(c: Context, { PUBLIC_URL, TRUST_PROXY }: Of): string[] {
  return toOrigins({
    publicUrl: PUBLIC_URL,
    trustProxy: TRUST_PROXY,
    headers: c.req.raw.headers,
    scheme: c.req.url.startsWith('https:') ? 'https' : 'http',
    host: c.req.header('host'),
  })
}
