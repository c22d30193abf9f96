/** A process of its own: `check-pages <file>` reads every page of an outbox, at the lowest priority. Exit code 0: sound. */
import { constants, setPriority } from 'node:os'
import { pathToFileURL } from 'node:url'
import { isDamage } from '../../outbox/sqlite-errors.ts'
import { DAMAGED } from './damage.ts'
import { openReadOnly } from './sqlite.ts'

const FAULTS_NAMED = 3

/** What is wrong with the file's pages, in a sentence; `undefined`: nothing. Throws when it cannot be read for another reason. */
export function findPageFaults(file: string): string | undefined {
  try {
    const sql = openReadOnly(file)
    try {
      const rows = sql.all<Record<string, string>>(`PRAGMA quick_check(${FAULTS_NAMED})`)
      const faults = rows.flatMap(row => Object.values(row)).filter(text => text !== 'ok')
      return faults.length > 0 ? faults.join('; ') : undefined
    } finally {
      sql.close()
    }
  } catch (error) {
    if (isDamage(error) && error instanceof Error) return error.message
    throw error
  }
}

const [, script = '', file = ''] = process.argv
if (import.meta.url === pathToFileURL(script).href) {
  setPriority(constants.priority.PRIORITY_LOW)
  const faults = findPageFaults(file)
  if (faults !== undefined) process.stdout.write(faults)
  process.exitCode = faults === undefined ? 0 : DAMAGED
}
