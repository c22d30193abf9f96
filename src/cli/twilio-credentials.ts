/** What the commands for Twilio need of the settings. In: the environment as given. Out: what is needed, or a Stop. */
import type { Settings } from '../config.ts'
import { toBaseUrls } from '../ingest/public-url.ts'
import { readNodeSettings } from './settings.ts'
import { CliError } from './terminal.ts'

/** For the help of those that ask Twilio's API. */
export const NEEDS_CREDENTIALS = `
Needs TWILIO_ACCOUNT_SID, and TWILIO_AUTH_TOKEN or TWILIO_API_KEY with TWILIO_API_SECRET.`

/** For commands that take no events: they work without an auth token, so it may be missing. */
export function toSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const read = readNodeSettings({ ...environment, ALLOW_UNSIGNED: 'true' })
  if (read.ok) return read.settings
  const lines = read.faults.map(
    ({ name, received, expected }) => `  ${name}: got ${received}, expected ${expected}`,
  )
  throw new CliError(`Invalid settings:\n${lines.join('\n')}\ndocs/configuration.md lists them all.`, 2)
}

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

/** What the sink's destination is to the letter, query included; `undefined` without PUBLIC_URL. */
export function toDestination({ PUBLIC_URL }: Pick<Settings, 'PUBLIC_URL'>): string | undefined {
  if (PUBLIC_URL === undefined) return undefined
  const [base] = toBaseUrls({
    publicUrl: PUBLIC_URL,
    trustProxy: false,
    headers: new Headers(),
    scheme: 'https',
    host: undefined,
    path: '',
  })
  return base && base + (/\?[^#]*/.exec(PUBLIC_URL)?.[0] ?? '')
}
