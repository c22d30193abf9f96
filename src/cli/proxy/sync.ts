/** `proxy sync`: one look at all sessions of Twilio Proxy; what has changed goes into the outbox of this machine, or of a bridge elsewhere. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { digests } from '../../hosts/node/digests.ts'
import { openProxyNotes } from '../../hosts/node/proxy-notes.ts'
import { NOTES_FILE } from '../../hosts/node/proxy-sync.ts'
import { createProxyReader, ProxyApiError } from '../../proxy/api.ts'
import { syncProxy } from '../../proxy/sync.ts'
import { check, openOutbox } from '../outbox-access.ts'
import { openElsewhere } from '../running.ts'
import { CliError, type ExitCode, type Terminal } from '../terminal.ts'
import { toCredentials, toSettings } from '../twilio-credentials.ts'

export type SyncOptions = { readonly to?: string; readonly json?: boolean }

export async function runSync(
  terminal: Terminal,
  options: SyncOptions,
  send: typeof fetch,
): Promise<ExitCode> {
  const settings = toSettings(terminal.environment())
  const credentials = toCredentials(settings)
  if ('missing' in credentials) throw new CliError(credentials.missing, 2)
  const access = options.to === undefined ? await openOutbox(settings) : openElsewhere(settings, options.to)
  mkdirSync(settings.DATA_DIR, { recursive: true, mode: 0o700 })
  const notes = openProxyNotes(join(settings.DATA_DIR, NOTES_FILE))
  try {
    const summary = await syncProxy({
      reader: createProxyReader(credentials, { send, wait: ms => sleep(ms) }),
      notes,
      sha256: digests.sha256,
      now: Date.now,
      onProgress: ({ sessions, events }) => terminal.progress(`${sessions} sessions, ${events} events…`),
      async emit(events) {
        const body = events.map(event => `${JSON.stringify(event)}\n`).join('')
        await check(access, await access.request('/import', { method: 'POST', body }))
      },
    })
    const { services, sessions, opened, events, gone, unread } = summary
    if (options.json) terminal.out(JSON.stringify(summary))
    terminal.say(
      `Sessions: ${sessions} of ${services} services, ${opened} of them looked into. Events: ${events}.`,
    )
    if (gone > 0) terminal.say(`Deleted meanwhile: ${gone} sessions.`)
    if (unread > 0) terminal.say(`Not understood: ${unread} answers without a SID.`)
    return 0
  } catch (error) {
    if (!(error instanceof ProxyApiError)) throw error
    throw new CliError(`${error.message}. What was found is kept; run it again to go on.`)
  } finally {
    notes.close()
    access.close()
  }
}
