/** Every route. Hosts bring the parts; nothing here knows which host it is. */
import { Hono } from 'hono'
import { createDoorMeters, toText } from '../meters.ts'
import type { Backroom } from '../ports.ts'
import { createApi } from './api.ts'
import { createGuard } from './guard.ts'
import { createWebhook, type WebhookParts } from './webhook.ts'

export type AppParts = Omit<WebhookParts, 'count' | 'outbox'> & {
  readonly backroom: Backroom
  readonly adminToken: string | undefined
}

export function createApp(parts: AppParts): Hono {
  const { backroom, log } = parts
  const meters = createDoorMeters()
  const webhook = createWebhook({ ...parts, outbox: backroom, count: meters.count })
  const guard = createGuard(parts.adminToken, parts.digests)
  const app = new Hono()

  app.use(async (c, next) => (webhook.isAt(c) ? webhook.answer(c) : next()))
  app.get('/healthz', c => c.json({ status: 'up' }))
  app.get('/readyz', async c => {
    const troubles = await backroom.stats().then(
      stats => stats.troubles,
      () => ['the outbox does not answer'],
    )
    return troubles.length === 0
      ? c.json({ status: 'ready' })
      : c.json({ status: 'not ready', troubles }, 503)
  })

  app.use('/metrics', guard)
  app.get('/metrics', async c => {
    const text = await toText([await backroom.metrics(), await meters.json()])
    return c.text(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
  })
  app.use('/api/*', guard)
  app.route('/api', createApi(backroom))

  app.notFound(async c => {
    // A 404 would cost the events of a sink whose destination, or whose PUBLIC_URL, has another path.
    if (c.req.header('x-twilio-signature') !== undefined) return webhook.answer(c)
    return c.json({ error: 'not_found', message: `There is nothing at ${c.req.path}` }, 404)
  })
  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, 'a request failed')
    return c.json({ error: 'internal', message: 'The bridge failed; its log says why' }, 500)
  })
  return app
}
