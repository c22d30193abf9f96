/** Signing as Twilio does, and the `twilio` package as the oracle of what counts as signed. */
import crypto from 'node:crypto'
import { validateRequest, validateRequestWithBody } from 'twilio/lib/webhooks/webhooks.js'
import { vi } from 'vitest'
import type { ClaimedRequest } from '../../src/ingest/authenticate.ts'
import type { Digests } from '../../src/runtime.ts'

export const token = '0'.repeat(32)
export const base = 'https://bridge.example/webhooks/twilio'

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function sign(url: string, key = token, hash: 'sha1' | 'sha256' = 'sha1'): string {
  return crypto.createHmac(hash, key).update(url, 'utf8').digest('base64')
}

export function sha256(body: string | Uint8Array): string {
  return crypto.createHash('sha256').update(body).digest('hex')
}

async function webHmac(hash: string, key: string, text: string): Promise<string> {
  const secret = await crypto.subtle.importKey('raw', bytes(key), { name: 'HMAC', hash }, false, ['sign'])
  return Buffer.from(await crypto.subtle.sign('HMAC', secret, bytes(text))).toString('base64')
}

export const webDigests: Digests = {
  hmacSha1: (key, text) => webHmac('SHA-1', key, text),
  hmacSha256: (key, text) => webHmac('SHA-256', key, text),
  async sha256(bytes) {
    return Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))).toString('hex')
  },
}

/** It throws on a URL that does not parse; that is a no. */
export function oracleAccepts(
  signature: string,
  url: string,
  body: string,
  key = token,
  algorithm?: string,
): boolean {
  return URL.canParse(url) && validateRequestWithBody(key, signature, url, body, algorithm)
}

/** Every string the oracle makes an HMAC of, read off its calls. */
export function oracleSpellings(url: string): string[] {
  if (!URL.canParse(url)) return []
  const seen = new Set<string>()
  const { createHmac } = crypto
  const spy = vi.spyOn(crypto, 'createHmac').mockImplementation((...args) => {
    const hmac = createHmac(...args)
    const update = hmac.update.bind(hmac)
    hmac.update = (data: crypto.BinaryLike) => {
      seen.add(String(data))
      return update(data)
    }
    return hmac
  })
  try {
    validateRequest(token, 'wrong', url, {})
  } finally {
    spy.mockRestore()
  }
  return [...seen]
}

export function stripUserinfo(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, '$1')
}

/** A request as Twilio makes it, with one thing changed. */
export function request(
  change: Partial<ClaimedRequest> & { spelled?: string; extra?: string } = {},
): ClaimedRequest {
  const { spelled, extra = '', ...rest } = change
  const urls = rest.urls ?? [base]
  const body = 'body' in rest ? rest.body : bytes('[{}]')
  const query = rest.query ?? `${extra}bodySHA256=${sha256(body ?? '')}`
  const signature = sign(spelled ?? `${urls[0]}?${query}`)
  return { method: 'POST', signature, ...rest, urls, query, body }
}

export function counting(digests: Digests) {
  const calls = { hmacSha1: 0, hmacSha256: 0, sha256: 0 }
  const counted: Digests = {
    hmacSha1: (key, text) => {
      calls.hmacSha1++
      return digests.hmacSha1(key, text)
    },
    hmacSha256: (key, text) => {
      calls.hmacSha256++
      return digests.hmacSha256(key, text)
    },
    sha256: body => {
      calls.sha256++
      return digests.sha256(body)
    },
  }
  return { calls, digests: counted }
}
