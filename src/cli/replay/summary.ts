/** What a replay has done: kept while it goes on, told when it ends. Pure. */
import { addUnsent, type Unsent } from '../../admin/export-format.ts'
import type { Outcome } from './destination.ts'

export type Tally = {
  /** Events and bad records together. */
  read: number
  selected: number
  /** What `--type`, `--since`, `--until` and `--where` left out. */
  notSelected: number
  stored: number
  /** Of those stored: they wait for delivery. */
  pending: number
  /** Of those stored: they will never be sent. */
  skipped: number
  duplicates: number
  again: number
  sent: number
  leftOut: number
  /** Why those are not sent that are not: events by reason. */
  unsent: Unsent
  bad: number
  /** Of those that go to Segment: older than it remembers ids for. */
  old: number
  bytes: number
}

export const noTally = (): Tally => ({
  ...{
    read: 0,
    selected: 0,
    notSelected: 0,
    stored: 0,
    pending: 0,
    skipped: 0,
    duplicates: 0,
    again: 0,
    sent: 0,
    leftOut: 0,
    bad: 0,
    old: 0,
    bytes: 0,
  },
  unsent: {},
})

export function addOutcome(tally: Tally, outcome: Outcome): void {
  tally.stored += outcome.stored
  tally.pending += outcome.pending
  tally.skipped += outcome.skipped
  tally.duplicates += outcome.duplicates
  tally.again += outcome.again
  tally.sent += outcome.sent
  tally.leftOut += outcome.leftOut
  tally.unsent = addUnsent(tally.unsent, outcome.unsent)
}

export type End = 'done' | 'limit' | 'interrupted' | 'strict' | 'failed'

export type Summary = Omit<Tally, 'bytes' | 'old'> & {
  readonly end: End
  readonly to: string
  readonly seconds: number
  readonly eventsPerSecond: number
  readonly olderThan24h: number
  readonly rejectedFiles: readonly string[]
  /** Why it failed. */
  readonly fault: string | null
}

const FILES_TOLD = 5
export const DAY_MS = 24 * 3_600_000

export function toLines(summary: Summary, { isDryRun, isResumable, newIds }: TellOptions): string[] {
  const { end, to, seconds, eventsPerSecond, read, stored, duplicates, again, sent, leftOut, bad } = summary
  const kept = stored - summary.pending - summary.skipped
  const parts = [
    stored > kept && `${count(summary.pending)} to be sent`,
    summary.skipped && `${count(summary.skipped)} kept as skipped${toWhy(summary.unsent, summary.skipped)}`,
    kept && `${count(kept)} kept in the state of the export`,
    again && `${count(again)} to be sent again`,
    duplicates && `${count(duplicates)} known already`,
    sent && `${count(sent)} ${isDryRun ? 'would be sent' : 'sent'}`,
    leftOut && `${count(leftOut)} not to be sent${toWhy(summary.unsent, leftOut)}`,
    summary.notSelected && `${count(summary.notSelected)} not selected`,
    bad && `${count(bad)} bad`,
  ].filter(Boolean)
  const lines = [
    `${toBeginning(end)} ${count(read)} record${read === 1 ? '' : 's'} read in ${seconds.toFixed(1)} s (${count(eventsPerSecond)}/s), to ${to}: ${parts.join(', ') || 'nothing'}.`,
  ]
  if (bad > 0 && summary.rejectedFiles.length > 0)
    lines.push(`Rejected records written to ${toList(summary.rejectedFiles)}`)
  if (end === 'interrupted' || end === 'failed') {
    lines.push(
      isResumable
        ? 'Progress is saved. Run the same command again to continue, or with --from-start to start over.'
        : 'Progress is saved. Run it again over the same data: duplicates are skipped.',
    )
  }
  if (end === 'limit' && isResumable)
    lines.push('The same command continues after it; --from-start starts over.')
  if (summary.olderThan24h > 0 && stored + again + sent > 0 && !isDryRun && !newIds) {
    lines.push(
      `${count(summary.olderThan24h)} of them are older than 24 hours. Segment drops a second copy of a messageId for about a day only: what it has already had before counts twice in streaming destinations (warehouses tell copies apart by id).`,
    )
  }
  if (newIds && !isDryRun) {
    lines.push(
      'With --new-ids each of them is another event for Segment: what it has already had counts twice, for good and everywhere.',
    )
  }
  return lines
}

/** With numbers, when they add up to what is explained: what was known already may be among them. */
function toWhy(unsent: Unsent, events: number): string {
  const reasons = Object.entries(unsent).sort(([, a], [, b]) => b - a)
  const isSum = reasons.reduce((sum, [, n]) => sum + n, 0) === events
  const told = reasons.map(([reason, n]) => (isSum && reasons.length > 1 ? `${count(n)} ${reason}` : reason))
  return told.length > 0 ? ` (${told.join(', ')})` : ''
}

function toList(files: readonly string[]): string {
  const more = files.length - FILES_TOLD
  return (
    files.slice(0, FILES_TOLD).join(', ') + (more > 0 ? ` and ${count(more)} more files beside them` : '')
  )
}

export type TellOptions = {
  readonly isDryRun: boolean
  readonly isResumable: boolean
  readonly newIds: boolean
}

function toBeginning(end: End): string {
  switch (end) {
    case 'done':
      return 'Done:'
    case 'limit':
      return '--limit reached:'
    case 'interrupted':
      return 'Stopped:'
    case 'strict':
      return 'Stopped at the first bad record (--strict):'
    case 'failed':
      return 'Failed:'
  }
}

export function count(n: number): string {
  return Math.round(n).toLocaleString('en-US')
}
