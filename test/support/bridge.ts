/** A whole bridge for a test: in this process, or in one of its own that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Stats } from '../../src/admin/figures.ts'
import { readSettings, type Settings } from '../../src/config.ts'
import { createLog } from '../../src/hosts/node/log.ts'
import { start } from '../../src/hosts/node/start.ts'
import { PATIENCE_MS, until } from './patience.ts'
import { authToken } from './twilio.ts'

type Environment = Readonly<Record<string, string>>

export type Bridge = {
  readonly origin: string
  readonly webhook: string
  readonly adminToken: string
  readonly dataDir: string
  /** GET (or POST) with the admin token, parsed. */
  api<T>(path: string, init?: RequestInit): Promise<T>
  stats(): Promise<Stats>
  /** Until the figures say so. Fails with the last figures. */
  until(what: (stats: Stats) => boolean, patienceMs?: number): Promise<Stats>
}

export function newDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'bridge-'))
}

function toEnvironment(dataDir: string, more: Environment): Record<string, string> {
  return {
    TWILIO_AUTH_TOKEN: authToken,
    PORT: '0',
    HOST: '127.0.0.1',
    DATA_DIR: dataDir,
    LOG_LEVEL: 'silent',
    SEGMENT_RATE: '0',
    ...more,
  }
}

export function toSettings(environment: Environment): Settings {
  const read = readSettings(environment)
  if (!read.ok) throw new Error(JSON.stringify(read.faults))
  return read.settings
}

export function toBridge(origin: string, adminToken: string): Omit<Bridge, 'dataDir'> {
  async function api<T>(path: string, init: RequestInit = {}): Promise<T> {
    const ask = () => fetch(origin + path, { ...init, headers: { authorization: `Bearer ${adminToken}` } })
    // A kept connection may just be closing: workerd does so after an answer that came before the whole body.
    const response = await ask().catch((error: unknown) => {
      if (init.method !== undefined && init.method !== 'GET') throw error
      return ask()
    })
    const text = await response.text()
    return (
      response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text
    ) as T
  }
  const stats = () => api<Stats>('/api/stats')
  return {
    origin,
    webhook: `${origin}/webhooks/twilio`,
    adminToken,
    api,
    stats,
    until(what, patienceMs = PATIENCE_MS / 2) {
      let last: Stats | undefined
      return until(
        () => `${what} of the figures, which are ${JSON.stringify(last)}`,
        async () => {
          last = await stats()
          return what(last) && last
        },
        patienceMs,
      )
    },
  }
}

/** In this process. `await using` stops it and removes its folder. */
export async function startBridge(
  more: Environment = {},
  askTwilio?: typeof fetch,
): Promise<Bridge & { stop(): Promise<void> } & AsyncDisposable> {
  const dataDir = more.DATA_DIR ?? newDataDir()
  const settings = toSettings(toEnvironment(dataDir, more))
  const running = await start(settings, createLog(settings.LOG_LEVEL), askTwilio)
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= running.stop())
  return {
    ...toBridge(running.url, running.adminToken),
    dataDir,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      if (!more.DATA_DIR) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export type SpawnedBridge = Bridge & {
  readonly process: ChildProcess
  readonly stderr: readonly string[]
  /** Sends the signal and waits for the end; gives the exit code, or the signal it died of. */
  kill(signal: NodeJS.Signals): Promise<number | string | null>
}

/**
 * As a process of its own, started as a user does. Rejects, with its last words, when it ends instead of getting ready.
 * `terminal`: all that it writes goes to one, made by `script`, and is what `stderr` has.
 */
export async function spawnBridge(
  dataDir: string,
  more: Environment = {},
  stdout: 'ignore' | 'pipe' | 'terminal' = 'ignore',
): Promise<SpawnedBridge> {
  const main = join(import.meta.dirname, '../../src/cli/main.ts')
  const env = { PATH: process.env.PATH, ...toEnvironment(dataDir, { LOG_LEVEL: 'warn', ...more }) }
  const isTerminal = stdout === 'terminal'
  const child = isTerminal
    ? spawn('script', ['-qefc', `exec '${process.execPath}' '${main}' serve`, '/dev/null'], {
        env,
        stdio: ['pipe', 'pipe', 'ignore'],
        cwd: dataDir,
      })
    : spawn(process.execPath, [main, 'serve'], { env, stdio: ['ignore', stdout, 'pipe'], cwd: dataDir })
  const exited = once(child, 'exit')
  const said = isTerminal ? child.stdout : child.stderr
  if (!said) throw new Error('the log is a pipe')
  const stderr: string[] = []
  const origin = await new Promise<string>((resolve, reject) => {
    createInterface(said).on('line', line => {
      stderr.push(line)
      const [, found] = /webhook +(http:\/\/[^/]+)/.exec(line) ?? []
      if (found) resolve(found)
    })
    void exited.then(([code]) => reject(new Error(`the bridge ended with ${code}: ${stderr.join('\n')}`)))
  })
  const adminToken = more.ADMIN_TOKEN ?? readFileSync(join(dataDir, 'admin-token'), 'utf8').trim()
  return {
    ...toBridge(origin, adminToken),
    dataDir,
    process: child,
    stderr,
    async kill(signal) {
      child.kill(signal)
      const [code, by] = await exited
      return code ?? by
    },
  }
}
