/** What an error of `node:sqlite` says on opening a file. Pure; see sqlite-errors.ts of the core. */
import { codeOf } from '../../outbox/sqlite-errors.ts'

const IOERR = 10
const CANTOPEN = 14
/** The index of the log, which is shared through memory mapped from a file, got no room. */
const SHARED_MEMORY: ReadonlySet<number> = new Set([4618, 4874, 5130, 5386])

/** A read-only connection could not make the files it shares with a writer. */
export function needsRoom(error: unknown): boolean {
  const code = codeOf(error)
  return code === CANTOPEN || SHARED_MEMORY.has(code) || code === IOERR
}
