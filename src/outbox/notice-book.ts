/** What must outlive a restart besides the events: the notices, and small things by name. */
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type NoticeBook = {
  /** Keeps a small thing by name, and in the same commit the notice that it led to. */
  remember(name: string, value: string, notice?: { at: number; body: object }): void
  recall(name: string): string | undefined
  /** Newest first. */
  notices(limit: number): unknown[]
}

export function createNoticeBook(sql: Sql): NoticeBook {
  return {
    remember(name, value, notice) {
      const work = () => {
        sql.all(statements.remember, name, value)
        if (notice) sql.all(statements.insertNotice, notice.at, JSON.stringify(notice.body))
      }
      sql.transaction(work, notice ? 'on-disk' : 'relaxed')
    },
    recall: name => sql.all<{ value: string }>(statements.recall, name)[0]?.value,
    notices: limit =>
      sql.all<{ notice: string }>(statements.latestNotices, limit).map(row => JSON.parse(row.notice)),
  }
}
