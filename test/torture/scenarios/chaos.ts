/** Several at once. */
import { passTime } from '../clock.ts'
import { cannotLoop, mountDisk } from '../mount.ts'
import type { Scenario } from '../scenario.ts'

const MINUTE_MS = 60_000

export const chaos: Scenario = {
  name: 'chaos',
  does: 'Kills, stops, a full disk, a jumping clock and a failing Segment, at random and together, under load (30,000 events in the long selection).',
  short: false,
  timeoutSeconds: 600,
  unfit: cannotLoop,
  async run(context) {
    const { bridge, segment, clock, random, isLong, fault, say, sleep } = context
    const disk = mountDisk(context, 'ext4', 256)
    bridge.useFolder(disk.dataDir)
    const plan = { clockFile: clock.file }
    await bridge.start({}, plan)
    const sender = context.sender({
      events: context.events(isLong ? 30_000 : 5_000),
      lanes: 12,
      batch: [1, 40],
      paceMs: 300,
    })
    let isSending = true
    void sender.done.then(() => (isSending = false))

    async function startAgain(): Promise<void> {
      if ((await bridge.tryStart({}, plan)) === undefined) return
      disk.free()
      await bridge.start({}, plan)
    }
    const harms = {
      async SIGKILL() {
        await bridge.kill('SIGKILL')
        await startAgain()
      },
      async SIGTERM() {
        context.expect((await bridge.kill('SIGTERM')) === 0, 'did not end with 0')
        await startAgain()
      },
      async SIGSTOP() {
        process.kill(bridge.pid, 'SIGSTOP')
        await sleep(random.integer(200, 3_000))
        process.kill(bridge.pid, 'SIGCONT')
      },
      'disk full': () => disk.fill(),
      'disk freed': () => disk.free(),
      'clock jump': () => clock.jump(random.of([-30, -1, 1, 30, 90]) * MINUTE_MS),
      'Segment fault': () =>
        segment.fail(
          random.of([
            { kind: 'status', status: 503 },
            { kind: 'status', status: 401 },
            { kind: 'throttle', retryAfter: 2 },
            { kind: 'reset-after' },
            { kind: 'late', ms: 2_000 },
            { kind: 'hang' },
          ]),
        ),
      'Segment healed': () => segment.heal(),
    }
    for (const names = Object.keys(harms) as (keyof typeof harms)[]; isSending && !context.signal.aborted; ) {
      const name = random.of(names)
      say(name)
      await harms[name]()
      if (!/freed|healed/.test(name)) fault(name)
      await sleep(random.integer(100, 1_500))
      // Twilio gives its events four hours; here the disk is given some seconds.
      if (random.chance(0.3)) disk.free()
    }
    disk.free()
    segment.heal()
    if (!bridge.isUp) await bridge.start({}, plan)
    await passTime(context)
    return { leastNotices: 1 }
  },
}
