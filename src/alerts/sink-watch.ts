/**
 * Twilio turns a sink off that fails for long, or somebody deletes it; then no request comes, and nothing here fails. So Twilio is
 * asked once a day. Needs SINK_SID and credentials of the API. No timer here: the host calls it.
 */
import * as z from 'zod'
import { toCredentials } from '../config/twilio-credentials.ts'
import type { Settings } from '../config.ts'
import type { Log } from '../runtime.ts'
import { toErrorText } from './redact.ts'
import type { Failure } from './throttle.ts'

export const SINK_WATCH_EVERY_MS = 24 * 3_600_000
const PATIENCE_MS = 10_000
const SINKS = 'https://events.twilio.com/v1/Sinks/'

const Sink = z.object({ status: z.string() })

export type SinkWatchParts = {
  readonly settings: Settings
  readonly send: (url: string, init: RequestInit) => Promise<Response>
  readonly report: (failure: Failure) => void
  readonly log: Log
  readonly now: () => number
}

/** Never rejects. `undefined`: what it needs is not set. */
export function createSinkWatch({
  settings,
  send,
  report,
  log,
  now,
}: SinkWatchParts): (() => Promise<void>) | undefined {
  const { SINK_SID: sid } = settings
  const credentials = toCredentials(settings)
  if (sid === undefined || 'missing' in credentials) return undefined
  const headers = { authorization: `Basic ${btoa(`${credentials.username}:${credentials.password}`)}` }

  /** What is wrong with the sink; `undefined`: nothing. */
  async function look(): Promise<string | undefined> {
    const response = await send(SINKS + sid, { headers, signal: AbortSignal.timeout(PATIENCE_MS) })
    if (response.status === 404) {
      await response.body?.cancel()
      return `${sid} does not exist (any more)`
    }
    if (!response.ok) {
      await response.body?.cancel()
      throw new Error(`Twilio's API answered ${response.status}`)
    }
    const { status } = Sink.parse(await response.json())
    return status === 'active' ? undefined : `${sid} has the status ${status}`
  }

  return async () => {
    try {
      const answer = await look()
      if (answer !== undefined) report({ reason: 'sink_inactive', at: now(), count: 1, answer })
    } catch (error) {
      // It says nothing about the sink; tomorrow is another day.
      log.warn({ fault: toErrorText(error) }, 'Twilio could not be asked whether the sink is active')
    }
  }
}
