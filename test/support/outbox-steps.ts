/**
 * The outbox and its model, taken through the same steps: puts, sorting, claims, settlings, a person's changes, pruning and
 * crashes. Imports nothing of a host, so that the same steps run on Node and inside a Durable Object.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import { isObject } from '../../src/event/event.ts'
import { createOutbox, type SqliteOutbox as OutboxStore } from '../../src/outbox/sqlite/outbox.ts'
import type { Sql } from '../../src/outbox/sqlite/sql.ts'
import type { Leased, Pruning, Settlement } from '../../src/outbox/store.ts'
import { deadLetterStates, type State, states } from '../../src/reasons.ts'
import { type Counts, eventsOf } from '../../src/stats/quality-sample.ts'
import {
  account,
  DAY,
  HOUR,
  list,
  NOW,
  type OpenedSql,
  requestRow,
  type Sample,
  sortAll,
} from './outbox-bench.ts'
import { Model, type ModelDelivery, type ModelEvent, noTally } from './outbox-model.ts'

/** A step, and the numbers that choose what it is about. */
export type Step =
  | { readonly do: 'put'; readonly requests: readonly (readonly Sample[])[] }
  | {
      readonly do: 'claim'
      readonly destination: number
      readonly limit: number
      readonly bytes: number
    }
  | { readonly do: 'settle'; readonly lane: number; readonly fates: readonly Fate[] }
  | { readonly do: 'release'; readonly lane: number }
  | {
      readonly do: 'change'
      readonly pick: number
      readonly to: 'retry' | 'drop'
      readonly destination?: number | undefined
    }
  | { readonly do: 'claimNewest' | 'backfill'; readonly destination: number }
  | { readonly do: 'route'; readonly toAll: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'sort' | 'crash' | 'prune' }
type Fate = 'accepted' | 'refused' | 'skipped' | 'left'

const ids = ['EZ1', 'EZ2', 'EZ3', 'EZ4']
const sample: fc.Arbitrary<Sample> = fc.oneof(
  fc.record({
    id: fc.constantFrom(...ids),
    source: fc.constantFrom('/a', '/b'),
    verdict: fc.constantFrom('pending', 'pending', 'pending', 'rejected', 'skipped'),
    again: fc.constantFrom(false, false, true),
    data: fc.constantFrom({}, {}, { to: [1, 2] }, { to: [2, 1] }, { to: [2] }, { to: [] }),
  }),
  fc.record({
    type: fc.constant('com.twilio.eventstreams.test-event'),
    verdict: fc.constantFrom('skipped', 'rejected'),
  }),
)
const requests = fc.array(fc.array(sample, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })
const fates = fc.array(fc.constantFrom<Fate>('accepted', 'accepted', 'refused', 'skipped', 'left'), {
  minLength: 1,
  maxLength: 6,
})
const destination = fc.constantFrom(1, 2)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put'), requests }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sort') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('claim'),
      destination,
      limit: fc.integer({ min: 1, max: 6 }),
      bytes: fc.constantFrom(1, 200, 1e6),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle'), lane: fc.nat(3), fates }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release'), lane: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('change'),
      pick: fc.nat(9),
      to: fc.constantFrom('retry', 'drop'),
      destination: fc.constantFrom(undefined, undefined, 1, 2),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('wait'),
      ms: fc.constantFrom(1, 50, 99, 100, 300, HOUR, 16 * DAY),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('prune') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('claimNewest', 'backfill'), destination }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('route'), toAll: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash') }) },
)
export const steps = fc.array(step, { minLength: 1, maxLength: 40, size: 'max' })
export const prunings = fc.record({
  retentionMs: fc.constantFrom(0, 100),
  dedupeMs: fc.constantFrom(0, 50, 200),
})

/** Both at once: what is done to the outbox, and what that means. */
class Pair {
  readonly #opened: OpenedSql
  readonly #model: Model
  readonly #pruning: Pruning
  #outbox: OutboxStore
  /** What was claimed and is neither settled nor released, as the lanes of a drain hold it. */
  #lanes: (readonly Leased[])[] = []
  #now = NOW

