/** Reads SQLite's write-ahead log as its recovery does, to know to the byte where the last commit is. See sqlite.org/fileformat2.html#walformat. */
import { readFileSync } from 'node:fs'

export type Log = {
  readonly pageBytes: number
  /** The whole file as it is. */
  readonly bytes: Buffer
  /** Where each commit begins and ends, oldest first. What is behind the last one is of older times, or nothing. */
  readonly commits: readonly { readonly from: number; readonly to: number }[]
}

const HEADER = 32
const FRAME_HEADER = 24

export function readLog(file: string): Log {
  const bytes = readFileSync(file)
  const commits: { from: number; to: number }[] = []
  if (bytes.length < HEADER) return { pageBytes: 0, bytes, commits }
  const isBig = (bytes.readUInt32BE(0) & 1) === 1
  const pageBytes = bytes.readUInt32BE(8)
  const frameBytes = FRAME_HEADER + pageBytes
  const words = (at: number) => (isBig ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at))
  let [one, two] = sum(0, 0, 0, 24)
  let from = HEADER

  function sum(one: number, two: number, at: number, length: number): [number, number] {
    for (let end = at + length; at < end; at += 8) {
      one = (one + words(at) + two) >>> 0
      two = (two + words(at + 4) + one) >>> 0
    }
    return [one, two]
  }

  for (let at = HEADER; at + frameBytes <= bytes.length; at += frameBytes) {
    if (!bytes.subarray(at + 8, at + 16).equals(bytes.subarray(16, 24))) break
    ;[one, two] = sum(one, two, at, 8)
    ;[one, two] = sum(one, two, at + FRAME_HEADER, pageBytes)
    if (one !== bytes.readUInt32BE(at + 16) || two !== bytes.readUInt32BE(at + 20)) break
    if (bytes.readUInt32BE(at + 4) === 0) continue
    commits.push({ from, to: at + frameBytes })
    from = at + frameBytes
  }
  return { pageBytes, bytes, commits }
}

/** From the wal-index: has a checkpoint begun to copy pages and not finished? */
export function isMidCheckpoint(indexFile: string): boolean {
  const index = readFileSync(indexFile)
  const done = index.readUInt32LE(96)
  const attempted = index.readUInt32LE(128)
  return attempted > done
}

/** From the wal-index: up to where the log's frames stand in the file itself. */
export function backfilledBytes(indexFile: string, { pageBytes }: Log): number {
  const frames = readFileSync(indexFile).readUInt32LE(96)
  return HEADER + frames * (FRAME_HEADER + pageBytes)
}
