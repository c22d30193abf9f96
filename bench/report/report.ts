/** Everything that was measured, for a terminal. */
import { sectionNames } from '../arguments.ts'
import type { Results } from '../sections.ts'
import { toText } from './table.ts'
import { tellers } from './tables.ts'
import { toTargets } from './targets.ts'

export function toReport(results: Results): string {
  const sections = sectionNames.flatMap(name => {
    const told = tellers[name](results)
    if (!told) return []
    const { title, tables, notes } = told
    return [`${title}\n`, ...tables.map(table => `${toText(table)}\n`), ...notes.map(note => `  ${note}`), '']
  })
  const targets = toTargets(results).map(
    ({ text, found, reached }) => `  ${reached ? 'reached' : 'missed '}  ${text}  ${found}`,
  )
  return [...sections, ...(targets.length > 0 ? ['Targets', ...targets, ''] : []), results.machine].join('\n')
}
