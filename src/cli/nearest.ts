/** What somebody may have meant who typed an event type that there is not. Pure. */

const SHOWN = 5

/** Two sentences: the types that are spelled most like it, by the pairs of letters they share, and how to see all of them. */
export function toNearest(typed: string, types: readonly string[]): string {
  const wanted = pairsOf(typed)
  const likeness = new Map(types.map(type => [type, share(wanted, pairsOf(type))]))
  const nearest = types.toSorted((a, b) => (likeness.get(b) ?? 0) - (likeness.get(a) ?? 0)).slice(0, SHOWN)
  return `The nearest are:\n${nearest.map(type => `  ${type}`).join('\n')}\nAll of them: npx twilio-segment-bridge send all --print | jq -r .type`
}

function pairsOf(type: string): Set<string> {
  const name = type
    .toLowerCase()
    .replace(/^com\.twilio\./, '')
    .replaceAll('*', '')
  return new Set(Array.from({ length: Math.max(0, name.length - 1) }, (_, at) => name.slice(at, at + 2)))
}

function share(some: ReadonlySet<string>, others: ReadonlySet<string>): number {
  return [...some].filter(pair => others.has(pair)).length / Math.max(1, some.size + others.size)
}
