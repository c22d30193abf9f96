// @module-tag long
/**
 * What a change of the inside must not change: routes, help, metrics, the export of a stored folder, and what Segment gets of
 * it, byte by byte, on both hosts. `test/frozen/folders` was written by version 0.1.0 at commit 2c22491, before any of today's
 * migrations; an intended change of behaviour renews the other files with `vitest -u`.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createApp } from '../src/http/app.ts'
import { newDataDir, startBridge, toSettings } from './support/bridge.ts'
import { openWorkplace } from './support/replay.ts'
import { type SegmentStandIn, startSegment } from './support/segment.ts'
import { startWorkers } from './support/workers.ts'

const here = join(import.meta.dirname, 'frozen')
const main = join(import.meta.dirname, '../src/cli/main.ts')
/** Pending in the folder and in the objects. */
const PENDING = 87
/** The folders' events are of November 2026: they must never be pruned while somebody runs this. */
const settings = { SEGMENT_WRITE_KEY: 'key', RETENTION_DAYS: '3650', DEDUPE_HOURS: '87600' }

function copyFolder(host: 'node' | 'workers'): string {
  const folder = host === 'node' ? newDataDir() : mkdtempSync(join(tmpdir(), 'frozen-'))
  cpSync(join(here, 'folders', host), folder, { recursive: true })
  return folder
}

/** One call a line, by messageId; without what differs from request to request. */
function toLines(segment: SegmentStandIn): string {
  const calls = segment.events.map(
    ({ sentAt: _, writeKey: __, receivedAt: ___, timestamp: ____, ...call }: Record<string, unknown>) => call,
  )
  return calls
    .map(call => JSON.stringify(call, (name, value) => (name === 'nodeVersion' ? '' : value)))
    .sort()
    .map(line => `${line}\n`)
    .join('')
}

describe('a folder and objects that version 0.1.0 wrote', () => {
  it('[FZ1] a folder of Node drains, and Segment gets the same calls to the byte', async () => {
    await using segment = await startSegment()
    const folder = copyFolder('node')
    await using bridge = await startBridge({ ...settings, SEGMENT_HOST: segment.url, DATA_DIR: folder })
    const stats = await bridge.until(({ pending }) => pending === 0)
    expect(stats).toMatchObject({ received: 156, accepted: 61 + PENDING, rejected: 2, duplicates: 1 })
    await expect(toLines(segment)).toMatchFileSnapshot(join(here, 'deliveries-node.ndjson'))
    await bridge.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('[FZ1] Durable Objects drain, and Segment gets the same calls to the byte', async () => {
    await using segment = await startSegment()
    const stateDir = copyFolder('workers')
    const bridge = await startWorkers(
      { ...settings, SEGMENT_HOST: segment.url, OUTBOX_SHARDS: '2' },
      { stateDir },
    )
    // A request wakes the objects, as the cron trigger does.
    const stats = await bridge.until(({ pending }) => pending === 0, 30_000)
    expect(stats).toMatchObject({ received: 156, accepted: 61 + PENDING, rejected: 2, duplicates: 1 })
    await expect(toLines(segment)).toMatchFileSnapshot(join(here, 'deliveries-workers.ndjson'))
    await bridge.stop()
    rmSync(stateDir, { recursive: true, force: true })
  })

  it('[FZ2] its export is the same to the byte', async () => {
    using workplace = openWorkplace()
    mkdirSync(workplace.dataDir, { recursive: true })
    cpSync(join(here, 'folders', 'node'), workplace.dataDir, { recursive: true })
    const { out, code } = await workplace.export([], { environment: settings })
    expect(code).toBe(0)
    await expect(out.map(line => `${line}\n`).join('')).toMatchFileSnapshot(join(here, 'export.ndjson'))
  })
})

describe('what users and their tools rely on', () => {
  it('[FZ3] the routes', async () => {
    const nothing = new Proxy(() => undefined, { get: () => nothing })
    const { routes } = createApp({
      host: 'node',
      settings: toSettings({ TWILIO_AUTH_TOKEN: 'x', ADMIN_TOKEN: 'a-token-of-tests' }),
      outboxClient: new Proxy({}, { get: () => nothing }) as never,
      adminToken: 'a-token-of-tests',
      page: () => undefined,
      tries: nothing as never,
      endedSessions: nothing as never,
      peerAddress: () => undefined,
      digests: nothing as never,
      decompress: nothing as never,
      log: nothing as never,
      now: Date.now,
      rawUrl: () => '',
    })
    const lines = routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}\n`)
    await expect([...new Set(lines)].sort().join('')).toMatchFileSnapshot(join(here, 'routes.txt'))
  })

  it('[FZ3] the help of every command', async () => {
    const help = async (args: readonly string[]) => {
      const argv = ['--disable-warning=ExperimentalWarning', main, ...args, '--help']
      const env = { PATH: process.env.PATH, COLUMNS: '120', NO_COLOR: '1' }
      const { stdout } = await promisify(execFile)(process.execPath, argv, { env })
      return stdout
    }
    const namesIn = (text: string) =>
      [...(text.split('Commands:\n')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z][\w-]*)/gm)].flatMap(
        ([, name]) => (name === undefined || name === 'help' ? [] : [name]),
      )
    const texts: string[] = []
    const add = async (args: readonly string[]) => {
      const text = await help(args)
      texts.push(`$ twilio-segment-bridge ${[...args, '--help'].join(' ')}\n${text}`)
      if (args.length < 2) for (const name of namesIn(text)) await add([...args, name])
    }
    await add([])
    await expect(texts.join('\n')).toMatchFileSnapshot(join(here, 'help.txt'))
  })

  it('[FZ3] the metrics, with their labels', async () => {
    const folder = copyFolder('node')
    await using segment = await startSegment()
    await using bridge = await startBridge({ ...settings, SEGMENT_HOST: segment.url, DATA_DIR: folder })
    await bridge.until(({ pending }) => pending === 0)
    const text = await bridge.api<string>('/metrics')
    const lines = text
      .split('\n')
      .filter(line => line !== '')
      .map(line => (line.startsWith('#') ? line : line.replace(/="[^"]*"/g, '').replace(/ [^ ]+$/, '')))
    await expect(`${[...new Set(lines)].join('\n')}\n`).toMatchFileSnapshot(join(here, 'metrics.txt'))
    await bridge.stop()
    rmSync(folder, { recursive: true, force: true })
  })
})
