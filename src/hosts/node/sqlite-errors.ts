/** What an error of `node:sqlite` says about the file. Pure; the numbers are SQLite's result codes (sqlite.org/rescode.html). */

const PRIMARY = 0xff
const IOERR = 10
const CORRUPT = 11
const CANTOPEN = 14
const NOTADB = 26
/** Extended codes of IOERR: the device gave no bytes, too few, or such as its own checksums refuse. */
const READ_FAULTS: ReadonlySet<number> = new Set([266, 522, 8202, 8458])
/** The index of the log, which is shared through memory mapped from a file, got no room. */
const SHARED_MEMORY: ReadonlySet<number> = new Set([4618, 4874, 5130, 5386])

function codeOf(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error)) return 0
  return typeof error.errcode === 'number' ? error.errcode : 0
}

/** The file does not hold what SQLite wrote. */
export function isDamage(error: unknown): boolean {
  const primary = codeOf(error) & PRIMARY
  return primary === CORRUPT || primary === NOTADB
}

/** The disk gives no answer: that may be over in a moment, or be the end of the disk. Failed writes are not among them. */
export function isReadFault(error: unknown): boolean {
  return READ_FAULTS.has(codeOf(error))
}

/** A read-only connection could not make the files it shares with a writer. */
export function needsRoom(error: unknown): boolean {
  const code = codeOf(error)
  return code === CANTOPEN || SHARED_MEMORY.has(code) || code === IOERR
}
