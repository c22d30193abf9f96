/** The moment when SQLite moves the log into the file, which has no name in any source: found by watching the file. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Scenario } from '../scenario.ts'
import { isMidCheckpoint } from '../wal.ts'

const assassin = join(import.meta.dirname, '../assassin.ts')

/** A log of 4 MB, on a usual disk. */
const COPIED_WITHIN_MS = 2

export const killInCheckpoint: Scenario = {
  name: 'kill-in-checkpoint',
  does: 'SIGKILL while a checkpoint copies pages from the log into the file, as the log’s index proves, again and again.',
  short: false,
  timeoutSeconds: 300,
  async run(context) {
    const { bridge, isLong, random, fault, say } = context
    const wanted = isLong ? 4 : 2
    let isSending = true
    // So that the log of 4 MB is full again and again.
    const data = { tags: { note: 'x'.repeat(3_000) } }
    async function feed(): Promise<void> {
      while (isSending)
        await context.sender({ events: context.events(600, data), batch: [100, 100], lanes: 4 }).done
    }
    const feeding = feed()
    let amid = 0
    for (let time = 0; amid < wanted && time < wanted * 4; time++) {
      say(`${amid} of ${wanted}`)
      await bridge.start()
      const file = join(bridge.dataDir, 'outbox.db')
      const delayMs = String(random.next() * COPIED_WITHIN_MS)
      const watcher = spawn(process.execPath, [assassin, String(bridge.pid), file, delayMs])
      context.onEnd(() => watcher.kill())
      const [code] = await once(watcher, 'exit')
      if (code !== 0) break
      await bridge.ended()
      fault('SIGKILL')
      if (!isMidCheckpoint(`${file}-shm`)) continue
      amid += 1
      fault('of them amid a checkpoint')
    }
    isSending = false
    if (!bridge.isUp) await bridge.start()
    await feeding
    context.expect(amid >= wanted, `only ${amid} of ${wanted} checkpoints were hit`)
    return undefined
  },
}
