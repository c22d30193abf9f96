/**
 * Text from outside → the same text without full phone numbers and obvious secrets. Pure; twice changes nothing more.
 * It rather hides too much: what must stay readable (SIDs, UUIDs, dates, IPv4 addresses) is listed, the rest is not.
 */

const secretName = /(?:write[_-]?key|auth[_-]?token|token|secret|passw(?:or)?d|api[_-]?key|authorization)/
  .source
const secrets: readonly (readonly [RegExp, string])[] = [
  // `"writeKey": "…"`, also as JSON inside JSON (`\"writeKey\":\"…\"`)
  [new RegExp(String.raw`(${secretName}\\*["']?\s*[:=]\s*\\*["'])[^"'\\]+`, 'gi'), '$1***'],
  [new RegExp(String.raw`(${secretName}\s*[:=]\s*)(?:(?:Basic|Bearer)\s+)?[^\s"'\\&,;}]+`, 'gi'), '$1***'],
  // A digit or 20 characters, so that "Basic authentication required" stays a sentence
  [/\b(Basic|Bearer)\s+(?=[^\s"'\\]*\d|[^\s"'\\]{20})[\w.~+/=-]{8,}/gi, '$1 ***'],
  [/(signature[\\"']*\s*[:=]\s*[\\"']*)[\w+/=-]{20,}/gi, '$1***'],
  [/(:\/\/)[^\s/@"']+@/g, '$1***@'],
  // The bound keeps the time linear
  [/eyJ[\w-]{5,400}\.[\w.-]+/g, '***'],
  // 32 letters and digits: an auth token or a write key. A SID has 34
  [/\b[A-Za-z0-9]{32}\b/g, '***'],
]

/** What may stand between two digits of a phone number: +1 (555) 012-3456, 1.555.012.3456, %2B1%20555%20012… */
const gap = /(?:%2[0-9A-Fa-f]|[\s().\-/+\u2010-\u2015]){0,3}/.source
const isLast = `(?!${gap}\\d)`
const octet = /(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)/.source
const kept = [
  /[A-Z]{2}[0-9a-f]{32}(?![0-9A-Za-z])/.source,
  /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])/.source,
  /(?<!\d)20\d\d-[01]\d-[0-3]\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?/.source + isLast,
  // Not four groups of two digits: those could be a phone number
  String.raw`(?<![\d.])(?!(?:\d\d\.){3}\d\d(?!\d))(?:${octet}\.){3}${octet}${isLast}`,
]
const digitRuns = new RegExp(String.raw`(${kept.join('|')})|\d(?:${gap}\d){7,}`, 'g')

export function redact(text: string): string {
  const clean = secrets.reduce((rest, [pattern, mask]) => rest.replace(pattern, mask), text)
  return clean.replace(digitRuns, (found: string, keep?: string) => keep ?? hideDigits(found))
}

/** The first 2 digits (of 11 or more: 4) and the last 2 stay: enough to tell two numbers apart, too few to call one. */
function hideDigits(found: string): string {
  const plain = found.replace(/%2[0-9A-Fa-f]/g, ' ')
  const total = plain.replace(/\D/g, '').length
  const head = total < 11 ? 2 : 4
  let seen = 0
  return plain.replace(/\d/g, digit => {
    seen++
    return seen <= head || seen > total - 2 ? digit : '*'
  })
}

const ERROR_CHARS = 500
const STACK_CHARS = 2_000

/**
 * What may be said of an error outside of the admin API: redacted, and without quoted text, for parsers quote what they were
 * given, and that may be an event.
 */
export function toErrorText(error: unknown): string {
  const { message, cause } = toParts(error)
  return cause === undefined ? message : `${message} (${cause})`
}

export type ErrorFields = { readonly type: string; readonly message: string; readonly stack?: string }

/** An error as a log line holds it, on every host. */
export function toErrorFields(error: Error): ErrorFields {
  const { stack = '' } = error
  // The stack repeats the message, quoted text and all: only its frames are kept.
  const frames = stack
    .slice(stack.search(/^\s+at /m))
    .split('\n')
    .filter(line => /^\s+at /.test(line))
  return {
    type: error.name,
    message: toErrorText(error),
    ...(frames.length > 0 && { stack: redact(frames.join('\n').slice(0, STACK_CHARS)) }),
  }
}

/** The fields of a log line, with every error in them as `toErrorFields` has it. */
export function toLogFields(fields: object): Record<string, unknown> {
  const named = fields instanceof Error ? { err: fields } : fields
  return Object.fromEntries(
    Object.entries(named).map(([name, value]: [string, unknown]) => {
      if (value instanceof Error) return [name, toErrorFields(value)]
      return [name, name === 'err' ? toErrorText(value) : value]
    }),
  )
}

function toParts(error: unknown): { message: string; cause: string | undefined } {
  if (!(error instanceof Error)) return { message: unquote(String(error)), cause: undefined }
  const code: unknown = Reflect.get(error, 'code')
  const message = unquote(error.message) || error.name
  const named = typeof code === 'string' && !message.includes(code) ? `${redact(code)}: ${message}` : message
  return { message: named, cause: error.cause === undefined ? undefined : toParts(error.cause).message }
}

/** From the first quotation mark to the last: what is quoted may hold some itself. The first cut bounds the work. */
function unquote(text: string): string {
  const bare = text.slice(0, ERROR_CHARS * 4).replace(/"[\s\S]*"?/, quoted => {
    const end = quoted.lastIndexOf('"')
    return end > 0 ? `"…"${quoted.slice(end + 1)}` : '"…'
  })
  return redact(bare).slice(0, ERROR_CHARS)
}
