/** SharedKey signatures: which key and hash count, decided per request, and never otherwise than the `twilio` package. */
import fc from 'fast-check'
import { getSignatureAlgorithm } from 'twilio/lib/webhooks/webhooks.js'
import { describe, expect, it, vi } from 'vitest'
import { readSettings } from '../../src/config.ts'
import { digests as nodeDigests } from '../../src/hosts/node/digests.ts'
import { authenticate, type ClaimedRequest, checkHeaders } from '../../src/ingest/authenticate.ts'
import { toStatus } from '../../src/reasons/outcomes.ts'
import { hashParameter, oddBase, oddPair } from '../support/odd-urls.ts'
import {
  base,
  bytes,
  counting,
  oracleAccepts,
  oracleSpellings,
  request,
  sha256,
  sign,
  token,
  webDigests,
} from '../support/signatures.ts'

const id = 'webhooks_sharedkey_00000000000000000000000000'
const secret = 'c2hhcmVk='
const other = { id: 'webhooks_sharedkey_11111111111111111111111111', secret: 'another' }
const keys = { authTokens: [token], sharedKeys: [{ id, secret }, other] }
const sha256Settings = `key=${id},algorithm=HMAC_SHA256`

/** As Twilio sends it when a SharedKey is configured. */
function shared(change: Partial<ClaimedRequest> & { key?: string; hash?: 'sha1' | 'sha256' } = {}) {
  const { key = secret, hash = 'sha256', ...rest } = change
  const usual = request(rest)
  const signature = sign(`${base}?${usual.query}`, key, hash)
  return { ...usual, signature, signatureSettings: sha256Settings, ...rest }
}

