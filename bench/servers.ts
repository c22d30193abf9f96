/** Who takes part, and how each is started: always fresh, on an empty folder, on the server's core. */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { authToken } from '../test/support/twilio.ts'
import type { Bench } from './bench.ts'
import { publicOrigin } from './load/requests.ts'

export type Server = {
  readonly port: number
  /** Whose time and memory count: the first is the one that speaks HTTP. */
  readonly pids: readonly number[]
  end(): Promise<void>
}

export type Contender = {
  readonly key: 'floor' | 'bridge' | 'paced' | 'blog' | 'queue'
  readonly letter: string
  readonly title: string
  readonly forwards: boolean
  start(bench: Bench): Promise<Server>
}

const writeKey = 'bench-write-key-0123456789'
const speaks = /http:\/\/[^/\s]+:(\d+)/

export const floor: Contender = {
  key: 'floor',
  letter: 'a',
  title: 'floor: our HTTP, signature, parse, validation; stores and sends nothing',
  forwards: false,
  start: ({ children, root }) =>
    // As a service, so that it runs with the very flags of the bridge.
    startOne(
      children.startUntil('server', launched(root, 'bin/run.mjs', 'bench/servers/floor.ts'), speaks, {
        env: settings,
      }),
    ),
}

export const bridge: Contender = {
  key: 'bridge',
  letter: 'b',
  title: 'this bridge: synchronous=FULL, SEGMENT_RATE=0',
  forwards: true,
  start: bench => startBridge(bench),
}

/** It sends 1,000 events a second, as Segment accepts them: the rest waits, and is not waited for here. */
export const paced: Contender = {
  key: 'paced',
  letter: 'e',
  title: 'this bridge at the default rate, SEGMENT_RATE=1000',
  forwards: false,
  start: bench => startBridge(bench, { env: { SEGMENT_RATE: '1000' } }),
}

export const blog: Contender = {
  key: 'blog',
  letter: 'c',
  title: 'Express 4 + twilio.webhook() + analytics-node defaults; stores nothing',
  forwards: true,
  start: ({ children, root, sink }) =>
    startOne(
      children.startUntil('server', [process.execPath, join(root, 'bench/peers/blog.mjs')], speaks, {
        env: peerSettings(sink.url),
      }),
    ),
}

export const queue: Contender = {
  key: 'queue',
  letter: 'd',
  title: 'the same with BullMQ + Redis, appendfsync always',
  forwards: true,
  async start({ children, machine, root, sink }) {
    const folder = children.newFolder()
    const port = await freePort()
    const redis = await children.startUntil(
      'server',
      [
        ...[machine.redis ?? 'redis-server', '--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
        ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
      ],
      /(Ready) to accept/,
    )
    const server = await startOne(
      children.startUntil('server', [process.execPath, join(root, 'bench/peers/queue.mjs')], speaks, {
        env: { ...peerSettings(sink.url), REDIS_PORT: String(port) },
      }),
    )
    return {
      ...server,
      pids: [...server.pids, redis.pid],
      async end() {
        await server.end()
        await redis.end()
        children.removeFolder(folder)
      },
    }
  },
}

export type BridgeOptions = {
  /** @default a new one, removed at the end */
  readonly dataDir?: string
  readonly env?: Readonly<Record<string, string>>
  /** For node itself, before the script. */
  readonly flags?: readonly string[]
}

/** The real process, as users run it. */
export async function startBridge(
  bench: Bench,
  options: BridgeOptions = {},
): Promise<Server & { dataDir: string }> {
  const { children, root, sink } = bench
  const dataDir = options.dataDir ?? children.newFolder()
  const env = {
    ...settings,
    SEGMENT_WRITE_KEY: writeKey,
    SEGMENT_HOST: sink.url,
    DATA_DIR: dataDir,
    ...options.env,
  }
  const command = [
    process.execPath,
    ...(options.flags ?? []),
    join(root, 'bin/twilio-segment-bridge.mjs'),
    'serve',
  ]
  const server = await startOne(children.startUntil('server', command, speaks, { env }))
  return {
    ...server,
    dataDir,
    async end() {
      await server.end()
      if (!options.dataDir) children.removeFolder(dataDir)
    },
  }
}

export const adminToken = 'the-token-of-the-bench'
const settings = {
  TWILIO_AUTH_TOKEN: authToken,
  PUBLIC_URL: publicOrigin,
  ADMIN_TOKEN: adminToken,
  HOST: '127.0.0.1',
  PORT: '0',
  SEGMENT_RATE: '0',
  LOG_LEVEL: 'warn',
}

function peerSettings(segment: string): Record<string, string> {
  return {
    TWILIO_AUTH_TOKEN: authToken,
    PUBLIC_HOST: new URL(publicOrigin).host,
    SEGMENT_WRITE_KEY: writeKey,
    SEGMENT_HOST: segment,
    NODE_ENV: 'production',
  }
}

function launched(root: string, ...[launcher, script]: readonly string[]): string[] {
  return [process.execPath, join(root, launcher ?? ''), script ?? '', 'serve']
}

async function startOne(starting: ReturnType<Bench['children']['startUntil']>): Promise<Server> {
  const { pid, found, end } = await starting
  return { port: Number(found), pids: [pid], end }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
