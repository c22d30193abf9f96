/** The outbox's file is damaged, loses requests, or is taken away: a bridge on it says so, and never counts from zero in silence. */
// @module-tag long
import {
  closeSync,
  cpSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createCheckCommand } from '../../../src/cli/check.ts'
import { openSqlite } from '../../../src/hosts/node/sqlite.ts'
import { createOutbox } from '../../../src/outbox/sqlite/outbox.ts'
import { type Bridge, newDataDir, spawnBridge, startBridge } from '../../support/bridge.ts'
import { runCommand } from '../../support/cli-terminal.ts'
import { requestRow } from '../../support/dispatcher.ts'
import type { NoticeJson } from '../../support/hosts.ts'
import { openWorkplace } from '../../support/replay.ts'
import { startSegment } from '../../support/segment.ts'
import { cannotMount, mountFull, mountReadOnly } from '../../support/small-disk.ts'
import { authToken, messageStatus, sendEvents } from '../../support/twilio.ts'
import { startWebhook } from '../../support/webhook-stand-in.ts'

const away = { SEGMENT_WRITE_KEY: 'the-write-key', SEGMENT_HOST: 'http://127.0.0.1:9' }
const REQUESTS = 120
const A_REQUEST = 5
const PAGE = 4_096
const SECTOR = 512

type Data = { readonly path: string; readonly file: string } & Disposable

