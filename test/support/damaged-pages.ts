/** Damages an outbox's file: the pages of one table or index become zeros, as a disk that lost them gives them. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

const PAGE = 4_096
const INTERIOR: readonly number[] = [2, 5]

/** What stands in the log is copied into the file first, or it would be read instead. */
export function overwritePages(file: string, name: string): void {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const row = database.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').get(name)
  database.close()
  const bytes = readFileSync(file)
  const open = openSync(file, 'r+')
  for (const at of pagesAt(bytes, (Number(row?.rootpage) - 1) * PAGE)) {
    writeSync(open, Buffer.alloc(PAGE), 0, PAGE, at)
  }
  closeSync(open)
}

function pagesAt(bytes: Buffer, root: number): number[] {
  if (!INTERIOR.includes(bytes[root] ?? 0)) return [root]
  const cells = bytes.readUInt16BE(root + 3)
  const children = Array.from({ length: cells }, (_, cell) =>
    bytes.readUInt32BE(root + bytes.readUInt16BE(root + 12 + cell * 2)),
  )
  return [root, ...[...children, bytes.readUInt32BE(root + 8)].map(page => (page - 1) * PAGE)]
}
