/** Waits for something to come true, looking again whenever told that something has changed. */
export function createWaiting() {
  const waiting = new Set<{ look(): void; giveUp(why: string): void }>()

  return {
    changed(): void {
      for (const one of waiting) one.look()
    },

    giveUp(why: string): void {
      for (const one of waiting) one.giveUp(why)
    },

    /** `explain` is asked only when the time is over. */
    until(holds: () => boolean, timeoutMs: number, explain: () => string): Promise<void> {
      return new Promise((resolve, reject) => {
        const leave = () => {
          clearTimeout(timer)
          waiting.delete(one)
        }
        const one = {
          look() {
            try {
              if (!holds()) return
              resolve()
            } catch (error) {
              reject(error)
            }
            leave()
          },
          giveUp(why: string) {
            reject(new Error(why))
            leave()
          },
        }
        const timer = setTimeout(() => one.giveUp(explain()), timeoutMs)
        waiting.add(one)
        one.look()
      })
    },
  }
}
