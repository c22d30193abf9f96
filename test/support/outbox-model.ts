/**
 * The outbox as a page of plain code: what it must be, with maps and lists, no SQL, no slices, no cache.
 * The model says which events there are and in which state; the test compares after every step.
 */
import type { Place } from '../../src/outbox/place.ts'
import type { Pruning } from '../../src/outbox/store.ts'
import { deadLetterStates, type EventReason, type State, states } from '../../src/reasons.ts'
import { type Sample, SINK_TEST, toElement } from './outbox-bench.ts'

export type ModelEvent = Place & {
  readonly sample: Sample
  readonly receivedAt: number
  state: State
  reason: EventReason | null
  settledAt: number | null
  leased: boolean
}

type Request = {
  readonly id: number
  readonly receivedAt: number
  readonly samples: readonly Sample[]
  sorted: boolean
  kept: boolean
}

const webhookReasons = { pending: null, rejected: 'schema_rejected', skipped: 'type_unmapped' } as const

export class Model {
  readonly requests: Request[] = []
  events: ModelEvent[] = []
  readonly counted: Record<State | 'received' | 'duplicate', number> = {
    ...{ received: 0, duplicate: 0, pending: 0, accepted: 0, rejected: 0, refused: 0, skipped: 0 },
  }
  /** What the figures of data quality add up to. */
  readonly came = { events: 0, duplicates: 0 }
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
      const mends = state === 'pending' && mended.includes(twin.state)
      if (!mends) return
      this.counted[twin.state] -= 1
      this.events = this.events.filter(event => event !== twin)
    } else this.counted.received += 1
    this.counted[state] += 1
    const settledAt = state === 'skipped' ? receivedAt : null
    this.events.push({
      ...{ request: id, position, sample, receivedAt, state, settledAt, leased: false },
      reason: webhookReasons[state],
    })
  }

  /** What a claim may give, oldest first. */
  open(): ModelEvent[] {
    return this.events.filter(({ state, leased }) => state === 'pending' && !leased)
  }

  at({ request, position }: Place): ModelEvent | undefined {
    return this.events.find(event => event.request === request && event.position === position)
  }

  move(event: ModelEvent, state: State, reason: EventReason | null, now: number): void {
    this.counted[event.state] -= 1
    this.counted[state] += 1
    Object.assign(event, { state, reason, settledAt: state === 'pending' ? null : now })
  }

  crash(): void {
    for (const event of this.events) event.leased = false
  }

  prune(now: number): void {
    const { retentionMs, dedupeMs } = this.#pruning
    const isOpen = (event: ModelEvent, before: number) =>
      !['accepted', 'skipped'].includes(event.state) || (event.settledAt ?? 0) > before
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
    return this.events
      .toReversed()
      .map(({ request, position, sample, receivedAt, state, reason, settledAt }) => ({
        ...{ key: `${request}-${position}`, receivedAt, state, reason, settledAt },
        element: this.requests[request - 1]?.kept ? toElement(sample) : undefined,
      }))
  }
}

function isSame(one: Sample, other: Sample): boolean {
  return one.id === other.id && one.source === other.source
}
