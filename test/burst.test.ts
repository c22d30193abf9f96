/** What a burst leaves behind: a folder full of requests that nobody has sorted yet, and people who ask at once. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openSqlite } from '../src/hosts/node/sqlite.ts'
import { createOutbox } from '../src/outbox/outbox.ts'
import { newDataDir, startBridge } from './support/bridge.ts'
import { parcelOf, pruning, samples } from './support/outbox-bench.ts'
import { messageStatus, sendEvents } from './support/twilio.ts'

const A_REQUEST = 500
const REQUESTS = 240

/** As it is when the process dies in the middle of a burst. */
function leaveUnsorted(dataDir: string): void {
  const sql = openSqlite(join(dataDir, 'outbox.db'))
  const outbox = createOutbox(sql, pruning)
  for (let request = 0; request < REQUESTS; request++) {
    outbox.put([parcelOf(samples(A_REQUEST, request * A_REQUEST), Date.now())], Date.now())
  }
  sql.close()
}

it('[BU6] who asks behind a burst gets the whole account, and intakes do not wait for it', async () => {
  const dataDir = newDataDir()
  try {
    leaveUnsorted(dataDir)
    await using bridge = await startBridge({ DATA_DIR: dataDir, SEGMENT_HOST: 'http://127.0.0.1:9' })
    const answered: string[] = []
    const asked = bridge.stats().finally(() => answered.push('figures'))
    const { status } = await sendEvents(bridge.webhook, [messageStatus()]).finally(() =>
      answered.push('intake'),
    )
    const { received } = await asked
    expect(status).toBe(200)
    expect(answered).toEqual(['intake', 'figures'])
    // The one that came meanwhile may be in them, or not yet.
    expect(received).toBeGreaterThanOrEqual(A_REQUEST * REQUESTS)
    expect((await bridge.stats()).received).toBe(A_REQUEST * REQUESTS + 1)
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
})
