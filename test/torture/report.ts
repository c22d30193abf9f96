/** Rows → the table, for a terminal and for docs/torture.md. No I/O. */
import { memoryBoundMiB } from './check.ts'
import type { Row } from './context.ts'
import type { Scenario } from './scenario.ts'

const columns = [
  'scenario',
  'faults',
  'sent',
  'acknowledged',
  'reached Segment',
  'duplicates',
  'lost',
  'invented',
  'notices',
  'MiB',
  'seconds',
  'verdict',
] as const

/** More of them would widen the table for all; the verdict's own line names each. */
const KINDS_NAMED = 8

function toCells(row: Row): readonly string[] {
  return [
    row.name,
    Object.keys(row.injected).length > KINDS_NAMED
      ? `${number(Object.keys(row.injected).length)} kinds, one after another`
      : toFaults(row.injected),
    ...[row.sent, row.acknowledged, row.reached, row.duplicates, row.lost, row.invented, row.notices].map(
      number,
    ),
    Number.isNaN(row.memoryMiB) ? '–' : String(Math.round(row.memoryMiB)),
    row.seconds.toFixed(1),
    row.faults.length === 0 ? 'holds' : 'FAILS',
  ]
}

export function toFaults(injected: Readonly<Record<string, number>>): string {
  return (
    Object.entries(injected)
      .map(([name, count]) => `${number(count)} × ${name}`)
      .join(', ') || 'none'
  )
}

export function toTable(rows: readonly Row[]): string {
  const lines = [columns, ...rows.map(toCells)]
  const widths = columns.map((_, at) => Math.max(...lines.map(line => line[at]?.length ?? 0)))
  return lines
    .map(line =>
      line.map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))),
    )
    .map(line => line.join('  '))
    .join('\n')
}

export type Skipped = { readonly name: string; readonly why: string }

export type Machine = {
  readonly node: string
  readonly cores: number
  readonly seed: number
  readonly command: string
}

export function toMarkdown(
  rows: readonly Row[],
  skipped: readonly Skipped[],
  scenarios: readonly Scenario[],
  { node, cores, seed, command }: Machine,
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    '# Torture',
    '',
    'What the bridge keeps of its promise when everything around it breaks, one fault at a time and then several together, and when',
    "callers mean it harm: against the real process, with a sender that has Twilio's manners in front and a stand-in for Segment",
    'behind. Written by',
    '',
    `    ${command}`,
    '',
    `with Node ${node} on ${cores} cores, seed ${seed}. A shorter selection runs in CI: \`npm run torture -- --short\`.`,
    '',
    line(columns),
    line(columns.map((_, at) => (at < 2 ? ':--' : '--:'))),
    ...rows.map(row => line(toCells(row))),
    ...(skipped.length > 0 ? ['', ...skipped.map(({ name, why }) => `Not run: \`${name}\` (${why}).`)] : []),
    '',
    '- **sent**: unlike events; copies are not counted. **acknowledged**: answered 2xx at least once.',
    '- **reached Segment**: accepted by the stand-in, each id once; **duplicates**: the same id accepted again, which Segment drops by its messageId.',
    '- **lost**: acknowledged, and missing in the account or at Segment, or thrown away by Twilio after a 4xx. **invented**: at Segment or in the list, and never sent, or not with this content.',
    `- **notices**: posts to NOTIFY_URL; two within 20 minutes fail the run. **MiB**: resident memory when all is quiet again, ${memoryBoundMiB} at most: an eighth over what it rests at after 10,000 events and no fault at all (\`oversize\`, \`naughty-strings\` and \`idle-connections\` may keep more).`,
    '- **holds** also means: received = the sum of the states, every acknowledged event is listed once in the state it must be in, `/readyz` is 200, SIGTERM ends with 0, and SQLite finds the file sound.',
    '',
    ...toNotes(rows),
    ...limits,
    '',
    '## The scenarios',
    '',
    ...scenarios.map(({ name, does }) => `- \`${name}\`: ${does}`),
    '',
  ].join('\n')
}

function toNotes(rows: readonly Row[]): string[] {
  const noted = rows.filter(({ notes }) => notes.length > 0)
  if (noted.length === 0) return []
  const lines = noted.map(({ name, notes }) => `- \`${name}\`: ${notes.join('; ')}.`)
  return ['## What was noticed', '', ...lines, '']
}

const limits = [
  '## What it is and what it is not',
  '',
  "- The sender's first wait is 50 ms and its longest 1 s, where Twilio waits longer: so a fault of seconds is met by many tries.",
  '- Named points are hit by a module loaded before the bridge (`test/torture/preload.ts`), a checkpoint by watching the file; the sources hold no hook for either.',
  '- A power cut is played on the log of SQLite alone: only what no one was told of is cut or garbled. Disks that lie about having written are not played.',
  '- Hostile callers run beside honest traffic, which must not be harmed; they share the cores with the bridge, so what honest requests waited is no measure of speed.',
  '- Hours pass by the clock of the process, minutes for real.',
  '- Files that turn read-only under the running process may end it with SIGBUS: SQLite shares the index of its log through mapped memory, and the kernel knows no gentler word. Nothing is lost; it starts again once the disk can be written.',
] as const

const number = (value: number): string => value.toLocaleString('en-US')
