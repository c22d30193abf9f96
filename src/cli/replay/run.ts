/**
 * A replay from end to end: files → records → groups → the destination. It reads ahead by one group at most, and says
 * where it is only after what it says is safe.
 */
import { CliError } from '../terminal.ts'
import { toPlain } from './decompress.ts'
import type { Source } from './files.ts'
import { createGroup, type GroupParts, type Verdict } from './group.ts'
import type { Bytes } from './input.ts'
import { readRecords } from './records.ts'
import { openRejected } from './rejected.ts'
import { type End, noTally, type Tally } from './summary.ts'
import { Unreadable } from './unreadable.ts'

export type ReplayParts = GroupParts & {
  readonly sources: readonly Source[]
  /** Files that cannot be read at all, a sentence each: found before any was opened. */
  readonly unreadable: readonly string[]
  /** Where bad records are written. */
  readonly rejectedTo: string
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
  tally.read += parts.unreadable.length
  tally.bad += parts.unreadable.length
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
    const file = journal && openRejected(source, parts.rejectedTo, place.rejectedBytes)
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
    const note = (verdict: Verdict) => {
      if (verdict === 'limit' || verdict === 'strict') end = verdict
    }
    const faults: { readonly why: string; readonly at: number }[] = []
    const plain = measured(toPlain(counted(stream), why => faults.push({ why, at: plain.length() })))
    /** What an earlier run was told is not told again. */
    const tellFaults = () => {
      for (const { why, at } of faults.splice(0)) {
        if (end === 'done' && at >= from.end) note(group.breakOff(`unreadable: ${why}`))
      }
    }
    try {
      for await (const pieces of readRecords(plain.bytes, from)) {
        for (const piece of pieces) {
          const verdict = group.take(piece)
          note(verdict)
          if (verdict === 'full') await group.send(false)
          if (signal.aborted || end !== 'done') break
        }
        parts.onProgress(tally)
        tellFaults()
        if (signal.aborted || end !== 'done') break
      }
      tellFaults()
    } catch (error) {
      if (!signal.aborted) {
        if (!isReadFault(error)) throw error
        tellFaults()
        note(group.breakOff(`unreadable: ${error.message}`))
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

/** With how much of it has gone by. */
function measured(bytes: Bytes): { bytes: Bytes; length(): number } {
  let length = 0
  async function* pass(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of bytes) {
      length += chunk.length
      yield chunk
    }
  }
  return { bytes: pass(), length: () => length }
}
