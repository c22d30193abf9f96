/**
 * The outbox's file, opened with distrust: what the last start wrote down is compared with what is there, before the first
 * request. A file that cannot be opened because it is damaged is left alone; an empty outbox in memory stands in for it, which
 * takes nothing, so that the bridge can still say what is wrong.
 */
import { type Settings, toPruning } from '../../config.ts'
import { findContradiction } from '../../outbox/sqlite/contradiction.ts'
import { createOutbox, type SqliteOutbox as OutboxStore } from '../../outbox/sqlite/outbox.ts'
import { isDamage } from '../../outbox/sqlite-errors.ts'
import type { Log } from '../../runtime.ts'
import { zlib } from './compression.ts'
import { checkPages, createDamage, type Damage } from './damage.ts'
import type { Folder } from './data-folder.ts'
import { noteCleanEnd, noteMissing, openAcknowledged, readMissing, takeCleanEnd } from './side-files.ts'
import { type NodeSql, openSqlite } from './sqlite.ts'

export type OutboxFiles = Pick<Folder, 'outboxFile' | 'acknowledgedFile' | 'cleanEndFile' | 'missingFile'>

export type OpenOutbox = {
  readonly outbox: OutboxStore
  readonly damage: Damage
  /** Of the file; false when it could not be opened. */
  readonly isReadable: boolean
  /** Requests that were acknowledged and are gone, as long as no person has confirmed it. */
  readonly missing: { readonly requests: number; readonly text: string } | undefined
  close(): Promise<void>
}

export function openOutbox(files: OutboxFiles, settings: Settings, log: Log, now: () => number): OpenOutbox {
  const { outboxFile, cleanEndFile } = files
  const isClean = takeCleanEnd(cleanEndFile, outboxFile)
  const acknowledged = openAcknowledged(files.acknowledgedFile)
  let sql: NodeSql | undefined
  const damage = createDamage({
    log,
    check: () => checkPages(outboxFile),
    onFound: () => sql?.refuseWrites(),
  })
  const open = (file: string): OutboxStore => {
    sql = openSqlite(file, zlib, damage.thrown)
    return createOutbox(sql, toPruning(settings), acknowledged.highest)
  }

  function openChecked(): { store: OutboxStore; isReadable: boolean } {
    try {
      const store = open(outboxFile)
      const contradiction = sql && findContradiction(sql, store)
      if (contradiction !== undefined) damage.doubted(contradiction)
      // A new folder has nothing to check.
      else if (!isClean && Math.max(store.newestAtStart, acknowledged.highest) > 0) damage.verify()
      return { store, isReadable: true }
    } catch (error) {
      if (!isDamage(error)) throw error
      damage.thrown(error)
      return { store: open(':memory:'), isReadable: false }
    }
  }

  const { store, isReadable } = openChecked()
  const newest = store.newestAtStart
  if (isReadable && acknowledged.highest > Math.max(newest, acknowledged.reportedUpTo)) {
    const from = Math.max(newest, acknowledged.reportedUpTo) + 1
    noteMissing(files.missingFile, from, acknowledged.highest, now())
    acknowledged.report(acknowledged.highest)
  }
  return {
    outbox: {
      ...store,
      append(rows, at) {
        store.append(rows, at)
        acknowledged.note(store.keptUpTo())
      },
    },
    damage,
    isReadable,
    missing: readMissing(files.missingFile),
    async close() {
      // A thread that ends must leave no process of its own behind.
      await damage.stop()
      // A close copies the log into the file: of a damaged one, both are evidence, and the log may be the better half.
      if (damage.current() !== undefined) return
      sql?.close()
      noteCleanEnd(cleanEndFile, outboxFile)
    },
  }
}
