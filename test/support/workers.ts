/** The bridge in real workerd, from the very bundle that `wrangler deploy` would upload. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, Response as MiniflareResponse } from 'miniflare'
import { inject } from 'vitest'
import { type Bridge, toBridge } from './bridge.ts'
import { assets } from './bundle-worker.ts'
import { authToken } from './twilio.ts'

export type WorkersOptions = {
  /** Keeps what the Durable Objects store, for a later start. */
  readonly stateDir?: string
  /** Another bundle than the deployed one, with faults built in. */
  readonly bundle?: string
  /** @default any that is free */
  readonly port?: number
  /** In place of the network, for what is asked of hosts elsewhere. */
  readonly outbound?: (request: {
    readonly url: string
    readonly headers: Iterable<[string, string]>
  }) => Promise<Response>
  /** Told of each line that the Worker logs. */
  readonly onLog?: (line: string) => void
}

export type WorkersBridge = Omit<Bridge, 'dataDir'> & {
  /** Runs what a cron trigger of wrangler.toml runs. */
  cron(expression: string): Promise<void>
  /** Of the workerd process. */
  readonly pid: number | undefined
  stop(): Promise<void>
}

export async function startWorkers(
  environment: Readonly<Record<string, string>> = {},
  { stateDir, bundle = inject('workerBundle'), port = 0, onLog, outbound }: WorkersOptions = {},
): Promise<WorkersBridge> {
  const state = stateDir ?? mkdtempSync(join(tmpdir(), 'bridge-workers-'))
  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({
      log: new Log(LogLevel.NONE),
      cf: false,
      ...(onLog && { handleStructuredLogs: ({ message }: { message: string }) => onLog(message) }),
      host: '127.0.0.1',
      port,
      workers: [
        {
          name: 'bridge',
          ...(outbound && {
            outboundService: async (request: { url: string; headers: Iterable<[string, string]> }) => {
              const { status, headers, body } = await outbound(request)
              return new MiniflareResponse(body && (await new Response(body).text()), {
                status,
                headers: [...headers],
              })
            },
          }),
          modules: [{ type: 'ESModule', path: 'worker.js', contents: readFileSync(bundle, 'utf8') }],
          compatibilityDate: '2026-10-01',
          compatibilityFlags: ['nodejs_compat'],
          durableObjects: {
            OUTBOX: { className: 'OutboxShard', useSQLite: true },
            NOTICE_CLOCK: { className: 'NoticeClock', useSQLite: true },
          },
          assets: {
            directory: assets,
            binding: 'ASSETS',
            routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
            assetConfig: { html_handling: 'none' },
          },
          bindings: {
            TWILIO_AUTH_TOKEN: authToken,
            ADMIN_TOKEN: 'the-token-of-the-tests',
            LOG_LEVEL: 'silent',
            SEGMENT_RATE: '0',
            ...environment,
          },
        },
      ],
    }),
    resourcePersistencePath: state,
  })
  const url = await miniflare.ready
  return {
    ...toBridge(url.origin, environment.ADMIN_TOKEN ?? 'the-token-of-the-tests'),
    async cron(expression) {
      const worker = await miniflare.getWorker()
      await worker.scheduled({ cron: expression })
    },
    pid: workerdOf(process.pid),
    async stop() {
      await miniflare.dispose()
      if (!stateDir) rmSync(state, { recursive: true, force: true })
    },
  }
}

/** The newest workerd that this process has started. */
function workerdOf(parent: number): number | undefined {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number)
  return children.filter(pid => readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('workerd')).at(-1)
}
