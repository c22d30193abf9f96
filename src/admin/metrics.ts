/** What `/metrics` is made of, on the outbox's side. */
import type { OutboxAtHand } from '../outbox/store.ts'
import type { MetricsJson, OutboxMeters } from '../stats/metrics.ts'
import type { Stats } from './figures.ts'
import { createReadings } from './readings.ts'

export function createMetrics(
  outbox: OutboxAtHand,
  meters: Pick<OutboxMeters, 'json'>,
  stats: () => Stats,
): () => Promise<MetricsJson> {
  const acceptedAt = new Map<string, number>()

  /** From before this start; asked until it is known. What came last was as a rule accepted last. */
  function readAcceptedAt(): void {
    for (const { id, name } of outbox.destinations()) {
      if (acceptedAt.has(name)) continue
      const [newest] = outbox.list({ destination: id, state: 'accepted', limit: 1 }).events
      if (typeof newest?.settledAt === 'number') acceptedAt.set(name, newest.settledAt)
    }
  }

  return () => {
    const { troubles, ...figures } = stats()
    const readings = createReadings()
    readings.take('lastAccepted', readAcceptedAt, undefined)
    return meters.json({
      ...figures,
      ready: troubles.length === 0,
      quality: readings.take('quality', outbox.kindTotals, []),
      lastAcceptedAt: Object.fromEntries(acceptedAt),
    })
  }
}
