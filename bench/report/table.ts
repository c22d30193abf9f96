/** Rows of cells → the same table for a terminal and for Markdown, which is read as text as well. */
export type Table = { readonly heads: readonly string[]; readonly rows: readonly (readonly string[])[] }

/** The first column is words, the others are figures. */
export function toText({ heads, rows }: Table): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map(row => row[column]?.length ?? 0)),
  )
  const toLine = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [toLine(heads), widths.map(width => '-'.repeat(width)).join('  '), ...rows.map(toLine)].join('\n')
}

export function toMarkdown({ heads, rows }: Table): string {
  const toLine = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = `|${heads.map((_, column) => (column === 0 ? '---' : '---:')).join('|')}|`
  return [toLine(heads), rule, ...rows.map(toLine)].join('\n')
}

/** 1,234 and 12.3: as many digits as can be meant. */
export function toFigure(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

export const toWhole = (value: number | null): string =>
  value === null || Number.isNaN(value) ? '–' : Math.round(value).toLocaleString('en-US')
export const toTimes = (value: number | null): string =>
  value === null || Number.isNaN(value) ? '–' : `${value.toFixed(2)} ×`
