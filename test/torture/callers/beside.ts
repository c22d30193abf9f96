/** Hostile callers beside honest traffic, which must not be harmed: acknowledged, forwarded, and told how long it waited. */
import type { Context, End } from '../scenario.ts'
import { startHonest, toLatencies } from './honest.ts'
import { openFiles, residentMiB, watchMemory } from './process.ts'

const BEFORE_MS = 1_500
const AFTER_MS = 1_000
/** Of the honest requests while it lasts; the callers share two cores with the bridge. */
const MOST_RETRIES = 0.01
const SPARE_FILES = 20
/** A caller's kept connections close by themselves, after some 4 s. */
const CLOSED_WITHIN_MS = 15_000
const LOOK_EVERY_MS = 500

export async function beside(
  context: Context,
  attack: (context: Context) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<End | undefined> {
  const { bridge, ledger } = context
  await bridge.start(settings)
  const { pid } = bridge
  const honest = startHonest(bridge.webhook)
  await context.sleep(BEFORE_MS)
  const files = openFiles(pid)
  const before = residentMiB(pid)
  using memory = watchMemory(pid)
  honest.phase('during')
  try {
    await attack(context)
    honest.phase('after')
    await context.sleep(AFTER_MS)
  } finally {
    const { sent, acknowledged, discarded, phases } = await honest.stop()
    ledger.sent(sent)
    ledger.acknowledged(acknowledged)
    ledger.discarded(discarded, 'honest')
    const retries = phases.during?.retries ?? 0
    context.expect(
      retries <= MOST_RETRIES * (phases.during?.times.length ?? 0),
      `honest requests had to be sent again ${retries} times`,
    )
    context.note(`${acknowledged.length} honest events, p50 / p99: ${toLatencies(phases)}`)
  }
  context.note(`memory ${before} MiB before, ${memory.peakMiB} at most, ${residentMiB(pid)} after`)
  const left = await leftOpen(context, () => openFiles(pid) - files)
  context.expect(left <= SPARE_FILES, `${left} files are open that were not before`)
  const failed = bridge.stderr.filter(line => line.includes('a request failed'))
  context.expect(failed.length === 0, `${failed.length} requests failed inside: ${failed[0]}`)
  return undefined
}

async function leftOpen({ sleep }: Context, count: () => number): Promise<number> {
  const until = performance.now() + CLOSED_WITHIN_MS
  while (count() > SPARE_FILES && performance.now() < until) await sleep(LOOK_EVERY_MS)
  return count()
}

/** Works through the list, so many at a time. */
export async function eachOf<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  const lane = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}

/** How often each word was said. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(word: string): void {
    this.#counts.set(word, this.of(word) + 1)
  }

  of(word: string): number {
    return this.#counts.get(word) ?? 0
  }

  toString(): string {
    return [...this.#counts]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([word, count]) => `${count} ${word}`)
      .join(', ')
  }
}
