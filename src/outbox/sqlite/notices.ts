/** What must outlive a restart besides the events: the notices, and small things by name. */

import { parseJson } from '../kept-state.ts'
import type { KeyValues, Synchronous } from '../store.ts'
import { createDamageLog, type DamageLog } from './damage.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

export type NoticeStore = Synchronous<KeyValues> & Pick<DamageLog, 'takeDamage'>

export function createNoticeStore(sql: Sql, damage: DamageLog = createDamageLog()): NoticeStore {
  return {
    takeDamage: damage.takeDamage,
    remember(name, value, notice) {
      const work = () => {
        sql.all(statements.remember, name, value)
        if (notice) sql.all(statements.insertNotice, notice.at, JSON.stringify(notice.body))
      }
      sql.transaction(work, notice ? 'on-disk' : 'relaxed')
    },
    recall: name => sql.all<{ value: string }>(statements.recall, name)[0]?.value,
    setAside(name) {
      damage.found('state_damaged', name)
      try {
        sql.all(statements.setAside, `${name}.damaged`, name)
      } catch {
        // The store cannot be written now: the value stays where it is, and the next start sets it aside.
      }
    },
    notices: limit =>
      sql
        .all<{ notice: string }>(statements.latestNotices, limit)
        .flatMap(({ notice }) => parseJson(notice) ?? []),
  }
}
