/**
 * The figures of `/metrics`, by prom-client. The outbox's side and the webhook each keep their own registry, as plain JSON:
 * `toText` adds them up, and would add up the shards of a divided outbox as well.
 */
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client'
import type { Host } from '../config.ts'
import { states } from '../reasons.ts'
import { version } from '../version.ts'
import type { KindTotals } from './quality.ts'
import { createQualityMeters } from './quality-metrics.ts'

export type MetricsJson = MetricObjectWithValues<MetricValue<string>>[]

type Counted = {
  readonly type: string
  readonly version: number
  readonly state: string
  readonly reason: string
  readonly n: number
}
export type Figures = {
  readonly counts: readonly Counted[]
  readonly unsorted: number
  readonly held: number
  readonly oldestPendingSeconds: number
  readonly ready: boolean
  readonly quality: readonly KindTotals[]
  /** By destination, as the outbox knows it, for the time until this process has seen one itself. Ms since 1970. */
  readonly lastAcceptedAt?: Readonly<Record<string, number>>
}

/** One request to a destination. */
export type ObservedAttempt = { readonly reason: string; readonly seconds: number; readonly events: number }
/** The events of a request that a destination accepted: how long each was under way, from its receipt. */
export type ObservedAcceptance = {
  readonly destination: string
  readonly at: number
  readonly agesSeconds: readonly number[]
}
export type Observe = (observed: ObservedAttempt | ObservedAcceptance) => void

export type OutboxMeters = {
  readonly observe: Observe
  /** With the figures of this moment. */
  json(figures: Figures): Promise<MetricsJson>
}

/** The outbox's side. */
export function createOutboxMeters(): OutboxMeters {
  const registry = new Registry()
  const registers = [registry]
  const byKind = ['type', 'version'] as const
  const received = new Counter({
    name: 'bridge_events_received_total',
    help: 'Events stored, each counted once: the sum of bridge_events over all states',
    labelNames: byKind,
    registers,
  })
  const duplicates = new Counter({
    name: 'bridge_events_duplicate_total',
    help: 'Copies of events that were already stored',
    labelNames: byKind,
    registers,
  })
  const events = new Gauge({
    name: 'bridge_events',
    help: 'Events by state; accepted ones stay counted after they are pruned',
    labelNames: ['state', ...byKind, 'reason'],
    registers,
  })
  const unsorted = new Gauge({
    name: 'bridge_events_unsorted',
    help: 'Events kept, in a burst or when the outbox cannot be written, that are in none of the other figures yet',
    registers,
  })
  const held = new Gauge({
    name: 'bridge_events_held',
    help: 'Pending events that are held back, for the destination fails whenever a request holds them',
    registers,
  })
  const oldest = new Gauge({
    name: 'bridge_oldest_pending_seconds',
    help: 'Age of the event that has waited longest for Segment',
    registers,
    aggregator: 'max',
  })
  const writable = new Gauge({
    name: 'bridge_ready',
    help: '1 when the outbox accepts events',
    registers,
    aggregator: 'min',
  })
  const setQuality = createQualityMeters(registers)
  const seconds = new Histogram({
    name: 'bridge_delivery_seconds',
    help: 'How long one request to Segment took, by how it ended',
    labelNames: ['reason'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  const size = new Histogram({
    name: 'bridge_batch_events',
    help: 'Events in one request to Segment',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    registers,
  })

  const age = new Histogram({
    name: 'bridge_delivery_age_seconds',
    help: 'Time from the receipt of an event until the destination accepted it',
    labelNames: ['destination'],
    buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400, 604_800],
    registers,
  })
  const lastSuccess = new Gauge({
    name: 'bridge_last_success_timestamp_seconds',
    help: 'When the destination last accepted an event, in seconds since 1970; absent while it never did',
    labelNames: ['destination'],
    registers,
    aggregator: 'max',
  })
  const succeededAt = new Map<string, number>()

  function accepted({ destination, at, agesSeconds }: ObservedAcceptance): void {
    for (const seconds of agesSeconds) age.observe({ destination }, seconds)
    succeededAt.set(destination, at)
  }

  function set({ counts, quality, lastAcceptedAt = {}, ...figures }: Figures): void {
    for (const [destination, at] of Object.entries(lastAcceptedAt))
      lastSuccess.set({ destination }, at / 1_000)
    for (const [destination, at] of succeededAt) lastSuccess.set({ destination }, at / 1_000)

    for (const gauge of [received, duplicates, events]) gauge.reset()
    // So that the account can be read before the first event, too.
    for (const state of states) events.set({ state, type: '', version: 0, reason: '' }, 0)
    for (const { type, version, state, reason, n } of counts) {
      if (state === 'received') received.inc({ type, version }, n)
      else if (state === 'duplicate') duplicates.inc({ type, version }, n)
      else events.inc({ state, type, version, reason }, n)
    }
    unsorted.set(figures.unsorted)
    held.set(figures.held)
    oldest.set(figures.oldestPendingSeconds)
    writable.set(figures.ready ? 1 : 0)
    setQuality(quality)
  }

  return {
    json(figures) {
      set(figures)
      return registry.getMetricsAsJSON()
    },
    observe(observed) {
      if ('destination' in observed) return accepted(observed)
      seconds.observe({ reason: observed.reason }, observed.seconds)
      size.observe(observed.events)
    },
  }
}

/** The webhook's side: its answers, and which bridge this is. */
export function createWebhookMeters(host: Host): {
  json(): Promise<MetricsJson>
  count(status: number, reason: string): void
} {
  const registry = new Registry()
  new Gauge({
    name: 'bridge_build_info',
    help: 'Always 1; the labels say which version runs where',
    labelNames: ['version', 'host'],
    registers: [registry],
    aggregator: 'max',
  }).set({ version, host }, 1)
  const requests = new Counter({
    name: 'bridge_requests_total',
    help: 'Answers of the webhook, by status and reason',
    labelNames: ['status', 'reason'],
    registers: [registry],
  })
  return {
    json: () => registry.getMetricsAsJSON(),
    count: (status, reason) => requests.inc({ status, reason }),
  }
}

export async function toText(parts: readonly MetricsJson[]): Promise<string> {
  return AggregatorRegistry.aggregate([...parts]).metrics()
}
