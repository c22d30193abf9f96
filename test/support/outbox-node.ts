/** `node:sqlite` files for tests: real ones, in a folder of their own, that can be reopened as after a kill. */
import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import type { OpenedSql } from './outbox-bench.ts'

export type OpenedFile = OpenedSql & {
  /** What a process would find that starts now: the file and its write-ahead log, copied as they are this moment. */
  copy(): OpenedFile
  /** How much of the log there is; and what is found when the power was cut before the disk had more than that of it. */
  logBytes(): number
  cut(logBytes: number): OpenedFile
}

export function openFile(): OpenedFile {
  return openIn(mkdtempSync(join(tmpdir(), 'outbox-')))
}

function openIn(folder: string): OpenedFile {
  const file = join(folder, 'outbox.db')
  const sql = openSqlite(file)
  let next: OpenedFile | undefined

  function cut(logBytes: number | undefined): OpenedFile {
    const other = mkdtempSync(join(tmpdir(), 'outbox-'))
    const copied = join(other, 'outbox.db')
    for (const part of ['', '-wal']) copyFileSync(file + part, copied + part)
    if (logBytes !== undefined) truncateSync(`${copied}-wal`, logBytes)
    return openIn(other)
  }

  return {
    sql,
    cut,
    copy: () => cut(undefined),
    logBytes: () => statSync(`${file}-wal`).size,
    reopen() {
      if (next) return next.reopen()
      next = cut(undefined)
      return next.sql
    },
    close() {
      next?.close()
      sql.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
