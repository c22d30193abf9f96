/** The table of docs/mapping.md: every event type with its name, its customer, its time, and whether `sink create` subscribes to it. */
import { pathsOf } from '../../src/event/family-time.ts'
import type { EventType } from '../../src/families/family.ts'
import { families } from '../../src/families/index.ts'
import type { CustomerRule, Path, TimeRule } from '../../src/families/rules.ts'

export function toTypesTable(): string {
  const rows = families.flatMap(({ eventTypes, skip }) => (skip ? [] : eventTypes)).map(toRow)
  const head = [
    '| event type `com.twilio.…` | name | customer | time, without an envelope `time` | `sink create` |',
    '|---|---|---|---|---|',
  ]
  return [...head, ...rows].join('\n')
}

function toRow({ type, name, customer, time, subscribe }: EventType): string {
  const short = type.replace(/^com\.twilio\./, '')
  const wanted =
    subscribe === 'default' ? 'yes' : subscribe === 'never' ? '–' : `on request: ${subscribe.optIn}`
  return `| \`${short}\` | ${name} | ${toWords(customer)} | ${toTime(time)} | ${wanted} |`
}

function toWords(rule: CustomerRule): string {
  switch (rule.rule) {
    case 'nobody':
      return '–'
    case 'address':
      return `${list(rule.paths)}${rule.channel ? ` with ${code(rule.channel)}` : ''}`
    case 'first':
      return rule.of.map(toWords).join(', else ')
    case 'choice': {
      if (rule.cases['outbound-dial']?.rule === 'dial') return toCall(rule.by, rule.cases['outbound-dial'])
      const cases = Object.entries(rule.cases).map(([value, one]) => `${value}: ${toWords(one)}`)
      return `by ${code(rule.by)}: ${cases.join('; ')}`
    }
    case 'dial':
      return `${list(rule.from)} or ${list(rule.to)}`
    case 'inside':
      return `in ${code(rule.path)}: see below`
    case 'awaited':
      return code(rule.path)
    case 'configured':
      return '`TASK_ADDRESS_KEYS`'
  }
}

/** How a call is decided stands once, above the table. */
function toCall(by: Path, { from, to }: Extract<CustomerRule, { rule: 'dial' }>): string {
  return `by ${code(by)}: ${code(from[0] ?? '')} or ${code(to[0] ?? '')}`
}

function toTime(rule: TimeRule): string {
  if ('latest' in rule) return `the latest of ${list(rule.latest)}`
  const paths = pathsOf(rule)
  return paths.length === 0 ? 'receipt' : list(paths)
}

const code = (path: Path): string => `\`${path}\``
const list = (paths: readonly Path[]): string => paths.map(code).join(', else ')
