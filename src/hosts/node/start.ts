/** The bridge on Node: data folder, outbox thread, HTTP server; started and stopped as one. */
import type { HttpBindings } from '@hono/node-server'
import { isHealthy } from '../../admin/status.ts'
import { createHeartbeat, HEARTBEAT_EVERY_MS } from '../../alerts/heartbeat.ts'
import type { Settings } from '../../config.ts'
import { createApp } from '../../http/app.ts'
import { createLoginRateLimit } from '../../http/auth/login-rate-limit.ts'
import type { Log } from '../../runtime.ts'
import { readBody } from './body.ts'
import { openFolder, readAdminToken } from './data-folder.ts'
import { decompress } from './decompress.ts'
import { digests } from './digests.ts'
import { readDisk, watchDisk } from './disk.ts'
import { openEndedSessions } from './ended-sessions.ts'
import { openServer, rawUrl } from './http-server.ts'
import { type NodeOutboxClient, startOutboxClient } from './outbox-client.ts'
import { readPage } from './page-files.ts'
import { openParticipants } from './participants.ts'
import { createProcessMeters } from './process-metrics.ts'
import { startProxySync } from './proxy-sync.ts'
import { watchSink } from './sink-timer.ts'

export type Running = {
  /** The origin to reach it at from this machine. */
  readonly url: string
  readonly adminToken: string
  /** Takes no more requests, finishes those it has, settles or releases the batch in flight. */
  stop(): Promise<void>
  /** Settles when it cannot go on: the process must end at once then, for the folder may be another one's. */
  readonly failed: Promise<Error>
}

const LOOK_EVERY_MS = 1_000

function watch(find: () => string | undefined): { readonly failed: Promise<Error>; stop(): void } {
  let looking: NodeJS.Timeout | undefined
  const failed = new Promise<Error>(resolve => {
    const look = () => {
      const why = find()
      if (why !== undefined) resolve(new Error(why))
    }
    look()
    looking = setInterval(look, LOOK_EVERY_MS)
  })
  return { failed, stop: () => clearInterval(looking) }
}

/** Returns what ends it. */
function beatFor({ HEARTBEAT_URL: url }: Settings, { status }: NodeOutboxClient, log: Log): () => void {
  if (url === undefined) return () => undefined
  const beat = createHeartbeat({
    url,
    isHealthy: async () => isHealthy(await status(), Date.now()),
    send: fetch,
    log,
  })
  void beat()
  const beating = setInterval(() => void beat(), HEARTBEAT_EVERY_MS)
  return () => clearInterval(beating)
}

/** Throws, with a sentence for a person, when the folder, the outbox or the port cannot be had. `askTwilio`: for Twilio's API. */
export async function start(settings: Settings, log: Log, askTwilio = fetch): Promise<Running> {
  // What has been started is ended in the opposite order.
  const ends: (() => unknown)[] = []
  async function end(): Promise<void> {
    const last = ends.pop()
    if (!last) return
    try {
      await last()
    } finally {
      await end()
    }
  }
  try {
    const folder = openFolder(settings.DATA_DIR)
    ends.push(folder.release)
    const adminToken = readAdminToken(folder, settings.ADMIN_TOKEN)
    const outboxClient = await startOutboxClient({ settings, ...folder })
    ends.push(outboxClient.stop)
    const stopping = new AbortController()
    const disk = watchDisk({ read: () => readDisk(settings.DATA_DIR), report: outboxClient.report })
    ends.push(disk.stop)
    const participants = openParticipants(settings, outboxClient, log, askTwilio)
    ends.push(participants.stop, startProxySync(settings, outboxClient, log, askTwilio))
    const processMeters = createProcessMeters()
    const app = createApp({
      host: 'node',
      stopping: stopping.signal,
      settings,
      outboxClient,
      adminToken,
      onProxyStored: participants.ask,
      page: readPage(),
      hostMetrics: () => Promise.all([disk.metrics(), processMeters.json()]),
      tries: createLoginRateLimit(Date.now),
      endedSessions: openEndedSessions(settings.DATA_DIR, log),
      peerAddress: ({ env }: { env: HttpBindings }) => env.incoming.socket.remoteAddress,
      digests,
      decompress,
      log,
      now: Date.now,
      rawUrl: ({ env }: { env: HttpBindings }) => rawUrl(env.incoming),
      readBody: ({ env }: { env: HttpBindings }, limit) => readBody(env.incoming, limit),
    })
    const server = await openServer(app.fetch, settings)
    ends.push(server.close)
    // A stream never ends by itself.
    ends.push(() => stopping.abort())
    ends.push(beatFor(settings, outboxClient, log))
    ends.push(watchSink({ settings, send: fetch, report: outboxClient.report, log, now: Date.now }))
    folder.announce(server.url)
    const lost = watch(folder.lost)
    const logLost = watch(() => (folder.lost() === undefined ? folder.logLost() : undefined))
    ends.push(lost.stop, logLost.stop)
    let stopped: Promise<void> | undefined
    const stop = () => (stopped ??= end())
    // In order: closing the outbox copies the log, which is still open, into its file.
    const stoppedForLog = logLost.failed.then(error => stop().then(() => error))
    const failed = Promise.race([
      lost.failed,
      stoppedForLog,
      // The thread ends with every stop.
      outboxClient.failed.then(error => (stopped ? stoppedForLog : error)),
    ])
    return { url: server.url, adminToken, failed, stop }
  } catch (error) {
    await end()
    throw error
  }
}
