/** The headers with which the commands call a webhook as Twilio would. */
import { createHmac } from 'node:crypto'
import { type SigningKey, toSignatureHeaders as toHeaders } from '../config/signing-key.ts'

export { type SigningKey, toSigningKey } from '../config/signing-key.ts'

export function toSignatureHeaders(key: SigningKey, text: string): Record<string, string> {
  const hash = key.id === undefined ? 'sha1' : 'sha256'
  return toHeaders(key, createHmac(hash, key.secret).update(text, 'utf8').digest('base64'))
}
