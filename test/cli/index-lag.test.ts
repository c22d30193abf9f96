/** A bridge whose outbox cannot be written has stored events that no list shows: the command line and the page say how many. */
// @module-tag long
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { startBridge } from '../support/bridge.ts'
import { pruning, requestRow, samples } from '../support/outbox-bench.ts'
import { openWorkplace } from '../support/replay.ts'

it('[LK200] dead-letters list says how many stored events are not indexed yet, and nothing once all are', async () => {
  using place = openWorkplace()
  const path = join(place.dataDir, 'outbox.db')
  await using first = await startBridge({ DATA_DIR: place.dataDir, SEGMENT_HOST: 'http://127.0.0.1:9' })
  await first.stop()
  const sql = openSqlite(path)
  createOutbox(sql, pruning).append([requestRow(samples(3), Date.now())], Date.now())
  sql.close()
  // Another program holds the write lock, so nothing can be indexed.
  const intruder = new DatabaseSync(path)
  intruder.exec('BEGIN IMMEDIATE')
  await using bridge = await startBridge({ DATA_DIR: place.dataDir, SEGMENT_HOST: 'http://127.0.0.1:9' })
  const { said } = await place.deadLetters(['list'])
  expect(said).toContain('3 stored events are not indexed yet, so this list may lack some.')
  intruder.exec('ROLLBACK')
  intruder.close()
  await bridge.until(({ unsorted }) => unsorted === 0)
  expect((await place.deadLetters(['list'])).said).not.toContain('indexed')
})
