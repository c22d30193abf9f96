/**
 * Kept requests → events, in transactions as large as is due: duplicates are recognised here, against every id seen
 * within `DEDUPE_HOURS`. May be undone by a power cut and is then done again, since its place is kept with its work.
 */

import * as z from 'zod'
import { deadLetterStates } from '../../reasons.ts'
import { NO_DESTINATION, toDeciding } from '../deliveries.ts'
import { type From, isAmong } from '../held.ts'
import { readKept, type StateStore } from '../kept-state.ts'
import { type Arrival, arrivalsOf } from './arrivals.ts'
import { addDelivery } from './backfill.ts'
import { toJsonLists } from './byte-limits.ts'
import type { Counters } from './counters.ts'
import type { DamageLog } from './damage.ts'
import { deleteFurther, deliveriesIn, insertFurther } from './delivery-statements.ts'
import type { Hours, HoursTurn } from './hours.ts'
import { type KeptRequest, nextRequest } from './requests.ts'
import type { Routing } from './routing.ts'
import type { CountedRow, SharedEvents } from './shared-events.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'
import { toName } from './unreadable.ts'

/** Some 10 ms of work, so that an intake never waits long behind it; fewer would cost more an event. */
const EVENTS_A_TURN = 500
const SLOTS = 2 ** 53
/** What a copy takes the place of when a person has it sent again. */
const sentAgain: readonly From[] = [...deadLetterStates, 'accepted', 'skipped', 'held']
/** What a copy that a person brought takes the place of, such as one that was edited. */
const corrected: readonly From[] = [...deadLetterStates, 'held']

function replacedBy(isAgain: boolean | undefined, isFromTwilio: boolean): readonly From[] {
  if (isAgain) return sentAgain
  return isFromTwilio ? deadLetterStates : corrected
}

type Seen = { identity: number; proof: number; request: number; position: number }

type Again = { readonly events: number; readonly pendingAgain: number }

export type Indexer = {
  /** Indexes one turn's worth, about so many events; returns how many that were, 0 when everything is indexed. */
  index(events?: number): number
  /** The newest request that has been indexed. */
  indexedUpTo(): number
  /**
   * How many copies made events wait once more since the start: they took the place of what they are copies of, or added a
   * delivery to it. `pendingAgain`: those of which none waited before.
   */
  again(): Again
}

const CURSOR = 'sorted_up_to'

