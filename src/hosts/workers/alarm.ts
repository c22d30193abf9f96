/** A Durable Object's one alarm, armed for the earliest of what is due. Arming writes a row, so only a change is written. */
export type AlarmStorage = {
  getAlarm(): Promise<number | null>
  setAlarm(at: number): Promise<void>
}

export type Alarm = {
  /** Rings at `at` or earlier. */
  arm(at: number): Promise<void>
  /** To be called when it rings: it is not armed any more. */
  rang(): void
  /** The next `arm` asks the storage what is armed. */
  doubt(): void
}

export function createAlarm(storage: AlarmStorage): Alarm {
  let armed: number | undefined
  let isKnown = false
  return {
    async arm(at) {
      // Also after an eviction, when only the storage knows.
      if (!isKnown) armed = (await storage.getAlarm()) ?? undefined
      isKnown = true
      // An alarm in the past is one that the runtime has yet to ring.
      if (armed !== undefined && armed <= at) return
      // Until the storage has taken it, nobody may rely on it.
      armed = undefined
      await storage.setAlarm(at)
      armed = at
    },
    rang() {
      armed = undefined
      isKnown = true
    },
    doubt() {
      isKnown = false
    },
  }
}
