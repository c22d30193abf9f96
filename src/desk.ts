/**
 * What people ask of the outbox: figures, events, notices; and the two things they may do to a dead letter, retry and drop.
 * Lives beside the depot, on the outbox's side; everything it takes and gives is plain data, so that any host can carry it.
 */
import type { Depot } from './depot.ts'
import { validate } from './ingest/validate.ts'
import { createDepotMeters, type MetricsJson, type Observe } from './meters.ts'
import type { Count } from './outbox/book.ts'
import { type Attempt, type EventQuery, type EventView, toPlace } from './outbox/look.ts'
import type { Target } from './outbox/move.ts'
import type { OutboxStore } from './outbox/outbox.ts'
import type { Fault } from './ports.ts'
import { deadLetterStates, type EventReason, type State, states } from './reasons.ts'
import { customerAddress, toTrack } from './send/map.ts'

/** Events by state: `received = pending + accepted + rejected + refused + skipped`, duplicates beside. */
export type Stats = Record<State | 'received' | 'duplicates', number> & {
  readonly oldestPendingSeconds: number
  readonly counts: readonly Count[]
  /** What keeps the bridge from taking events; empty when nothing does. */
  readonly troubles: readonly string[]
  readonly delivery: {
    readonly failures: number
    readonly reason: string | null
    readonly nextAttemptAt: string | null
  }
}

/**
 * An event without what Twilio sent, so that it can go from thread to thread: that may be nested deeper than any host can
 * copy. `key` names it in URLs.
 */
export type EventSummary = Omit<EventView, 'element' | 'detail'> & {
  readonly id: string | null
  readonly source: string | null
  /** The customer's address. */
  readonly customer: string | null
}

export type EventDetail = EventSummary & {
  readonly faults: readonly Fault[]
  /** What Segment said when it refused this very event. */
  readonly answer: string | null
  readonly attempts: readonly Attempt[]
  /** JSON text of the event as Twilio sent it; null once its bytes are pruned, or when it cannot be written as JSON. */
  readonly received: string | null
  /** JSON text of the track call it becomes; null when it becomes none. */
  readonly mapped: string | null
}

export type Changed = {
  readonly done: boolean
  /** The state the event is in. */
  readonly state?: State
  /** Why it was not done. */
  readonly reason?: EventReason | 'not_found' | 'bytes_pruned' | 'not_a_dead_letter'
  readonly faults?: readonly Fault[]
}
export type Filter = {
  readonly state?: State | undefined
  readonly reason?: string | undefined
  readonly type?: string | undefined
}
export type ChangedMany = { readonly matched: number; readonly done: number }

export type Desk = {
  stats(): Stats
  metrics(): Promise<MetricsJson>
  events(query: EventQuery): { events: EventSummary[]; next: string | undefined }
  event(key: string): EventDetail | undefined
  retry(key: string): Changed
  drop(key: string): Changed
  changeMany(action: 'retry' | 'drop', filter: Filter): Promise<ChangedMany>
  notices(limit: number): unknown[]
}

type Change = { readonly from: readonly State[]; readonly to: Target }
/** What may be sent after all: dead letters, and what was skipped for a reason that can pass. */
const toRetry: Change = { from: [...deadLetterStates, 'skipped'], to: { state: 'pending' } }
const toDrop: Change = { from: deadLetterStates, to: { state: 'skipped', reason: 'dropped_by_operator' } }
/** In one commit, so that an intake never waits long behind it. */
const MANY_A_TURN = 200