  constructor(opened: OpenedSql, pruning: Pruning) {
    this.#opened = opened
    this.#pruning = pruning
    this.#model = new Model(pruning)
    this.#outbox = this.#route(createOutbox(withoutSync(this.#opened.sql), pruning))
  }

  run(step: Step): void {
    const model = this.#model
    switch (step.do) {
      case 'put':
        this.#outbox.append(step.requests.map(samples => requestRow(samples, this.#now)))
        model.put(step.requests, this.#now)
        break
      case 'sort':
        expect(this.#outbox.index()).toBe(model.sort())
        break
      case 'claim':
        this.#claim(step.destination, step.limit, step.bytes)
        break
      case 'claimNewest':
        this.#claimNewest(step.destination)
        break
      case 'settle':
        this.#settle(this.#takeLane(step.lane), step.fates)
        break
      case 'release':
        this.#settle(this.#takeLane(step.lane), ['left'])
        break
      case 'change':
        this.#change(step.pick, step.to, step.destination)
        break
      case 'route':
        model.goesToAll = step.toAll
        break
      case 'backfill':
        this.#backfill(step.destination)
        break
      case 'wait':
        this.#now += step.ms
        break
      case 'prune':
        while (this.#outbox.prune(this.#now));
        model.prune(this.#now)
        break
      case 'crash':
        this.#outbox = this.#route(createOutbox(withoutSync(this.#opened.reopen()), this.#pruning))
        this.#lanes = []
        model.crash()
        break
    }
  }

  #claim(destination: number, limit: number, bytes: number): void {
    const open = this.#model.open(destination)
    const claimed = this.#outbox.claim({ destination, limit, characters: bytes })
    const size = ({ request }: { request: number }) =>
      requestRow(this.#model.requests[request - 1]?.samples ?? []).body.length
    const expected: typeof open = []
    let read = 0
    for (const event of open.slice(0, limit)) {
      const isRead = expected.at(-1)?.request === event.request
      if (!isRead && read >= bytes) break
      if (!isRead) read += size(event)
      expected.push(event)
    }
    this.#hold(claimed, expected)
  }

  #claimNewest(destination: number): void {
    const newest = this.#model.open(destination).slice(-1)
    this.#hold(this.#outbox.claimNewest({ destination }), newest)
  }

  #hold(claimed: readonly Leased[], expected: ReturnType<Model['open']>): void {
    const views = this.#model.views()
    expect(claimed).toEqual(
      expected.map(({ request, position, receivedAt, delivery: { destination } }) => {
        const view = views.find(({ key }) => key === `${request}-${position}`)
        return { request, position, destination, receivedAt, element: view?.element }
      }),
    )
    expect(claimed.every(({ element }) => element !== undefined)).toBe(true)
    for (const { delivery } of expected) delivery.leased = true
    if (claimed.length > 0) this.#lanes.push(claimed)
  }

  #settle(lane: readonly Leased[], fates: readonly Fate[]): void {
    const settlements: Settlement[] = []
    for (const [n, event] of lane.entries()) {
      const fate = fates[n % fates.length]
      const [found, delivery] = this.#modelOf(event)
      delivery.leased = false
      if (fate === undefined || fate === 'left') continue
      const reason = fate === 'refused' ? 'segment_refused' : fate === 'skipped' ? 'dry_run' : undefined
      settlements.push({ event, state: fate, reason })
      this.#model.move(found, delivery, fate, reason ?? null, this.#now)
    }
    if (settlements.length > 0) this.#outbox.settle(settlements, this.#now)
    this.#outbox.release(lane)
  }

  #change(pick: number, to: 'retry' | 'drop', destination: number | undefined): void {
    const event = this.#model.events[pick % Math.max(1, this.#model.events.length)]
    if (!event) return
    // As the admin does: what was skipped can be sent after all while its bytes are there.
    const isKept = this.#model.requests[event.request - 1]?.kept === true
    const from: readonly State[] =
      to === 'retry' && isKept ? [...deadLetterStates, 'skipped'] : deadLetterStates
    const target =
      to === 'retry'
        ? ({ state: 'pending' } as const)
        : ({ state: 'skipped', reason: 'dropped_by_operator' } as const)
    const reason = 'reason' in target ? target.reason : null
    const moves = this.#model.turn(event, from, { state: target.state, reason }, this.#now, destination)
    const changed = this.#outbox.transition([event], from, target, this.#now, destination)
    expect(changed).toBe(moves ? 1 : 0)
  }

