/** Where events go. Without a router all go to one destination, and no event is parsed for it. */
import { FIRST_DESTINATION, type RouteEvent } from '../deliveries.ts'
import type { Counters } from './counters.ts'

export type Routing = {
  routeTo(to: number | RouteEvent): void
  /** Whether an event has to be parsed to tell where it goes. */
  isParsed(): boolean
  /** By the rules of now; counts nothing. */
  takes(destination: number, event: (() => Parameters<RouteEvent>[0]) | undefined): boolean
  /** In the caller's transaction; empty: to none. Counts where an event does not go. */
  destinationsOf(kind: number, event: (() => Parameters<RouteEvent>[0]) | undefined): readonly number[]
}

export function createRouting(book: Pick<Counters, 'add'>): Routing {
  let to: number | RouteEvent = FIRST_DESTINATION
  let all: readonly number[] = [FIRST_DESTINATION]
  return {
    routeTo(next) {
      to = next
      all = typeof next === 'number' ? [next] : []
    },
    isParsed: () => typeof to !== 'number',
    takes(destination, event) {
      if (typeof to === 'number' || !event) return true
      return to(event()).some(route => route.destination === destination && !route.filtered)
    },
    destinationsOf(kind, event) {
      if (typeof to === 'number' || !event) return all
      const routes = to(event())
      for (const { destination, filtered } of routes)
        if (filtered) book.add(destination, kind, 'filtered', null, 1)
      const sent = routes.flatMap(({ destination, filtered }) => (filtered ? [] : destination))
      return [...new Set(sent)]
    },
  }
}
