/** The demo's bridge: a real one on a fresh folder, with settings of its own, whatever the environment and .env say. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { readSettings } from '../../config.ts'
import { createLog } from '../../hosts/node/log.ts'
import { start } from '../../hosts/node/start.ts'
import { asBearer, ask, parse } from '../admin-client.ts'
import { post, twilioManners } from '../send/post.ts'
import type { SigningKey } from '../signing-key.ts'
import { CliError } from '../terminal.ts'

const count = z.number()
const Stats = z.object({
  ...{ received: count, duplicates: count, pending: count, accepted: count },
  ...{ rejected: count, refused: count, skipped: count },
  notices: z.record(z.string(), z.object({ open: z.array(z.unknown()) })),
})
export type DemoStats = z.infer<typeof Stats>

export type DemoBridge = {
  readonly url: string
  readonly webhook: string
  readonly adminToken: string
  readonly authToken: string
  readonly dataDir: string
  readonly failed: Promise<Error>
  /** As Twilio sends it, once: → the status of the answer. `token` undefined: unsigned. */
  send(body: string, token: string | undefined): Promise<number | undefined>
  stats(): Promise<DemoStats>
  /** The folder goes with the process. */
  stop(): Promise<void>
}

const stopped = AbortSignal.abort()
/** Whatever hangs. */
const STOP_WITHIN_MS = 9_000

export async function startDemoBridge(segmentHost: string, port: number): Promise<DemoBridge> {
  const dataDir = mkdtempSync(join(tmpdir(), 'twilio-segment-bridge-demo-'))
  // However it ends, also when whoever reads what it prints has had enough.
  process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }))
  const authToken = randomBytes(16).toString('hex')
  try {
    const read = readSettings({
      ...{ TWILIO_AUTH_TOKEN: authToken, SEGMENT_WRITE_KEY: 'demo-write-key', SEGMENT_HOST: segmentHost },
      ...{ DATA_DIR: dataDir, HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'error' },
    })
    if (!read.ok) throw new Error(JSON.stringify(read.faults))
    const running = await start(read.settings, createLog(read.settings.LOG_LEVEL))
    const { url, adminToken, failed } = running
    const webhook = `${url}/webhooks/twilio`
    return {
      ...{ url, webhook, adminToken, authToken, dataDir, failed },
      async send(body, token) {
        const key: SigningKey | undefined =
          token === undefined ? token : { setting: 'TWILIO_AUTH_TOKEN', secret: token }
        const once = { ...twilioManners, retryForMs: 0 }
        const { last } = await post(
          { url: webhook, signedFor: webhook, key },
          body,
          once,
          stopped,
          () => undefined,
        )
        return last.status
      },
      async stats() {
        const asked = await ask(`${url}/api/stats`, asBearer(adminToken))
        return Stats.parse(asked.ok ? parse(asked.text) : asked.cause)
      },
      async stop() {
        setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref()
        await running.stop()
      },
    }
  } catch (error) {
    throw error instanceof Error ? new CliError(error.message) : error
  }
}
