/** The real process, started as a user starts it, on a port and a folder that stay the same over kills and restarts. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Stats } from '../../src/admin/figures.ts'
import { toBridge } from '../support/bridge.ts'
import { readStartCommand } from '../support/start-command.ts'
import { authToken } from '../support/twilio.ts'
import type { Plan } from './preload.ts'

/** The exit code, or the signal it died of. */
export type Ended = number | string

export type BridgeSettings = Readonly<Record<string, string>>

export type BridgeProcess = {
  readonly origin: string
  readonly webhook: string
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  readonly isUp: boolean
  readonly dataDir: string
  /** What it said on stderr, over all its lives; the newest 2,000 lines. */
  readonly stderr: readonly string[]
  /** Before the first start: another folder than the one made for it. */
  useFolder(path: string): void
  /** Until it listens. Throws, with its last words, when it ends instead. Settings last for later starts too. */
  start(settings?: BridgeSettings, plan?: Plan): Promise<void>
  /** The same, for a start that may end: gives how it ended, or `undefined` once it listens. */
  tryStart(settings?: BridgeSettings, plan?: Plan): Promise<Ended | undefined>
  /** How the process ends that runs now. */
  ended(): Promise<Ended>
  kill(signal: NodeJS.Signals): Promise<Ended>
  /** SIGTERM, then a start. Throws when it did not end with 0. */
  restart(settings?: BridgeSettings): Promise<void>
  rssMiB(): number
  api<T>(path: string, init?: RequestInit): Promise<T>
  stats(): Promise<Stats>
}

const root = join(import.meta.dirname, '../..')
const command = readStartCommand(root)
const preload = pathToFileURL(join(import.meta.dirname, 'preload.ts')).href
const ADMIN_TOKEN = 'the-token-of-the-torture'
const LINES_KEPT = 2_000

/** Starts none any more once `signal` is aborted: a scenario that ran out of time may still be at it. */
export async function createBridgeProcess(
  folder: string,
  first: BridgeSettings,
  signal?: AbortSignal,
): Promise<BridgeProcess> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const stderr: string[] = []
  let settings = first
  let dataDir = folder
  let child: ChildProcess | undefined
  let exited: Promise<Ended> | undefined

  function spawnOne(plan: Plan | undefined): Promise<Ended | undefined> {
    mkdirSync(dataDir, { recursive: true })
    const env = {
      ...{ PATH: process.env.PATH, TWILIO_AUTH_TOKEN: authToken, ADMIN_TOKEN, DATA_DIR: dataDir },
      ...command.env,
      ...{ PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'warn', SEGMENT_RATE: '0', ...settings },
      ...(plan && { NODE_OPTIONS: `--import=${preload}`, TORTURE_PLAN: JSON.stringify(plan) }),
    }
    const own = spawn(process.execPath, [...command.flags, command.script, 'serve'], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: root,
      // A group of its own, so that what it started can be ended with it.
      detached: true,
    })
    child = own
    const ending = once(own, 'exit').then(async ([code, signal]): Promise<Ended> => {
      // A power cut leaves no reader of the file behind, whose index the next start would believe.
      if (own.pid !== undefined) await endGroup(own.pid)
      if (child === own) child = undefined
      return code ?? signal
    })
    exited = ending
    return new Promise((resolve, reject) => {
      own.once('error', reject)
      createInterface(own.stderr).on('line', line => {
        stderr.push(line)
        if (stderr.length > LINES_KEPT) stderr.shift()
        if (/webhook +http/.test(line)) resolve(undefined)
      })
      void ending.then(resolve)
    })
  }

  const bridge: BridgeProcess = {
    origin,
    webhook: `${origin}/webhooks/twilio`,
    stderr,
    get pid() {
      if (child?.pid === undefined) throw new Error('The bridge does not run')
      return child.pid
    },
    get isUp() {
      return child !== undefined
    },
    get dataDir() {
      return dataDir
    },
    useFolder(path) {
      dataDir = path
    },
    async tryStart(more = {}, plan) {
      if (child) throw new Error('The bridge runs already')
      signal?.throwIfAborted()
      settings = { ...settings, ...more }
      return spawnOne(plan)
    },
    async start(more, plan) {
      const end = await bridge.tryStart(more, plan)
      if (end !== undefined) throw new Error(`The bridge ended with ${end}: ${stderr.slice(-5).join(' | ')}`)
    },
    async ended() {
      if (!exited) throw new Error('The bridge never ran')
      return exited
    },
    async kill(signal) {
      child?.kill(signal)
      return bridge.ended()
    },
    async restart(more) {
      const end = await bridge.kill('SIGTERM')
      if (end !== 0) throw new Error(`The bridge ended with ${end} after SIGTERM`)
      await bridge.start(more)
    },
    rssMiB() {
      const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${bridge.pid}/status`, 'utf8')) ?? []
      return Number(kib) / 1_024
    },
    ...pick(toBridge(origin, ADMIN_TOKEN)),
  }
  return bridge
}

function pick({ api, stats }: ReturnType<typeof toBridge>): Pick<BridgeProcess, 'api' | 'stats'> {
  return { api, stats }
}

/** Ends every process of the group, and waits until none holds a file any more. */
async function endGroup(group: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      process.kill(-group, 'SIGKILL')
    } catch {
      return
    }
    await sleep(25)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port')
  return address.port
}
