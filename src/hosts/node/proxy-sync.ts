/** On Node: a look at all sessions of Twilio Proxy every PROXY_SYNC_MINUTES. */
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { importEvents, type WaitingEvents } from '../../admin/participants.ts'
import { toCredentials } from '../../config/twilio-credentials.ts'
import type { Settings } from '../../config.ts'
import { isDamage } from '../../outbox/sqlite-errors.ts'
import { createProxyReader } from '../../proxy/api.ts'
import { syncProxy } from '../../proxy/sync.ts'
import type { Log } from '../../runtime.ts'
import { digests } from './digests.ts'
import { openProxyNotes, type ProxyNotes } from './proxy-notes.ts'

export const NOTES_FILE = 'proxy-sync.db'

/** It only remembers what was told: told once more, it is a duplicate. No reason to keep the bridge from starting. */
function openOrBeginAnew(file: string, log: Log): ProxyNotes {
  try {
    return openProxyNotes(file)
  } catch (error) {
    if (!isDamage(error)) throw error
    log.warn({ err: error }, `${NOTES_FILE} is damaged: it is set aside, and all sessions are looked at anew`)
    renameSync(file, `${file}.damaged`)
    return openProxyNotes(file)
  }
}

/** Returns what ends it. */
export function startProxySync(
  settings: Settings,
  outbox: Pick<WaitingEvents, 'import' | 'report'>,
  log: Log,
  send: typeof fetch,
): () => Promise<void> {
  const { PROXY_SYNC_MINUTES, DATA_DIR } = settings
  if (PROXY_SYNC_MINUTES === 0) return async () => undefined
  const credentials = toCredentials(settings)
  if ('missing' in credentials) throw new Error(`PROXY_SYNC_MINUTES: ${credentials.missing}`)
  let notes: ProxyNotes | undefined
  const stopping = new AbortController()
  const { signal } = stopping
  const reader = createProxyReader(credentials, {
    send: (url, init) =>
      send(url, { ...init, signal: AbortSignal.any([signal, ...(init?.signal ? [init.signal] : [])]) }),
    wait: ms => sleep(ms, undefined, { signal }),
  })

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        notes ??= openOrBeginAnew(join(DATA_DIR, NOTES_FILE), log)
        const summary = await syncProxy({
          reader,
          notes,
          emit: events => importEvents(outbox, events, Date.now()),
          sha256: digests.sha256,
          now: Date.now,
          signal,
        })
        log.info(summary, 'looked at the sessions of Twilio Proxy')
      } catch (error) {
        if (!signal.aborted)
          log.warn(
            { err: error },
            'the look at the sessions of Twilio Proxy was not finished; the next one goes on',
          )
      }
      await sleep(PROXY_SYNC_MINUTES * 60_000, undefined, { signal }).catch(() => undefined)
    }
  }

  const running = run()
  return async () => {
    stopping.abort()
    await running
    notes?.close()
  }
}
