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
import { states } from '../reasons.ts'
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
}

/** What a delivery attempt tells. */
export type Observe = (attempt: { reason: string; seconds: number; events: number }) => void

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

  function set({ counts, quality, ...figures }: Figures): void {
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
    observe(attempt) {
      seconds.observe({ reason: attempt.reason }, attempt.seconds)
      size.observe(attempt.events)
    },
  }
}

/** The webhook's side: its answers. */
export function createWebhookMeters(): {
  json(): Promise<MetricsJson>
  count(status: number, reason: string): void
} {
  const registry = new Registry()
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
