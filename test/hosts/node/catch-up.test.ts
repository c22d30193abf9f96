/** Who asks, and a real outbox with much unsorted; whether it is a burst the test says. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createCatchUp, untilAll } from '../../../src/hosts/node/catch-up.ts'
import { openSqlite } from '../../../src/hosts/node/sqlite.ts'
import { EVENTS_A_LARGE_TURN, EVENTS_A_TURN } from '../../../src/outbox/sqlite/index-events.ts'
import { createOutbox } from '../../../src/outbox/sqlite/outbox.ts'
import { newDataDir } from '../../support/bridge.ts'
import { parcelOf, pruning, samples } from '../../support/outbox-bench.ts'

const EVENTS = 5_000
const A_REQUEST = 100

function setUp({ isBurst = false, pauseMs = 0 } = {}) {
  const dataDir = newDataDir()
  const sql = openSqlite(join(dataDir, 'outbox.db'))
  onTestFinished(() => {
    sql.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  const outbox = createOutbox(sql, pruning)
  let from = 0
  function put(): void {
    outbox.put([parcelOf(samples(A_REQUEST, from), Date.now())], Date.now())
    from += A_REQUEST
  }
  while (from < EVENTS) put()
  const turns: number[] = []
  const crowd = { isBurst: () => isBurst, breath: () => pauseMs }
  let onTurn = (): void => undefined
  const catchUp = createCatchUp({
    outbox,
    crowd,
    now: Date.now,
    sort(events) {
      turns.push(events)
      outbox.sort(events)
      onTurn()
    },
  })
  return { outbox, put, turns, catchUp, eachTurn: (work: () => void) => (onTurn = work) }
}

describe('who asks', () => {
  it('[BU6] gets all that was kept by then, however impatient, when it is no burst', async () => {
    const { outbox, turns, catchUp } = setUp()
    await catchUp({ burstMs: 0, calmMs: 60_000 })
    expect(outbox.total('received')).toBe(EVENTS)
    expect(turns).toEqual(Array(Math.ceil(EVENTS / EVENTS_A_LARGE_TURN)).fill(EVENTS_A_LARGE_TURN))
  })

  it('[BU6] does not wait for what comes later', async () => {
    const { outbox, put, catchUp, eachTurn } = setUp()
    eachTurn(() => {
      for (let events = 0; events < EVENTS_A_LARGE_TURN; events += A_REQUEST) put()
    })
    await catchUp()
    expect(outbox.total('received')).toBeGreaterThanOrEqual(EVENTS)
    expect(outbox.unsorted()).toBeGreaterThan(0)
  })

  it('[BU6] gets what is sorted when patience ends in a burst, and is told of the rest', async () => {
    const { outbox, turns, catchUp } = setUp({ isBurst: true, pauseMs: 100 })
    await catchUp({ burstMs: 50, calmMs: 60_000 })
    expect(turns).toEqual([EVENTS_A_TURN])
    expect(outbox.total('received')).toBe(EVENTS_A_TURN)
    expect(outbox.unsorted()).toBe(EVENTS - EVENTS_A_TURN)
  })

  it('[BU6] waits no longer than a person would behind a burst', async () => {
    const { outbox, turns, catchUp } = setUp({ pauseMs: 100 })
    await catchUp({ burstMs: 0, calmMs: 50 })
    expect(turns).toEqual([EVENTS_A_LARGE_TURN])
    expect(outbox.unsorted()).toBe(EVENTS - EVENTS_A_LARGE_TURN)
  })

  it('[BU6] shares the sorting with all others who ask', async () => {
    const { outbox, turns, catchUp } = setUp({ isBurst: true, pauseMs: 5 })
    await Promise.all([catchUp(untilAll), catchUp(untilAll), catchUp(untilAll)])
    expect(outbox.unsorted()).toBe(0)
    expect(turns).toHaveLength(EVENTS / EVENTS_A_TURN)
  })

  it('[BU6] waits for nothing when sorting does not go on', async () => {
    const { outbox } = setUp()
    const catchUp = createCatchUp({
      outbox,
      crowd: { isBurst: () => false, breath: () => 0 },
      now: Date.now,
      sort: () => undefined,
    })
    await catchUp()
    expect(outbox.unsorted()).toBe(EVENTS)
  })
})
