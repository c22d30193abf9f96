/** `replay --only <destination>` without files: what is stored already goes to one destination that never got it. */
import type { Settings } from '../../config.ts'
import { check, type OutboxAccess, openOutbox } from '../outbox-access.ts'
import { type Resent, walkResend } from '../resend-walk.ts'
import { openElsewhere } from '../running.ts'
import { CliError, type ExitCode, type Terminal } from '../terminal.ts'
import { parseTime } from './select.ts'
import { count } from './summary.ts'

type FileOptions = Readonly<Partial<Record<'where' | 'limit' | 'rate' | 'again' | 'newIds', unknown>>>
export type BackfillOptions = FileOptions & {
  readonly only?: string
  readonly to?: string
  readonly since?: string
  readonly until?: string
  readonly type?: readonly string[]
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** Throws CliError. */
export async function backfill(
  terminal: Terminal,
  settings: Settings,
  options: BackfillOptions,
): Promise<ExitCode> {
  const { only, to } = options
  if (only === undefined)
    throw new CliError('What should be replayed? Name files, folders, or - for stdin.', 2)
  checkOptions(options)
  const access = to === undefined ? await openOutbox(settings) : openElsewhere(settings, to)
  try {
    return await walk(access, only, options, terminal, Date.now())
  } finally {
    access.close()
  }
}

/** Nothing is imported: the answer says whether there is such a destination. Throws CliError. */
export async function checkDestination(access: OutboxAccess, only: string | undefined): Promise<void> {
  if (only === undefined) return
  const path = `/import?only=${encodeURIComponent(only)}`
  await check(access, await access.request(path, { method: 'POST', body: '[]' }))
}

function checkOptions({ where, limit, rate, again, newIds }: FileOptions): void {
  const ofFiles = {
    '--where': where,
    '--limit': limit,
    '--rate': rate,
    '--again': again,
    '--new-ids': newIds,
  }
  const wrong = Object.entries(ofFiles).flatMap(([name, value]) => (value === undefined ? [] : name))
  if (wrong.length > 0)
    throw new CliError(`${wrong.join(', ')}: only for files. Name some, or leave it out.`, 2)
}

async function walk(
  access: OutboxAccess,
  only: string,
  { since, until, type = [], dryRun = false, json }: BackfillOptions,
  terminal: Terminal,
  now: number,
): Promise<ExitCode> {
  const span = { since: toTime(since, now) ?? 0, until: toTime(until, now) ?? now }
  const query = { ...span, destination: only, backfill: true, preview: dryRun }
  const sum: Record<keyof Resent, number> = { matched: 0, pruned: 0, done: 0 }
  for (const one of type.length > 0 ? type : [undefined]) {
    const found = await walkResend(access, { ...query, type: one }, so =>
      terminal.progress(`${count(sum.matched + so.matched)} events found…`),
    )
    sum.matched += found.matched
    sum.pruned += found.pruned
    sum.done += found.done
  }
  terminal.say(`Stored, and never routed to ${only}: ${count(sum.matched)} events.`)
  if (sum.pruned > 0) terminal.say(`Their bytes are gone or damaged: ${count(sum.pruned)} of them.`)
  if (!dryRun) terminal.say(`They wait for ${only}, and for no other destination: ${count(sum.done)}.`)
  if (json) terminal.out(JSON.stringify(sum))
  return sum.pruned > 0 ? 3 : 0
}

function toTime(text: string | undefined, now: number): number | undefined {
  return text === undefined ? undefined : parseTime(text, now)
}
