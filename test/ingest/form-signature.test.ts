/** The classic signature of form posts, against the `twilio` package. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { validateRequest } from 'twilio/lib/webhooks/webhooks.js'
import { describe, expect, test } from 'vitest'
import { authenticateForm } from '../../src/ingest/form-signature.ts'
import { signForm } from '../support/proxy-callbacks.ts'
import { sign, webDigests } from '../support/signatures.ts'

const token = '12345'
const keys = { authTokens: ['another', token], sharedKeys: [{ id: 'k1', secret: 'shared' }] }
const vector = JSON.parse(readFileSync(new URL('../proxy/callback-vector.json', import.meta.url), 'utf8'))

function check(url: string, form: string, signature: string | undefined, signatureSettings?: string) {
  const [base = '', ...query] = url.split('?')
  const claim = { signature, signatureSettings, urls: [base], query: query.join('?') }
  return authenticateForm(claim, new URLSearchParams(form), keys, webDigests)
}

describe('the known-answer vector', () => {
  test('[PX30] is signed', async () => {
    expect(await check(vector.url, vector.body, vector.signature)).toEqual({ ok: true })
  })

  test.each([
    ['another URL', vector.url.replace('token=abc', 'token=abd'), vector.body],
    ['a changed value', vector.url, vector.body.replace('=sent', '=delivered')],
    ['a parameter more', vector.url, `${vector.body}&more=`],
    ['a parameter less', vector.url, vector.body.replace(/^[^&]*&/, '')],
  ])('[PX30] with %s is not', async (_, url, body) => {
    expect(await check(url, body, vector.signature)).toMatchObject({ reason: 'signature_mismatch' })
  })

  test('[PX30] the order of the parameters does not count', async () => {
    const reversed = vector.body.split('&').reverse().join('&')
    expect(await check(vector.url, reversed, vector.signature)).toEqual({ ok: true })
  })
})

test.each([
  [undefined, 'signature_missing'],
  ['', 'signature_missing'],
  ['abc', 'signature_malformed'],
])('[PX30] the signature %j is %s', async (signature, reason) => {
  expect(await check(vector.url, vector.body, signature)).toMatchObject({ ok: false, reason })
})

test("[PX30] a SharedKey's signature counts with the header that names it, and an auth token's does not", async () => {
  const settings = 'key=k1,algorithm=HMAC_SHA256'
  const text = Object.keys(vector.params)
    .sort()
    .map(name => name + vector.params[name])
    .join('')
  const shared = sign(vector.url + text, 'shared', 'sha256')
  expect(await check(vector.url, vector.body, shared, settings)).toEqual({ ok: true })
  expect(await check(vector.url, vector.body, vector.signature, settings)).toMatchObject({ ok: false })
  expect(await check(vector.url, vector.body, shared, 'key=k2,algorithm=HMAC_SHA256')).toMatchObject({
    reason: 'shared_key_unknown',
  })
})

test('[PX31] the verdict is that of the `twilio` package, for any parameters and any spelling of the URL', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 })
  const pairs = fc.array(fc.tuple(fc.constantFrom('Body', 'a', 'B', 'interactionSid', '', 'é'), text), {
    maxLength: 8,
  })
  const urls = fc.constantFrom(
    'https://bridge.example/webhooks/proxy',
    'https://bridge.example:443/webhooks/proxy?a=b',
    'https://bridge.example:8443/webhooks/proxy?a=it%27s&b=',
    'https://user:pass@bridge.example/webhooks/proxy',
  )
  let signed = 0
  await fc.assert(
    fc.asyncProperty(pairs, urls, urls, fc.boolean(), async (fields, url, signedUrl, isWhole) => {
      const form = new URLSearchParams(fields).toString()
      const params: Record<string, string | string[]> = {}
      for (const [name, value] of new URLSearchParams(form)) {
        const before = params[name]
        params[name] = before === undefined ? value : [before, value].flat()
      }
      const all: Record<string, string> = Object.fromEntries(
        Object.entries(params).map(([name, value]) => [
          name,
          Array.isArray(value) ? [...new Set(value)].sort().join(name) : value,
        ]),
      )
      const signature = signForm(isWhole ? url : signedUrl, all, token)
      const expected = validateRequest(token, signature, url, params)
      if (expected) signed += 1
      const verdict = await check(url, form, signature)
      // Userinfo may be left out of what is signed: both are tried here, as for events.
      if (!url.includes('@')) expect(verdict.ok).toBe(expected)
      else if (expected) expect(verdict.ok).toBe(true)
    }),
  )
  expect(signed).toBeGreaterThan(10)
})
