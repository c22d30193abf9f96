/** The process and its machine: asked to end, stopped, doubled, without file descriptors, with a clock that jumps. */
import { execFileSync } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { createBridgeProcess } from '../bridge-process.ts'
import { passTime } from '../clock.ts'
import type { Scenario } from '../scenario.ts'

const ENDS_WITHIN_MS = 10_000
const HOUR_MS = 3_600_000

export const sigterm: Scenario = {
  name: 'sigterm-under-load',
  does: 'SIGTERM under load, again and again: it ends with 0 within 10 s.',
  short: true,
  async run(context) {
    const { bridge, random, isLong, fault, sleep } = context
    await bridge.start()
    const sender = context.sender({ events: context.events(isLong ? 12_000 : 4_000), paceMs: 30 })
    for (let time = 0; time < (isLong ? 8 : 4); time++) {
      await sleep(random.integer(50, 800))
      const at = performance.now()
      const end = await bridge.kill('SIGTERM')
      context.expect(end === 0, `ended with ${end}`)
      context.expect(performance.now() - at < ENDS_WITHIN_MS, `took ${Math.round(performance.now() - at)} ms`)
      fault('SIGTERM')
      await bridge.start()
    }
    await sender.done
    return undefined
  },
}

export const stopped: Scenario = {
  name: 'sigstop',
  does: 'SIGSTOP for longer than Twilio waits for an answer (7 s; a minute in the long selection), then SIGCONT.',
  short: true,
  timeoutSeconds: 300,
  async run(context) {
    const { bridge, isLong, fault, sleep } = context
    await bridge.start()
    const sender = context.sender({ events: context.events(isLong ? 12_000 : 3_000), paceMs: 60 })
    for (const seconds of isLong ? [7, 60] : [7]) {
      await sleep(500)
      process.kill(bridge.pid, 'SIGSTOP')
      context.onEnd(() => bridge.isUp && process.kill(bridge.pid, 'SIGCONT'))
      fault(`${seconds} s stopped`)
      await sleep(seconds * 1_000)
      process.kill(bridge.pid, 'SIGCONT')
    }
    await sender.done
    return undefined
  },
}

export const second: Scenario = {
  name: 'second-process',
  does: 'Another bridge is started on the same folder under load: it ends with 1 and a sentence, the first goes on.',
  short: true,
  async run(context) {
    const { bridge, isLong, fault } = context
    await bridge.start()
    const sender = context.sender({ events: context.events(isLong ? 6_000 : 2_000), paceMs: 60 })
    for (let time = 0; time < (isLong ? 2 : 1); time++) {
      const other = await createBridgeProcess(bridge.dataDir, {})
      context.onEnd(async () => other.isUp && (await other.kill('SIGKILL')))
      const end = await other.tryStart()
      context.expect(end === 1, `the second one ended with ${end}`)
      context.expect(
        other.stderr.join(' ').includes(`another bridge (process ${bridge.pid}`),
        other.stderr.join(' | '),
      )
      fault('second process')
    }
    await sender.done
    return undefined
  },
}

export const noFiles: Scenario = {
  name: 'no-file-descriptors',
  does: 'The limit of open files is set below what is open; later hundreds of idle connections use up a limit of 64.',
  short: true,
  unfit: () => {
    try {
      execFileSync('prlimit', ['--pid', String(process.pid), '--nofile'])
      return undefined
    } catch {
      return 'there is no prlimit here'
    }
  },
  async run(context) {
    const { bridge, isLong, fault, sleep } = context
    await bridge.start()
    const sender = context.sender({ events: context.events(isLong ? 8_000 : 3_000), paceMs: 60 })
    const limit = (count: number) =>
      execFileSync('prlimit', ['--pid', String(bridge.pid), `--nofile=${count}:`])
    for (let time = 0; time < (isLong ? 4 : 1); time++) {
      limit(8)
      fault('no descriptor left')
      await sleep(3_000)
      limit(1_024)
      await sleep(500)
    }
    limit(64)
    const crowd: Socket[] = []
    context.onEnd(() => crowd.forEach(socket => void socket.destroy()))
    for (let count = 0; count < 300; count++) {
      const socket = connect(Number(new URL(bridge.origin).port), '127.0.0.1')
      crowd.push(socket.on('error', () => undefined))
    }
    fault('idle connection over a limit of 64', crowd.length)
    await sleep(4_000)
    for (const socket of crowd) socket.destroy()
    limit(1_024)
    await sender.done
    return undefined
  },
}

export const clockJumps: Scenario = {
  name: 'clock-jumps',
  does: 'The clock jumps by up to six hours to and fro under load while Segment flaps.',
  short: true,
  async run(context) {
    const { bridge, segment, clock, random, isLong, fault, sleep } = context
    await bridge.start({}, { clockFile: clock.file })
    segment.fail({ kind: 'flap', ok: 3, down: 2, bad: { kind: 'status', status: 503 } })
    const sender = context.sender({
      events: context.events(isLong ? 12_000 : 3_000),
      paceMs: isLong ? 150 : 100,
    })
    for (let time = 0; time < (isLong ? 15 : 6); time++) {
      await sleep(random.integer(300, 1_500))
      const hours = random.of([-6, -2, -0.4, 0.4, 2, 6])
      clock.jump(hours * HOUR_MS)
      fault(hours > 0 ? 'clock put forward' : 'clock put back')
    }
    await sender.done
    segment.heal()
    // A line that waits when the clock is put back may wait an hour more (RT4): that hour passes here.
    await passTime(context)
    return { leastNotices: 1 }
  },
}
