/** `--rate`: when the next group may go. A clock in, waits out; it never hurries to catch up with what was slow. */

export type Pace = {
  /** Milliseconds until `events` may go; they are taken as gone then. */
  wait(events: number, now: number): number
}

/** `perSecond` 0 = as fast as it goes. */
export function createPace(perSecond: number): Pace {
  let freeAt = 0
  return {
    wait(events, now) {
      if (perSecond === 0) return 0
      const at = Math.max(freeAt, now)
      freeAt = at + (events / perSecond) * 1_000
      return at - now
    },
  }
}
