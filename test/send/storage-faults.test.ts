/** What cannot be read, told apart from what cannot be written. */

import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { checkOutbox } from '../../src/cli/check/outbox.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { classify } from '../../src/send/storage-faults.ts'
import { newDataDir, toSettings } from '../support/bridge.ts'
import { openTestbed, requestRow, START } from '../support/dispatcher.ts'
import { pruning } from '../support/outbox-bench.ts'
import { messageStatus } from '../support/twilio.ts'

describe('a fault of the outbox', () => {
  it('[DP40] of reading is reported as one, keeps intakes going, and is over when a read works again', async () => {
    const dispatcher = openTestbed({ deliver: async () => ({ kind: 'accepted', status: 200, answer: '' }) })
    dispatcher.take(messageStatus())
    dispatcher.indexPending()
    const { all } = dispatcher.sql
    dispatcher.sql.all = (query, ...values) => {
      if (/^\s*SELECT id, encoding/.test(query) || /FROM requests WHERE id = \?$/.test(query.trim()))
        throw new Error('disk I/O error')
      return all(query, ...values)
    }
    await dispatcher.deliverNextBatch()
    dispatcher.tick()
    expect(dispatcher.health().troubles).toEqual([
      { reason: 'outbox_unreadable', text: 'the outbox cannot be read: disk I/O error' },
    ])
    expect(dispatcher.take(messageStatus())).toBe(true)
    expect(dispatcher.health().troubles).toHaveLength(1)
    expect(dispatcher.notices()).toMatchObject([{ payload: { more_info: { reason: 'outbox_unreadable' } } }])
    dispatcher.sql.all = all
    dispatcher.tick()
    expect(dispatcher.health().troubles).toEqual([])
    await dispatcher.drainFor(0)
    expect(dispatcher.figures()).toMatchObject({ accepted: 2, pending: 0 })
  })

  it.each([
    [
      Object.assign(new Error('database disk image is malformed'), { errcode: 11 }),
      'write',
      'outbox_unreadable',
    ],
    [Object.assign(new Error('disk I/O error'), { errcode: 522 }), 'write', 'outbox_unreadable'],
    [Object.assign(new Error('disk I/O error'), { errcode: 778 }), 'write', 'outbox_unwritable'],
    [Object.assign(new Error('database or disk is full'), { errcode: 13 }), 'read', 'outbox_unwritable'],
    [new Error('database disk image is malformed: SQLITE_CORRUPT'), 'write', 'outbox_unreadable'],
    [new Error('database or disk is full: SQLITE_FULL'), 'read', 'outbox_unwritable'],
    [Object.assign(new Error('malformed JSON'), { errcode: 1 }), 'write', 'outbox_unwritable'],
    [new Error('no answer'), 'read', 'outbox_unreadable'],
    ['odd', 'write', 'outbox_unwritable'],
  ] as const)('[DP40] %s while it does a %s is %s', (error, during, reason) => {
    expect(classify(error, during)).toBe(reason)
  })
})

describe('check', () => {
  it('[CK40] A1: names the open requests that it cannot read, and no others', async () => {
    const folder = newDataDir()
    const file = `${folder}/outbox.db`
    const sql = openSqlite(file)
    const outbox = createOutbox(sql, pruning)
    for (let at = 0; at < 5; at++) outbox.append([requestRow([messageStatus(), messageStatus()], START)])
    outbox.index(4)
    sql.close()
    const settings = toSettings({ DATA_DIR: folder, ALLOW_UNSIGNED: 'true' })
    expect((await checkOutbox(settings)).findings.at(-1)).toMatchObject({ name: 'outbox' })
    const before = JSON.stringify((await checkOutbox(settings)).findings.at(-1))
    expect(before).toContain('opens')
    const database = new DatabaseSync(file)
    database.exec('UPDATE requests SET checksum = 1 WHERE id IN (2, 4)')
    database.close()
    const found = JSON.stringify((await checkOutbox(settings)).findings.at(-1))
    expect(found).toContain('2 of its open requests cannot be read')
    expect(found).toContain('request 2: its checksum differs; request 4: its checksum differs')
  })
})
