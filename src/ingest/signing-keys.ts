/**
 * Which secrets may have signed a request, and with which hash. Twilio signs with the auth token, or with a SharedKey and
 * then names the key and the algorithm in a header. A rule at Twilio may split the requests to one URL between the two,
 * so this is decided per request. The header is read as the `twilio` package reads it. Pure: no I/O, no digest.
 */

export type SharedKey = { readonly id: string; readonly secret: string }

export type Keys = { readonly authTokens: readonly string[]; readonly sharedKeys: readonly SharedKey[] }

export type Signers =
  | { readonly ok: true; readonly hash: 'sha1' | 'sha256'; readonly secrets: readonly string[] }
  | { readonly ok: false; readonly detail: string }

/** Of a stranger's header, this much goes into an answer. */
const SHOWN_CHARS = 100

/** `settings`: the header X-Twilio-Webhooks-Signature-Settings. */
export function findSigners(settings: string | undefined, { authTokens, sharedKeys }: Keys): Signers {
  // Anybody can sign with an empty key.
  const known = (secrets: readonly string[]) => secrets.filter(secret => secret !== '')
  // With the header, an auth token never counts: the sender chose the key, and must not be able to choose a weaker one.
  if (!hasSettings(settings)) return { ok: true, hash: 'sha1', secrets: known(authTokens) }
  const algorithm = readField(settings, 'algorithm')
  const hash = toHash(algorithm)
  if (hash === undefined) {
    return { ok: false, detail: `the algorithm "${algorithm?.slice(0, SHOWN_CHARS)}" is not known` }
  }
  const id = readField(settings, 'key')
  const keys = id === undefined ? sharedKeys : sharedKeys.filter(key => key.id === id)
  if (keys.length > 0) return { ok: true, hash, secrets: known(keys.map(({ secret }) => secret)) }
  const name = id === undefined ? 'none' : `"${id.slice(0, SHOWN_CHARS)}"`
  return { ok: false, detail: `TWILIO_SHARED_KEYS does not have the key of the request (${name})` }
}

/** An empty header is as good as none. */
export function hasSettings(settings: string | undefined): settings is string {
  return settings !== undefined && settings.trim() !== ''
}

/** The first one that is not empty. */
function readField(settings: string, name: string): string | undefined {
  const values = settings.split(',').flatMap(part => {
    const equals = part.indexOf('=')
    return equals !== -1 && part.slice(0, equals).trim() === name ? [part.slice(equals + 1).trim()] : []
  })
  return values.find(value => value !== '')
}

function toHash(algorithm: string | undefined): 'sha1' | 'sha256' | undefined {
  switch (algorithm?.toUpperCase() ?? 'HMAC_SHA1') {
    case 'HMAC_SHA1':
      return 'sha1'
    case 'HMAC_SHA256':
      return 'sha256'
    default:
      return undefined
  }
}