describe.each([
  { host: 'node:crypto', digests: nodeDigests },
  { host: 'Web Crypto', digests: webDigests },
])('SharedKeys with $host', ({ digests }) => {
  const reason = async (changed: ClaimedRequest, known = keys) => {
    const verdict = await authenticate(changed, known, digests)
    return verdict.ok ? 'ok' : verdict.reason
  }

  it('[AU80] the header chooses among the SharedKeys, by id', async () => {
    expect(await reason(shared())).toBe('ok')
    expect(await reason(shared({ key: other.secret }))).toBe('signature_mismatch')
    const settings = `key=${other.id},algorithm=HMAC_SHA256`
    expect(await reason(shared({ key: other.secret, signatureSettings: settings }))).toBe('ok')
    expect(await reason(shared({ body: bytes('[{"id":1}]') }))).toBe('ok')
    expect(await reason({ ...shared(), body: bytes('[{"id":1}]') })).toBe('signature_mismatch')
  })

  it('[AU80] with the header an auth token never counts, and without it a SharedKey never does', async () => {
    expect(await reason(shared({ key: token }))).toBe('signature_mismatch')
    expect(await reason(shared({ key: token, hash: 'sha1' }))).toBe('signature_mismatch')
    expect(await reason(shared({ signatureSettings: undefined }))).toBe('signature_mismatch')
    expect(await reason(shared({ signatureSettings: '' }))).toBe('signature_mismatch')
    expect(await reason(request())).toBe('ok')
    expect(await reason({ ...request(), signatureSettings: '' })).toBe('ok')
    expect(await reason({ ...request(), signatureSettings: sha256Settings })).toBe('signature_mismatch')
  })

  it('[AU80] the algorithm is the one that the header names, and HMAC_SHA1 without a name', async () => {
    const named = (algorithm: string, hash: 'sha1' | 'sha256') =>
      reason(shared({ hash, signatureSettings: `key=${id}${algorithm}` }))
    expect(await named('', 'sha1')).toBe('ok')
    expect(await named('', 'sha256')).toBe('signature_mismatch')
    expect(await named(',algorithm=HMAC_SHA1', 'sha1')).toBe('ok')
    expect(await named(', algorithm = hmac_sha256 ', 'sha256')).toBe('ok')
    expect(await named(',algorithm=HMAC_SHA256', 'sha1')).toBe('signature_mismatch')
    expect(await named(',algorithm=,algorithm=HMAC_SHA256,algorithm=HMAC_SHA1', 'sha256')).toBe('ok')
  })

  it('[AU80] without an id in the header every SharedKey is tried', async () => {
    const signatureSettings = 'algorithm=HMAC_SHA256'
    expect(await reason(shared({ key: other.secret, signatureSettings }))).toBe('ok')
    expect(await reason(shared({ key: 'unknown', signatureSettings }))).toBe('signature_mismatch')
  })

  it('[AU80] a signed GET shows by a SharedKey too that the sink uses GET', async () => {
    expect(await reason(shared({ method: 'GET' }))).toBe('sink_uses_get')
    expect(await reason(shared({ method: 'GET', key: 'unknown' }))).toBe('method_not_allowed')
  })

  it('[AU82] a key or an algorithm that is not known is named, before any digest, and is a 503', async () => {
    const { calls, digests: counted } = counting(digests)
    const detail = async (signatureSettings: string, known = keys) => {
      const verdict = await authenticate(shared({ signatureSettings }), known, counted)
      return verdict.ok ? 'ok' : [verdict.reason, verdict.detail]
    }
    const noKey = (name: string) => [
      'shared_key_unknown',
      `TWILIO_SHARED_KEYS does not have the key of the request (${name})`,
    ]
    expect(await detail('key=k1,algorithm=HMAC_SHA256')).toEqual(noKey('"k1"'))
    expect(await detail(sha256Settings, { ...keys, sharedKeys: [] })).toEqual(noKey(`"${id}"`))
    expect(await detail('algorithm=HMAC_SHA256', { ...keys, sharedKeys: [] })).toEqual(noKey('none'))
    expect(await detail(`key=${'k'.repeat(5_000)}`)).toEqual(noKey(`"${'k'.repeat(100)}"`))
    expect(await detail(`key=${id},algorithm=HMAC_SHA512`)).toEqual([
      'shared_key_unknown',
      'the algorithm "HMAC_SHA512" is not known',
    ])
    expect(calls).toEqual({ hmacSha1: 0, hmacSha256: 0, sha256: 0 })
    expect(toStatus('shared_key_unknown')).toBe(503)
  })

  it('[AU83] of several copies of the signature each well-formed one is tried', async () => {
    const { signature = '' } = shared()
    const copies = (text: string) => reason(shared({ signature: text }))
    expect(await copies(`${signature}, ${signature}`)).toBe('ok')
    expect(await copies(`abc,${signature}`)).toBe('ok')
    expect(await copies(`${sign('other')}, ${sign('other', token, 'sha256')},${signature}`)).toBe('ok')
    expect(await copies(`${sign('other')}, ${sign('else')}`)).toBe('signature_mismatch')
    expect(await copies('abc, abc')).toBe('signature_malformed')
    const { calls, digests: counted } = counting(digests)
    await authenticate(shared({ signature: `${sign('a')},${sign('b')},${signature}` }), keys, counted)
    expect(calls).toEqual({ hmacSha1: 0, hmacSha256: 1, sha256: 1 })
  })

  it("[AU81] the verdict is the twilio package's own, for any header, key, URL, body and signature", async () => {
    const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    const field = fc.oneof(
      fc.constantFrom(`key=${id}`, ` key = ${id}`, 'key=', 'key', '', 'Algorithm=HMAC_SHA256', 'x=y=z'),
      fc.constantFrom(
        'algorithm=',
        'algorithm=HMAC_SHA1',
        ' algorithm= HMAC_SHA256',
        'algorithm=hmac_sha256',
      ),
      fc.constantFrom('algorithm=HMAC_SHA512', 'algorithm=HMAC_SHA256=', 'algorithm'),
    )
    const odd = fc.string({ unit: 'binary', maxLength: 20 }).chain(body =>
      fc.record({
        body: fc.constant(body),
        base: oddBase,
        before: fc.array(oddPair, { maxLength: 3 }),
        hash: hashParameter(body),
        fields: fc.array(field, { maxLength: 4 }),
        pick: fc.nat(99),
        forged: fc.nat(3).map(part => part === 0),
        fitting: fc.boolean(),
        authToken: key,
        secret: key,
        signer: fc.constantFrom('authToken' as const, 'secret' as const),
        algorithm: fc.constantFrom('sha1' as const, 'sha256' as const),
      }),
    )
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(odd, async sent => {
        const query = [...sent.before, sent.hash].join('&')
        const url = `${sent.base}?${query}`
        const header = sent.fields.join(',')
        const theirs = oracleSpellings(url)
        const spelled = sent.forged ? `${url}!` : (theirs[sent.pick % theirs.length] ?? url)
        const named = getSignatureAlgorithm(header)
        // As its middleware does: any header at all means the SharedKey's secret.
        const used = header ? sent.secret : sent.authToken
        const signature = sent.fitting
          ? sign(spelled, used, /256$/.test(named) ? 'sha256' : 'sha1')
          : sign(spelled, sent[sent.signer], sent.algorithm)
        const claim = { ...request({ query }), urls: [sent.base], signature, signatureSettings: header }
        const known = { authTokens: [sent.authToken], sharedKeys: [{ id, secret: sent.secret }] }
        const ours = await reason({ ...claim, body: bytes(sent.body) }, known)
        const expected = oracleAccepts(signature, url, sent.body, used, named)
        if (expected) accepted += 1
        expect(ours === 'ok').toBe(expected)
      }),
      { numRuns: 1_000 },
    )
    warn.mockRestore()
    // Both outcomes are common.
    expect(accepted).toBeGreaterThan(50)
  }, 120_000)
})

