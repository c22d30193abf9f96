/** Chance that can be had again: the same seed gives the same numbers. */

export type Random = {
  /** From 0 up to 1. */
  next(): number
  /** From `min` to `max`, both included. */
  integer(min: number, max: number): number
  of<T>(list: readonly T[]): T
  shuffled<T>(list: readonly T[]): T[]
  /** True so often: 0.05 is once in twenty. */
  chance(share: number): boolean
  bytes(count: number): Buffer
}

/** mulberry32: 32 bits of state are enough to choose faults with. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  return {
    next,
    integer,
    of(list) {
      const chosen = list[integer(0, list.length - 1)]
      if (chosen === undefined) throw new Error('Nothing to choose from')
      return chosen
    },
    shuffled(list) {
      return list
        .map(item => ({ item, place: next() }))
        .sort((a, b) => a.place - b.place)
        .map(({ item }) => item)
    },
    chance: share => next() < share,
    bytes: count => Buffer.from(Array.from({ length: count }, () => integer(0, 255))),
  }
}

/** The same for one scenario whichever others run beside it. */
export function seedOf(seed: number, name: string): number {
  let hash = seed >>> 0
  for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0
  return hash
}
