/** What a burst leaves behind: a folder full of requests that are not indexed yet, and people who ask at once. */
// @module-tag long
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { openSqlite } from '../../../src/hosts/node/sqlite.ts'
import { createOutbox } from '../../../src/outbox/sqlite/outbox.ts'
import { newDataDir, startBridge } from '../../support/bridge.ts'
import { pruning, requestRow, samples } from '../../support/outbox-bench.ts'
import { messageStatus, sendEvents } from '../../support/twilio.ts'

const A_REQUEST = 500
const REQUESTS = 120

/** As it is when the process dies in the middle of a burst. */
function leaveUnsorted(dataDir: string, requests = REQUESTS): void {
  const sql = openSqlite(join(dataDir, 'outbox.db'))
  const outbox = createOutbox(sql, pruning)
  for (let request = 0; request < requests; request++) {
    outbox.append([requestRow(samples(A_REQUEST, request * A_REQUEST), Date.now())], Date.now())
  }
  sql.close()
}

it('[IX111] [IX113] behind a burst a read says what is not indexed yet, an export waits for it, and appends wait for neither', async () => {
  const dataDir = newDataDir()
  try {
    leaveUnsorted(dataDir)
    await using bridge = await startBridge({ DATA_DIR: dataDir, SEGMENT_HOST: 'http://127.0.0.1:9' })
    const answered: string[] = []
    const exported = bridge.api<string>('/api/export').finally(() => answered.push('export'))
    const { received, unsorted } = await bridge.stats()
    expect(received + unsorted).toBe(A_REQUEST * REQUESTS)
    const { status } = await sendEvents(bridge.webhook, [messageStatus()]).finally(() =>
      answered.push('append'),
    )
    expect(status).toBe(200)
    // The one that came meanwhile may be in it, or not.
    expect((await exported).trimEnd().split('\n').length).toBeGreaterThanOrEqual(A_REQUEST * REQUESTS)
    expect(answered).toEqual(['append', 'export'])
    await bridge.until(stats => stats.unsorted === 0 && stats.received === A_REQUEST * REQUESTS + 1)
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
})

it('[EX4] an outbox that cannot sort exports what came all the same; an import that could not be counted is refused', async () => {
  const dataDir = newDataDir()
  try {
    leaveUnsorted(dataDir, 2)
    // Another program holds the write lock: for the bridge this is a disk that takes nothing.
    const intruder = new DatabaseSync(join(dataDir, 'outbox.db'))
    intruder.exec('BEGIN IMMEDIATE')
    await using bridge = await startBridge({ DATA_DIR: dataDir, SEGMENT_HOST: 'http://127.0.0.1:9' })
    const headers = { authorization: `Bearer ${bridge.adminToken}` }
    const ask = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(bridge.origin + path, { ...init, headers })
      return { status: response.status, text: await response.text() }
    }
    const unsorted = expect.stringContaining(`${2 * A_REQUEST} events cannot be sorted`)
    const body = JSON.stringify([messageStatus()])
    const before = await ask('/api/export')
    expect(before.status).toBe(200)
    expect(before.text.trimEnd().split('\n')).toHaveLength(2 * A_REQUEST)
    expect(await ask('/api/import', { method: 'POST', body })).toEqual({ status: 503, text: unsorted })
    intruder.exec('ROLLBACK')
    intruder.close()
    await bridge.until(({ troubles }) => troubles.length === 0)
    const eventsOf = (text: string) => text.match(/"event":.*/g)
    expect(eventsOf((await ask('/api/export')).text)).toEqual(eventsOf(before.text))
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
})