function useFolder(template?: string): Data {
  const path = newDataDir()
  if (template) cpSync(template, path, { recursive: true })
  return {
    path,
    file: join(path, 'outbox.db'),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** What a bridge with 600 acknowledged events that wait leaves behind when it is killed. */
let killed: Data
beforeAll(async () => {
  await using bridge = await startBridge(away)
  for (let request = 0; request < REQUESTS; request++) {
    const events = Array.from({ length: A_REQUEST }, () => messageStatus())
    expect((await sendEvents(bridge.webhook, events)).status).toBe(200)
  }
  expect((await bridge.stats()).pending).toBe(REQUESTS * A_REQUEST)
  killed = useFolder(bridge.dataDir)
}, 120_000)
afterAll(() => killed[Symbol.dispose]())

/** So that what is damaged then does not stand in the log as well. */
function checkpoint(file: string): void {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}

function change(file: string, script: string): void {
  const database = new DatabaseSync(file)
  database.exec(script)
  database.close()
}

/** Where the pages of a table or index are, the root first. */
function pagesOf(file: string, name: string): number[] {
  const bytes = readFileSync(file)
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').get(name)
  database.close()
  const root = (Number(row?.rootpage) - 1) * PAGE
  const INTERIOR = [2, 5]
  if (!INTERIOR.includes(bytes[root] ?? 0)) return [root]
  const cells = bytes.readUInt16BE(root + 3)
  const children = Array.from({ length: cells }, (_, cell) =>
    bytes.readUInt32BE(root + bytes.readUInt16BE(root + 12 + cell * 2)),
  )
  return [root, ...[...children, bytes.readUInt32BE(root + 8)].map(page => (page - 1) * PAGE)]
}

function zero(file: string, at: number, bytes = SECTOR): void {
  const open = openSync(file, 'r+')
  writeSync(open, Buffer.alloc(bytes), 0, bytes, at)
  closeSync(open)
}

async function readyz({ origin }: Pick<Bridge, 'origin'>): Promise<{ status: number; text: string }> {
  const response = await fetch(`${origin}/readyz`)
  return { status: response.status, text: await response.text() }
}

async function untilReady(bridge: Bridge, status: number): Promise<void> {
  await vi.waitFor(async () => expect((await readyz(bridge)).status).toBe(status), { timeout: 60_000 })
  if (status === 503) expect((await readyz(bridge)).text).toContain('outbox_damaged')
}

async function check(dataDir: string): Promise<string> {
  const environment = { DATA_DIR: dataDir, TWILIO_AUTH_TOKEN: authToken, SEGMENT_WRITE_KEY: 'key' }
  return (await runCommand(createCheckCommand, ['--offline'], { environment })).out.join('\n')
}

describe('A3: a damaged outbox.db', { timeout: 180_000 }, () => {
  it('[OB62] A3: the counts zeroed after a kill: nothing is taken, delivered or written, and a notice says what to do', async () => {
    using folder = useFolder(killed.path)
    await using segment = await startSegment()
    await using operator = await startWebhook([200])
    checkpoint(folder.file)
    zero(folder.file, pagesOf(folder.file, 'counts')[0] ?? 0)
    const before = readFileSync(folder.file)
    const bridge = await startBridge({
      DATA_DIR: folder.path,
      SEGMENT_WRITE_KEY: 'key',
      SEGMENT_HOST: segment.url,
      NOTIFY_URL: operator.origin,
    })
    await untilReady(bridge, 503)
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(503)
    await vi.waitFor(() => expect(operator.bodies.join()).toContain('outbox_damaged'), { timeout: 30_000 })
    await bridge.stop()
    expect(readFileSync(folder.file).equals(before)).toBe(true)
    expect(segment.ids.size).toBe(0)
    expect(await check(folder.path)).toMatch(
      /WRONG outbox .*is damaged[\s\S]*Stop the bridge, copy the data folder/,
    )
  })

  it('[OB49] A3: a cursor that does not fit begins anew, and is told', async () => {
    using folder = useFolder(killed.path)
    change(folder.file, "UPDATE memory SET value = '1' WHERE name = 'sorted_up_to'")
    await using bridge = await startBridge({ ...away, DATA_DIR: folder.path })
    expect(await bridge.stats()).toMatchObject({
      received: REQUESTS * A_REQUEST,
      pending: REQUESTS * A_REQUEST,
      duplicates: 0,
    })
    await vi.waitFor(
      async () => expect(JSON.stringify(await bridge.api('/api/notices'))).toContain('state_damaged'),
      { timeout: 30_000 },
    )
  })

  it('[OB60] A3: counts that lost a row, in a file whose pages are sound, hold nobody up for long', async () => {
    using folder = useFolder(killed.path)
    change(folder.file, "DELETE FROM counts WHERE state = 'pending'")
    await using bridge = await startBridge({ ...away, DATA_DIR: folder.path })
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(503)
    await untilReady(bridge, 200)
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(200)
  })

  it('[OB61] A3: damage that no figure shows is found beside the traffic, after a kill as after a change from outside', async () => {
    using folder = useFolder(killed.path)
    checkpoint(folder.file)
    await (await startBridge({ ...away, DATA_DIR: folder.path })).stop()
    zero(folder.file, pagesOf(folder.file, 'deliveries_at')[0] ?? 0)
    await using bridge = await startBridge({ ...away, DATA_DIR: folder.path })
    await untilReady(bridge, 503)
  })

  it('[CK60] A3: check reads every page while no bridge runs, and changes nothing', async () => {
    using folder = useFolder(killed.path)
    checkpoint(folder.file)
    expect(await check(folder.path)).toMatch(/^ok +outbox +opens$/m)
    zero(folder.file, pagesOf(folder.file, 'requests').at(-1) ?? 0)
    const before = readFileSync(folder.file)
    expect(await check(folder.path)).toMatch(/^WRONG outbox +is damaged: /m)
    expect(readFileSync(folder.file).equals(before)).toBe(true)
  })

  it('[OB62] A3: a file that is no database any more is announced as well, and left as it is', async () => {
    using folder = useFolder(killed.path)
    checkpoint(folder.file)
    zero(folder.file, 0)
    const before = readFileSync(folder.file)
    const bridge = await startBridge({ ...away, DATA_DIR: folder.path })
    expect(await readyz(bridge)).toMatchObject({
      status: 503,
      text: expect.stringContaining('outbox_damaged'),
    })
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(503)
    const headers = { authorization: `Bearer ${bridge.adminToken}` }
    expect((await fetch(`${bridge.origin}/api/export`, { headers })).status).toBe(503)
    await bridge.stop()
    expect(readFileSync(folder.file).equals(before)).toBe(true)
  })

  it('[OB63] A3: what SQLite throws while the bridge runs is announced, and ends every write', async () => {
    using folder = useFolder(killed.path)
    checkpoint(folder.file)
    await using bridge = await startBridge({ ...away, DATA_DIR: folder.path })
    await untilReady(bridge, 200)
    for (const page of pagesOf(folder.file, 'events')) zero(folder.file, page, PAGE)
    for (const page of pagesOf(folder.file, 'requests')) zero(folder.file, page, PAGE)
    await vi.waitFor(
      async () => {
        await bridge.api('/api/events?limit=500')
        expect((await readyz(bridge)).text).toContain('outbox_damaged')
      },
      { timeout: 60_000 },
    )
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(503)
  })
})

describe('an export of what can be read', { timeout: 180_000 }, () => {
  const ids = async (dataDir: string, expected: number) => {
    using place = openWorkplace()
    const { code, out, said } = await place.export([], { environment: { DATA_DIR: dataDir } })
    expect(code, said).toBe(expected)
    return { said, ids: out.map(line => JSON.parse(line)).map(({ event }) => event.id) }
  }

  it('[EX61] A3: rows of events that cannot be read come from their requests, in the same order', async () => {
    using folder = useFolder(killed.path)
    checkpoint(folder.file)
    const all = await ids(folder.path, 0)
    expect(all.ids).toHaveLength(REQUESTS * A_REQUEST)
    const [, , second = 0] = pagesOf(folder.file, 'events')
    zero(folder.file, second, PAGE)
    expect((await ids(folder.path, 0)).ids).toEqual(all.ids)
    for (const page of pagesOf(folder.file, 'events')) zero(folder.file, page, PAGE)
    expect((await ids(folder.path, 0)).ids).toEqual(all.ids)
  })

  it('[EX61] A3: events whose requests cannot be read are left out and counted, exit 3', async () => {
    using folder = useFolder(killed.path)
    checkpoint(folder.file)
    const all = await ids(folder.path, 0)
    const [, , second = 0] = pagesOf(folder.file, 'requests')
    zero(folder.file, second, PAGE)
    const { ids: left, said } = await ids(folder.path, 3)
    expect(left.length).toBeGreaterThan(0)
    expect(left.length).toBeLessThan(all.ids.length)
    expect(all.ids.filter(id => left.includes(id))).toEqual(left)
    expect(said).toContain(`At least ${all.ids.length - left.length} more could not be read`)
  })

  it.skipIf(cannotMount())(
    '[EX60] A3: a full disk and a read-only one export what is not sorted as well',
    async () => {
      using folder = useFolder()
      const sql = openSqlite(folder.file)
      const outbox = createOutbox(sql, { retentionMs: 0, dedupeMs: 0 })
      const sorted = Array.from({ length: 3 }, () => messageStatus())
      const later = Array.from({ length: 1_200 }, () => messageStatus())
      outbox.append([requestRow(sorted, Date.now())])
      outbox.index()
      outbox.append([requestRow(later.slice(0, 700), Date.now()), requestRow(later.slice(700), Date.now())])
      sql.close()
      const expected = [...sorted, ...later].map(({ id }) => id)
      for (const mount of [mountFull, mountReadOnly]) {
        using disk = mount(folder.path)
        expect((await ids(disk.path, 0)).ids).toEqual(expected)
      }
    },
  )
})

describe('requests that are missing', { timeout: 180_000 }, () => {
  it('[OB64] A11: the log deleted after a kill: how many requests are missing is told until a person has confirmed it', async () => {
    using folder = useFolder(killed.path)
    const environment = { ...away, DATA_DIR: folder.path }
    rmSync(`${folder.file}-wal`)
    rmSync(`${folder.file}-shm`, { force: true })
    const notices = async (bridge: Bridge) => {
      const { lastAt } = (await bridge.stats()).notices.outbox
      expect(lastAt).not.toBeNull()
      return JSON.stringify(await bridge.api<NoticeJson[]>('/api/notices'))
    }
    {
      await using bridge = await startBridge(environment)
      // What a checkpoint had copied into the file is still there.
      const lost = REQUESTS - (await bridge.stats()).received / A_REQUEST
      expect(lost).toBeGreaterThan(0)
      expect(await notices(bridge)).toContain(
        `${lost} requests (${REQUESTS + 1 - lost} to ${REQUESTS}) acknowledged, and not in outbox.db`,
      )
      expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(200)
      const { events } = await bridge.api<{ events: { key: string }[] }>('/api/events?limit=1')
      expect(events.map(({ key }) => key)).toEqual([`${REQUESTS + 1}-0`])
    }
    expect(await check(folder.path)).toMatch(/WRONG events .* requests \(\d+ to 120\) acknowledged/)
    {
      await using bridge = await startBridge(environment)
      expect(readFileSync(join(folder.path, 'events-missing'), 'utf8').trim().split('\n')).toHaveLength(1)
      await untilReady(bridge, 200)
    }
    rmSync(join(folder.path, 'events-missing'))
    await (await startBridge(environment)).stop()
    expect(await check(folder.path)).not.toContain('acknowledged, and not in')
  })

  it('[OB64] A11: a log that a closing client copied into the file is no alarm', async () => {
    using folder = useFolder(killed.path)
    change(folder.file, 'SELECT 1')
    expect(statSync(`${folder.file}-wal`, { throwIfNoEntry: false })).toBeUndefined()
    await using bridge = await startBridge({ ...away, DATA_DIR: folder.path })
    expect((await bridge.stats()).received).toBe(REQUESTS * A_REQUEST)
    expect(statSync(join(folder.path, 'events-missing'), { throwIfNoEntry: false })).toBeUndefined()
  })

  it('[OB65] a folder of a version that noted nothing beside the outbox opens, is checked, and delivers', async () => {
    using folder = useFolder(killed.path)
    rmSync(join(folder.path, 'acknowledged'))
    await using segment = await startSegment()
    await using bridge = await startBridge({
      DATA_DIR: folder.path,
      SEGMENT_WRITE_KEY: 'key',
      SEGMENT_HOST: segment.url,
    })
    await bridge.until(({ accepted }) => accepted === REQUESTS * A_REQUEST, 60_000)
  })
})

describe('a folder that is taken away', { timeout: 180_000 }, () => {
  it.each(['lock.db', 'outbox.db'])(
    '[SV60] A12: %s deleted while it runs: it ends with 1 and says why',
    async name => {
      using folder = useFolder()
      const bridge = await spawnBridge(folder.path, away)
      const ended = new Promise(resolve => bridge.process.once('exit', resolve))
      rmSync(join(folder.path, name))
      if (name === 'lock.db') writeFileSync(join(folder.path, name), '')
      expect(await ended).toBe(1)
      const why = name === 'lock.db' ? 'is another file now' : 'was deleted'
      await vi.waitFor(() =>
        expect(bridge.stderr.join()).toContain(`${name} ${why} while this bridge was running`),
      )
    },
  )
  it('[SV200] A3: its log deleted while it runs: nothing acknowledged is lost, it ends with 1 and says why', async () => {
    using folder = useFolder()
    const bridge = await spawnBridge(folder.path, away)
    const ended = new Promise(resolve => bridge.process.once('exit', resolve))
    expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(200)
    rmSync(`${folder.file}-wal`)
    expect(await ended).toBe(1)
    await vi.waitFor(() =>
      expect(bridge.stderr.join()).toContain('outbox.db-wal was deleted while this bridge was running'),
    )
    await using next = await startBridge({ ...away, DATA_DIR: folder.path })
    expect((await next.stats()).received).toBe(1)
  })
})
