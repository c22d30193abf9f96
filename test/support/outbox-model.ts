/**
 * The outbox as a page of plain code: what it must be, with maps and lists, no SQL, no slices, no cache.
 * The model says which events there are and in which state; the test compares after every step.
 */
import { isObject } from '../../src/event/event.ts'
import type { Place } from '../../src/outbox/place.ts'
import type { Pruning } from '../../src/outbox/store.ts'
import { deadLetterStates, type EventReason, type State, states } from '../../src/reasons.ts'
import { type Sample, SINK_TEST, toElement } from './outbox-bench.ts'

export type ModelDelivery = {
  destination: number
  state: State
  reason: EventReason | null
  settledAt: number | null
  leased: boolean
}
export type ModelEvent = Place & {
  readonly sample: Sample
  readonly receivedAt: number
  /** One at least. */
  deliveries: ModelDelivery[]
}
type Open = Place & { readonly receivedAt: number; readonly delivery: ModelDelivery }
type Tally = Record<State, number>

type Request = {
  readonly id: number
  readonly receivedAt: number
  readonly samples: readonly Sample[]
  sorted: boolean
  kept: boolean
}

const webhookReasons = { pending: null, rejected: 'schema_rejected', skipped: 'type_unmapped' } as const
/** Whichever comes first is the event's. */
const order: readonly State[] = ['pending', 'refused', 'rejected', 'accepted', 'skipped']
export const noTally = (): Tally => ({ pending: 0, accepted: 0, rejected: 0, refused: 0, skipped: 0 })

export class Model {
  readonly requests: Request[] = []
  events: ModelEvent[] = []
  readonly counted: Tally & Record<'received' | 'duplicate', number> = {
    ...{ received: 0, duplicate: 0, ...noTally() },
  }
  /** Deliveries, by destination. */
  readonly there = new Map<number, Tally>()
  /** What the figures of data quality add up to. */
  readonly came = { events: 0, duplicates: 0 }
  /** Otherwise where the event itself says. */
  goesToAll = false
  readonly #inTurn = new Set<ModelEvent>()
  readonly #pruning: Pruning

  constructor(pruning: Pruning) {
    this.#pruning = pruning
  }

  put(requests: readonly (readonly Sample[])[], receivedAt: number): void {
    for (const samples of requests) {
      this.requests.push({ id: this.requests.length + 1, receivedAt, samples, sorted: false, kept: true })
    }
  }

  sort(): number {
    const due = this.requests.filter(({ sorted }) => !sorted)
    this.#inTurn.clear()
    for (const request of due) {
      request.sorted = true
      for (const [position, sample] of request.samples.entries()) this.#arrive(request, position, sample)
    }
    return due.reduce((n, { samples }) => n + samples.length, 0)
  }

  #arrive({ id, receivedAt }: Request, position: number, sample: Sample): void {
    const state = sample.verdict ?? 'pending'
    const twin = this.events.find(event => sample.id !== undefined && isSame(event.sample, sample))
    if (sample.type !== SINK_TEST && !sample.again) this.came[twin ? 'duplicates' : 'events'] += 1
    if (twin) {
      this.counted.duplicate += 1
      const mended: readonly State[] = sample.again
        ? states.filter(other => other !== 'pending')
        : deadLetterStates
      // One that came in the same turn is not routed yet.
      const twinState = this.#inTurn.has(twin) ? (twin.sample.verdict ?? 'pending') : stateOf(twin).state
      if (state !== 'pending' || !mended.includes(twinState)) return
      this.#count(twin, -1)
      this.events = this.events.filter(event => event !== twin)
    } else this.counted.received += 1
    const event: ModelEvent = { ...{ request: id, position, sample, receivedAt }, deliveries: [] }
    if (state === 'pending') this.#route(event, receivedAt)
    else event.deliveries = [this.#verdict(state, webhookReasons[state], receivedAt)]
    this.#count(event, 1)
    this.#inTurn.add(event)
    this.events.push(event)
  }

