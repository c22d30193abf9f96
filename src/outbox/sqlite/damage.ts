/**
 * What was found damaged in the store and set aside, until the operator is told. Kept in memory: finding it must not need a
 * write that succeeds. One summary for each reason, so that ten thousand damaged rows are one line of a notice.
 */
import type { Damage, DamageReason } from '../store.ts'

export type DamageLog = {
  /** `what` is named once in the life of a process; events that are unreadable are counted each time. */
  found(reason: DamageReason, what: string, count?: number): void
  /** Everything found since the last call. */
  takeDamage(): Damage[]
}

/** Of one reason; the others are counted. */
const NAMED = 5
/** Beyond that many the same thing may be reported twice. */
const REMEMBERED = 10_000

type Sum = { count: number; more: number; readonly named: string[] }

export function createDamageLog(): DamageLog {
  const known = new Set<string>()
  let sums = new Map<DamageReason, Sum>()

  return {
    found(reason, what, count = 1) {
      const name = `${reason} ${what}`
      const isKnown = known.has(name)
      if (isKnown && reason !== 'unreadable') return
      if (known.size >= REMEMBERED) known.clear()
      known.add(name)
      const sum = sums.get(reason) ?? { count: 0, more: 0, named: [] }
      sums.set(reason, sum)
      sum.count += count
      if (sum.named.includes(what)) return
      if (sum.named.length < NAMED) sum.named.push(what)
      else if (!isKnown) sum.more += 1
    },
    takeDamage() {
      const taken = [...sums].map(([reason, { count, named, more }]) => {
        const rest = more > 0 ? ` and ${more} more` : ''
        return { reason, count, answer: named.join('; ') + rest }
      })
      sums = new Map()
      return taken
    },
  }
}