  #backfill(destination: number): void {
    const query = { destination, since: 0, until: Number.MAX_SAFE_INTEGER }
    let done = 0
    for (let after: string | undefined, more = true; more; more = after !== undefined) {
      const page = this.#outbox.backfillPage({ ...query, after }, this.#now)
      done += page.done
      after = page.next
    }
    expect(done).toBe(this.#model.backfill(destination))
  }

  /** The same as the model's. */
  #route(outbox: OutboxStore): OutboxStore {
    outbox.routeTo(({ element }) => {
      const data = isObject(element) && isObject(element.data) ? element.data : {}
      const own = Array.isArray(data.to) ? data.to.filter(one => typeof one === 'number') : [1]
      const to = element === undefined ? [] : this.#model.goesToAll ? [1, 2] : own
      return to.map(destination => ({ destination, filtered: false }))
    })
    return outbox
  }

  compare(): void {
    const { counted, requests } = this.#model
    const outbox = this.#outbox
    expect(account(outbox)).toEqual(counted)
    expect(counted.received).toBe(states.reduce((n, state) => n + outbox.total(state), 0))
    for (const one of outbox.figures().destinations) {
      const { destination, held, filtered, ...tally } = one
      expect(tally, `destination ${destination}`).toEqual(this.#model.there.get(destination) ?? noTally())
    }
    expect(outbox.unsorted()).toBe(
      requests.reduce((n, { sorted, samples }) => n + (sorted ? 0 : samples.length), 0),
    )
    expect(sumOfCounts(outbox.kindTotals())).toEqual(this.#model.came)
    expect(sumOfCounts(outbox.kindHours({ from: 0, to: Number.MAX_SAFE_INTEGER }))).toEqual(this.#model.came)
    const listed = list(outbox, { limit: 3 }).map(
      ({ type, version, detail, attemptCount, storedAt, triedAt, ...view }) => view,
    )
    expect(listed).toEqual(this.#model.views())
    for (const state of states) {
      const keys = list(outbox, { state }).map(({ key }) => key)
      expect(keys).toEqual(listed.filter(view => view.state === state).map(({ key }) => key))
    }
  }

  /** Whatever happened: Segment takes everything in the end, and the account says so. */
  finish(): void {
    this.run({ do: 'crash' })
    sortAll(this.#outbox)
    this.#model.sort()
    for (const destination of [1, 2]) {
      this.run({ do: 'claim', destination, limit: 1_000, bytes: 1e9 })
      this.run({ do: 'settle', lane: 0, fates: ['accepted'] })
    }
    this.compare()
    expect(this.#outbox.total('pending')).toBe(0)
  }

  #takeLane(lane: number): readonly Leased[] {
    return this.#lanes.splice(lane % Math.max(1, this.#lanes.length), 1)[0] ?? []
  }

  #modelOf(event: Leased): [ModelEvent, ModelDelivery] {
    const found = this.#model.at(event)
    const delivery = found?.deliveries.find(one => one.destination === event.destination)
    if (!found || !delivery) throw new Error(`${event.request}-${event.position} is no event of the model`)
    return [found, delivery]
  }
}

function sumOfCounts(kinds: readonly { counts: Counts }[]) {
  return {
    events: kinds.reduce((sum, { counts }) => sum + eventsOf(counts), 0),
    duplicates: kinds.reduce((sum, { counts }) => sum + counts.duplicates, 0),
  }
}

/** A killed process loses nothing that it wrote, synced or not; and hundreds of runs need not wait for the disk. */
function withoutSync(sql: Sql): Sql {
  return { ...sql, transaction: work => sql.transaction(work, 'relaxed') }
}

/** Fails where outbox and model first differ. */
export function play(opened: OpenedSql, pruning: Pruning, steps: readonly Step[]): void {
  const pair = new Pair(opened, pruning)
  for (const step of steps) {
    pair.run(step)
    pair.compare()
  }
  pair.finish()
}
