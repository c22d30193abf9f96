/**
 * Every spelling of a URL that Twilio's signature may have been made over, likeliest first. Twilio's back ends do not
 * agree with each other, so the `twilio` package tries several; these are the same ones, plus each without userinfo.
 * Strings in, strings out: no I/O, no digest. A generator, because the first spelling is nearly always the right one.
 */

/** Bases without query and the query as received; a URL that no URL parser takes has no spelling. */
export function* urlCandidates(urls: readonly string[], query: string): Generator<string, void> {
  const received = urls.map(url => (query === '' ? url : `${url}?${query}`)).filter(url => URL.canParse(url))
  const [first] = received
  if (first === undefined) return
  yield first
  const seen = new Set([first])
  for (const respell of [asReceived, normalized, reencoded]) {
    for (const url of received) {
      for (const spelling of withAndWithoutPort(respell(url))) {
        if (seen.has(spelling)) continue
        seen.add(spelling)
        yield spelling
      }
    }
  }
}

/** Fit for a log line: userinfo is a password. */
export function withoutUserinfo(url: string): string {
  const parts = split(url)
  return parts ? parts.scheme + parts.host + parts.port + parts.rest : url
}

function asReceived(url: string): string {
  return url
}

function normalized(url: string): string {
  return new URL(url).toString()
}

/** What follows the first `?` is re-encoded, a fragment included. */
function reencoded(url: string): string {
  const text = normalized(url)
  const start = text.indexOf('?') + 1
  return start === 0 ? text : text.slice(0, start) + reencode(text.slice(start))
}

function withAndWithoutPort(url: string): readonly string[] {
  const parts = split(url)
  if (!parts) return [url]
  const { scheme, userinfo, host, port, rest } = parts
  const standardPort = scheme.toLowerCase() === 'https://' ? ':443' : ':80'
  const bare = scheme + host
  const toggled = port === '' ? standardPort : ''
  const spelled = [scheme + userinfo + host + port + rest, scheme + userinfo + host + toggled + rest]
  return userinfo === '' ? spelled : [...spelled, bare + port + rest, bare + toggled + rest]
}

// Not `new URL()`: it would change the very characters that were signed. The port starts after the `]` of an IPv6 host.
const authority =
  /^(?<scheme>[a-z][a-z0-9+.-]*:\/\/)(?<userinfo>(?:[^/?#]*@)?)(?<host>(?:[^/?#]*\])?[^:/?#]*)(?<port>(?::[^/?#]*)?)(?<rest>.*)$/is

function split(url: string) {
  const { scheme, userinfo, host, port, rest } = authority.exec(url)?.groups ?? {}
  if (scheme === undefined || userinfo === undefined || host === undefined) return undefined
  if (port === undefined || rest === undefined) return undefined
  return { scheme, userinfo, host, port, rest }
}

/** `node:querystring` reads this many pairs, empty ones included, and forgets the rest. */
const MAX_PAIRS = 1000

/**
 * What `querystring.stringify(querystring.parse(query))` of Node gives for ASCII text, which a normalized URL is.
 * A plain object on purpose: keys that are integers come first, in numeric order, and values of one key move together.
 */
function reencode(query: string): string {
  const fields: Record<string, string[]> = Object.create(null)
  for (const pair of query.split('&', MAX_PAIRS)) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const key = decode(equals === -1 ? pair : pair.slice(0, equals))
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1))
    const values = fields[key]
    if (values) values.push(value)
    else fields[key] = [value]
  }
  return Object.entries(fields)
    .flatMap(([key, values]) =>
      values.map(value => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`),
    )
    .join('&')
}

function decode(encoded: string): string {
  const text = encoded.replaceAll('+', ' ')
  try {
    return decodeURIComponent(text)
  } catch {
    return decodeLeniently(text)
  }
}

/** Escapes that are none stay as they are, and bytes that are no UTF-8 become U+FFFD. */
function decodeLeniently(text: string): string {
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const escaped = /^%[0-9a-f]{2}/i.test(text.slice(i, i + 3))
    bytes[length++] = escaped ? Number.parseInt(text.slice(i + 1, i + 3), 16) : text.charCodeAt(i)
    if (escaped) i += 2
  }
  return new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(bytes.subarray(0, length))
}
