/** Nothing leaves: the messages that a destination would get are shown to people, and their events end as `skipped: dry_run`. */
import type { Destination } from './destination.ts'

/** `write` takes NDJSON; when it throws, that is a failure of the destination like any other. */
export function createDryRun(
  { name, limits, map }: Pick<Destination, 'name' | 'limits' | 'map'>,
  write: (lines: string) => void,
): Destination {
  return {
    name,
    limits,
    taken: { state: 'skipped', reason: 'dry_run' },
    map,
    async deliver(batch, signal) {
      if (signal.aborted) return { kind: 'aborted' }
      write(batch.map(({ content }) => `${JSON.stringify(content)}\n`).join(''))
      return { kind: 'accepted', status: 0, answer: 'dry run' }
    },
  }
}
