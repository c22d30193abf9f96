/** A preview of many events, for a person to read. Pure. */
import { onOneLine } from '../../event/visible.ts'
import type { Previewed } from '../../send/preview.ts'
import type { Changes } from '../../send/preview-changes.ts'

/** `notSent`: by reason. */
export type Counts = { sent: number; readonly notSent: Record<string, number> }

export function toCounts(events: readonly (readonly Previewed[])[]): Record<string, Counts> {
  const all = new Map<string, Counts>()
  for (const one of events.flat()) {
    const counts = all.get(one.name) ?? { sent: 0, notSent: {} }
    all.set(one.name, counts)
    if (one.sent) counts.sent += 1
    else counts.notSent[one.reason] = (counts.notSent[one.reason] ?? 0) + 1
  }
  return Object.fromEntries(all)
}

export function toCountLines(events: readonly (readonly Previewed[])[]): string[] {
  const rows = Object.entries(toCounts(events)).map(([name, { sent, notSent }]) => [
    name,
    String(sent),
    Object.entries(notSent)
      .map(([reason, n]) => `${n} ${reason}`)
      .join(', ') || '0',
  ])
  return toColumns([['NAME', 'SENT', 'NOT SENT'], ...rows])
}

export function toChangeLines(changes: ReadonlyMap<string, Changes>): string[] {
  const rows = [...changes].map(([name, { same, changed, added, gone }]) =>
    [name, same, changed, added, gone].map(String),
  )
  const samples = [...changes].flatMap(([name, one]) =>
    one.samples.map(({ key, text }) => `  ${name}: ${onOneLine(text)} (${onOneLine(key)})`),
  )
  return ['', ...toColumns([['NAME', 'AS BEFORE', 'CHANGED', 'NEW', 'NO LONGER'], ...rows]), ...samples]
}

function toColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? []
  return rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
