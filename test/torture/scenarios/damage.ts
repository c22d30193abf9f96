/** The data folder: pages zeroed, the log deleted, the lock taken away. What is damaged is a copy: the rest of the run needs the folder. */
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { findPageFaults } from '../../../src/hosts/node/check-pages.ts'
import { startSegment } from '../../support/segment.ts'
import { type BridgeProcess, createBridgeProcess } from '../bridge-process.ts'
import type { Context, Scenario } from '../scenario.ts'

const SECTOR = 512
const nowhere = { SEGMENT_WRITE_KEY: 'the-write-key', SEGMENT_HOST: 'http://127.0.0.1:9' }

/** A bridge on a copy of the folder, which nothing is delivered from unless `environment` says where to. */
async function onCopy(
  { bridge, signal, onEnd }: Context,
  change: (file: string) => void,
  environment: Readonly<Record<string, string>> = nowhere,
): Promise<BridgeProcess> {
  const folder = `${bridge.dataDir}-copy`
  rmSync(folder, { recursive: true, force: true })
  cpSync(bridge.dataDir, folder, { recursive: true })
  change(join(folder, 'outbox.db'))
  const copy = await createBridgeProcess(folder, environment, signal)
  onEnd(async () => {
    if (copy.isUp) await copy.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  return copy
}

const isReady = async ({ origin }: BridgeProcess) => (await fetch(`${origin}/readyz`)).status === 200
const missingFile = ({ dataDir }: BridgeProcess) => join(dataDir, 'events-missing')

async function isAccounted(bridge: BridgeProcess, acknowledged: number): Promise<boolean> {
  const { received, unsorted } = await bridge.stats()
  return received + unsorted >= acknowledged
}

export const damagedPages: Scenario = {
  name: 'damaged-pages',
  does: 'SIGKILL under load; in a copy of the folder sectors of the file are zeroed, again and again: every acknowledged event is accounted for there, or the damage is announced and `/readyz` is 503.',
  short: true,
  timeoutSeconds: 300,
  async run(context) {
    const { bridge, random, isLong, ledger, fault, say, sleep, until } = context
    await bridge.start()
    const sender = context.sender({ events: context.events(isLong ? 10_000 : 2_000), paceMs: 30 })
    for (let round = 1; round <= (isLong ? 14 : 4); round++) {
      say(`round ${round}`)
      await sleep(random.integer(200, 900))
      await bridge.kill('SIGKILL')
      const { acknowledged } = ledger.counts
      let faults: string | undefined
      const copy = await onCopy(context, file => {
        // In the file and not in its log, which would write the sound page over it.
        const database = new DatabaseSync(file)
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
        database.close()
        const sectors = Math.floor(statSync(file).size / SECTOR)
        const open = openSync(file, 'r+')
        for (let count = random.integer(1, 4); count > 0; count--)
          writeSync(open, Buffer.alloc(SECTOR), 0, SECTOR, random.integer(0, sectors - 1) * SECTOR)
        closeSync(open)
        faults = findPageFaults(file)
      })
      fault('sectors zeroed')
      const end = await copy.tryStart()
      context.expect(end === undefined, `round ${round}: it ended with ${end}: ${copy.stderr.at(-1)}`)
      if (end === undefined) {
        if (faults) await until(`the damage is announced: ${faults}`, async () => !(await isReady(copy)))
        else if (await isReady(copy))
          context.expect(
            existsSync(missingFile(copy)) || (await isAccounted(copy, acknowledged)),
            `round ${round}: ready, and fewer events than the ${acknowledged} acknowledged`,
          )
        await copy.kill('SIGKILL')
      }
      await bridge.start()
    }
    await sender.done
    return undefined
  },
}

export const walDeleted: Scenario = {
  name: 'wal-deleted',
  does: 'SIGKILL under load; in a copy of the folder the log is deleted: the copy says how many requests are missing. A log that a closing client copied into the file is no alarm.',
  short: true,
  timeoutSeconds: 240,
  async run(context) {
    const { bridge, random, isLong, ledger, fault, say, sleep } = context
    await bridge.start()
    const sender = context.sender({ events: context.events(isLong ? 6_000 : 1_500), paceMs: 30 })
    for (let round = 1; round <= (isLong ? 6 : 2); round++) {
      say(`round ${round}`)
      await sleep(random.integer(200, 900))
      await bridge.kill('SIGKILL')
      const { acknowledged } = ledger.counts
      const copy = await onCopy(context, file => {
        for (const part of ['-wal', '-shm']) rmSync(file + part, { force: true })
      })
      fault('log deleted')
      await copy.start()
      const isTold =
        existsSync(missingFile(copy)) && copy.stderr.some(line => line.includes('not in outbox.db'))
      context.expect(
        isTold || (await isAccounted(copy, acknowledged)),
        `round ${round}: fewer events than the ${acknowledged} acknowledged, and not a word`,
      )
      await copy.kill('SIGKILL')
      new DatabaseSync(join(bridge.dataDir, 'outbox.db')).close()
      await bridge.start()
      context.expect(!existsSync(missingFile(bridge)), `round ${round}: an alarm though nothing is missing`)
    }
    await sender.done
    return undefined
  },
}

export const lockDeleted: Scenario = {
  name: 'lock-deleted',
  does: 'lock.db is deleted and replaced under load, again and again: the process ends with 1 and a sentence.',
  short: true,
  timeoutSeconds: 240,
  async run(context) {
    const { bridge, random, isLong, fault, sleep } = context
    await bridge.start()
    const sender = context.sender({ events: context.events(isLong ? 6_000 : 1_500), paceMs: 30 })
    for (let round = 1; round <= (isLong ? 4 : 1); round++) {
      await sleep(random.integer(100, 600))
      const file = join(bridge.dataDir, 'lock.db')
      const bytes = readFileSync(file)
      rmSync(file)
      writeFileSync(file, bytes)
      fault('lock replaced')
      const end = await bridge.ended()
      context.expect(end === 1, `it ended with ${end}`)
      context.expect(
        bridge.stderr.slice(-3).some(line => line.includes('lock.db is another file now')),
        'it did not say why',
      )
      await bridge.start()
    }
    await sender.done
    return undefined
  },
}

/** Rows of text and compressed ones, cut short and with a byte flipped. Gives how many events of theirs waited. */
function damageRows(file: string): number {
  const database = new DatabaseSync(file)
  const find = (packed: string) =>
    database
      .prepare(
        `SELECT id, body, compressed, (SELECT count(*) FROM events WHERE request = id) AS waiting
         FROM requests WHERE compressed IS ${packed} AND waiting > 0 ORDER BY id`,
      )
      .all()
  const cut = (bytes: Uint8Array) => bytes.slice(0, bytes.length / 2)
  const flip = (bytes: Uint8Array) => bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte))
  const changes = [find('NULL'), find('NOT NULL')].flatMap(rows => [
    { row: rows[0], change: cut },
    { row: rows[1], change: flip },
  ])
  let events = 0
  for (const { row, change } of changes) {
    if (!row) continue
    const { id = 0, body, compressed, waiting } = row
    const isPacked = compressed instanceof Uint8Array
    const bytes = change(isPacked ? compressed : Buffer.from(String(body)))
    const value = isPacked ? bytes : Buffer.from(bytes).toString()
    database
      .prepare(`UPDATE requests SET ${isPacked ? 'compressed' : 'body'} = ? WHERE id = ?`)
      .run(value, id)
    events += Number(waiting)
  }
  database.close()
  return events
}

