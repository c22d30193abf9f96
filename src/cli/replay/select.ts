/** Which events a replay takes: `--type`, `--since`, `--until`, `--where`. Options in as text, a test of an item out. Pure. */
import { isObject, toData } from '../../event/event.ts'
import { type Item, toJson } from './record.ts'

export type Selection = {
  /** Exact, or with `*` for any characters. */
  readonly types: readonly string[]
  readonly since: number | undefined
  readonly until: number | undefined
  readonly where: readonly Condition[]
}

type Operator = '=' | '!=' | '~' | '<' | '<=' | '>' | '>=' | 'exists'
export type Condition = {
  readonly path: readonly string[]
  readonly operator: Operator
  readonly value: string
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A time, a day, or how long ago (`4h`). `undefined`: none of these. */
export function parseTime(text: string, now: number): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text) ?? []
  if (amount && (unit === 's' || unit === 'm' || unit === 'h' || unit === 'd'))
    return now - Number(amount) * UNIT_MS[unit]
  // Without a zone a time would mean another one on another machine.
  const zoned = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
  const at = zoned ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

/** `path`, `path=value`, and so with `!=`, `~` (contains), `<`, `<=`, `>`, `>=`. */
export function parseCondition(text: string): Condition | undefined {
  const [, path = '', operator, value = ''] = /^([\w$.-]+?)(?:(!=|<=|>=|=|~|<|>)(.*))?$/s.exec(text) ?? []
  const steps = path.replace(/^\$\.?/, '').split('.')
  if (steps.includes('')) return undefined
  return { path: steps, operator: toOperator(operator), value }
}

function toOperator(text: string | undefined): Operator {
  const known = (['=', '!=', '~', '<', '<=', '>', '>='] as const).find(operator => operator === text)
  return known ?? 'exists'
}

export function createSelect({ types, since, until, where }: Selection): (item: Item) => boolean {
  const patterns = types.map(type => new RegExp(`^${type.split('*').map(literally).join('.*')}$`))
  return ({ event, at }) => {
    if (since !== undefined && (at === undefined || at < since)) return false
    if (until !== undefined && (at === undefined || at >= until)) return false
    if (patterns.length > 0) {
      const type = isObject(event) && typeof event.type === 'string' ? event.type : ''
      if (!patterns.some(pattern => pattern.test(type))) return false
    }
    return where.every(condition => holds(condition, event))
  }
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

function holds({ path, operator, value }: Condition, event: unknown): boolean {
  const found = read(event, path)
  if (operator === 'exists') return found !== undefined && found !== null
  const text = typeof found === 'object' ? (toJson(found) ?? '') : String(found ?? '')
  switch (operator) {
    case '=':
      return text === value
    case '!=':
      return text !== value
    case '~':
      return text.toLowerCase().includes(value.toLowerCase())
    default:
      return text !== '' && isOrdered(operator, compare(text, value))
  }
}

/** As numbers where both are, else as texts, which fits times as well. */
function compare(a: string, b: string): number {
  const difference = Number(a) - Number(b)
  if (!Number.isNaN(difference)) return difference
  return a === b ? 0 : a < b ? -1 : 1
}

function isOrdered(operator: '<' | '<=' | '>' | '>=', difference: number): boolean {
  if (operator === '<') return difference < 0
  if (operator === '<=') return difference <= 0
  return operator === '>' ? difference > 0 : difference >= 0
}

/** `data` may be a text of JSON, or base64 of it in `data_base64`, and is read through all the same. */
function read(event: unknown, path: readonly string[]): unknown {
  let value = event
  for (const [depth, step] of path.entries()) {
    if (depth === 0 && step === 'data' && path.length > 1 && isObject(event)) value = toData(event)
    else if (Array.isArray(value)) value = value[Number(step)]
    else if (isObject(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}
