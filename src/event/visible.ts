/**
 * Text of events on its way to a terminal: what would move the cursor, change colours, reorder or break lines is shown as an
 * escape. The escape is that of JSON, so that JSON stays what it was. Pure.
 */

/** Line breaks and tabs are those of the writer, who keeps an event's own out with `onOneLine`. */
const hidden = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/gu
const hiddenInLine = /[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/gu

export function toVisible(text: string): string {
  return text.replace(hidden, toEscape)
}

/** For a field that stands in a line or a cell of its own. */
export function onOneLine(text: string): string {
  return text.replace(hiddenInLine, toEscape)
}

function toEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
