/** A wake-up call that is never missed: one that comes while nobody waits ends the next wait at once. */
export type Signal = { wake(): void; wait(ms: number): Promise<void> }

/** setTimeout's own limit; a longer wait is this long. */
const LONGEST_MS = 2 ** 31 - 1

export function createSignal(): Signal {
  // Not a Set: cleared at every commit, it would leave a table behind each time (see http-server.ts).
  let sleepers: (() => void)[] = []
  let pending = false
  return {
    wake() {
      pending = sleepers.length === 0
      if (pending) return
      const woken = sleepers
      sleepers = []
      for (const sleeper of woken) sleeper()
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
          sleepers = sleepers.filter(sleeper => sleeper !== done)
          resolve()
        }
        sleepers.push(done)
      })
    },
  }
}
