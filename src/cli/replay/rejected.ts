/** Bad records → `<name>.rejected.ndjson`, one line each up to a size, for a person to look at. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { CliError } from '../terminal.ts'
import { REJECTED, type Source } from './files.ts'

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
/** A person reads no more, and a disk may not hold what a large file of garbage would make. */
const FILE_BYTES = 64 * 1_024 * 1_024
/** Room for any path. */
const START_BYTES = 16_384

/**
 * In `folder`, named after the file; after its path as well where that name is another file's of the same name. `keptBytes`:
 * what an earlier run that is gone on with has written; the rest of that run is written again.
 */
export function openRejected(
  { name, path: from }: Source,
  folder: string,
  keptBytes: number,
  capBytes = FILE_BYTES,
): RejectedFile {
  let file: number | undefined
  let path: string | undefined
  let bytes = keptBytes
  const letters = createHash('sha256')
    .update(from ?? name)
    .digest('hex')
    .slice(0, 8)
  const candidate = [basename(name), `${basename(name)}.${letters}`]
    .map(base => join(folder, `${base}${REJECTED}`))
    .find(isOwn)
  if (keptBytes > 0) open()
  // What an earlier run found wrong with this file, it may not find any more.
  else if (candidate && existsSync(candidate)) attempt(() => rmSync(candidate))

  /** Not there yet, or about this very file. */
  function isOwn(candidate: string): boolean {
    if (!existsSync(candidate)) return true
    return attempt(() => readStart(candidate)).startsWith(`{"file":${JSON.stringify(name)},`)
  }

  function attempt<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new CliError(
        `Bad records cannot be written to ${folder}: ${why}. Name another folder with --rejected-to.`,
      )
    }
  }

  function open(): number {
    return attempt(() => {
      const target = candidate ?? join(folder, `${basename(name)}.${letters}.${process.pid}${REJECTED}`)
      mkdirSync(folder, { recursive: true })
      const opened = openSync(target, 'a', 0o600)
      ftruncateSync(opened, Math.min(keptBytes, statSync(target).size))
      file = opened
      path = target
      return opened
    })
  }

  function append(line: Bad): void {
    bytes += writeSync(file ?? open(), `${JSON.stringify(line)}\n`)
  }

  return {
    get path() {
      return path
    },
    write(bad) {
      for (const { text, ...about } of bad) {
        if (bytes > capBytes) return
        append({ ...about, text: text.slice(0, SHOWN_CHARACTERS) })
        const reason = `further bad records are counted, but not written: this file has reached ${capBytes} bytes`
        if (bytes > capBytes) append({ ...about, reason, text: '' })
      }
    },
    bytes: () => bytes,
    close() {
      if (file !== undefined) closeSync(file)
    },
  }
}

function readStart(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(START_BYTES)
    return bytes.toString('utf8', 0, readSync(file, bytes))
  } finally {
    closeSync(file)
  }
}
