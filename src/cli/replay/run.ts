/**
 * A replay from end to end: files → records → groups → the destination. It reads ahead by one group at most, and says
 * where it is only after what it says is safe.
 */
import { CliError } from '../terminal.ts'
import { type Bytes, toPlain, Unreadable } from './decompress.ts'
import type { Source } from './files.ts'
import { createGroup, type GroupParts } from './group.ts'
import { openRejected } from './rejected.ts'
import { split } from './split.ts'
import { type End, noTally, type Tally } from './summary.ts'

export type ReplayParts = GroupParts & {
  readonly sources: readonly Source[]
  readonly signal: AbortSignal
  readonly onResume: (source: Source, end: number) => void
  /** Nothing in it. */
  readonly onEmpty: (source: Source) => void
  readonly onProgress: (tally: Tally) => void
}

export type Ran = {
  readonly tally: Tally
  readonly end: End
  readonly fault: string | undefined
  readonly rejectedFiles: readonly string[]
}

export async function replay(parts: ReplayParts): Promise<Ran> {
  const { journal, signal } = parts
  const tally = noTally()
  const rejectedFiles: string[] = []
  let end: End = 'done'
  let fault: string | undefined
  try {
    for (const source of parts.sources) {
      end = signal.aborted ? 'interrupted' : await replayFile(source)
      if (end !== 'done') break
    }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    end = signal.aborted ? 'interrupted' : 'failed'
    fault = error.message
  }
  if (end === 'done') journal?.forget(parts.sources)
  else journal?.flush()
  return { tally, end, fault, rejectedFiles }

  async function replayFile(source: Source): Promise<End> {
    const place = journal?.find(source) ?? { end: 0, depth: 0, rejectedBytes: 0, done: false }
    if (place.done) {
      tally.bytes += source.size ?? 0
      return 'done'
    }
    if (place.end > 0) parts.onResume(source, place.end)
    const readBefore = tally.read
    const file = journal && openRejected(source, place.rejectedBytes)
    try {
      const end = await readFile(source, place, createGroup(source, place, file, tally, parts))
      if (end === 'done' && tally.read === readBefore && place.end === 0) parts.onEmpty(source)
      return end
    } finally {
      if (file?.path) rejectedFiles.push(file.path)
      file?.close()
    }
  }

  async function readFile(
    source: Source,
    from: { end: number; depth: number },
    group: ReturnType<typeof createGroup>,
  ): Promise<End> {
    const stream = source.open()
    const cut = () => void stream.destroy()
    signal.addEventListener('abort', cut, { once: true })
    let end: End = 'done'
    try {
      for await (const pieces of split(skip(toPlain(counted(stream)), from.end), from)) {
        for (const piece of pieces) {
          const verdict = group.take(piece)
          if (verdict === 'limit' || verdict === 'strict') end = verdict
          if (verdict === 'full') await group.send(false)
          if (signal.aborted || end !== 'done') break
        }
        parts.onProgress(tally)
        if (signal.aborted || end !== 'done') break
      }
    } catch (error) {
      if (!signal.aborted) {
        if (!isReadFault(error)) throw error
        if (group.breakOff(`unreadable: ${error.message}`) === 'strict') end = 'strict'
      } else if (error instanceof CliError) throw error
    } finally {
      signal.removeEventListener('abort', cut)
      stream.destroy()
    }
    if (signal.aborted) end = 'interrupted'
    await group.send(end === 'done')
    return end
  }

  async function* counted(stream: Bytes): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of stream) {
      tally.bytes += chunk.length
      yield chunk
    }
  }
}

/** The file's fault, or the disk's; anything else is ours. */
function isReadFault(error: unknown): error is Error {
  return error instanceof Unreadable || (error instanceof Error && 'syscall' in error)
}

async function* skip(bytes: Bytes, count: number): AsyncGenerator<Uint8Array, void> {
  let left = count
  for await (const chunk of bytes) {
    if (left >= chunk.length) left -= chunk.length
    else {
      yield left > 0 ? chunk.subarray(left) : chunk
      left = 0
    }
  }
}
