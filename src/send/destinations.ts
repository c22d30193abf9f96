/** The list of destinations, as the settings name them: the one place that knows which kinds there are. */
import { type Settings, toTarget } from '../config.ts'
import { toMapping } from '../event/mapping.ts'
import type { Destination } from './destination.ts'
import { createDryRun } from './dry-run.ts'
import { createSegment } from './segment/segment.ts'

export type DestinationHost = {
  readonly send: typeof fetch
  readonly now: () => number
  /** Lets others have their turn: called between slices of a batch, which as a whole would keep a request waiting. */
  readonly breathe?: () => Promise<unknown>
  /** Shows a person what a dry run would send, as NDJSON. */
  readonly showDryRun: (lines: string) => void
}

/** There is one. Each that is added gets a dispatcher of its own: its own circuit breaker, rate and limits. */
export async function createDestinations(
  settings: Settings,
  { showDryRun, ...host }: DestinationHost,
): Promise<readonly [Destination]> {
  const segment = await createSegment(toTarget(settings), settings.SEGMENT_RATE, host, toMapping(settings))
  return [settings.SEGMENT_WRITE_KEY ? segment : createDryRun(segment, showDryRun)]
}
