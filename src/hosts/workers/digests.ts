/** The digests of a Twilio signature by node:crypto, which workerd has natively: no key object, no promise a call. */
import { createHash, createHmac } from 'node:crypto'
import type { Digests, KeyedHash } from '../../runtime.ts'

export const digests: Digests = {
  hmacSha1: (key, text) => createHmac('sha1', key).update(text).digest('base64'),
  hmacSha256: (key, text) => createHmac('sha256', key).update(text).digest('base64'),
  sha256: bytes => createHash('sha256').update(bytes).digest('hex'),
}

export const keyedHash: KeyedHash = (key, text) => createHmac('sha256', key).update(text).digest('hex')
