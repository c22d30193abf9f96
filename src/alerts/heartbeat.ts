/**
 * HEARTBEAT_URL is called once a minute while events are stored and delivered: nobody hears a process that is gone, so whoever
 * watches from outside must miss something. No timer here: the host calls `beat`.
 */
import type { Log } from '../runtime.ts'
import { toErrorText } from './redact.ts'
import { toTarget } from './url-credentials.ts'

export const HEARTBEAT_EVERY_MS = 60_000
const PATIENCE_MS = 10_000

export type HeartbeatParts = {
  readonly url: string
  readonly isHealthy: () => Promise<boolean>
  readonly send: typeof fetch
  readonly log: Log
}

/** Never rejects. */
export function createHeartbeat({ url, isHealthy, send, log }: HeartbeatParts): () => Promise<void> {
  let wasHeard = true

  async function call(): Promise<void> {
    const { target, headers } = toTarget(url)
    const response = await send(target, { headers, signal: AbortSignal.timeout(PATIENCE_MS) })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`HEARTBEAT_URL answered ${response.status}`)
  }

  return async () => {
    // A bridge that cannot say how it is, is not well.
    if (!(await isHealthy().catch(() => false))) return
    try {
      await call()
      wasHeard = true
    } catch (error) {
      if (wasHeard) log.warn({ fault: toErrorText(error) }, 'HEARTBEAT_URL could not be called')
      wasHeard = false
    }
  }
}
