/**
 * JSON text → a value that JSON.stringify writes with the digits it was written with. A JavaScript number cannot hold
 * 12345678901234567890 or 1e400, and does not know that 1.10 had two decimals; such a number becomes raw JSON, which prints
 * to the letter. Nobody can calculate with raw JSON, so these values are for printing only: what is validated or compared is
 * parsed as usual. Pure.
 */

declare global {
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ): unknown
    rawJSON(text: string): object
    isRawJSON(value: unknown): boolean
  }
}

/**
 * Quick: finds every number that JSON.stringify may write in another way, and some that it does not (it also looks inside
 * texts). The lookahead and the fixed 16 keep its time linear, whatever the text is.
 */
const different = /(?:^|[[:,\s])(?:-0|-?\d{16}|-?(?:0|[1-9]\d*)[.eE])[\d.eE+-]*(?=[\s,\]}]|$)/

export function mayDiffer(text: string): boolean {
  return different.test(text)
}

/** `parsed`: what JSON.parse makes of the text, which is the result wherever it prints the same. Throws when it is no JSON. */
export function parseExactly(text: string, parsed: unknown = JSON.parse(text)): unknown {
  if (!mayDiffer(text)) return parsed
  let differs = false
  const keepDigits = (_key: string, value: unknown, { source }: { source?: string }): unknown => {
    if (typeof value !== 'number' || source === undefined || source === String(value)) return value
    differs = true
    return JSON.rawJSON(source)
  }
  try {
    const exact = JSON.parse(text, keepDigits)
    return differs ? exact : parsed
  } catch {
    // A reviver goes as deep as the stack; an event nested like that is not sent in any case.
    return parsed
  }
}

/** A number that prints as it was written. It is an object, and none to look into. */
export function isRawNumber(value: unknown): boolean {
  return JSON.isRawJSON(value)
}
