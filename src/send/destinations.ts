/** A destination, as its owner configured it: the one place that knows which kinds there are. */
import type { DestinationConfig, SegmentConfig } from '../config/destination-config.ts'
import type { Mapping } from '../event/mapping.ts'
import type { KeyedHash, WriteFile } from '../runtime.ts'
import type { Destination } from './destination.ts'
import { createDryRun } from './dry-run.ts'
import { createFiles } from './files/files.ts'
import { createProjection } from './projection.ts'
import { admitsOf } from './routing.ts'
import { dialects } from './segment/receivers.ts'
import { createSegment, type SegmentOptions } from './segment/segment.ts'

export type DestinationHost = {
  readonly send: typeof fetch
  readonly now: () => number
  /** Lets others have their turn: called between slices of a batch, which as a whole would keep a request waiting. */
  readonly breathe?: () => Promise<unknown>
  /** Shows a person what a dry run would send, as NDJSON. */
  readonly showDryRun: (lines: string) => void
  /** Where there are folders. */
  readonly writeFile?: WriteFile
  readonly keyedHash: KeyedHash
  readonly hashKey?: string | undefined
}

/** `tag`: as in SegmentOptions. Throws, with a sentence for a person, where the host cannot do what is asked for. */
export async function createDestination(
  config: DestinationConfig,
  mapping: Mapping,
  tag: () => string,
  host: DestinationHost,
): Promise<Destination> {
  const { hashKey, keyedHash } = host
  const hash = hashKey === undefined ? undefined : (text: string) => keyedHash(hashKey, text)
  const rules = createProjection(config, hash)
  const destination =
    config.type === 'files'
      ? createFiles({ ...config, target: config.to, project: rules.projectData }, host)
      : await toSegment(config, { mapping, tag, project: rules.project }, host)
  const admits = admitsOf(config, mapping)
  return admits ? { ...destination, admits } : destination
}

async function toSegment(
  { name, writeKey, receiver, rate, ...config }: SegmentConfig,
  forOne: Pick<SegmentOptions, 'mapping' | 'tag' | 'project'>,
  { showDryRun, ...ports }: DestinationHost,
): Promise<Destination> {
  const { batchBytes, headers } = dialects[receiver]
  const { host, path } = config
  const target = { host, path, headers: { ...headers, ...config.headers }, writeKey: writeKey ?? 'dry-run' }
  const segment = await createSegment({ name, target, batchBytes, eventsPerSecond: rate, ...forOne }, ports)
  return writeKey ? segment : createDryRun(segment, showDryRun)
}
