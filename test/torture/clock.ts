/** The bridge's clock, turned from outside: preload.ts adds what stands in the file. */
import { renameSync, writeFileSync } from 'node:fs'
import type { Context } from './scenario.ts'

export type Jump = { readonly at: number; readonly byMs: number }

export type Clock = {
  readonly file: string
  readonly jumps: readonly Jump[]
  jump(byMs: number): void
  /** As the bridge sees it. */
  now(): number
}

export function createClock(file: string): Clock {
  const jumps: Jump[] = []
  let off = 0
  const write = (): void => {
    writeFileSync(`${file}.new`, String(off))
    renameSync(`${file}.new`, file)
  }
  write()
  return {
    file,
    jumps,
    now: () => Date.now() + off,
    jump(byMs) {
      off += byMs
      write()
      jumps.push({ at: Date.now(), byMs })
    },
  }
}

const STEP_MS = 61 * 60_000
const STEPS = 15

/** After a fault: lets the hours pass that the bridge may still wait, until everything is delivered. */
export async function passTime({ bridge, clock, sleep, until }: Context): Promise<void> {
  for (let step = 0; step < STEPS && (await bridge.stats()).pending > 0; step++) {
    clock.jump(STEP_MS)
    for (let look = 0; look < 40 && (await bridge.stats()).pending > 0; look++) await sleep(100)
  }
  await until('all is delivered', async () => (await bridge.stats()).pending === 0)
}
