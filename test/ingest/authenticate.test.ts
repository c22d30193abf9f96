import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digests as nodeDigests } from '../../src/hosts/node/digests.ts'
import { authenticate, type ClaimedRequest, checkHeaders, signsUrl } from '../../src/ingest/authenticate.ts'
import { hashParameter, oddBase, oddPair } from '../support/odd-urls.ts'
import { runs } from '../support/runs.ts'
import {
  base,
  bytes,
  counting,
  oracleAccepts,
  oracleSpellings,
  request,
  sha256,
  sign,
  stripUserinfo,
  token,
  webDigests,
} from '../support/signatures.ts'

const fixtures = new URL('../fixtures/signatures/', import.meta.url)
type Vector = {
  name: string
  authToken: string
  url: string
  signature: string
  body?: string
  bodyFile?: string
}
const { vectors }: { vectors: Vector[] } = JSON.parse(readFileSync(new URL('vectors.json', fixtures), 'utf8'))

describe.each([
  { host: 'node:crypto', digests: nodeDigests },
  { host: 'Web Crypto', digests: webDigests },
])('authenticate with $host', ({ digests }) => {
  const verdict = (changed: ClaimedRequest, authTokens = [token]) =>
    authenticate(changed, { authTokens, sharedKeys: [] }, digests)
  const reason = async (changed: ClaimedRequest, tokens = [token]) => {
    const found = await verdict(changed, tokens)
    return found.ok ? 'ok' : found.reason
  }

  it.each(vectors)('[AU1] the published vector $name is accepted, and refused once changed', async vector => {
    const { authToken, url, signature, body = '', bodyFile } = vector
    const [destination = '', query = ''] = url.split('?')
    const content = bodyFile ? readFileSync(new URL(bodyFile, fixtures)) : bytes(body)
    const sent: ClaimedRequest = { method: 'POST', signature, urls: [destination], query, body: content }
    expect(await verdict(sent, [authToken])).toEqual({ ok: true, body: content })
    expect(await reason({ ...sent, body: bytes(`${body} `) }, [authToken])).toBe('signature_mismatch')
    expect(await reason({ ...sent, query: `${query}&x` }, [authToken])).toBe('signature_mismatch')
    expect(await reason(sent, [token])).toBe('signature_mismatch')
  })

  it('[AU1] the body is hashed as bytes, UTF-8 or not; a missing one is an empty one', async () => {
    const body = new Uint8Array([0xff, 0x00, 0xc3, 0x28])
    expect(await verdict(request({ body }))).toEqual({ ok: true, body })
    expect(await reason(request({ body: undefined }))).toBe('ok')
    expect(await reason({ ...request({ body }), body: undefined })).toBe('signature_mismatch')
  })

  it('[AU3] a signed URL with another body is a mismatch that says so', async () => {
    const changed = { ...request(), body: bytes('[{"id":1}]') }
    const detail = 'the URL is signed, but not these 10 bytes of body'
    expect(await verdict(changed)).toEqual({ ok: false, reason: 'signature_mismatch', detail })
  })

  it('[AU3] the detail names the URL looked for, without userinfo, query or token', async () => {
    const urls = ['https://user:secret@bridge.example/hook']
    const found = await verdict(request({ urls, spelled: 'https://elsewhere.example/' }))
    const detail = 'no token signs https://bridge.example/hook with the query received'
    expect(found).toEqual({ ok: false, reason: 'signature_mismatch', detail })
  })

  it.each([
    ['the apostrophe as sent', base, "Body=It's+amazing&", (url: string) => url],
    ['the apostrophe as %27', base, "Body=It's+amazing&", (url: string) => url.replace("'", '%27')],
    ['+ where %20 was signed', base, "Body=It's+me&", (url: string) => url.replace('+', '%20')],
    [
      '%27 where an apostrophe was signed',
      base,
      'Body=It%27s+me&',
      (url: string) => url.replace('%27s+', "'s%20"),
    ],
    ['the standard port', base, '', (url: string) => url.replace('.example', '.example:443')],
    ['no port', 'https://bridge.example:8443/hook', '', (url: string) => url.replace(':8443', '')],
    ['an odd port', 'https://bridge.example:8443/hook', '', (url: string) => url],
    ['port 80', 'http://bridge.example/hook', '', (url: string) => url.replace('.example', '.example:80')],
    ['userinfo', 'https://user:pass@bridge.example/hook', '', (url: string) => url],
    [
      'no userinfo',
      'https://user:pass@bridge.example/hook',
      '',
      (url: string) => url.replace('user:pass@', ''),
    ],
    ['a bare host', 'https://bridge.example', '', (url: string) => url],
    ['an upper-case host', 'https://Bridge.EXAMPLE/hook', '', (url: string) => url],
    [
      'repeated keys moved together',
      base,
      'a=1&b=2&a=3&',
      (url: string) => url.replace('b=2&a=3', 'a=3&b=2'),
    ],
  ])('[AU4] a signature over %s is accepted', async (_, url, extra, respell) => {
    const query = `${extra}bodySHA256=${sha256('[{}]')}`
    expect(await reason(request({ urls: [url], query, spelled: respell(`${url}?${query}`) }))).toBe('ok')
  })

  it('[AU5] any of several tokens signs; a token that is not listed, or empty, does not', async () => {
    const other = '1'.repeat(32)
    const rotated = { ...request(), signature: sign(`${base}?${request().query}`, other) }
    expect(await reason(rotated, [token, other])).toBe('ok')
    expect(await reason(rotated, [token])).toBe('signature_mismatch')
    const unkeyed = { ...request(), signature: sign(`${base}?${request().query}`, '') }
    expect(await reason(unkeyed, ['', token])).toBe('signature_mismatch')
    expect(await reason(request(), [])).toBe('signature_mismatch')
  })

  it('[AU6] a GET is never ok: signed it is a sink set to GET, bodySHA256 or not; otherwise a wrong method', async () => {
    expect(await reason(request({ method: 'GET' }))).toBe('sink_uses_get')
    expect(await reason(request({ method: 'GET', query: '', spelled: base }))).toBe('sink_uses_get')
    expect(await reason(request({ method: 'GET', spelled: 'other' }))).toBe('method_not_allowed')
    expect(await reason(request({ method: 'GET', signature: undefined }))).toBe('method_not_allowed')
  })

  it('[AU7] the first bodySHA256 counts, percent-decoded, in lower case', async () => {
    const right = sha256('[{}]')
    const wrong = sha256('{}')
    const given = (query: string) => reason(request({ query }))
    expect(await given(`bodySHA256=${right}&bodySHA256=${wrong}`)).toBe('ok')
    expect(await given(`bodySHA256=${wrong}&bodySHA256=${right}`)).toBe('signature_mismatch')
    expect(await given(`body%53HA256=%${right.charCodeAt(0).toString(16)}${right.slice(1)}`)).toBe('ok')
    expect(await given(`bodySHA256=${right.toUpperCase()}`)).toBe('signature_mismatch')
    expect(await given(`bodySHA256=`)).toBe('signature_mismatch')
    expect(await given(`a=1#&bodySHA256=${right}`)).toBe('body_hash_missing')
  })

  it('[AU8] the usual request costs one HMAC and one SHA-256; a forged one no SHA-256 and few HMACs', async () => {
    const cost = async (changed: ClaimedRequest) => {
      const { calls, digests: counted } = counting(digests)
      await authenticate(changed, { authTokens: [token, ''], sharedKeys: [] }, counted)
      return calls
    }
    const odd = { extra: "Body=It's+me&a=é&", urls: ['https://u@h.example'] }
    expect(await cost(request())).toEqual({ hmacSha1: 1, hmacSha256: 0, sha256: 1 })
    expect(await cost(request({ spelled: 'x' }))).toEqual({ hmacSha1: 2, hmacSha256: 0, sha256: 0 })
    expect(await cost(request({ ...odd, spelled: 'x' }))).toEqual({ hmacSha1: 12, hmacSha256: 0, sha256: 0 })
    expect(await cost(request({ method: 'GET', signature: 'short' }))).toEqual({
      ...{ hmacSha1: 0, hmacSha256: 0, sha256: 0 },
    })
  })

  it('[AU9] a URL that is unknown or does not parse signs nothing', async () => {
    expect(await reason({ ...request(), urls: [] })).toBe('signature_mismatch')
    expect(await reason(request({ urls: ['https://bridge example/hook'] }))).toBe('signature_mismatch')
    const keys = { authTokens: [token], sharedKeys: [] }
    expect(await signsUrl(request(), keys, digests)).toBe(true)
    expect(await signsUrl({ ...request(), signature: 'short' }, keys, digests)).toBe(false)
  })

  it("[AU4] the verdict is the twilio package's own, for any URL, body and signature; userinfo may be left out", {
    tags: 'property',
  }, async () => {
    const oddRequest = fc.string({ unit: 'binary', maxLength: 20 }).chain(body =>
      fc.record({
        body: fc.constant(body),
        base: oddBase,
        before: fc.array(oddPair, { maxLength: 5 }),
        hash: hashParameter(body),
        after: fc.array(oddPair, { maxLength: 3 }),
        pick: fc.nat(99),
        forged: fc.boolean(),
      }),
    )
    await fc.assert(
      fc.asyncProperty(oddRequest, async odd => {
        const query = [...odd.before, odd.hash, ...odd.after].join('&')
        const url = `${odd.base}?${query}`
        const theirs = oracleSpellings(url)
        const stripped = theirs.map(stripUserinfo).filter(spelling => !theirs.includes(spelling))
        const pool = [...theirs, ...stripped]
        const spelled = odd.forged ? `${url}!` : (pool[odd.pick % pool.length] ?? url)
        const ours = await reason({ ...request({ query, spelled }), urls: [odd.base], body: bytes(odd.body) })
        const counted = stripped.includes(spelled) ? url : spelled
        expect(ours === 'ok').toBe(oracleAccepts(sign(counted), url, odd.body))
      }),
      { numRuns: runs(1000) },
    )
  })
})

it.each([
  [undefined, 'bodySHA256=x', 'signature_missing'],
  ['', 'bodySHA256=x', 'signature_missing'],
  ['garbage', 'bodySHA256=x', 'signature_malformed'],
  [`${sign('')}\n`, 'bodySHA256=x', 'signature_malformed'],
  [', ,', 'bodySHA256=x', 'signature_malformed'],
  [`${'A'.repeat(31)}=`, 'bodySHA256=x', 'signature_malformed'],
  [sign('', token, 'sha256'), 'bodySHA256=x', undefined],
  [sha256(''), 'bodySHA256=x', 'signature_malformed'],
  [sign(''), '', 'body_hash_missing'],
  [sign(''), 'bodysha256=x', 'body_hash_missing'],
  [sign(''), 'bodySHA256=x', undefined],
])('[AU2] the header %j with the query %j is %s before the body is read', (signature, query, expected) => {
  expect(checkHeaders({ signature, query }, { authTokens: [], sharedKeys: [] })?.reason).toBe(expected)
})