export function createDesk(
  outbox: OutboxStore,
  depot: () => Pick<Depot, 'settleAccounts' | 'health'>,
  now: () => number,
): Desk & { observe: Observe } {
  const meters = createDepotMeters(() => {
    const { troubles, ...figures } = stats()
    return { ...figures, ready: troubles.length === 0 }
  })

  function stats(): Stats {
    depot().settleAccounts()
    const { troubles, line } = depot().health()
    const oldest = outbox.oldestPendingAt()
    return {
      ...(Object.fromEntries(states.map(state => [state, outbox.total(state)])) as Record<State, number>),
      received: outbox.total('received'),
      duplicates: outbox.total('duplicate'),
      oldestPendingSeconds: oldest === undefined ? 0 : Math.max(0, (now() - oldest) / 1_000),
      counts: outbox.counts(),
      troubles,
      delivery: {
        failures: line.failures,
        reason: line.reason ?? null,
        nextAttemptAt: line.failures > 0 ? new Date(line.notBefore).toISOString() : null,
      },
    }
  }

  function find(key: string): ReturnType<OutboxStore['event']> {
    depot().settleAccounts()
    const place = toPlace(key)
    return place && outbox.event(place)
  }

  /** Why an event cannot be sent again; `undefined`: it can. */
  function obstacle({ element, state }: EventView): Omit<Changed, 'done'> | undefined {
    if (element === undefined) return { state, reason: 'bytes_pruned' }
    if (!toRetry.from.includes(state)) return { state, reason: 'not_a_dead_letter' }
    const { reason, faults } = validate(element)
    return reason && { state, reason, faults }
  }

  function retry(key: string): Changed {
    const event = find(key)
    if (!event) return { done: false, reason: 'not_found' }
    const why = obstacle(event)
    return why ? { done: false, ...why } : change(event, toRetry)
  }

  function drop(key: string): Changed {
    const event = find(key)
    return event ? change(event, toDrop) : { done: false, reason: 'not_found' }
  }

  function change({ key, state }: EventView, { from, to }: Change): Changed {
    const place = toPlace(key)
    const done = place !== undefined && outbox.change(place, from, to, now())
    return done ? { done, state: to.state } : { done, state, reason: 'not_a_dead_letter' }
  }

  async function changeMany(action: 'retry' | 'drop', { state, reason, type }: Filter): Promise<ChangedMany> {
    const { from, to } = action === 'retry' ? toRetry : toDrop
    let matched = 0
    let done = 0
    depot().settleAccounts()
    for (const dead of state ? [state] : deadLetterStates) {
      for (let before: string | undefined, more = true; more; ) {
        const page = outbox.events({ state: dead, reason, type, before, limit: MANY_A_TURN })
        const ready = action === 'drop' ? page.events : page.events.filter(event => !obstacle(event))
        matched += page.events.length
        const places = ready.flatMap(({ key }) => toPlace(key) ?? [])
        done += outbox.changeAll(places, from, to, now())
        before = page.next
        more = before !== undefined
        // Intakes go first.
        await new Promise(resolve => setTimeout(resolve, 0))
      }
    }
    return { matched, done }
  }

  return {
    observe: meters.observe,
    stats,
    retry,
    drop,
    changeMany,
    metrics: meters.json,
    notices: limit => outbox.notices(limit),
    events(query) {
      depot().settleAccounts()
      // A place that no answer ever named is beyond the last page.
      if (query.before !== undefined && !toPlace(query.before)) return { events: [], next: undefined }
      const { events, next } = outbox.events(query)
      return { events: events.map(toSummary), next }
    },
    event(key) {
      const event = find(key)
      return event && toDetail(event)
    },
  }
}

function toSummary({ element, ...view }: EventView): EventSummary {
  const { key, receivedAt, type, version, state, reason, settledAt } = view
  return {
    ...{ key, receivedAt, type, version, state, reason, settledAt },
    id: field(element, 'id'),
    source: field(element, 'source'),
    customer: customerAddress(element) ?? null,
  }
}

function toDetail(event: EventView & { readonly attempts: readonly Attempt[] }): EventDetail {
  const { state, detail, element, receivedAt, attempts } = event
  const mapped = element === undefined ? undefined : toTrack(element, receivedAt)
  return {
    ...toSummary(event),
    faults: state === 'rejected' && detail ? JSON.parse(detail) : [],
    answer: state === 'refused' ? detail : null,
    attempts,
    received: toJson(element),
    mapped: mapped?.ok ? toJson(mapped.track) : null,
  }
}

/** JSON.parse takes any depth, JSON.stringify only what the stack holds. */
function toJson(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch {
    return null
  }
}

function field(element: unknown, name: 'id' | 'source'): string | null {
  if (typeof element !== 'object' || element === null) return null
  const value: unknown = Reflect.get(element, name)
  return typeof value === 'string' ? value : null
}
