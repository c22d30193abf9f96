/** (a) The floor: our own HTTP stack, signature check, parse and validation, over an outbox that stores nothing. */
import type { HttpBindings } from '@hono/node-server'
import type { OutboxClient } from '../../src/bridge.ts'
import { readSettings } from '../../src/config.ts'
import { readBody } from '../../src/hosts/node/body.ts'
import { decompress } from '../../src/hosts/node/decompress.ts'
import { digests } from '../../src/hosts/node/digests.ts'
import { openServer, rawUrl } from '../../src/hosts/node/http-server.ts'
import { createLog } from '../../src/hosts/node/log.ts'
import { createApp } from '../../src/http/app.ts'
import { createEndedSessions } from '../../src/http/auth/ended-sessions.ts'
import { createLoginRateLimit } from '../../src/http/auth/login-rate-limit.ts'

const read = readSettings(process.env)
if (!read.ok) throw new Error(JSON.stringify(read.faults))
const { settings } = read

const nothing = async (): Promise<never> => {
  throw new Error('the floor keeps nothing')
}
const outboxClient: OutboxClient = {
  put: async () => ({ stored: true }),
  report: () => undefined,
  stats: nothing,
  metrics: nothing,
  events: nothing,
  event: nothing,
  retry: nothing,
  drop: nothing,
  deliverNow: nothing,
  setPaused: nothing,
  confirmChange: nothing,
  changeMany: nothing,
  status: nothing,
  confirmArrival: nothing,
  resend: nothing,
  resendMany: nothing,
  notices: nothing,
  troubles: nothing,
  pulse: nothing,
  deadLetters: nothing,
  destinationNames: nothing,
  quality: nothing,
  exportPage: nothing,
  import: nothing,
}

const app = createApp({
  settings,
  outboxClient,
  host: 'node',
  adminToken: undefined,
  page: () => undefined,
  tries: createLoginRateLimit(Date.now),
  endedSessions: createEndedSessions(Date.now),
  peerAddress: () => undefined,
  digests,
  decompress,
  log: createLog(settings.LOG_LEVEL),
  now: Date.now,
  rawUrl: ({ env }: { env: HttpBindings }) => rawUrl(env.incoming),
  readBody: ({ env }: { env: HttpBindings }, limit) => readBody(env.incoming, limit),
})
const server = await openServer(app.fetch, settings)
console.log(server.url)
