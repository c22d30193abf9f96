/** A wake-up call that is never missed: one that comes while nobody waits ends the next wait at once. */
export type Signal = { wake(): void; wait(ms: number): Promise<void> }

/** setTimeout's own limit; a longer wait is this long. */
const LONGEST_MS = 2 ** 31 - 1

export function createSignal(): Signal {
  const sleepers = new Set<() => void>()
  let pending = false
  return {
    wake() {
      pending = sleepers.size === 0
      for (const sleeper of sleepers) sleeper()
      sleepers.clear()
    },
    async wait(ms) {
      if (pending) {
        pending = false
        return
      }
      await new Promise<void>(resolve => {
        const timer = setTimeout(done, Math.min(ms, LONGEST_MS))
        function done(): void {
          clearTimeout(timer)
          sleepers.delete(done)
          resolve()
        }
        sleepers.add(done)
      })
    },
  }
}
