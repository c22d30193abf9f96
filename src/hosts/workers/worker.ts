/** The bridge on Cloudflare Workers: the same routes over the same core. */
import type { Hono } from 'hono'
import { createParticipants } from '../../admin/participants.ts'
import { isHealthy } from '../../admin/status.ts'
import { createHeartbeat } from '../../alerts/heartbeat.ts'
import { notifierSettings } from '../../alerts/notifier.ts'
import { createSinkWatch, SINK_WATCH_EVERY_MS } from '../../alerts/sink-watch.ts'
import { toCredentials } from '../../config/twilio-credentials.ts'
import type { Settings } from '../../config.ts'
import { createApp } from '../../http/app.ts'
import { createProxyReader } from '../../proxy/api.ts'
import { decompress } from './decompress.ts'
import { digests } from './digests.ts'
import { createSharedEndedSessions } from './ended-sessions.ts'
import { type Env, readEnv } from './env.ts'
import { createLog } from './log.ts'
import { createSharedTries } from './login-rate-limit.ts'
import { createAssetPage } from './page-files.ts'
import { createShardClient } from './shards/client.ts'
import { createShardHistory } from './shards/history.ts'
import { clockOf, shardOf } from './shards/stubs.ts'

export { NoticeClock } from './notifier-object.ts'
export { OutboxShard } from './outbox-object.ts'

/** Of Proxy's participants asked for in one run: each takes a request to Twilio and one to the outbox. */
const PARTICIPANTS_A_RUN = 15

/** Of the 50 that the free plan allows one invocation; a reading asks every shard and the notice clock. */
const SUBREQUESTS_A_STREAM = 40

/** The figures ask every shard, and the notice clock up to four times; the free plan allows an invocation 50 subrequests. */
const SHARDS_ON_FREE_PLAN = 46

/** The cron trigger of what happens each minute: see `triggers` in wrangler.toml. */
const EACH_MINUTE = '* * * * *'

/** And of what happens every five minutes: the first after midnight (UTC) is once a day. */
const WATCH_EVERY_MS = 5 * 60_000

/** Built once an isolate. */
let app: Hono | undefined

function open(env: Env): Hono | Response {
  const read = readEnv(env)
  if (!read.ok) {
    const faults = read.faults.map(
      ({ name, received, expected }) => `${name}: got ${received}, expected ${expected}`,
    )
    console.error(JSON.stringify({ level: 'error', msg: 'the settings are wrong', faults }))
    // 503, whatever the request: Twilio tries again for four hours, on a 4xx it would not.
    return Response.json(
      { error: 'wrong_settings', faults },
      { status: 503, headers: { 'retry-after': '60' } },
    )
  }
  const { settings } = read
  const { everyMs } = notifierSettings(settings)
  const log = createLog(settings.LOG_LEVEL)
  if (settings.OUTBOX_SHARDS > SHARDS_ON_FREE_PLAN) {
    log.warn(
      { shards: settings.OUTBOX_SHARDS, most: SHARDS_ON_FREE_PLAN },
      'OUTBOX_SHARDS is more than the free plan of Workers can serve: there the page, the API and requests with many events fail',
    )
  }
  return createApp({
    host: 'workers',
    onProxyStored: c => c.executionCtx.waitUntil(askParticipants(settings, env)),
    streamReadings: Math.max(1, Math.floor(SUBREQUESTS_A_STREAM / (settings.OUTBOX_SHARDS + 1))),
    // A page asks one shard; the first one the notice clock as well.
    exportPages: SUBREQUESTS_A_STREAM,
    settings,
    outboxClient: createShardClient(env, settings.OUTBOX_SHARDS, everyMs, log),
    adminToken: settings.ADMIN_TOKEN,
    page: createAssetPage(env.ASSETS),
    tries: createSharedTries(env),
    endedSessions: createSharedEndedSessions(env),
    peerAddress: c => c.req.header('cf-connecting-ip'),
    digests,
    decompress,
    log,
    now: Date.now,
    rawUrl: c => c.req.raw.url,
  })
}

export default {
  async fetch(request, env, context) {
    const opened = app ?? open(env)
    if (opened instanceof Response) return opened
    app = opened
    return app.fetch(request, env, context)
  },

  async scheduled({ cron, scheduledTime }, env) {
    const read = readEnv(env)
    if (!read.ok) return
    const { settings } = read
    if (cron === EACH_MINUTE) return beat(settings, env)
    await watchShards(settings, env)
    await askParticipants(settings, env)
    if (scheduledTime % SINK_WATCH_EVERY_MS < WATCH_EVERY_MS) await watchSink(settings, env)
  },
} satisfies ExportedHandler<Env>

/** The watchdog of the shards' alarms. */
async function watchShards({ OUTBOX_SHARDS, LOG_LEVEL }: Settings, env: Env): Promise<void> {
  const ask = () => clockOf(env).shards(OUTBOX_SHARDS)
  const { highest } = await createShardHistory(ask, OUTBOX_SHARDS, createLog(LOG_LEVEL))()
  await Promise.all(Array.from({ length: highest }, (_, index) => shardOf(env, index).watch()))
}

async function watchSink(settings: Settings, env: Env): Promise<void> {
  const log = createLog(settings.LOG_LEVEL)
  const { everyMs } = notifierSettings(settings)
  const { report } = createShardClient(env, settings.OUTBOX_SHARDS, everyMs, log)
  await createSinkWatch({ settings, send: fetch, report, log, now: Date.now })?.()
}

async function beat(settings: Settings, env: Env): Promise<void> {
  const { HEARTBEAT_URL: url, LOG_LEVEL, OUTBOX_SHARDS } = settings
  if (url === undefined) return
  const log = createLog(LOG_LEVEL)
  const { status } = createShardClient(env, OUTBOX_SHARDS, notifierSettings(settings).everyMs, log)
  const isWell = async () => isHealthy(await status(), Date.now())
  await createHeartbeat({ url, isHealthy: isWell, send: fetch, log })()
}

/** Who the participants of Proxy's events are that wait for it: after each callback, and by cron for what is left. */
async function askParticipants(settings: Settings, env: Env): Promise<void> {
  const { LOG_LEVEL, OUTBOX_SHARDS, TWILIO_ACCOUNT_SID: accountSid } = settings
  const log = createLog(LOG_LEVEL)
  const outbox = createShardClient(env, OUTBOX_SHARDS, notifierSettings(settings).everyMs, log)
  const credentials = toCredentials(settings)
  const reader = 'missing' in credentials ? credentials : createProxyReader(credentials, { send: fetch })
  await createParticipants({ outbox, reader, accountSid, now: Date.now, log, most: PARTICIPANTS_A_RUN })()
}
