/** What docs/upgrade-and-backup.md says, done as it says it: a copy of a running bridge, a restore, a downgrade. */
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { newDataDir, startBridge } from '../support/bridge.ts'
import { startSegment } from '../support/segment.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const events = [messageStatus(), messageStatus(), messageStatus()]

it('[DY80] a hot copy, by SQLite, of a running bridge holds every event that was acknowledged before it', async () => {
  await using segment = await startSegment()
  segment.fail({ kind: 'status', status: 503 })
  const restored = newDataDir()
  try {
    const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url }
    {
      await using bridge = await startBridge(settings)
      expect((await sendEvents(bridge.webhook, events)).status).toBe(200)
      using database = new DatabaseSync(join(bridge.dataDir, 'outbox.db'), { readOnly: true })
      await backup(database, join(restored, 'outbox.db'))
      // Not in the copy.
      expect((await sendEvents(bridge.webhook, [messageStatus()])).status).toBe(200)
    }
    segment.heal()
    await using bridge = await startBridge({ ...settings, DATA_DIR: restored })
    await bridge.until(({ accepted, pending }) => accepted === events.length && pending === 0)
    expect([...segment.ids].sort()).toEqual(events.map(({ id }) => id).sort())
  } finally {
    rmSync(restored, { recursive: true })
  }
})

it('[DY81] a folder that a newer version has written is refused, and left to the byte as it was', async () => {
  const newer = newDataDir()
  try {
    {
      await using bridge = await startBridge({ DATA_DIR: newer })
      expect((await sendEvents(bridge.webhook, events)).status).toBe(200)
    }
    {
      using database = new DatabaseSync(join(newer, 'outbox.db'))
      database.exec('INSERT INTO migrations (id) SELECT max(id) + 1 FROM migrations')
    }
    const before = readFileSync(join(newer, 'outbox.db'))
    await expect(startBridge({ DATA_DIR: newer })).rejects.toThrow('newer')
    expect(readFileSync(join(newer, 'outbox.db')).equals(before)).toBe(true)
    {
      using database = new DatabaseSync(join(newer, 'outbox.db'))
      database.exec('DELETE FROM migrations WHERE id = (SELECT max(id) FROM migrations)')
    }
    await using again = await startBridge({ DATA_DIR: newer })
    expect((await again.stats()).received).toBe(events.length)
  } finally {
    rmSync(newer, { recursive: true })
  }
})

it('[DY82] a copy of a stopped folder, with all its files, starts elsewhere', async () => {
  const copy = newDataDir()
  try {
    {
      await using bridge = await startBridge()
      expect((await sendEvents(bridge.webhook, events)).status).toBe(200)
      await bridge.stop()
      for (const name of readdirSync(bridge.dataDir)) cpSync(join(bridge.dataDir, name), join(copy, name))
    }
    await using bridge = await startBridge({ DATA_DIR: copy })
    expect((await bridge.stats()).received).toBe(events.length)
  } finally {
    rmSync(copy, { recursive: true })
  }
})
