/** `node:sqlite` files for tests: real ones, in a folder of their own, that can be reopened as after a kill. */
import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { zlib } from '../../src/hosts/node/compression.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import type { Compression } from '../../src/outbox/encode-row.ts'
import type { OpenedSql } from './outbox-bench.ts'

export type OpenedFile = OpenedSql & {
  /** What a process would find that starts now: the file and its write-ahead log, copied as they are this moment. */
  copy(): OpenedFile
  /** How much of the log there is; and what is found when the power was cut before the disk had more than that of it. */
  logBytes(): number
  cut(logBytes: number): OpenedFile
}

/** Requests of tests are short; this one compresses them all the same. */
const eager: Compression = {
  compress: (...texts) => zstdCompressSync(Buffer.from(texts.join(''))),
  decompress: zlib.decompress,
}

export function openFile(compression = zlib): OpenedFile {
  return openIn(mkdtempSync(join(tmpdir(), 'outbox-')), compression)
}

export const openCompressedFile = (): OpenedFile => openFile(eager)

function openIn(folder: string, compression: Compression): OpenedFile {
  const file = join(folder, 'outbox.db')
  const sql = openSqlite(file, compression)
  let next: OpenedFile | undefined

  function cut(logBytes: number | undefined): OpenedFile {
    const other = mkdtempSync(join(tmpdir(), 'outbox-'))
    const copied = join(other, 'outbox.db')
    for (const part of ['', '-wal']) copyFileSync(file + part, copied + part)
    if (logBytes !== undefined) truncateSync(`${copied}-wal`, logBytes)
    return openIn(other, compression)
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
