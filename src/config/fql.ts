/**
 * A destination's `when`: FQL, the language of Segment's own destination filters, by Segment's own parser. That parser misreads
 * some texts without an error, so a text counts only if the parser's reading, written down again, is that text; what it writes
 * down correctly and evaluates otherwise is refused as well. Pure.
 */
// By its file: bundlers would choose the package's ES modules, whose exports Node does not see, and Node this one.
import fql from '@segment/destination-subscriptions/dist/cjs/index.js'

const { parseFql, generateFql, validate } = fql

export type Filter = Extract<ReturnType<typeof parseFql>, { type: 'group' }>
type Condition = Filter['children'][number]

export type ReadFilter =
  | { readonly ok: true; readonly filter: Filter }
  /** `expected`: what to write instead. */
  | { readonly ok: false; readonly expected: string }

export function readFilter(text: string): ReadFilter {
  const parsed = parseFql(text)
  const filter = 'error' in parsed ? undefined : parsed
  const written = filter && write(filter)
  if (filter === undefined || written === undefined || withoutSpaces(written) !== withoutSpaces(text))
    return { ok: false, expected: correct(text, written) }
  const fault = findFault(filter)
  return fault === undefined ? { ok: true, filter } : { ok: false, expected: fault }
}

/** `call`: as it is mapped, before names and fields change. */
export function matches(filter: Filter, call: object): boolean {
  return validate(filter, { type: 'track', ...call })
}

/** Whether an event of this name can match at all, whatever else it holds. */
export function mayMatch(filter: Filter, event: string): boolean {
  const mayHold = (condition: Condition): boolean => {
    if (condition.type === 'group') {
      const { operator, children } = condition
      return operator === 'and' ? children.every(mayHold) : children.some(mayHold)
    }
    if (condition.type !== 'event' && condition.type !== 'event-type') return true
    return matches({ type: 'group', operator: 'and', children: [condition] }, { event })
  }
  return mayHold(filter)
}

function write(filter: Filter): string | undefined {
  try {
    return generateFql(filter)
  } catch {
    return undefined
  }
}

/** Texts in double quotes and whatever stands between them, in turns. */
const parts = (text: string): string[] => text.split(/("[^"]*")/)
const isQuoted = (part: string) => part.startsWith('"')

function withoutSpaces(text: string): string {
  return parts(text)
    .map(part => (isQuoted(part) ? part : part.replaceAll(/\s+/g, '')))
    .join('')
}

/** What to write in place of a text that is misread. */
function correct(text: string, written: string | undefined): string {
  const bare = parts(text)
    .map(part => (isQuoted(part) ? '""' : part))
    .join('')
  if (bare.includes("'")) return 'texts in double quotes ("), not in single ones'
  if (/!\s*\(/.test(bare))
    return '! only before match(…) and contains(…), for before brackets it is ignored: instead of !(a = "x") write a != "x", instead of !(a = "x" or b = "y") write a != "x" and b != "y"'
  if (/\bin\s*\[/i.test(bare))
    return '= instead of in, which is misread: for event in ["a", "b"] write event = "a" or event = "b"'
  if (/\b(AND|OR|And|Or|NOT|not)\b|&&|\|\|/.test(bare))
    return 'and, or and ! as they stand here, in lower case'
  const { isNested, isMixed } = findBrackets(bare)
  if (isNested) return 'one level of brackets: brackets inside brackets are not read'
  if (isMixed)
    return 'brackets where and and or are mixed, for without them all become one of the two. Add brackets: (a = "1" and b = "2") or c = "3"'
  if (/(?<!match|contains)\s*\([^()]*(?:match|contains)\s*\([^)]*\)\s*[^)\s]/.test(bare))
    return 'inside brackets match(…) and contains(…) only once, and last: the brackets end where theirs end'
  if (/\\/.test(text)) return 'no backslash, and no " inside a text'
  if (written === undefined || /"eos"|undefined/.test(written))
    return 'a condition such as event = "com.twilio.messaging.message.delivered", match(event, "com.twilio.voice.*"), contains(properties.body, "STOP") or properties.errorCode != null, joined by and or or, with spaces around each operator'
  return `what it is read as, if that is what you mean: ${written}`
}

/** Brackets of functions are none of these. */
function findBrackets(bare: string): { isNested: boolean; isMixed: boolean } {
  const joins: Set<string>[] = [new Set()]
  let isNested = false
  let isMixed = false
  for (const [token] of bare.matchAll(/(?:match|contains)\s*\([^)]*\)|[()]|\b(?:and|or)\b/g)) {
    const top = joins.at(-1)
    if (token === '(') {
      joins.push(new Set())
      isNested ||= joins.length > 2
    } else if (token === ')') {
      if (joins.length > 1) joins.pop()
    } else if (token === 'and' || token === 'or') {
      top?.add(token)
      isMixed ||= top?.size === 2
    }
  }
  return { isNested, isMixed }
}

const comparisons: readonly string[] = ['<', '<=', '>', '>=']
const operators: readonly string[] = [
  ...comparisons,
  ...['=', '!=', 'number_equals', 'number_not_equals', 'contains', 'not_contains'],
  ...[
    'starts_with',
    'not_starts_with',
    'ends_with',
    'not_ends_with',
    'exists',
    'not_exists',
    'is_true',
    'is_false',
  ],
]

/** What comes through the parser unchanged and yet never means what it says. */
function findFault(condition: Condition): string | undefined {
  if (condition.type === 'group') {
    for (const child of condition.children) {
      const fault = findFault(child)
      if (fault !== undefined) return fault
    }
    return undefined
  }
  const { type, operator, value } = condition
  if (!operators.includes(operator))
    return `one of =, !=, <, <=, >, >=, match(…), contains(…) in place of ${operator}`
  if (type === 'name' || type === 'event-trait')
    return 'event, userId, properties.… or context.…: a track call has no name and no traits'
  if (type === 'event-type' && (operator !== '=' || value !== 'track'))
    return 'no condition on type, or type = "track": the bridge sends nothing else'
  if (comparisons.includes(operator) && (type === 'event' || type === 'userId'))
    return `= or match(…) for ${type}: ${operator} compares numbers`
  if (operator.endsWith('s_with') && String(value).includes('*'))
    return '* only once, at the beginning or the end of what match(…) is given; elsewhere it is no wildcard: contains(…) finds a text anywhere'
  if (operator === '!=' && typeof value === 'boolean')
    return `= ${!value} in place of != ${value}, which is true of everything`
  return undefined
}
