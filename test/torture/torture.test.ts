/** The harness of faults itself: a count of zero means something only if it can count to one. */
// @module-tag long
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { postTracks } from '../support/segment-caller.ts'
import type { BridgeProcess } from './bridge-process.ts'
import { type Row, runScenario } from './context.ts'
import { createRandom, seedOf } from './random.ts'
import type { Context, End } from './scenario.ts'
import { readLog } from './wal.ts'

function play(run: (context: Context) => Promise<End | undefined>, timeoutSeconds?: number): Promise<Row> {
  const scenario = { name: 'of-the-test', does: 'What the test wants.', short: true, run, timeoutSeconds }
  return runScenario(scenario, {
    seed: 1,
    isLong: false,
    stop: new AbortController().signal,
    say: () => undefined,
  })
}

test('[TO1] a bridge that is left in peace loses nothing and invents nothing', async () => {
  const row = await play(async context => {
    await context.bridge.start()
    await context.sender({ events: context.events(300) }).done
    return undefined
  })
  expect(row.faults).toEqual([])
  expect(row).toMatchObject({ sent: 300, acknowledged: 300, reached: 300, lost: 0, invented: 0, notices: 0 })
})

test('[TO1] what was acknowledged and is nowhere, what nobody sent, and what Twilio threw away, is each counted', async () => {
  const row = await play(async ({ bridge, ledger, segment, events, expect }) => {
    await bridge.start()
    const [kept, thrown] = events(2)
    if (!kept || !thrown) throw new Error('No events')
    ledger.sent([kept, thrown])
    ledger.acknowledged([kept])
    ledger.discarded([thrown], 'answered 400')
    await postTracks(segment, ['EZnobody'])
    expect(false, 'the scenario has its doubts')
    return { leastNotices: 1 }
  })
  expect(row).toMatchObject({ lost: 2, invented: 1 })
  for (const fault of [
    'the scenario has its doubts',
    'received 0, acknowledged 1',
    '1 acknowledged, and not in the list',
    '1 acknowledged, and never at Segment',
    '1 at Segment, and not as sent: EZnobody: was never sent',
    '1 thrown away by Twilio',
    '0 notices, not 1',
  ]) {
    expect(row.faults.join('\n')).toContain(fault)
  }
})

test('[TO1] a scenario that is not done in time fails, and nothing of it goes on', async () => {
  let bridge: BridgeProcess | undefined
  let isOver = false
  const row = await play(async context => {
    bridge = context.bridge
    try {
      for (;;) {
        await bridge.start()
        await bridge.ended()
      }
    } finally {
      isOver = true
    }
  }, 3)
  expect(row.faults).toContain('not done within 3 s')
  await expect.poll(() => isOver).toBe(true)
  expect(bridge?.isUp).toBe(false)
  expect(existsSync(bridge?.dataDir ?? '')).toBe(false)
})

test('[TO2] the same seed gives the same chance; each scenario has its own', () => {
  const numbers = (seed: number) => {
    const random = createRandom(seed)
    return [
      random.next(),
      random.integer(1, 100),
      random.shuffled([1, 2, 3, 4]),
      random.bytes(4).toString('hex'),
    ]
  }
  expect(numbers(7)).toEqual(numbers(7))
  expect(numbers(7)).not.toEqual(numbers(8))
  expect(seedOf(7, 'one')).not.toBe(seedOf(7, 'other'))
})

test('[TO3] the log is read to the byte: its commits are those that SQLite finds in a copy cut there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  const file = join(folder, 'a.db')
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (n INTEGER, noise TEXT)',
  )
  for (let n = 1; n <= 5; n++) database.exec(`INSERT INTO t VALUES (${n}, hex(randomblob(${n * 3_000})))`)
  const { bytes, commits } = readLog(`${file}-wal`)
  const rowsIn = (log: Uint8Array): unknown => {
    const copy = join(folder, 'b.db')
    for (const end of ['', '-wal', '-shm']) rmSync(copy + end, { force: true })
    copyFileSync(file, copy)
    writeFileSync(`${copy}-wal`, log)
    const opened = new DatabaseSync(copy)
    const [row] = opened.prepare('SELECT count(*) AS n FROM t').all()
    opened.close()
    return row?.n
  }
  try {
    const rows = commits.slice(-5)
    rows.forEach(({ to }, index) => {
      expect(rowsIn(bytes.subarray(0, to))).toBe(index + 1)
      expect(rowsIn(bytes.subarray(0, to - 1))).toBe(index)
    })
  } finally {
    database.close()
    rmSync(folder, { recursive: true })
  }
})
