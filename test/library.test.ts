/** What the package gives to programs: the same calls and verdicts as the bridge, by Web Crypto alone. */
import { expect, it } from 'vitest'
import { families, toTrack, verifySignature, version } from '../src/library.ts'
import { pairs, RECEIVED_AT } from './support/fixtures.ts'
import { base, sha256, sign, token } from './support/signatures.ts'
import { messageStatus } from './support/twilio.ts'

it('[DY90] toTrack makes of each fixture the call that the bridge sends, or says why there is none', () => {
  for (const { name, twilio, segment } of pairs) {
    const before = structuredClone(twilio)
    const result = toTrack(twilio, RECEIVED_AT)
    expect(twilio, name).toEqual(before)
    if (!result.ok) {
      expect({ name, segment }).toEqual({ name, segment: null })
      expect(result.title, name).not.toBe('')
      continue
    }
    const { app, ...context } = result.track.context
    expect(app).toEqual({ name: 'twilio-segment-bridge', version })
    expect({ ...result.track, context }, name).toEqual(segment)
  }
})

it('[DY90] toTrack names each fault of an event that fits no schema, and never throws', () => {
  const type = 'com.twilio.messaging.message.delivered'
  const broken = { specversion: '1.0', type, source: '/x', id: 'EZ1', data: { to: 5 } }
  const result = toTrack(broken, RECEIVED_AT)
  expect(result).toMatchObject({ ok: false, reason: 'schema_rejected' })
  expect(!result.ok && result.faults.map(({ path }) => path)).toContain('$.data.to')
  for (const odd of [undefined, null, 1n, '', [], {}, { type: 'constructor' }])
    expect(toTrack(odd, 0).ok).toBe(false)
})

it('[DY91] the options do what the settings of the same names do', () => {
  const event = messageStatus({ data: { tags: { user: 'u-1' } } })
  expect(toTrack(event, 0, { eventNames: 'title', userIdFrom: ['data.tags.user'] })).toMatchObject({
    track: { event: 'Message Delivered', userId: 'u-1' },
  })
})

it('[DY92] verifySignature takes what Twilio signed, with an auth token or a SharedKey, and nothing else', async () => {
  const body = '[{"é":1}]'
  const url = `${base}?bodySHA256=${sha256(body)}`
  const keys = { authTokens: ['older', token], sharedKeys: [{ id: 'k1', secret: 'secret' }] }
  expect(await verifySignature({ url, signature: sign(url), body }, keys)).toEqual({ ok: true })
  const bytes = new TextEncoder().encode(body)
  expect(await verifySignature({ url, signature: sign(url), body: bytes }, keys)).toEqual({ ok: true })
  const signatureSettings = 'key=k1,algorithm=HMAC_SHA256'
  const shared = { url, signature: sign(url, 'secret', 'sha256'), signatureSettings, body }
  expect(await verifySignature(shared, keys)).toEqual({ ok: true })

  const reasonOf = async (...args: Parameters<typeof verifySignature>) => {
    const verdict = await verifySignature(...args)
    return verdict.ok ? 'ok' : verdict.reason
  }
  expect(await reasonOf({ url, signature: sign(url), body: '[]' }, keys)).toBe('signature_mismatch')
  expect(await reasonOf({ url, signature: sign(url, 'other'), body }, keys)).toBe('signature_mismatch')
  expect(await reasonOf({ url, signature: sign(url), body }, {})).toBe('signature_mismatch')
  expect(await reasonOf({ url, signature: null, body }, keys)).toBe('signature_missing')
  expect(await reasonOf({ url: base, signature: sign(base), body }, keys)).toBe('body_hash_missing')
  expect(await reasonOf({ ...shared, signatureSettings: 'key=k2' }, keys)).toBe('shared_key_unknown')
})

it('[DY93] families lists every event type with its name and the versions of its schema', () => {
  const types = families.flatMap(family => family.types.map(({ type }) => type))
  expect(new Set(types).size).toBe(types.length)
  expect(types).toContain('com.twilio.messaging.message.delivered')
  for (const { versions, schema } of families) expect(versions.length, schema).toBeGreaterThan(0)
})
