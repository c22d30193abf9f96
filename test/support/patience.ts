/**
 * How long a test waits for what it waits for. This protects against a hang and is no measure of speed: a busy machine may
 * take its time. `TEST_TIME_SCALE=3` makes every limit three times as long.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export const PATIENCE_MS = 240_000 * Number(process.env.TEST_TIME_SCALE ?? 1)

const LOOK_EVERY_MS = 20

/**
 * Looks until it finds something, anything but `undefined` and `false`, and returns that. The limit is half of a test's, so
 * that a wait in vain fails with what was waited for.
 */
export async function until<T>(
  what: string | (() => string),
  look: () => Promise<T> | T,
  patienceMs = PATIENCE_MS / 2,
): Promise<Exclude<T, undefined | false>> {
  for (const end = performance.now() + patienceMs; ; await sleep(LOOK_EVERY_MS)) {
    const found = await look()
    if (isThere(found)) return found
    if (performance.now() > end)
      throw new Error(`Waited ${patienceMs} ms in vain for ${typeof what === 'string' ? what : what()}`)
  }
}

function isThere<T>(found: T): found is Exclude<T, undefined | false> {
  return found !== undefined && found !== false
}
