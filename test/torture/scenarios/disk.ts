/** The disk: full, read-only, cut off at the end of its log. */
import { closeSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { cannotLoop, cannotMount, mountDisk } from '../mount.ts'
import type { Context, Scenario } from '../scenario.ts'
import type { Sender } from '../sender.ts'
import { backfilledBytes, type Log, readLog } from '../wal.ts'

const noticeClocks = ['delivery', 'outbox', 'webhook', 'data'].map(component => `notice-clock.${component}`)
const files = ['outbox.db', 'outbox.db-wal', 'outbox.db-shm', ...noticeClocks, '.']

/** Until the webhook says that it cannot store, and so does /readyz. */
async function seenAtTheWebhook({ bridge, until }: Context, sender: Sender): Promise<void> {
  const before = sender.answers['503'] ?? 0
  await until('the webhook answers 503', () => (sender.answers['503'] ?? 0) > before)
  await until('/readyz answers 503', async () => (await fetch(`${bridge.origin}/readyz`)).status === 503)
}

async function ready({ bridge, until }: Context): Promise<void> {
  await until(
    '/readyz answers 200 again',
    async () => (await fetch(`${bridge.origin}/readyz`)).status === 200,
  )
}

function full(kind: 'tmpfs' | 'ext4', short: boolean): Scenario {
  return {
    name: `disk-full-${kind}`,
    does: `The data folder's disk (${kind}, 48 MiB) is full to the last byte, also at a start after SIGKILL, and freed again.`,
    short,
    unfit: kind === 'tmpfs' ? cannotMount : cannotLoop,
    async run(context) {
      const { bridge, isLong, random, fault, say, sleep } = context
      const disk = mountDisk(context, kind, 48)
      bridge.useFolder(disk.dataDir)
      await bridge.start()
      // A full disk is only felt by who keeps sending: the log's own room takes some more.
      const sender = context.sender({ events: () => context.events(1_000), paceMs: 100 })
      for (let time = 1; time <= (isLong ? 3 : 2); time++) {
        say(`full ${time}`)
        await sleep(random.integer(100, 800))
        disk.fill()
        fault('disk full')
        await seenAtTheWebhook(context, sender)
        await sleep(random.integer(500, 2_500))
        if (time === 2) {
          await bridge.kill('SIGKILL')
          fault('SIGKILL')
          const end = await bridge.tryStart()
          context.expect(end === undefined || end === 1, `on a full disk it ended with ${end}`)
          context.expect(
            !bridge.stderr.slice(-3).some(line => line.startsWith('    at ')),
            'it ended with a stack',
          )
        }
        disk.free()
        if (!bridge.isUp) await bridge.start()
        await ready(context)
      }
      sender.stop()
      await sender.done
      return { leastNotices: 1 }
    },
  }
}

export const fullTmpfs = full('tmpfs', false)
export const fullExt4 = full('ext4', true)

/**
 * SQLite shares the log's index with other processes through memory that is mapped from a file. The kernel answers a write
 * there, where it may not write any more, with SIGBUS: then the process dies, and cannot start before it is mended.
 */
async function refusedAtTheWebhook(context: Context, sender: Sender): Promise<'survived' | 'died'> {
  const { bridge, fault } = context
  const seen = seenAtTheWebhook(context, sender).then(
    () => undefined,
    (error: Error) => error,
  )
  const error = await Promise.race([seen, bridge.ended()])
  if (bridge.isUp) {
    if (error instanceof Error) throw error
    return 'survived'
  }
  const died = await bridge.ended()
  context.expect(died === 'SIGBUS', `on read-only files it ended with ${died}`)
  fault('of them SIGBUS')
  const end = await bridge.tryStart()
  context.expect(end === 1, `started on read-only files it ended with ${end}`)
  return 'died'
}

export const readOnly: Scenario = {
  name: 'disk-read-only',
  does: 'The files turn read-only under the running process; later the whole disk is read-only at a start.',
  short: true,
  unfit: cannotLoop,
  async run(context) {
    const { bridge, isLong, fault, sleep } = context
    const disk = mountDisk(context, 'ext4', 64)
    bridge.useFolder(disk.dataDir)
    await bridge.start()
    const sender = context.sender({ events: () => context.events(1_000), paceMs: 100 })
    let leastNotices = 0
    for (let time = 1; time <= (isLong ? 4 : 1); time++) {
      await sleep(300)
      disk.freeze(files)
      fault('files read-only')
      // Who dies at once has nobody left to tell.
      if ((await refusedAtTheWebhook(context, sender)) === 'survived') leastNotices = 1
      await sleep(1_500)
      disk.thaw(files)
      if (!bridge.isUp) await bridge.start()
      await ready(context)
    }
    await bridge.kill('SIGTERM')
    disk.mount('ro')
    fault('disk read-only')
    const end = await bridge.tryStart()
    const words = bridge.stderr.slice(-3).join(' | ')
    context.expect(
      end === 1 && words.includes('read-only') && words.includes('DATA_DIR'),
      `ended with ${end}: ${words}`,
    )
    disk.mount('rw')
    await bridge.start()
    sender.stop()
    await sender.done
    return { leastNotices }
  },
}

/**
 * What a power cut may leave of the log: everything up to the last commit that reached the disk, and behind it anything.
 * The process dies between a commit and its answer, so that the last commit is one nobody was told of; it may be damaged.
 */
const damages = {
  'garbage behind the log': ({ bytes, commits }: Log, random) => {
    const end = commits.at(-1)?.to ?? bytes.length
    return { at: end, put: random.bytes(random.integer(1, 9_000)) }
  },
  'half a frame behind the log': ({ bytes, commits, pageBytes }: Log, random) => {
    const last = commits.at(-1)
    if (!last) return undefined
    const frame = bytes.subarray(last.to - pageBytes - 24, last.to - random.integer(1, pageBytes))
    return { at: last.to, put: frame }
  },
  'last commit cut off': ({ commits }: Log, random) => {
    const last = commits.at(-1)
    return last && { cut: random.integer(last.from, last.to - 1), touches: last.from }
  },
  'last page cut off': ({ commits, pageBytes }: Log, random) => {
    const last = commits.at(-1)
    return last && { cut: last.to - random.integer(1, pageBytes), touches: last.from }
  },
  'last commit garbled': ({ commits }: Log, random) => {
    const last = commits.at(-1)
    return last && { at: random.integer(last.from, last.to - 8), put: random.bytes(8), touches: last.from }
  },
} as const satisfies Record<string, (log: Log, random: Context['random']) => Damage | undefined>
type Damage = { readonly touches?: number } & (
  | { readonly cut: number }
  | { readonly at: number; readonly put: Buffer }
)

export const tornLog: Scenario = {
  name: 'disk-torn-log',
  does: 'SIGKILL between commit and answer; then the log loses its tail, within the last, never acknowledged commit, or gets noise behind it; its index is removed.',
  short: true,
  timeoutSeconds: 240,
  async run(context) {
    const { bridge, random, isLong, fault, say } = context
    const sender = context.sender({ events: context.events(isLong ? 10_000 : 4_000), paceMs: 30 })
    const names = Object.keys(damages) as (keyof typeof damages)[]
    for (let time = 0; time < (isLong ? 12 : names.length); time++) {
      const nth = random.integer(2, 12)
      await bridge.tryStart({}, { dieAt: { point: 'put-committed', nth } })
      await bridge.ended()
      const file = join(bridge.dataDir, 'outbox.db')
      const name = names[time % names.length] ?? 'last page cut off'
      say(name)
      const damage: Damage | undefined = damages[name](readLog(`${file}-wal`), random)
      // What a checkpoint has moved into the file was on the disk before: a power cut cannot take it.
      if (
        !damage ||
        (damage.touches ?? Number.POSITIVE_INFINITY) < backfilledBytes(`${file}-shm`, readLog(`${file}-wal`))
      )
        continue
      apply(`${file}-wal`, damage)
      if (random.chance(0.5)) rmSync(`${file}-shm`, { force: true })
      fault(name)
    }
    await bridge.start()
    await sender.done
    return undefined
  },
}

function apply(file: string, damage: Damage): void {
  if ('cut' in damage) {
    truncateSync(file, damage.cut)
    return
  }
  const open = openSync(file, 'r+')
  writeSync(open, damage.put, 0, damage.put.length, damage.at)
  closeSync(open)
  if (statSync(file).size < damage.at) throw new Error('Nothing was written')
}
