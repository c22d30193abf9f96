/** What this bridge signs with when it calls somebody as Twilio would: the auth token, or without one the first SharedKey. Pure. */
import type { Settings } from '../config.ts'

export type SigningKey = {
  /** The setting that it comes from. */
  readonly setting: 'TWILIO_AUTH_TOKEN' | 'TWILIO_SHARED_KEYS'
  readonly secret: string
  /** Of a SharedKey. */
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

/** The signature is HMAC-SHA1 with the auth token, HMAC-SHA256 with a SharedKey: then a header says so, and which key. */
export function toSignatureHeaders({ id }: SigningKey, signature: string): Record<string, string> {
  return {
    'x-twilio-signature': signature,
    ...(id !== undefined && {
      'x-twilio-webhooks-signature-settings': `key=${id},algorithm=HMAC_SHA256`,
    }),
  }
}
