/** What the commands for Twilio need of the settings. In: the environment as given. Out: what is needed, or a Stop. */
import type { Settings } from '../config.ts'
import { toBaseUrls } from '../ingest/public-url.ts'
import { readNodeSettings } from './settings.ts'
import { CliError } from './terminal.ts'

export { type Credentials, toCredentials } from '../config/twilio-credentials.ts'

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
