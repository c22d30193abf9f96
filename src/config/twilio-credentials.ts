/** What Twilio's API is asked with. In: the settings. Out: the credentials, or what is missing. Pure. */
import type { Settings } from '../config.ts'

export type Credentials = {
  readonly accountSid: string
  readonly username: string
  readonly password: string
}

type Missing = { readonly missing: string }

/** An API key goes before the auth token: whoever sets one means it. */
export function toCredentials(settings: Settings): Credentials | Missing {
  const { TWILIO_ACCOUNT_SID, TWILIO_API_KEY, TWILIO_API_SECRET, TWILIO_AUTH_TOKEN } = settings
  const [token] = TWILIO_AUTH_TOKEN ?? []
  if (!TWILIO_ACCOUNT_SID) return { missing: 'TWILIO_ACCOUNT_SID is not set (Twilio Console → Account Info)' }
  if (TWILIO_API_KEY && !/^SK[0-9a-fA-F]{32}$/.test(TWILIO_API_KEY)) {
    return {
      missing: `TWILIO_API_KEY: got "${TWILIO_API_KEY.slice(0, 4)}…", expected SK and 32 hex digits`,
    }
  }
  if (TWILIO_API_KEY && !TWILIO_API_SECRET)
    return { missing: 'TWILIO_API_KEY is set, TWILIO_API_SECRET is not' }
  if (TWILIO_API_KEY && TWILIO_API_SECRET) {
    return { accountSid: TWILIO_ACCOUNT_SID, username: TWILIO_API_KEY, password: TWILIO_API_SECRET }
  }
  if (token) return { accountSid: TWILIO_ACCOUNT_SID, username: TWILIO_ACCOUNT_SID, password: token }
  return { missing: 'neither TWILIO_AUTH_TOKEN nor TWILIO_API_KEY and TWILIO_API_SECRET are set' }
}
