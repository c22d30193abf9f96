/**
 * JSON text → a value whose numbers are shown and copied as they were written, though a JavaScript number could not hold
 * them: 12345678901234567890, 1.10. A browser without JSON.rawJSON shows what its numbers can hold. Pure.
 */

const { rawJSON, isRawJSON } =
  /** @type {{ rawJSON?: (text: string) => object, isRawJSON?: (value: unknown) => boolean }} */ (JSON)

/**
 * @param {string} text
 * @returns {any} throws when it is no JSON
 */
export function parseExactly(text) {
  const plain = JSON.parse(text)
  if (!rawJSON) return plain
  /** @type {(key: string, value: unknown, context: { source?: string }) => unknown} */
  const keepDigits = (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && source !== String(value) ? rawJSON(source) : value
  try {
    return Reflect.apply(JSON.parse, JSON, [text, keepDigits])
  } catch {
    // Nested deeper than the stack is.
    return plain
  }
}

/** @param {unknown} value */
export function isExactNumber(value) {
  return isRawJSON?.(value) ?? false
}
