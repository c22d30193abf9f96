/** On Node: asks Twilio who the participants of Proxy's events are, after each callback and once a minute. */
import { createParticipants, type WaitingEvents } from '../../admin/participants.ts'
import { toCredentials } from '../../config/twilio-credentials.ts'
import type { Settings } from '../../config.ts'
import { createProxyReader } from '../../proxy/api.ts'
import type { Log } from '../../runtime.ts'

const EVERY_MS = 60_000

export type Participants = { ask(): void; stop(): void }

export function openParticipants(
  settings: Settings,
  outbox: WaitingEvents,
  log: Log,
  send: typeof fetch,
): Participants {
  const credentials = toCredentials(settings)
  const ask = createParticipants({
    outbox,
    reader: 'missing' in credentials ? credentials : createProxyReader(credentials, { send }),
    accountSid: settings.TWILIO_ACCOUNT_SID,
    now: Date.now,
    log,
  })
  const asking = setInterval(() => void ask(), EVERY_MS)
  return { ask: () => void ask(), stop: () => clearInterval(asking) }
}
