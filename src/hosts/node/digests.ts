/** The digests of a Twilio signature by node:crypto, synchronous. */
import { createHmac, hash } from 'node:crypto'
import type { Digests, KeyedHash } from '../../runtime.ts'

export const digests: Digests = {
  hmacSha1: (key, text) => createHmac('sha1', key).update(text, 'utf8').digest('base64'),
  hmacSha256: (key, text) => createHmac('sha256', key).update(text, 'utf8').digest('base64'),
  sha256: bytes => hash('sha256', bytes, 'hex'),
}

export const keyedHash: KeyedHash = (key, text) =>
  createHmac('sha256', key).update(text, 'utf8').digest('hex')
