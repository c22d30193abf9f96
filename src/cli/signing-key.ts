/** What the commands sign with when they call a webhook as Twilio would: the auth token, or without one the first SharedKey. */
import { createHmac } from 'node:crypto'
import type { Settings } from '../config.ts'

export type SigningKey = {
  /** The setting that it comes from. */
  readonly setting: 'TWILIO_AUTH_TOKEN' | 'TWILIO_SHARED_KEYS'
  readonly secret: string
  readonly id?: string
}

export function toSigningKey(
  settings: Pick<Settings, 'TWILIO_AUTH_TOKEN' | 'TWILIO_SHARED_KEYS'>,
): SigningKey | undefined {
  const [secret] = settings.TWILIO_AUTH_TOKEN ?? []
  if (secret !== undefined) return { setting: 'TWILIO_AUTH_TOKEN', secret }
  const [sharedKey] = settings.TWILIO_SHARED_KEYS ?? []
  return sharedKey && { setting: 'TWILIO_SHARED_KEYS', ...sharedKey }
}

export function toSignatureHeaders({ secret, id }: SigningKey, text: string): Record<string, string> {
  const hash = id === undefined ? 'sha1' : 'sha256'
  const signature = createHmac(hash, secret).update(text, 'utf8').digest('base64')
  return {
    'x-twilio-signature': signature,
    ...(id !== undefined && {
      'x-twilio-webhooks-signature-settings': `key=${id},algorithm=HMAC_SHA256`,
    }),
  }
}
