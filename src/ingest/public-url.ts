/**
 * The URL that Twilio called, as Twilio knows it: the signature is made over that one, and a proxy may have hidden it.
 * In: the setting and what was received. Out: bases without query. Pure: no I/O, no decoding.
 */

/** Where the webhook listens when PUBLIC_URL names no path. */
export const WEBHOOK_PATH = '/webhooks/twilio'

export type Received = {
  /** The sink's destination exactly as Twilio has it, or a bare origin that stands for origin + WEBHOOK_PATH. */
  readonly publicUrl?: string | undefined
  /** X-Forwarded-Proto and X-Forwarded-Host are anybody's word unless a proxy of ours sets them. */
  readonly trustProxy: boolean
  readonly headers: { get(name: string): string | null | undefined }
  readonly scheme: 'http' | 'https'
  /** The Host header. */
  readonly host: string | undefined
  /** As received: undecoded, without the query. */
  readonly path: string
}

/** Empty when nobody says which host was called. */
export function toBaseUrls(received: Received): string[] {
  const { publicUrl, path } = received
  if (publicUrl !== undefined) return [toDestination(publicUrl)]
  const called = toCalled(received)
  return called === undefined ? [] : [called + path]
}

const SHOWN_CHARACTERS = 100

/**
 * Which header of a proxy names something else than the URL that was checked; `undefined`: none does. They are read for this
 * sentence only: anybody can send them.
 */
export function toProxyHint(received: Received): string | undefined {
  const [base = ''] = toBaseUrls(received)
  const url = URL.parse(base)
  if (!url) return undefined
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const header = (name: string) => toFirst(received.headers.get(name))
  const forwarded = (name: string) =>
    new RegExp(`(?:^|;)\\s*${name}="?([^";]+)`, 'i').exec(header('forwarded') ?? '')?.[1]
  const prefix = header('x-forwarded-prefix')?.replace(/\/+$/, '') ?? ''
  const differing = [
    (header('x-forwarded-port') ?? port) !== port && 'X-Forwarded-Port',
    !url.pathname.startsWith(prefix) && 'X-Forwarded-Prefix',
    ((forwarded('host') ?? url.host) !== url.host ||
      `${forwarded('proto')?.toLowerCase() ?? url.protocol.slice(0, -1)}:` !== url.protocol) &&
      'Forwarded',
    (header('x-forwarded-host') ?? url.host) !== url.host && 'X-Forwarded-Host',
    `${header('x-forwarded-proto')?.toLowerCase() ?? url.protocol.slice(0, -1)}:` !== url.protocol &&
      'X-Forwarded-Proto',
  ].filter(name => name !== false)
  if (differing.length === 0) return undefined
  const told = differing.map(name => `${name}: ${(header(name) ?? '').slice(0, SHOWN_CHARACTERS)}`)
  return `a proxy says otherwise (${told.join(', ')}): PUBLIC_URL must be the sink's destination`
}

/** Where a browser may have this bridge's page from, spelt as browsers spell an origin; first the one it called. */
export function toOrigins(received: Omit<Received, 'path'>): string[] {
  const urls = [toCalled(received), received.publicUrl]
  return urls.flatMap(url => URL.parse(url ?? '')?.origin ?? [])
}

/** Scheme and host, as the caller used them. */
function toCalled({ trustProxy, headers, ...received }: Omit<Received, 'path'>): string | undefined {
  const forwarded = (name: string) => (trustProxy ? toFirst(headers.get(name)) : undefined)
  const scheme = toScheme(forwarded('x-forwarded-proto')) ?? received.scheme
  const host = forwarded('x-forwarded-host') ?? received.host
  return host === undefined || host === '' ? undefined : `${scheme}://${host}`
}

/** The path Twilio requests, percent-encoded as an HTTP client sends it. */
export function webhookPath(publicUrl: string | undefined): string {
  if (publicUrl === undefined) return WEBHOOK_PATH
  return URL.parse(toDestination(publicUrl))?.pathname ?? WEBHOOK_PATH
}

/** Userinfo, a path or a query show that the whole destination was meant; its query comes with the request. */
function toDestination(publicUrl: string): string {
  const bareOrigin = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]+(?=\/?$)/i.exec(publicUrl)
  return bareOrigin ? bareOrigin[0] + WEBHOOK_PATH : publicUrl.replace(/[?#].*$/s, '')
}

/** A chain of proxies appends; the first value is what the caller used. */
function toFirst(list: string | null | undefined): string | undefined {
  return list?.split(',')[0]?.trim() || undefined
}

function toScheme(text: string | undefined): 'http' | 'https' | undefined {
  const scheme = text?.toLowerCase()
  return scheme === 'http' || scheme === 'https' ? scheme : undefined
}

/** Where Twilio Proxy's callbacks come in. */
export const PROXY_PATH = '/webhooks/proxy'

/** With PUBLIC_URL as Twilio has it, which may have more before the path than is received. */
export function toProxyUrl(publicUrl: string): string {
  const whole = toDestination(publicUrl)
  const sibling = whole.endsWith(WEBHOOK_PATH) ? whole.slice(0, -WEBHOOK_PATH.length) : undefined
  return (sibling ?? /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.exec(whole)?.[0] ?? whole) + PROXY_PATH
}