export const damagedRows: Scenario = {
  name: 'damaged-rows',
  does: 'SIGKILL while Segment is away; in a copy of the folder four stored requests are damaged (text and compressed, cut short and a byte flipped): their events become dead letters, all others reach Segment, the account closes.',
  short: true,
  timeoutSeconds: 240,
  async run(context) {
    const { bridge, segment, isLong, ledger, fault, until } = context
    segment.fail({ kind: 'status', status: 503 })
    await bridge.start()
    await context.sender({ events: context.events(isLong ? 6_000 : 1_500), batch: [1, 40] }).done
    const { acknowledged } = ledger.counts
    await until('all are indexed', async () => (await bridge.stats()).pending === acknowledged)
    await bridge.kill('SIGKILL')
    const own = await startSegment()
    context.onEnd(() => own.close())
    let damaged = 0
    const toOwn = { ...nowhere, SEGMENT_HOST: own.url, SEGMENT_RATE: '0' }
    const copy = await onCopy(context, file => (damaged = damageRows(file)), toOwn)
    fault('request damaged', 4)
    await copy.start()
    await until('the others are delivered', async () => (await copy.stats()).pending === 0, 60_000)
    const { received, accepted, rejected } = await copy.stats()
    context.expect(rejected === damaged, `${rejected} events are rejected, ${damaged} were damaged`)
    context.expect(
      received === acknowledged && accepted === acknowledged - damaged,
      `received ${received}, accepted ${accepted} of ${acknowledged}, ${damaged} of them damaged`,
    )
    context.expect(own.ids.size === accepted, `${own.ids.size} events reached Segment, not ${accepted}`)
    await copy.kill('SIGKILL')
    segment.heal()
    await bridge.start()
    return undefined
  },
}
