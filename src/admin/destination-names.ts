/** Destinations by the names that people give and see; in the store they are numbers, which may differ from store to store. */
import { FIRST_DESTINATION, type KeptDestination } from '../outbox/deliveries.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import type { Lanes } from '../send/lanes.ts'

export type DestinationNames = {
  /** Also of those that are configured no more, for they keep their deliveries. */
  all(): string[]
  /** Without those. */
  open(): string[]
  nameOf(id: number): string
  /** `undefined`: there is and was none of that name. */
  idOf(name: string): number | undefined
  /** Under which messageId an event goes there; null: the store does not say. */
  messageIdOf(id: number, eventId: string | null): string | null
}

type Known = Pick<KeptDestination, 'id' | 'name'> & Partial<KeptDestination>

export function createDestinationNames(
  outbox: Pick<OutboxAtHand, 'destinations'>,
  lanes: Pick<Lanes, 'ids' | 'names'>,
): DestinationNames {
  /** Those in use come first: a name may have been another's before. */
  function known(): Known[] {
    const kept = readKept()
    const inUse = lanes.ids.map((id, index): Known => {
      const one = kept.find(other => other.id === id)
      return { ...one, id, name: one?.name ?? lanes.names[index] ?? String(id) }
    })
    return [...inUse, ...kept.filter(({ id }) => !lanes.ids.includes(id))]
  }

  /** What is damaged must not keep an event from being shown. */
  function readKept(): KeptDestination[] {
    try {
      return outbox.destinations()
    } catch {
      return []
    }
  }

  const namesOf = (some: readonly Known[]) => [...new Set(some.map(({ name }) => name))]
  const find = (id: number) => known().find(one => one.id === id)

  return {
    all: () => namesOf(known()),
    open: () => namesOf(known().filter(({ removedAt }) => removedAt === undefined)),
    nameOf: id => find(id)?.name ?? String(id),
    idOf: name => known().find(one => one.name === name)?.id,
    messageIdOf(id, eventId) {
      // To the first everything went under its own id, before there were several.
      const tag = find(id)?.tag ?? (id === FIRST_DESTINATION ? '' : undefined)
      if (eventId === null || tag === undefined) return null
      return tag === '' ? eventId : `${eventId}.${tag}`
    },
  }
}