  #verdict(state: State, reason: EventReason | null, at: number): ModelDelivery {
    return { destination: 0, state, reason, settledAt: state === 'skipped' ? at : null, leased: false }
  }

  routesOf({ sample }: ModelEvent): readonly number[] {
    return this.goesToAll ? [1, 2] : toOf(sample)
  }

  /** Where it goes by now, or nowhere. */
  #route(event: ModelEvent, now: number): void {
    const [first, ...others] = this.routesOf(event).map(waiting)
    event.deliveries = first
      ? [first, ...others.sort((a, b) => a.destination - b.destination)]
      : [this.#verdict('skipped', 'no_destination', now)]
  }

  #count(event: ModelEvent, n: number): void {
    this.counted[stateOf(event).state] += n
    for (const { destination, state } of event.deliveries) {
      const tally = this.there.get(destination) ?? noTally()
      this.there.set(destination, tally)
      tally[state] += n
    }
  }

  #change(event: ModelEvent, work: () => void): void {
    this.#count(event, -1)
    work()
    this.#count(event, 1)
  }

  /** What a claim may give, oldest first. */
  open(destination: number): Open[] {
    return this.events.flatMap(({ request, position, receivedAt, deliveries }) =>
      deliveries
        .filter(one => one.destination === destination && one.state === 'pending' && !one.leased)
        .map(delivery => ({ request, position, receivedAt, delivery })),
    )
  }

  at({ request, position }: Place): ModelEvent | undefined {
    return this.events.find(event => event.request === request && event.position === position)
  }

  move(event: ModelEvent, delivery: ModelDelivery, state: State, reason: EventReason | null, now: number) {
    const settledAt = state === 'pending' ? null : now
    this.#change(event, () => Object.assign(delivery, { state, reason, settledAt }))
  }

  /** By a person. A verdict of the webhook that waits after all is routed. */
  turn(
    event: ModelEvent,
    from: readonly State[],
    to: { readonly state: State; readonly reason: EventReason | null },
    now: number,
    destination: number | undefined,
  ): boolean {
    const changed = event.deliveries.filter(
      one => from.includes(one.state) && (destination === undefined || one.destination === destination),
    )
    const isRouted = to.state === 'pending' && changed.some(one => one.destination === 0)
    if (isRouted) this.#change(event, () => this.#route(event, now))
    else for (const one of changed) this.move(event, one, to.state, to.reason, now)
    return changed.length > 0
  }

  /** Deliveries there for the events that have none. Returns how many. */
  backfill(destination: number): number {
    const lacking = this.events.filter(event => {
      const isThere = event.deliveries.some(one => one.destination === destination)
      const isTurnedAway = event.deliveries.some(
        one => one.destination === 0 && one.reason !== 'no_destination',
      )
      const isKept = this.requests[event.request - 1]?.kept === true
      return !isThere && !isTurnedAway && isKept && this.routesOf(event).includes(destination)
    })
    for (const event of lacking)
      this.#change(event, () => {
        const [first, ...others] = event.deliveries.filter(one => one.destination !== 0)
        const all = [...others, waiting(destination)].sort((a, b) => a.destination - b.destination)
        event.deliveries = first ? [first, ...all] : all
      })
    return lacking.length
  }

  crash(): void {
    for (const { deliveries } of this.events) for (const one of deliveries) one.leased = false
  }

  prune(now: number): void {
    const { retentionMs, dedupeMs } = this.#pruning
    const isOpen = ({ deliveries }: ModelEvent, before: number) =>
      deliveries.some(one => !['accepted', 'skipped'].includes(one.state) || (one.settledAt ?? 0) > before)
    for (const request of this.requests.filter(({ sorted }) => sorted)) {
      const before = now - retentionMs
      const used = this.events.some(event => event.request === request.id && isOpen(event, before))
      if (request.receivedAt <= before && !used) request.kept = false
    }
    const before = now - Math.max(retentionMs, dedupeMs)
    this.events = this.events.filter(event => event.receivedAt > before || isOpen(event, before))
  }

  /** As the outbox lists them: newest first. */
  views() {
    return this.events.toReversed().map(event => {
      const { request, position, sample, receivedAt, deliveries } = event
      const { state, reason } = stateOf(event)
      const settled = deliveries.flatMap(({ settledAt }) => settledAt ?? [])
      return {
        ...{ key: `${request}-${position}`, receivedAt, state, reason },
        settledAt: state === 'pending' || settled.length === 0 ? null : Math.max(...settled),
        element: this.requests[request - 1]?.kept ? toElement(sample) : undefined,
      }
    })
  }
}

const waiting = (destination: number): ModelDelivery => ({
  ...{ destination, state: 'pending', reason: null, settledAt: null, leased: false },
})

/** As its data says; to the first where it says nothing. */
function toOf({ data }: Sample): readonly number[] {
  const to: unknown = isObject(data) ? data.to : undefined
  return Array.isArray(to) ? to.filter(one => typeof one === 'number') : [1]
}

export function stateOf({ deliveries }: ModelEvent): Pick<ModelDelivery, 'state' | 'reason'> {
  const found = order.flatMap(state => deliveries.filter(one => one.state === state))[0]
  if (!found) throw new Error('an event has a delivery')
  return found
}

function isSame(one: Sample, other: Sample): boolean {
  return one.id === other.id && one.source === other.source
}