it.each([
  [sign('', token, 'sha256'), undefined, undefined],
  [sign('', token, 'sha256'), sha256Settings, undefined],
  [sign(''), sha256Settings, undefined],
  [sign(''), 'key=k1', 'shared_key_unknown'],
  ['A'.repeat(44), sha256Settings, 'signature_malformed'],
  [`${'A'.repeat(42)}==`, sha256Settings, 'signature_malformed'],
])('[AU2] the signature %j with the settings %j is %s', (signature, signatureSettings, expected) => {
  const claim = { signature, signatureSettings, query: `bodySHA256=${sha256('')}` }
  expect(checkHeaders(claim, keys)?.reason).toBe(expected)
})

describe('TWILIO_SHARED_KEYS', () => {
  const read = (TWILIO_SHARED_KEYS: string) => readSettings({ TWILIO_SHARED_KEYS })

  it('[CF80] holds id=secret, several with commas, split at the first =; it is enough to start', () => {
    const { settings } = { settings: undefined, ...read(' k1 = s=1== , k2=s2,, k1=s3 ') }
    expect(settings).toMatchObject({
      TWILIO_SHARED_KEYS: [
        { id: 'k1', secret: 's=1==' },
        { id: 'k2', secret: 's2' },
        { id: 'k1', secret: 's3' },
      ],
    })
  })

  it.each(['k1', 'k1=', '=s1', ' =s1', 'k1=s1,k2', 'k1= ,'])(
    '[CF80] that is %j stops the start, and its secret is not shown',
    text => {
      const result = read(text)
      const faults = result.ok ? [] : result.faults
      expect(faults.map(({ name }) => name)).toContain('TWILIO_SHARED_KEYS')
      expect(JSON.stringify(faults)).not.toContain('s1')
    },
  )

  it('[CF4] that holds nothing is no key', () => {
    const result = read(' , ')
    expect(result.ok ? [] : result.faults.map(({ name }) => name)).toEqual(['TWILIO_AUTH_TOKEN'])
  })
})
