/**
 * Files as a destination: facts as gzipped NDJSON by type and hour of receipt, for a warehouse to load and for `replay` to read back.
 * A batch becomes one file for each type and hour in it, and is accepted only when each of them is safe. No event is ever blamed
 * for a failure: what fits in a file here fits in any.
 */
import type { FilesTarget } from '../../config/destination-config.ts'
import type { WriteFile } from '../../runtime.ts'
import type { DeliveryFailure, DeliveryOutcome, Destination, MappableEvent } from '../destination.ts'
import { type BucketPorts, createBucketStore } from './bucket.ts'
import { createFolderStore } from './folder.ts'
import { toFiles } from './layout.ts'
import { type FileMessage, type MappedLine, type Project, toLine } from './line.ts'
import { putInTime, type Store } from './store.ts'

export type FilesOptions = {
  /** As the destinations file names it. */
  readonly name: string
  readonly target: FilesTarget
  /** `every`, in seconds. */
  readonly everySeconds: number
  /** The rules on `data`; without one, events are stored as received. */
  readonly project?: Project | undefined
}

/** Without `writeFile` there is no file system: then a folder is refused. */
export type FilesHost = BucketPorts & { readonly writeFile?: WriteFile | undefined }

export type FilesDestination = Omit<Destination, 'map' | 'deliver'> & {
  readonly collectMs: number
  map(event: MappableEvent): MappedLine
  deliver(batch: readonly FileMessage[], signal: AbortSignal): Promise<DeliveryOutcome>
}

/**
 * Twice the largest body that is accepted by default. A batch is held in memory twice, as text and packed, within the 128 MB that
 * a Worker has.
 */
const EVENT_BYTES = 2 * 1_024 * 1_024
const BATCH_BYTES = 2 * EVENT_BYTES
const BATCH_EVENTS = 2_000
/** Files under way at once; an invocation on Workers may hold six connections. */
const AT_ONCE = 4
/** Of one file. */
const TIMEOUT_MS = 30_000

export const FOLDER_REFUSED = 'A folder cannot be written on Workers: name a bucket, as s3://bucket/prefix'

/** Throws where the host cannot store what the target asks for; the destinations file is checked for it earlier. */
export function createFiles(
  { name, target, everySeconds, project }: FilesOptions,
  host: FilesHost,
  timeoutMs = TIMEOUT_MS,
): FilesDestination {
  const store = openStore(target, host)
  return {
    name,
    limits: {
      eventBytes: EVENT_BYTES,
      batchBytes: BATCH_BYTES,
      batchEvents: BATCH_EVENTS,
      eventsPerSecond: 0,
    },
    collectMs: everySeconds * 1_000,
    taken: { state: 'accepted' },
    map: event => toLine(event, project, EVENT_BYTES),
    deliver: (batch, signal) => storeAll(store, batch, signal, timeoutMs),
  }
}

function openStore(target: FilesTarget, { writeFile, ...ports }: FilesHost): Store {
  if (!('folder' in target)) return createBucketStore(target, ports)
  if (!writeFile) throw new Error(FOLDER_REFUSED)
  return createFolderStore(target.folder, writeFile)
}

async function storeAll(
  store: Store,
  batch: readonly FileMessage[],
  signal: AbortSignal,
  timeoutMs: number,
): Promise<DeliveryOutcome> {
  if (signal.aborted) return { kind: 'aborted' }
  const files = await toFiles(batch.map(({ content }) => content))
  const left = [...files]
  let storedBytes = 0
  let status = 0
  let failure: DeliveryFailure | undefined

  async function storeSome(): Promise<void> {
    for (let file = left.shift(); file && !failure && !signal.aborted; file = left.shift()) {
      const bytes = await gzip(file.lines)
      const put = await putInTime(store, { path: file.path, bytes }, signal, timeoutMs)
      if (put.kind === 'failed') failure ??= put
      if (put.kind !== 'stored') return
      storedBytes += bytes.length
      status = put.status
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, storeSome))
  if (failure) return failure
  if (signal.aborted) return { kind: 'aborted' }
  const answer = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${storedBytes} bytes`
  return { kind: 'accepted', status, answer }
}

async function gzip(lines: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const text = new Blob(lines.map(line => `${line}\n`))
  const packed = text.stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}
