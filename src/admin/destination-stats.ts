/** How one destination does: what its lane knows and what the outbox counts. Pure. */
import type { DestinationFigures } from '../outbox/queries.ts'
import { toWaitInForce } from '../send/circuit-breaker.ts'
import type { DestinationHealth } from '../send/lanes.ts'
import type { DestinationStats } from './figures.ts'

/** `oldest`: when the event that has waited longest came; undefined: none waits. Times are ms since 1970. */
export function toDestinationStats(
  { name, line, paused, text, hash, collectMs }: DestinationHealth,
  {
    pending = 0,
    held = 0,
    accepted = 0,
    refused = 0,
    skipped = 0,
    filtered = 0,
  }: Partial<DestinationFigures> = {},
  oldest: number | undefined,
  now: number,
): DestinationStats {
  return {
    ...{ name, pending, held, accepted, refused, skipped, filtered },
    oldestPendingSeconds: oldest === undefined ? 0 : Math.max(0, (now - oldest) / 1_000),
    collectSeconds: collectMs / 1_000,
    delivery: {
      failures: line.failures,
      reason: line.reason ?? null,
      nextAttemptAt: line.failures > 0 ? new Date(line.notBefore).toISOString() : null,
      ...(line.failures > 0 && { wait: toWaitInForce(line, now) }),
    },
    paused: paused ?? null,
    ...(hash !== undefined && { unconfirmed: { hash, text: text ?? '' } }),
  }
}
