/** An outbox cut down to nothing, whose log is still there. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openReadOnly, openSqlite } from '../../../src/hosts/node/sqlite.ts'
import { newDataDir, startBridge } from '../../support/bridge.ts'

it('[OB220] an empty file beside a log is damage: the log, which SQLite would delete, stays', async () => {
  const path = newDataDir()
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  mkdirSync(path, { recursive: true })
  const [file, log] = [join(path, 'outbox.db'), Buffer.alloc(8_192, 'log')]
  writeFileSync(file, '')
  writeFileSync(`${file}-wal`, log)
  for (const open of [openSqlite, openReadOnly]) expect(() => open(file)).toThrow(/is empty, and its log/)
  await using bridge = await startBridge({ DATA_DIR: path })
  expect(await bridge.stats()).toMatchObject({
    unreadable: ['all figures'],
    troubles: [expect.stringContaining('is empty, and its log')],
  })
  await bridge.stop()
  expect(readFileSync(`${file}-wal`)).toEqual(log)
})
