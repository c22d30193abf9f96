/** `serve`: the bridge with the user's settings, until SIGTERM or SIGINT. */
import { Command } from 'commander'
import { toDestinationConfigs, toPlaceShown } from '../config/destinations.ts'
import type { Settings } from '../config.ts'
import { createLog } from '../hosts/node/log.ts'
import { type Running, start } from '../hosts/node/start.ts'
import { PAGE_PATH } from '../http/page.ts'
import { webhookPath } from '../ingest/public-url.ts'
import type { Log } from '../runtime.ts'
import { loadSettings } from './settings.ts'
import { formatSettings } from './settings-table.ts'

export const serveCommand = new Command('serve')
  .description(
    'Run the bridge: receive events from Twilio, store them, forward them to Segment ("npm start" does this).',
  )
  .addHelpText(
    'after',
    () =>
      `\nSettings (environment or .env):\n${formatSettings()}\n\nExample:\n  TWILIO_AUTH_TOKEN=… PUBLIC_URL=https://bridge.example.com SEGMENT_WRITE_KEY=… npx twilio-segment-bridge serve`,
  )
  .action(serve)

/** Everything must be over by then, whatever hangs. */
const STOP_WITHIN_MS = 9_000
/** A group kill and a supervisor's own reach the process twice; a person who insists takes longer. */
const REPEATED_WITHIN_MS = 1_000

async function serve(): Promise<void> {
  const settings = loadSettings()
  const log = createLog(settings.LOG_LEVEL)
  // What the bridge writes holds phone numbers and texts: for its owner's eyes only.
  process.umask(0o077)
  let running: Running
  try {
    running = await start(settings, log)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  }
  const isStopping = stopOnSignals(running, log)
  // Only now: a supervisor may answer it with a signal at once.
  announce(settings, running)

  const error = await running.failed
  if (isStopping()) return
  log.error({ err: error }, 'the bridge cannot go on; the process ends so that it can be started again')
  process.exit(1)
}

function stopOnSignals(running: Running, log: Log): () => boolean {
  let stoppingSince: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    if (stoppingSince !== undefined) {
      if (Date.now() - stoppingSince > REPEATED_WITHIN_MS) process.exit(1)
      return
    }
    stoppingSince = Date.now()
    log.info({ signal }, 'stopping')
    // What is still in flight then is pending again at the next start.
    setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref()
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'shutdown timed out; acknowledged events are safe')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  return () => stoppingSince !== undefined
}

function announce(settings: Settings, { url, adminToken }: Running): void {
  const shown = `${settings.DATA_DIR}/dry-run.ndjson${settings.DRY_RUN_STDOUT ? ' and stdout' : ''}`
  const [only, ...others] = toDestinationConfigs(settings).map(config => ({
    name: config.name,
    to:
      config.type === 'segment' && config.writeKey === undefined
        ? `nobody: dry run, no SEGMENT_WRITE_KEY (track calls go to ${shown})`
        : toPlaceShown(config) + (config.type === 'segment' ? config.path : ''),
  }))
  const to =
    others.length === 0
      ? only?.to
      : [only, ...others].map(one => `${one?.to} (${one?.name})`).join('\n             ')
  const token = settings.ADMIN_TOKEN ? '$ADMIN_TOKEN' : `$(cat ${settings.DATA_DIR}/admin-token)`
  // A token made here is nobody's yet, so the link is how a person at a terminal gets it. A log would keep it for everybody.
  const isRead = process.stdout.isTTY && process.stderr.isTTY
  const login = settings.ADMIN_TOKEN
    ? ''
    : isRead
      ? `#token=${adminToken}`
      : `\n             (log in with the token in ${settings.DATA_DIR}/admin-token)`
  process.stderr.write(`twilio-segment-bridge is ready
  webhook    ${url}${webhookPath(settings.PUBLIC_URL)}
  debugger   ${url}${PAGE_PATH}${login}
  forwards   to ${to}
  figures    curl -H "Authorization: Bearer ${token}" ${url}/api/stats
`)
}
