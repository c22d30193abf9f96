/** Destinations by the names that people give and see; in the store they are numbers, which may differ from store to store. */
import { FIRST_DESTINATION, type KeptDestination } from '../outbox/deliveries.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import type { Lanes } from '../send/lanes.ts'

export type DestinationNames = {
  /** Also of those that are configured no more, for they keep their deliveries. */
  all(): string[]
  /** Without those. */
  open(): string[]
  /** Those that are not configured any more and for which events wait. */
  left(): Left[]
  nameOf(id: number): string
  /** `undefined`: there is and was none of that name. */
  idOf(name: string): number | undefined
  /** Under which messageId an event goes there; null: the store does not say. */
  messageIdOf(id: number, eventId: string | null): string | null
}

/** A destination that left the file, and how many events still wait for it. */
export type Left = { readonly name: string; readonly pending: number }

type Known = Pick<KeptDestination, 'id' | 'name'> & Partial<KeptDestination>

export function createDestinationNames(
  outbox: Pick<OutboxAtHand, 'destinations' | 'figures'>,
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
    left() {
      const counts = outbox.figures().destinations
      return outbox.destinations().flatMap(({ id, name, removedAt }) => {
        const pending = counts.find(({ destination }) => destination === id)?.pending ?? 0
        return removedAt === undefined || pending === 0 ? [] : { name, pending }
      })
    },
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
