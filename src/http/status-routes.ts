/** `GET /status`, and the one thing about it that only a person can know: that events arrive under this write key. */
import { Hono } from 'hono'
import { type StatusFacts, toStatus } from '../admin/status.ts'
import type { AdminClient } from '../bridge.ts'
import type { DestinationConfig } from '../config/destination-config.ts'
import { toDestinationConfigs, toPlaceShown } from '../config/destinations.ts'
import type { Settings } from '../config.ts'
import type { Digests } from '../runtime.ts'

export type StatusParts = {
  readonly settings: Settings
  readonly digests: Digests
  readonly now: () => number
}

/** Enough to tell one key from the next; nobody learns the key from it. */
const FINGERPRINT_CHARS = 16

export function createStatusApi(admin: AdminClient, { settings, digests, now }: StatusParts): Hono {
  const api = new Hono()

  api.get('/status', async c => {
    const [figures, facts] = await Promise.all([admin.status(), toFacts()])
    return c.json(toStatus(figures, facts, now()))
  })

  api.post('/confirm-arrival', async c => {
    const fingerprints = (await toFacts()).flatMap(({ fingerprint }) => fingerprint ?? [])
    if (fingerprints.length === 0)
      return c.json(
        {
          error: 'dry_run',
          message:
            settings.DESTINATIONS === undefined
              ? 'SEGMENT_WRITE_KEY is not set: nothing is sent'
              : 'No destination has a write key: there is nothing to confirm',
        },
        409,
      )
    await admin.confirmArrival(fingerprints)
    return c.json({ confirmed: true })
  })
  return api

  async function toFacts(): Promise<StatusFacts> {
    return Promise.all(
      toDestinationConfigs(settings).map(async config => ({
        name: config.name,
        host: toPlaceShown(config),
        fingerprint: await toFingerprint(config),
        ...(config.type === 'files' && { isFiles: true }),
      })),
    )
  }

  /** Of the key and of where it is used: what was confirmed for one source says nothing about another. */
  async function toFingerprint(config: DestinationConfig): Promise<string | undefined> {
    if (config.type === 'files' || config.writeKey === undefined) return undefined
    const text = `${config.host}${config.path}\n${config.writeKey}`
    return (await digests.sha256(new TextEncoder().encode(text))).slice(0, FINGERPRINT_CHARS)
  }
}
