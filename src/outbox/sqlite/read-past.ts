/** Reading on behind what cannot be read: SQLite throws for the page a row stands on, and the rows of other pages are sound. */

/** `readFrom`: everything after `after` and up to there could not be read. The same as `after` when nothing was in the way. */
export type Found<Row> = { readonly row: Row | undefined; readonly readFrom: number }

/**
 * The first row after `after` that `read` gives without throwing; `undefined` behind the last one. Steps double until a read
 * succeeds, and are halved back to the first place where it does: some 100 reads at the most.
 */
export function readPast<Row>(after: number, read: (after: number) => Row | undefined): Found<Row> {
  const attempt = (at: number): { readonly row: Row | undefined } | undefined => {
    try {
      return { row: read(at) }
    } catch {
      return undefined
    }
  }
  const first = attempt(after)
  if (first) return { row: first.row, readFrom: after }
  let fails = after
  let step = 1
  let found = attempt(after + step)
  while (!found) {
    fails = after + step
    step *= 2
    // Nothing behind it can be read either.
    if (after + step > Number.MAX_SAFE_INTEGER) return { row: undefined, readFrom: Number.MAX_SAFE_INTEGER }
    found = attempt(after + step)
  }
  let readFrom = after + step
  while (readFrom - fails > 1) {
    const middle = Math.floor((fails + readFrom) / 2)
    const here = attempt(middle)
    if (here) {
      found = here
      readFrom = middle
    } else fails = middle
  }
  return { row: found.row, readFrom }
}
