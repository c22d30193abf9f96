/**
 * A delivery: an event on its way to one destination. Each is in exactly one state, and the event's is read from them. Pure.
 */
import type { State } from '../reasons.ts'
import { isHeld } from './held.ts'
import type { Place } from './place.ts'

/** Where a delivery stands. */
export type DeliveryPlace = Place & { readonly destination: number }

/** The webhook's own verdict, before any routing, and `no_destination`. */
export const NO_DESTINATION = 0
/** To which everything goes as long as nothing else is said. */
export const FIRST_DESTINATION = 1

/** A destination as the store keeps it; its id never changes. `tag` stands behind messageIds; '': they are sent as they are. */
export type KeptDestination = {
  readonly id: number
  readonly name: string
  /** Destinations of one scope recognise each other's messageIds. */
  readonly scope: string
  readonly tag: string
  /** When it was first there, ms since 1970. */
  readonly since: number
  readonly removedAt: number | undefined
}

/** How a destination is to be kept. Without an id it is new. */
export type ConfiguredDestination = Pick<KeptDestination, 'name' | 'scope' | 'tag'> & {
  readonly id?: number | undefined
}

/** What is said of an event for one destination. `filtered`: it does not go there, and is counted. */
export type Route = { readonly destination: number; readonly filtered: boolean }

/**
 * Where an event goes, asked when it is indexed and when a verdict of the webhook is retried; must not throw. No route that
 * sends: `skipped: no_destination`.
 */
export type RouteEvent = (event: {
  readonly element: unknown
  readonly exact?: unknown
  readonly receivedAt: number
}) => readonly Route[]

type Judged = { readonly state: State; readonly reason: string | null }

/** Whether a delivery waits comes first, then what a person has to look at. */
const ranks: Readonly<Record<State, number>> = {
  pending: 0,
  refused: 2,
  rejected: 3,
  accepted: 4,
  skipped: 5,
}

const rankOf = (delivery: Judged): number => (isHeld(delivery) ? 1 : ranks[delivery.state])

/** The one whose state and reason are the event's: pending if any is, else refused, rejected, accepted, skipped. */
export function toDeciding<Delivery extends Judged>(
  first: Delivery,
  ...others: readonly Delivery[]
): Delivery {
  return others.reduce((best, other) => (rankOf(other) < rankOf(best) ? other : best), first)
}
