/** `GET /status`, and the one thing about it that only a person can know: that events arrive under this write key. */
import { Hono } from 'hono'
import { type StatusFacts, toStatus } from '../admin/status.ts'
import type { AdminClient } from '../bridge.ts'
import { type Settings, segmentHost } from '../config.ts'
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
      return c.json({ error: 'dry_run', message: 'SEGMENT_WRITE_KEY is not set: nothing is sent' }, 409)
    await admin.confirmArrival(fingerprints)
    return c.json({ confirmed: true })
  })
  return api

  async function toFacts(): Promise<StatusFacts> {
    return [{ name: 'segment', host: segmentHost(settings), fingerprint: await toFingerprint() }]
  }

  /** Of the key and of where it is used: what was confirmed for one source says nothing about another. */
  async function toFingerprint(): Promise<string | undefined> {
    const { SEGMENT_WRITE_KEY, SEGMENT_PATH } = settings
    if (SEGMENT_WRITE_KEY === undefined) return undefined
    const text = `${segmentHost(settings)}${SEGMENT_PATH}\n${SEGMENT_WRITE_KEY}`
    return (await digests.sha256(new TextEncoder().encode(text))).slice(0, FINGERPRINT_CHARS)
  }
}
