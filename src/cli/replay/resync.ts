/** After a record that is no JSON: where the next one seems to begin. A guess; JSON.parse has the last word. */

/** How an event begins that Twilio wrote, and a line of our own export: found also where nothing parts the records. */
const beginnings = ['{"specversion"', '{"bridge"']
const LINE_FEED = 0x0a
const BRACE = 0x7b
const BRACKET = 0x5b
const BLANKS: readonly number[] = [0x20, 0x09]

/** The first place from `from` on; -1 when there is none before `length`. A line counts when it is `indent` blanks deep. */
export function findRestart(bytes: Buffer, from: number, length: number, indent: number): number {
  const within = bytes.subarray(0, length)
  let first = -1
  for (const beginning of beginnings) {
    const at = within.indexOf(beginning, from, 'latin1')
    if (at >= 0 && (first < 0 || at < first)) first = at
  }
  // A search that found something need not go beyond it.
  const limit = first < 0 ? length : first
  for (let line = within.indexOf(LINE_FEED, Math.max(0, from - 1)); line >= 0 && line < limit; ) {
    const at = line + 1 + indent
    const byte = within[at]
    const isDeep = within.subarray(line + 1, at).every(blank => BLANKS.includes(blank))
    if (at >= from && at < limit && isDeep && (byte === BRACE || byte === BRACKET)) return at
    line = within.indexOf(LINE_FEED, line + 1)
  }
  return first
}
