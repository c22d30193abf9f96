/**
 * What the bridge writes down beside the outbox, so that the next start can tell what is missing in it. None of it is needed
 * to start: a file that is not there, or cannot be written, says nothing.
 */
import {
  constants,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'

const PRIVATE_FILE = 0o600
/** Always as long, and written in its place: that takes no room on a disk that is full. */
const NOTE_CHARACTERS = 40

export type Acknowledged = {
  /** The newest request that was ever acknowledged, and up to which one missing requests have been reported. */
  readonly highest: number
  readonly reportedUpTo: number
  note(request: number): void
  report(upTo: number): void
}

/** Written after each commit and before its answers, so that a kill costs no number; not flushed, so a power cut may. */
export function openAcknowledged(file: string): Acknowledged {
  let fd: number | undefined
  let [highest, reportedUpTo] = [0, 0]
  try {
    fd = openSync(file, constants.O_RDWR | constants.O_CREAT, PRIVATE_FILE)
    const [, first, second] = /^(\d{1,15}) (\d{1,15})\s*$/.exec(readFileSync(file, 'utf8')) ?? []
    highest = Number(first ?? 0)
    reportedUpTo = Number(second ?? 0)
  } catch {
    // A full disk, at the first start of this version.
  }

  function write(): void {
    if (fd === undefined) return
    try {
      writeSync(fd, `${`${highest} ${reportedUpTo}`.padEnd(NOTE_CHARACTERS)}\n`, 0)
    } catch {
      // The outbox has the requests themselves.
    }
  }

  return {
    get highest() {
      return highest
    },
    get reportedUpTo() {
      return reportedUpTo
    },
    note(request) {
      if (request <= highest) return
      highest = request
      write()
    },
    report(upTo) {
      reportedUpTo = upTo
      write()
    },
  }
}

/**
 * Was the last end a clean one, and is the file what it was then? It can be asked once: from then on, until the next clean
 * end, the answer is no.
 */
export function takeCleanEnd(cleanEndFile: string, outboxFile: string): boolean {
  try {
    const isClean =
      existsSync(cleanEndFile) &&
      readFileSync(cleanEndFile, 'utf8') === toStamp(outboxFile) &&
      (statSync(`${outboxFile}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0
    rmSync(cleanEndFile, { force: true })
    return isClean
  } catch {
    return false
  }
}

export function noteCleanEnd(cleanEndFile: string, outboxFile: string): void {
  try {
    writeFileSync(cleanEndFile, toStamp(outboxFile), { mode: PRIVATE_FILE })
  } catch {
    // The next start checks the outbox: that is all.
  }
}

function toStamp(outboxFile: string): string {
  const { size, mtimeMs } = statSync(outboxFile)
  return `${size} ${mtimeMs}\n`
}

/** Requests that were acknowledged and are gone: a line each time it was found, until a person deletes the file. */
export function readMissing(file: string): { readonly requests: number; readonly text: string } | undefined {
  if (!existsSync(file)) return undefined
  const text = readFileSync(file, 'utf8').trim()
  const counts = [...text.matchAll(/ (\d+) requests? /g)].map(([, count]) => Number(count))
  return { requests: counts.reduce((sum, count) => sum + count, 0), text }
}

export function noteMissing(file: string, from: number, upTo: number, now: number): void {
  const requests = upTo - from + 1
  const line = `${new Date(now).toISOString()} ${requests} ${requests === 1 ? 'request' : 'requests'} (${from} to ${upTo}) acknowledged, and not in outbox.db\n`
  writeFileSync(file, line, { flag: 'a', mode: PRIVATE_FILE })
}
