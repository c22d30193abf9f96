/** Every route. Hosts bring the parts; nothing here knows which host it is. */
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { redact } from '../alerts/redact.ts'
import type { OutboxClient } from '../bridge.ts'
import type { Host } from '../config.ts'
import { toMapping } from '../event/mapping.ts'
import { toStorageReason } from '../outbox/sqlite-errors.ts'
import { RETRY_AFTER_SECONDS, type Reason, reasons } from '../reasons.ts'
import type { Page } from '../runtime.ts'
import { createWebhookMeters, type MetricsJson, toText } from '../stats/metrics.ts'
import { toAbout } from './about.ts'
import { createApi } from './admin-routes.ts'
import type { EndedSessions } from './auth/ended-sessions.ts'
import { createGuard, createTokenCheck, keepPrivate } from './auth/guard.ts'
import { createLogin, type LoginParts } from './auth/login.ts'
import { createSessions } from './auth/session.ts'
import { createStream, type StreamParts } from './live.ts'
import { readDocument } from './openapi/document.ts'
import { createPage } from './page.ts'
import { createProxyWebhook, type ProxyWebhookParts } from './proxy-webhook.ts'
import { createRatesApi } from './rates-routes.ts'
import { createStatusApi } from './status-routes.ts'
import { createWebhook, type WebhookParts } from './webhook.ts'

export type AppParts = Omit<WebhookParts, 'count' | 'outbox'> &
  StreamParts & {
    readonly host: Host
    readonly outboxClient: OutboxClient
    readonly exportPages?: number
    readonly adminToken: string | undefined
    readonly page: Page
    /** What the host measures of itself: its process, its disk. */
    readonly hostMetrics?: () => Promise<readonly MetricsJson[]>
    readonly endedSessions: EndedSessions
    readonly onProxyStored?: ProxyWebhookParts['onStored']
  } & Pick<LoginParts, 'tries' | 'peerAddress'>

export function createApp(parts: AppParts): Hono {
  const { outboxClient, log, settings, adminToken, digests, hostMetrics = async () => [] } = parts
  const meters = createWebhookMeters(parts.host)
  const webhook = createWebhook({ ...parts, outbox: outboxClient, count: meters.count })
  const onStored = parts.onProxyStored
  const proxyWebhook = createProxyWebhook({ ...parts, outbox: outboxClient, count: meters.count, onStored })
  const lock =
    adminToken === undefined
      ? undefined
      : {
          isToken: createTokenCheck(adminToken, digests),
          sessions: createSessions(adminToken, digests, parts.now, parts.endedSessions),
        }
  const guard = createGuard(lock, settings)
  const app = new Hono()

  app.use(async (c, next) => (webhook.isAt(c) ? webhook.answer(c) : next()))
  app.use(async (c, next) => (proxyWebhook.isAt(c) ? proxyWebhook.answer(c) : next()))
  app.get('/healthz', c => c.json({ status: 'up' }))
  app.get('/readyz', async c => {
    // Anybody may ask: the reasons alone, as with a request that cannot be stored. The API says more.
    const troubles = await readTroubles(outboxClient)
    return troubles.length === 0
      ? c.json({ status: 'ready' })
      : c.json({ status: 'not ready', troubles }, 503)
  })

  const { METRICS_TOKEN } = settings
  const isScraper = METRICS_TOKEN === undefined ? undefined : createTokenCheck(METRICS_TOKEN, digests)
  app.use('/metrics', keepPrivate, createGuard(lock, settings, isScraper))
  // Hundreds of kilobytes of repeated labels, when many types came. The edge before a Worker compresses by itself.
  if (parts.host === 'node') app.use('/metrics', compress())
  app.get('/metrics', async c => {
    const text = await toText([await outboxClient.metrics(), await meters.json(), ...(await hostMetrics())])
    return c.text(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
  })
  if (lock) app.route('/api', createLogin({ ...parts, lock }))
  app.use('/api/*', keepPrivate, guard)
  const { exportPages } = parts
  const rates = createRatesApi(outboxClient, { now: parts.now, running: parts.stopping })
  const served = {
    about: toAbout(settings, parts.host),
    stream: createStream(rates, parts),
    exportPages,
  }
  app.get('/api/openapi.json', c => c.json(readDocument()))
  app.route('/api', rates.routes)
  app.route('/api', createStatusApi(outboxClient, parts))
  app.route('/api', createApi(outboxClient, toMapping(settings), served))
  if (lock) app.route('/', createPage(parts.page))

  app.notFound(async c => {
    // A 404 would cost the events of a sink whose destination, or whose PUBLIC_URL, has another path.
    if (c.req.header('x-twilio-signature') !== undefined) return webhook.answer(c)
    return c.json({ error: 'not_found', message: `There is nothing at ${c.req.path}` }, 404)
  })
  app.onError((error, c) => {
    log.error({ err: error, path: redact(c.req.path) }, 'a request failed')
    const reason = toStorageReason(error)
    if (reason !== undefined)
      return c.json({ error: reason, message: `${reasons[reason].title}. ${reasons[reason].remedy}` }, 503, {
        'retry-after': String(RETRY_AFTER_SECONDS),
      })
    return c.json({ error: 'internal', message: 'The bridge failed; its log says why' }, 500)
  })
  return app
}

async function readTroubles(outboxClient: OutboxClient): Promise<readonly Reason[]> {
  try {
    return await outboxClient.troubles()
  } catch {
    return ['outbox_unwritable']
  }
}
