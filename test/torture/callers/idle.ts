/** Connections that are opened and not used: what each costs, that the silent ones are cut, and that all of it comes back. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import * as z from 'zod'
import type { Context, End, Scenario } from '../scenario.ts'
import { beside } from './beside.ts'
import { openFiles, residentMiB } from './process.ts'

/** A connection that says nothing has as long as one that sends its head slowly: 10 s, and the look every 2 s. */
const SILENT_CUT_MS = 10_000 + 2_000 + 4_000
/** A socket of Node's, its parser, and this server's share. */
const MOST_KIB_EACH = 40
const MOST_GROWN = 1.3
/** Of the places for 10,000 the process keeps the memory, for the next 10,000: it rests at 320. */
const MOST_MIB = 340
const Left = z.object({ silent: z.number(), polite: z.number() })

/** Gives the memory with all of them there. `isLong`: until the silent ones are cut. */
async function hold(context: Context, size: number, isLong: boolean): Promise<number> {
  const { pid, origin } = context.bridge
  const before = residentMiB(pid)
  const crowd = fork(new URL('./idle-crowd.ts', import.meta.url), [origin, String(size)])
  context.onEnd(() => crowd.kill('SIGKILL'))
  await once(crowd, 'message', { signal: context.signal })
  context.fault('idle connection', size)
  const full = residentMiB(pid)
  const files = openFiles(pid)
  const eachKiB = ((full - before) * 1_024) / size
  context.note(`${files} files open, ${eachKiB.toFixed(1)} KiB a connection (${before} → ${full} MiB)`)
  context.expect(files >= size, `only ${files} of ${size} connections are open`)
  context.expect(eachKiB < MOST_KIB_EACH, `an idle connection costs ${eachKiB.toFixed(1)} KiB`)

  if (isLong) await seeSilentCut(context, crowd, size)
  crowd.kill('SIGKILL')
  await once(crowd, 'exit')
  await context.until('the places are free again', () => openFiles(pid) < files - size + 50)
  return full
}

async function seeSilentCut(context: Context, crowd: ChildProcess, size: number): Promise<void> {
  await context.sleep(SILENT_CUT_MS)
  const { silent, polite } = await ask(crowd)
  context.note(
    `after ${SILENT_CUT_MS / 1_000} s ${silent} silent ones are left, and ${polite} that had asked`,
  )
  context.expect(silent === 0, `${silent} silent connections still have their places`)
  context.expect(polite === size / 2, `${size / 2 - polite} connections that were to be kept are gone`)
}

/** V8 keeps for itself what it has had once; what comes back is seen by the next crowd, which finds room. */
async function attack(context: Context, size: number): Promise<void> {
  const first = await hold(context, size, true)
  const second = await hold(context, size, false)
  context.expect(
    second < first * MOST_GROWN,
    `the second crowd needed ${second} MiB where the first had ${first}`,
  )
}

async function ask(crowd: ChildProcess): Promise<z.infer<typeof Left>> {
  const told = once(crowd, 'message')
  crowd.send('how many')
  const [left] = await told
  return Left.parse(left)
}

async function idle(context: Context, size: number): Promise<End> {
  await beside(context, () => attack(context, size))
  return { memoryMiB: MOST_MIB }
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'idle-connections',
    does: 'Holds 10,000 idle connections: half say nothing, half asked once and stay.',
    short: false,
    run: context => idle(context, 10_000),
  },
]