export function createIndexer(
  sql: Sql,
  book: Counters,
  shared: SharedEvents,
  routing: Routing,
  hours: Hours,
  store: StateStore,
  damage: Pick<DamageLog, 'found'>,
): Indexer {
  let total: Again = { events: 0, pendingAgain: 0 }
  let cursor = restoreCursor()

  /**
   * What was sorted has left events, so the newest of them is where a damaged cursor begins anew. Some requests may then be
   * sorted twice: those of which every event was a copy, and is one again.
   */
  function restoreCursor(): number {
    const newestOf = (query: string) => sql.all<{ id: number }>(query)[0]?.id ?? 0
    const sorted = newestOf(statements.newestSorted)
    const kept = readKept(store, CURSOR, z.int().nonnegative(), sorted)
    const newest = newestOf(statements.newestRequest)
    // Beyond the newest request it is only when that is sorted, or pruned.
    if (kept >= sorted && !(kept > newest && newest > sorted)) return kept
    store.setAside(CURSOR)
    return sorted
  }

  /** One request at a time, for one alone may hold thousands of events. */
  function arrivals(events: number): { due: Arrival[]; lost: KeptRequest[]; upTo: number } {
    const due: Arrival[] = []
    const lost: KeptRequest[] = []
    let upTo = cursor
    while (due.length < events) {
      const next = nextRequest(sql, upTo)
      if (!next) break
      for (const arrival of arrivalsOf(next)) due.push(arrival)
      if (next.unreadable) lost.push(next)
      upTo = next.id
    }
    return { due, lost, upTo }
  }

  function lookUp(slots: readonly number[]): Map<number, Seen> {
    const found = toJsonLists(slots).flatMap(list => sql.all<Seen>(statements.seenAmong, list))
    return new Map(found.map(seen => [seen.identity, seen]))
  }

  /** `only`: nowhere else, by a person's wish. */
  function destinationsOf({ event }: Arrival, kind: number, only: number | undefined): readonly number[] {
    if (only === undefined) return routing.destinationsOf(kind, event)
    return routing.takes(only, event) ? [only] : []
  }

  /** Returns how many made an event wait once more. */
  function indexTurn(due: readonly Arrival[], upTo: number, hours: HoursTurn): Again {
    let again = 0
    let pendingAgain = 0
    const seen = lookUp(due.flatMap(({ slot }) => (slot === null ? [] : [slot])))
    const fresh = new Map<string, { arrival: Arrival; slot: number | null }>()

    for (const arrival of due) {
      const [, , type, version, state, reason, , more, observed] = arrival.entry
      const { proof } = arrival
      let { slot } = arrival
      let twin: Seen | undefined
      if (slot !== null) {
        // Another event in this slot: two hashes of 53 bits met, which must not cost an event. Take the next slot.
        // (Once the other is pruned this one is not known again: that costs a second copy with the same messageId.)
        for (
          twin = seen.get(slot);
          twin && twin.proof !== proof;
          twin = seen.get(slot) ?? lookUp([slot]).get(slot)
        ) {
          slot = (slot + 1) % SLOTS
        }
      }
      // A delivery that is added to it could not be read.
      if (twin && more?.only !== undefined && !isStored(twin)) twin = undefined
      const kind = book.kind(type, version)
      if (typeof observed === 'number') {
        const { receivedAt } = arrival
        const isCopy = twin !== undefined
        hours.add({ receivedAt, kind, type, version, state, reason, isCopy, observed })
      }
      if (twin) book.add(NO_DESTINATION, kind, 'duplicate', null, 1)
      if (twin && more?.only !== undefined) {
        const added =
          state === 'pending'
            ? addDelivery({ sql, book, shared }, twin, more.only, arrival.receivedAt)
            : undefined
        if (added) again += 1
        if (added && !added.waited) pendingAgain += 1
        continue
      }
      if (
        twin &&
        !(state === 'pending' && takesPlaceOf(twin, replacedBy(more?.again, typeof observed === 'number')))
      )
        continue
      if (twin) again += 1
      book.add(NO_DESTINATION, kind, 'received', null, 1)
      const { request, position } = arrival
      if (slot !== null) seen.set(slot, { identity: slot, proof, request, position })
      fresh.set(`${request} ${position}`, { arrival, slot })
    }

    function isStored({ request, position }: Seen): boolean {
      return fresh.has(`${request} ${position}`) || sql.all(statements.requestIsKept, request).length > 0
    }

    // A good copy takes the place of a dead letter with the same id: that is how a corrected event comes back.
    function takesPlaceOf({ request, position }: Seen, replaced: readonly From[]): boolean {
      const sameTurn = fresh.get(`${request} ${position}`)
      if (sameTurn) {
        const [, , type, version, state] = sameTurn.arrival.entry
        if (!replaced.includes(state)) return false
        fresh.delete(`${request} ${position}`)
        book.add(NO_DESTINATION, book.kind(type, version), 'received', null, -1)
        pendingAgain += 1
        return true
      }
      const [first, ...further] = shared
        .tables()
        .flatMap(table => sql.all<CountedRow>(deliveriesIn[table].at, request, position))
      const deciding = first && toDeciding(first, ...further)
      if (!deciding || !isAmong(deciding, replaced)) return false
      if (deciding.state !== 'pending') pendingAgain += 1
      for (const { destination, kind, state, reason } of [first, ...further])
        book.add(destination, kind, state, reason, -1)
      book.addShared(first.kind, [first, ...further], -1)
      book.add(NO_DESTINATION, first.kind, 'received', null, -1)
      sql.all(statements.deleteEvent, request, position)
      if (further.length > 0) sql.all(deleteFurther, request, position)
      return true
    }

    const rows: (string | number | null)[][] = []
    const furtherRows: (string | number | null)[][] = []
    const slots: number[][] = []
    for (const { arrival, slot } of fresh.values()) {
      const { request, position, receivedAt, proof, entry } = arrival
      const [, , type, version, state, reason, faults, more] = entry
      const kind = book.kind(type, version)
      const isVerdict = state === 'rejected' || state === 'skipped'
      const [destination, ...others] = isVerdict ? [] : destinationsOf(arrival, kind, more?.only)
      const isRouted = isVerdict || destination !== undefined || state !== 'pending'
      const first = isRouted ? { state, reason } : ({ state: 'skipped', reason: 'no_destination' } as const)
      const settledAt = more?.settledAt ?? (first.state === 'skipped' ? receivedAt : null)
      book.add(destination ?? NO_DESTINATION, kind, first.state, first.reason, 1)
      rows.push([
        ...[request, position, receivedAt, kind, first.state, first.reason, settledAt, slot, faults],
        destination ?? NO_DESTINATION,
      ])
      for (const other of others) {
        book.add(other, kind, state, reason, 1)
        furtherRows.push([request, position, other, receivedAt, kind, state, reason, settledAt])
      }
      if (others.length > 0) book.addShared(kind, [first, ...others.map(() => ({ state, reason }))], 1)
      if (slot !== null) slots.push([slot, proof, request, position])
    }
    for (const list of toJsonLists(slots)) sql.all(statements.insertSeen, list)
    for (const list of toJsonLists(rows)) sql.all(statements.insertEvents, list)
    if (furtherRows.length > 0) shared.begin()
    for (const list of furtherRows.length > 0 ? toJsonLists(furtherRows) : []) sql.all(insertFurther, list)
    sql.all(statements.remember, CURSOR, String(upTo))
    hours.write()
    return { events: again, pendingAgain }
  }

  return {
    index(events = EVENTS_A_TURN) {
      const { due, lost, upTo } = arrivals(events)
      if (upTo === cursor) return 0
      const turn = hours.hoursTurn()
      const again = book.transaction('relaxed', () => indexTurn(due, upTo, turn))
      total = {
        events: total.events + again.events,
        pendingAgain: total.pendingAgain + again.pendingAgain,
      }
      turn.keep()
      cursor = upTo
      for (const { id, events: n, unreadable } of lost)
        damage.found('unreadable', toName(id, unreadable?.cause ?? ''), n)
      return due.length
    },
    indexedUpTo: () => cursor,
    again: () => total,
  }
}
