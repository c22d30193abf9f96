/** The process dies: anywhere, and where it hurts most. */
import type { Point } from '../preload.ts'
import { points } from '../preload.ts'
import type { Context, Scenario } from '../scenario.ts'

export const killAnywhere: Scenario = {
  name: 'kill-anywhere',
  does: 'SIGKILL at random moments under load, started again each time.',
  short: true,
  timeoutSeconds: 240,
  async run(context) {
    const { bridge, random, isLong, fault, sleep, say } = context
    await bridge.start()
    const sender = context.sender({ events: context.events(isLong ? 20_000 : 3_000), paceMs: 20 })
    let isSending = true
    void sender.done.then(() => (isSending = false))
    for (let kills = 0; isSending && kills < (isLong ? 12 : 4); kills++) {
      say(`kill ${kills + 1}`)
      await sleep(random.integer(0, 700))
      await bridge.kill('SIGKILL')
      fault('SIGKILL')
      await bridge.start()
    }
    await sender.done
    return undefined
  },
}

/** A point that is renamed in the sources is never reached: better told soon. */
const REACHED_WITHIN_MS = 60_000

/** Dies at the point again and again, each time a little later. */
async function dieAt(context: Context, point: Point, times: number, settings = {}): Promise<void> {
  const { bridge, random, fault, sleep, say } = context
  for (let time = 1; time <= times; time++) {
    say(`${time} of ${times}`)
    const nth = random.integer(1, point === 'pruning' ? 400 : 6)
    const end =
      (await bridge.tryStart(settings, { dieAt: { point, nth } })) ??
      (await Promise.race([bridge.ended(), sleep(REACHED_WITHIN_MS)]))
    context.expect(end === 'SIGKILL', `the point was not reached, it ended with ${end ?? 'nothing'}`)
    if (end === undefined) await bridge.kill('SIGKILL')
    fault('SIGKILL')
  }
}

function atPoint(name: string, point: Point, short: boolean): Scenario {
  return {
    name,
    does: `SIGKILL ${points[point]}, again and again.`,
    short,
    timeoutSeconds: 240,
    async run(context) {
      const { bridge, isLong } = context
      const sender = context.sender({ events: context.events(isLong ? 6_000 : 2_000), lanes: 6, paceMs: 30 })
      await dieAt(context, point, isLong ? 6 : 2)
      await bridge.start()
      await sender.done
      return undefined
    },
  }
}

export const killBeforeAnswer = atPoint('kill-before-answer', 'put-committed', true)
export const killBeforeSettle = atPoint('kill-before-settle', 'segment-answered', true)
export const killAfterSettle = atPoint('kill-after-settle', 'settle-committed', false)
export const killAfterSort = atPoint('kill-after-sort', 'sort-committed', false)

export const killInMigration: Scenario = {
  name: 'kill-in-migration',
  does: 'SIGKILL after each single statement of the migrations, in turn (each third in the short selection), on the same folder.',
  short: true,
  async run(context) {
    const { bridge, isLong, fault } = context
    let nth = 1
    for (; ; nth += isLong ? 1 : 3) {
      const end = await bridge.tryStart({}, { dieAt: { point: 'migrating', nth } })
      if (end === undefined) break
      context.expect(end === 'SIGKILL', `statement ${nth}: it ended with ${end}`)
      fault('SIGKILL')
    }
    context.expect(nth > 10, `only ${nth - 1} statements were seen`)
    await context.sender({ events: context.events(200) }).done
    return undefined
  },
}

export const killInPruning: Scenario = {
  name: 'kill-in-pruning',
  does: 'SIGKILL amid the deletes of a pruning, again and again; finished events are kept for no time at all.',
  short: false,
  timeoutSeconds: 240,
  async run(context) {
    const { bridge, isLong } = context
    const keepNothing = { RETENTION_DAYS: '0', DEDUPE_HOURS: '0' }
    // A copy that comes after its event was forgotten would be a new event.
    const sender = context.sender({
      events: context.events(isLong ? 10_000 : 3_000),
      paceMs: 30,
      duplicates: 0,
    })
    await dieAt(context, 'pruning', isLong ? 8 : 3, keepNothing)
    await bridge.start(keepNothing)
    await sender.done
    return { pruned: true }
  },
}
