/** What the promises of a store are tried on: a store that is audited after every step, and found again after a kill. */
import { expect } from 'vitest'
import { toPlace } from '../../src/outbox/place.ts'
import type { EventQuery, EventView } from '../../src/outbox/queries.ts'
import type { Leased, OutboxStore, Pruning } from '../../src/outbox/store.ts'
import { states } from '../../src/reasons.ts'
import type { Awaitable } from '../../src/runtime.ts'
import { idOf, NOW, pruning, requestRow, type Sample } from './outbox-bench.ts'

/** Where a store keeps its events. `crash` gives the store that a process finds that starts after this one was killed. */
export type OpenedStore = {
  open(pruning: Pruning): Awaitable<OutboxStore>
  crash(pruning: Pruning): Awaitable<OutboxStore>
  close(): void
}

export type StoreBench = {
  open(pruning?: Partial<Pruning>): Promise<OutboxStore>
  crash(pruning?: Partial<Pruning>): Promise<OutboxStore>
}

export type StoreRule = (title: string, body: (bench: StoreBench) => Promise<void>) => void

export function createStoreBench(opened: OpenedStore): StoreBench {
  return {
    open: async more => audited(await opened.open({ ...pruning, ...more })),
    crash: async more => audited(await opened.crash({ ...pruning, ...more })),
  }
}

/** All that is stored, sorted into events. */
export async function sortAll(outbox: OutboxStore): Promise<void> {
  while ((await outbox.index()) > 0);
}

/** Puts one request at a time and sorts it. */
export async function take(outbox: OutboxStore, ...requests: readonly (readonly Sample[])[]): Promise<void> {
  for (const request of requests) await outbox.append([requestRow(request)])
  await sortAll(outbox)
}

/** Every event there is, or that the query asks for, through all pages, newest first. */
export async function list(outbox: OutboxStore, query: Partial<EventQuery> = {}): Promise<EventView[]> {
  const found: EventView[] = []
  for (let before: string | undefined, more = true; more; ) {
    const { events, next } = await outbox.list({ limit: 100, ...query, before })
    found.push(...events)
    before = next
    more = next !== undefined
  }
  return found
}

/** `<id> <state>` of every event, oldest first. */
export async function idsAndStates(outbox: OutboxStore): Promise<string[]> {
  const events = await list(outbox)
  return events.map(({ element, state }) => `${idOf(element)} ${state}`).reverse()
}

export async function claimAll(outbox: OutboxStore): Promise<Leased[]> {
  return outbox.claim({ destination: 1, limit: 100_000, characters: Number.MAX_SAFE_INTEGER })
}

export async function claimIds(
  outbox: OutboxStore,
  limit = 100_000,
  bytes = Number.MAX_SAFE_INTEGER,
): Promise<unknown[]> {
  const claimed = await outbox.claim({ destination: 1, limit: limit, characters: bytes })
  return claimed.map(({ element }) => idOf(element))
}

/** Claims everything and settles it as accepted. */
export async function deliverAll(outbox: OutboxStore, now = NOW): Promise<void> {
  const claimed = await claimAll(outbox)
  await outbox.settle(
    claimed.map(event => ({ event, state: 'accepted' })),
    now,
  )
}

export async function pruneAll(outbox: OutboxStore, now: number): Promise<void> {
  while (await outbox.prune(now));
}

/** How many events are in each state, duplicates beside. */
export async function account(outbox: OutboxStore) {
  const { held: _, unsorted, isIndexed, cursor, destinations, ...account } = await outbox.figures()
  return account
}

/** The account closes, agrees with the figures by kind, and what must be kept is there to be listed. */
async function audit(outbox: OutboxStore): Promise<void> {
  const figures = await outbox.figures()
  const counts = await outbox.eventCounts()
  expect(figures.received).toBe(states.reduce((n, state) => n + figures[state], 0))
  for (const name of [...states, 'received', 'duplicate'] as const)
    expect(figures[name]).toBe(counts.reduce((n, count) => (count.state === name ? n + count.n : n), 0))
  expect(counts.filter(({ n }) => n < 0)).toEqual([])
  const kept = (await list(outbox)).map(({ state }) => state)
  for (const state of states) {
    const listed = kept.filter(other => other === state).length
    expect(await list(outbox, { state })).toHaveLength(listed)
    if (state === 'accepted' || state === 'skipped') expect(listed).toBeLessThanOrEqual(figures[state])
    else expect(listed).toBe(figures[state])
  }
  await auditDeliveries(outbox)
}

/** Each destination's account agrees with the figures by kind, and with the deliveries that are there. */
async function auditDeliveries(outbox: OutboxStore): Promise<void> {
  const { destinations } = await outbox.figures()
  const counts = await outbox.counts()
  expect(counts.filter(({ n }) => n < 0)).toEqual([])
  const events = await Promise.all(
    (await list(outbox)).map(async ({ key }) => outbox.get(toPlace(key) ?? { request: 0, position: 0 })),
  )
  const kept = events.flatMap(event => event?.deliveries ?? [])
  for (const figures of destinations) {
    const { destination } = figures
    for (const state of [...states, 'filtered'] as const) {
      const counted = counts.filter(count => count.destination === destination && count.state === state)
      expect(figures[state]).toBe(counted.reduce((n, count) => n + count.n, 0))
      const found = kept.filter(one => one.destination === destination && one.state === state).length
      if (state === 'accepted' || state === 'skipped' || state === 'filtered')
        expect(found).toBeLessThanOrEqual(figures[state])
      else expect(found).toBe(figures[state])
    }
  }
}

/** The same store, audited after each step that changes it; steps on thousands of events are not to be slowed. */
function audited(outbox: OutboxStore): OutboxStore {
  const watch =
    <Args extends readonly unknown[], Result>(step: (...args: Args) => Awaitable<Result>) =>
    async (...args: Args): Promise<Result> => {
      const result = await step(...args)
      if ((await outbox.figures()).received < 500) await audit(outbox)
      return result
    }
  return {
    ...outbox,
    append: watch(outbox.append),
    index: watch(outbox.index),
    import: watch(outbox.import),
    settle: watch(outbox.settle),
    transition: watch(outbox.transition),
    resendPage: watch(outbox.resendPage),
    backfillPage: watch(outbox.backfillPage),
    prune: watch(outbox.prune),
  }
}
