/** Bad records → `<name>.rejected.ndjson`, one line each, for a person to look at. */
import { closeSync, ftruncateSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { rejectedFiles, type Source } from './files.ts'

export type Bad = {
  readonly file: string
  readonly offset: number
  readonly reason: string
  readonly text: string
}

export type RejectedFile = {
  /** Where they are; `undefined` while there are none. */
  readonly path: string | undefined
  write(bad: readonly Bad[]): void
  bytes(): number
  close(): void
}

const SHOWN_CHARACTERS = 2_000

/** `keptBytes`: what an earlier run that is gone on with has written; the rest of that run is written again. */
export function openRejected(source: Source, keptBytes: number): RejectedFile {
  let file: number | undefined
  let path: string | undefined
  let bytes = keptBytes
  if (keptBytes > 0) open()
  else removeStale()

  /** What an earlier run found wrong with this file, it may not find any more. */
  function removeStale(): void {
    const [beside] = rejectedFiles(source)
    try {
      if (beside) rmSync(beside, { force: true })
    } catch {
      // A folder that cannot be written holds none of ours.
    }
  }

  function open(): number {
    let fault: unknown
    for (const candidate of rejectedFiles(source)) {
      try {
        file = openSync(candidate, 'a', 0o600)
        ftruncateSync(file, Math.min(keptBytes, statSync(candidate).size))
        path = candidate
        return file
      } catch (error) {
        fault = error
      }
    }
    throw fault
  }

  return {
    get path() {
      return path
    },
    write(bad) {
      for (const { text, ...about } of bad) {
        const line = `${JSON.stringify({ ...about, text: text.slice(0, SHOWN_CHARACTERS) })}\n`
        bytes += writeSync(file ?? open(), line)
      }
    },
    bytes: () => bytes,
    close() {
      if (file !== undefined) closeSync(file)
    },
  }
}
