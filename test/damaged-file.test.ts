/** The outbox's file is damaged, loses requests, or is taken away: a bridge on it says so, and never counts from zero in silence. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { type Bridge, newDataDir, type SpawnedBridge, spawnBridge, startBridge } from './support/bridge.ts'
import type { NoticeJson } from './support/hosts.ts'
import { startSegment } from './support/segment.ts'
import { messageStatus, sendEvents } from './support/twilio.ts'

const away = { SEGMENT_WRITE_KEY: 'the-write-key', SEGMENT_HOST: 'http://127.0.0.1:9' }
const SECTOR = 512

/** A folder that goes with the test. */
function useFolder(): { path: string; file: string } & Disposable {
  const path = newDataDir()
  return {
    path,
    file: join(path, 'outbox.db'),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

async function sendRequests(webhook: string, requests: number, events = 5): Promise<void> {
  for (let request = 0; request < requests; request++) {
    const response = await sendEvents(
      webhook,
      Array.from({ length: events }, () => messageStatus()),
    )
    expect(response.status).toBe(200)
  }
}

/** So that what is damaged then is not in the log. */
function checkpoint(file: string): void {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}

/** The first page of a table, or of an index. */
function pageOf(file: string, name: string): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').get(name)
  database.close()
  return (Number(row?.rootpage) - 1) * 4_096
}

function zero(file: string, at: number, bytes = SECTOR): void {
  const open = openSync(file, 'r+')
  writeSync(open, Buffer.alloc(bytes), 0, bytes, at)
  closeSync(open)
}

const readyz = async (bridge: Bridge) => {
  const response = await fetch(`${bridge.origin}/readyz`)
  return { status: response.status, text: await response.text() }
}

async function untilDamaged(bridge: Bridge): Promise<void> {
  await vi.waitFor(
    async () =>
      expect(await readyz(bridge)).toMatchObject({
        status: 503,
        text: expect.stringContaining('outbox_damaged'),
      }),
    { timeout: 30_000 },
  )
}

/** 600 acknowledged events that wait, in a bridge that was killed. */
async function killedWith600(folder: { path: string; file: string }): Promise<void> {
  const bridge = await spawnBridge(folder.path, away)
  await sendRequests(bridge.webhook, 120)
  expect((await bridge.stats()).pending).toBe(600)
  await bridge.kill('SIGKILL')
}

describe('A3: a damaged outbox.db', { timeout: 120_000 }, () => {
  it('[OB60] A3: the page of the counts zeroed after a kill: it takes nothing, delivers nothing, and says so', async () => {
    using folder = useFolder()
    await using segment = await startSegment()
    await killedWith600(folder)
    checkpoint(folder.file)
    zero(folder.file, pageOf(folder.file, 'counts'))
    const bridge = await spawnBridge(folder.path, { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url })
    await untilDamaged(bridge)
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(503)
    await vi.waitFor(() =>
      expect(bridge.stderr.join()).toContain('"remedy":"Stop the bridge, copy the data folder'),
    )
    const before = readFileSync(folder.file)
    expect(await bridge.kill('SIGTERM')).toBe(0)
    expect(readFileSync(folder.file).equals(before)).toBe(true)
    expect(segment.ids.size).toBe(0)
  })

  it('[OB60] A3: a count that lost its row, in a file whose pages are sound, keeps nobody waiting', async () => {
    using folder = useFolder()
    await killedWith600(folder)
    const database = new DatabaseSync(folder.file)
    database.exec("DELETE FROM counts WHERE state = 'pending'")
    database.close()
    const bridge = await spawnBridge(folder.path, away)
    await vi.waitFor(async () => expect((await readyz(bridge)).status).toBe(200), { timeout: 30_000 })
    expect(bridge.stderr.join()).toContain('0 events are counted as pending, 600 are there')
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(200)
    await bridge.kill('SIGKILL')
  })

  it('[OB60] A3: a cursor behind events that are sorted is damage', async () => {
    using folder = useFolder()
    await killedWith600(folder)
    const database = new DatabaseSync(folder.file)
    database.exec("DELETE FROM memory WHERE name = 'sorted_up_to'")
    database.close()
    const bridge = await spawnBridge(folder.path, away)
    expect(await readyz(bridge)).toMatchObject({
      status: 503,
      text: expect.stringContaining('outbox_damaged'),
    })
    await bridge.kill('SIGKILL')
  })

  it('[OB61] A3: damage that no figure shows is found beside the traffic after a kill', async () => {
    using folder = useFolder()
    await killedWith600(folder)
    checkpoint(folder.file)
    zero(folder.file, pageOf(folder.file, 'deliveries_at'))
    const bridge = await spawnBridge(folder.path, away)
    await untilDamaged(bridge)
    const [notice] = (await bridge.api<{ notices: NoticeJson[] }>('/api/notices')).notices ?? []
    void notice
    await bridge.kill('SIGKILL')
  })

  it('[OB62] A3: a file that is no database any more is announced as well, and left as it is', async () => {
    using folder = useFolder()
    await killedWith600(folder)
    checkpoint(folder.file)
    zero(folder.file, 0)
    const before = readFileSync(folder.file)
    const bridge = await spawnBridge(folder.path, away)
    expect(await readyz(bridge)).toMatchObject({
      status: 503,
      text: expect.stringContaining('outbox_damaged'),
    })
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(503)
    const response = await fetch(`${bridge.origin}/api/export`, {
      headers: { authorization: `Bearer ${bridge.adminToken}` },
    })
    expect(response.status).toBe(503)
    expect(await bridge.kill('SIGTERM')).toBe(0)
    expect(readFileSync(folder.file).equals(before)).toBe(true)
  })

  it('[OB63] A3: what SQLite throws while the bridge runs announces the damage once, and ends every write', async () => {
    using folder = useFolder()
    const bridge = await spawnBridge(folder.path, away)
    await sendRequests(bridge.webhook, 3)
    await bridge.stats()
    checkpoint(folder.file)
    truncateSync(folder.file, 4_096)
    await vi.waitFor(
      async () => {
        await sendEvents(bridge.webhook, [messageStatus()])
        expect((await readyz(bridge)).text).toContain('outbox_damaged')
      },
      { timeout: 30_000 },
    )
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(503)
    expect(bridge.stderr.filter(line => line.includes('"msg":"the outbox is damaged"'))).toHaveLength(1)
    await bridge.kill('SIGKILL')
  })
})
