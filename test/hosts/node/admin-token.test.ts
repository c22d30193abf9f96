/** What only Node has: the token's file, the folder's mode, an outbox that another program has locked. */
// @module-tag long
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newDataDir, startBridge } from '../../support/bridge.ts'
import { toReply } from '../../support/hosts.ts'
import { cookieOf, logIn } from '../../support/login.ts'
import { startSegment } from '../../support/segment.ts'
import { messageStatus, sendEvents } from '../../support/twilio.ts'

let dataDir: string
beforeEach(() => {
  dataDir = newDataDir()
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

const mode = (...path: string[]) => (statSync(join(dataDir, ...path)).mode & 0o777).toString(8)
const start = (environment: Record<string, string> = {}) => startBridge({ DATA_DIR: dataDir, ...environment })

describe('the data folder', () => {
  it('[AD6] is made private, with a token of its own that nobody else can read', async () => {
    rmSync(dataDir, { recursive: true })
    await using bridge = await start()
    expect(mode()).toBe('700')
    expect(mode('admin-token')).toBe('600')
    const token = readFileSync(join(dataDir, 'admin-token'), 'utf8')
    expect(token).toMatch(/^[\w-]{32}\n$/)
    expect(bridge.adminToken).toBe(token.trim())
    expect((await bridge.stats()).received).toBe(0)
  })

  it('[AD6] is made private when it was there before, and empty', async () => {
    chmodSync(dataDir, 0o755)
    await using _bridge = await start()
    expect(mode()).toBe('700')
  })

  it('[AD6] keeps its mode when another program has files in it', async () => {
    chmodSync(dataDir, 0o755)
    writeFileSync(join(dataDir, 'of-another-program'), '')
    await using _bridge = await start()
    expect(mode()).toBe('755')
    expect(mode('admin-token')).toBe('600')
  })

  it('[AD6] keeps its token from start to start', async () => {
    const first = await start()
    await first.stop()
    await using second = await start()
    expect(second.adminToken).toBe(first.adminToken)
  })

  it('[AD6] gets a new token when its file is empty: a crash or a full disk left it so', async () => {
    writeFileSync(join(dataDir, 'admin-token'), '\n')
    await using bridge = await start()
    expect(bridge.adminToken).toHaveLength(32)
    expect((await bridge.stats()).received).toBe(0)
  })

  it('[AD7] ADMIN_TOKEN wins over the kept token, and is written nowhere', async () => {
    const first = await start()
    await first.stop()
    await using second = await start({ ADMIN_TOKEN: 'the-setting-wins' })
    expect(second.adminToken).toBe('the-setting-wins')
    const withOld = { headers: { authorization: `Bearer ${first.adminToken}` } }
    expect((await fetch(`${second.origin}/api/stats`, withOld)).status).toBe(401)
    expect(readFileSync(join(dataDir, 'admin-token'), 'utf8').trim()).toBe(first.adminToken)
  })

  it('[AD6] that cannot be used is named, with the reason', async () => {
    const file = join(dataDir, 'a-file')
    writeFileSync(file, '')
    await expect(startBridge({ DATA_DIR: file })).rejects.toThrow(
      /data folder .*a-file \(DATA_DIR\) cannot be used: EEXIST/,
    )
    mkdirSync(join(dataDir, 'sub', 'admin-token'), { recursive: true })
    await expect(startBridge({ DATA_DIR: join(dataDir, 'sub') })).rejects.toThrow(
      /admin token .*DATA_DIR.*EISDIR/,
    )
  })

  it('[AD6] with an outbox that is none starts, says so and leaves the file alone', async () => {
    const outbox = join(dataDir, 'outbox.db')
    const text = 'this is no database, and long enough to be taken for one at first sight'
    writeFileSync(outbox, text)
    {
      await using bridge = await start()
      const ready = await fetch(`${bridge.origin}/readyz`)
      expect({ status: ready.status, text: await ready.text() }).toMatchObject({
        status: 503,
        text: expect.stringContaining('outbox_damaged'),
      })
    }
    expect(readFileSync(outbox, 'utf8')).toBe(text)
    rmSync(outbox)
    await using bridge = await start()
    expect((await bridge.stats()).received).toBe(0)
  })
})

describe('the login', () => {
  // Workers are told the scheme by the runtime.
  it('[AC9] a forwarded scheme that nobody vouches for makes no cookie Secure', async () => {
    await using bridge = await start()
    const login = await logIn(bridge.origin, bridge.adminToken, { 'x-forwarded-proto': 'https' })
    expect(cookieOf(login)).toMatch(/^bridge_session=/)
  })
})

describe('an outbox that cannot be written', () => {
  it('[AD5] [AD70] is told by /readyz and answered 503, the reason alone; the bridge goes on by itself, and nothing is lost', async () => {
    await using segment = await startSegment()
    await using bridge = await start({ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url })
    const before = messageStatus()
    await sendEvents(bridge.webhook, [before])
    await segment.waitFor(1)
    await bridge.until(({ accepted }) => accepted === 1)

    // Another program holds the write lock: for the bridge this is a disk that takes nothing.
    const intruder = new DatabaseSync(join(dataDir, 'outbox.db'))
    intruder.exec('BEGIN IMMEDIATE')
    const late = messageStatus()
    const { status, headers, json } = await toReply(await sendEvents(bridge.webhook, [late]))
    expect(status).toBe(503)
    expect(headers.get('retry-after')).toBe('10')
    expect(json).toMatchObject({ error: 'outbox_unwritable', message: 'The outbox cannot be written' })
    expect(json).not.toHaveProperty('detail')
    expect(await toReply(await fetch(`${bridge.origin}/readyz`))).toMatchObject({
      status: 503,
      json: { status: 'not ready', troubles: ['outbox_unwritable'] },
    })
    expect((await bridge.stats()).troubles.join()).toContain('locked')
    // What there is to see can still be seen.
    expect((await bridge.stats()).accepted).toBe(1)

    intruder.exec('ROLLBACK')
    intruder.close()
    await bridge.until(({ troubles }) => troubles.length === 0)
    expect((await fetch(`${bridge.origin}/readyz`)).status).toBe(200)
    expect((await sendEvents(bridge.webhook, [late])).status).toBe(200)
    await segment.waitFor(2)
    expect([...segment.ids]).toEqual([before.id, late.id])
  })
})

describe('searches', () => {
  it('[AP10] takes an intake behind one search at most, however many are asked at once', async () => {
    await using bridge = await startBridge()
    const bad = () => Array.from({ length: 500 }, () => messageStatus({ data: { to: '' } }))
    for (let request = 0; request < 10; request++) await sendEvents(bridge.webhook, bad())
    await bridge.until(({ rejected }) => rejected === 5_000)
    const done: string[] = []
    const search = () => bridge.api('/api/events?q=nowhere').then(() => done.push('search'))
    const searches = Array.from({ length: 12 }, search)
    await Promise.race(searches)
    await sendEvents(bridge.webhook, [messageStatus()])
    expect(done.length).toBeLessThan(8)
    await Promise.all(searches)
  })
})
