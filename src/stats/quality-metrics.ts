/** The figures of data quality for Prometheus, as counters: rates over any time are for whoever reads them. */
import { Counter, type Registry } from 'prom-client'
import { propertiesOf } from '../families/family.ts'
import { eventTypeOf } from '../families/index.ts'
import type { KindTotals } from './quality.ts'
import { identityKinds } from './quality-sample.ts'

/** Returns what sets them all; to be called at each scrape. */
export function createQualityMeters(registers: Registry[]): (totals: readonly KindTotals[]) => void {
  const byKind = ['type', 'version'] as const
  const events = new Counter({
    name: 'bridge_quality_events_total',
    help: 'Events by how their schema judged them; copies and sink tests are not counted',
    labelNames: [...byKind, 'outcome'],
    registers,
  })
  const present = new Counter({
    name: 'bridge_quality_property_present_total',
    help: 'Events, passing or violating, that carry the property, neither null nor an empty text',
    labelNames: [...byKind, 'property', 'required'],
    registers,
  })
  const identity = new Counter({
    name: 'bridge_quality_identity_total',
    help: "Events, passing or violating, by what kind of address the customer's is",
    labelNames: [...byKind, 'identity'],
    registers,
  })
  return totals => {
    for (const counter of [events, present, identity]) counter.reset()
    for (const { type, version, counts } of totals) {
      const kind = { type, version }
      const eventType = eventTypeOf(type)
      // Only these two are there before they came: alerts ask for their ratio. Most other series of a type never come.
      const outcomes = eventType || type === '' ? (['passing', 'violating'] as const) : []
      for (const outcome of outcomes) events.inc({ ...kind, outcome }, counts[outcome])
      if (counts.unmapped > 0) events.inc({ ...kind, outcome: 'unmapped' }, counts.unmapped)
      if (eventType === undefined || eventType.family.skip !== undefined) continue
      for (const { name, required } of propertiesOf(eventType.family, version)) {
        const n = counts.present[name] ?? 0
        if (n > 0) present.inc({ ...kind, property: name, required: String(required) }, n)
      }
      for (const one of identityKinds) {
        const n = counts.identity[one] ?? 0
        if (n > 0) identity.inc({ ...kind, identity: one }, n)
      }
    }
  }
}
