/** `destinations preview`: what the destinations file of here would make of events, without sending any. */

import { Command } from 'commander'
import type { DestinationConfig } from '../../config/destination-config.ts'
import { toDestinationConfigs } from '../../config/destinations.ts'
import type { Settings } from '../../config.ts'
import { parseExactly } from '../../event/exact-numbers.ts'
import { type Mapping, toMapping } from '../../event/mapping.ts'
import { onOneLine } from '../../event/visible.ts'
import { keyedHash } from '../../hosts/node/digests.ts'
import type { MappableEvent } from '../../send/destination.ts'
import { planRows, toNaming } from '../../send/destination-changes.ts'
import { createDestination } from '../../send/destinations.ts'
import { createPreview, type Previewed } from '../../send/preview.ts'
import { type Changes, createComparison, type Outcome } from '../../send/preview-changes.ts'
import { toInteger, toUrl } from '../arguments.ts'
import { type OutboxAccess, openOutbox } from '../outbox-access.ts'
import { openElsewhere } from '../running.ts'
import { CliError, type ExitCode, type Terminal, toAction } from '../terminal.ts'
import { toSettings } from '../twilio-credentials.ts'
import { type Found, findEvent, findNewest, isFile, readFile } from './events.ts'
import { type Known, readKnown } from './kept.ts'
import { toChangeLines, toCountLines, toCounts } from './tables.ts'

type Options = {
  readonly event?: string
  readonly last?: number
  readonly file?: string
  readonly against?: string
  readonly to?: string
  readonly json?: boolean
}

const MOST = 10_000

const HELP = `
Nothing is sent, and nothing changes. With --event: for each destination whether the event goes there, why not, and the very
payload. With --last: how many would go where, and what the file changes about them: by --against, against another file, payload
by payload; without it, against what the outbox on DATA_DIR was last started with, as far as filters, groups and names go.
Payloads hold phone numbers and texts.

Exit codes: 0 done, 1 failed, 2 wrong settings or use.

Examples:
  npx twilio-segment-bridge destinations preview --event event.json
  npx twilio-segment-bridge destinations preview --last 1000
  git show HEAD:destinations.json > before.json
  npx twilio-segment-bridge destinations preview --last 1000 --against before.json`

export function createPreviewCommand(terminal: Terminal): Command {
  return new Command('preview')
    .description('Show what would go to each destination, and what a change of the file changes.')
    .option('--event <file|key>', 'one event: a file, or the key of a stored one')
    .option('--last <n>', `so many of the newest stored events, at most ${MOST}`, toInteger(1, MOST))
    .option('--file <file>', 'another destinations file than that of DESTINATIONS')
    .option('--against <file>', 'the file to compare it with')
    .option('--to <url>', 'with the events of a bridge that runs elsewhere', toUrl)
    .option('--json', 'output JSON')
    .addHelpText('after', HELP)
    .action(toAction(terminal, (options: Options) => run(terminal, options)))
}

async function run(terminal: Terminal, options: Options): Promise<ExitCode> {
  const { event, last, file, against, to, json = false } = options
  if ((event === undefined) === (last === undefined)) throw new CliError('Give --event or --last.', 2)
  const given = terminal.environment()
  const settings = toSettings(file === undefined ? given : { ...given, DESTINATIONS: file })
  // Which messageIds bear a tag is known where the bridge runs.
  const known = to === undefined ? readKnown(settings.DATA_DIR) : { destinations: [], applied: undefined }
  const preview = await openPreview(settings, known)
  if (event !== undefined) {
    const events = await findEvents(settings, event, to)
    for (const one of events) show(terminal, one, preview(one), json)
    return 0
  }
  const before =
    against === undefined
      ? undefined
      : await openPreview(toSettings({ ...given, DESTINATIONS: against }), known)
  const configs = toDestinationConfigs(settings)
  const compare = toCompare(configs, before, known, toMapping(settings))
  const access = await openAccess(settings, to)
  try {
    const { events, unreadable } = await findNewest(access, last ?? 0)
    if (events.length === 0) throw new CliError(`${access.name}: there are no events to look at.`)
    const comparison = createComparison(
      new Map(configs.flatMap(({ name, was }) => (was === undefined ? [] : [[name, was] as const]))),
    )
    const all = events.map(event => {
      const previewed = preview(event)
      if (compare) comparison.add(event.key, ...compare(event, previewed))
      return previewed
    })
    summarize(terminal, all, compare && comparison.changes, json)
    if (unreadable > 0) terminal.say(`${unreadable} more are no longer stored, or cannot be read.`)
    if (!compare) terminal.say('There is nothing to compare with: give --against.')
    return 0
  } finally {
    access.close()
  }
}

const openAccess = async (settings: Settings, to: string | undefined): Promise<OutboxAccess> =>
  to === undefined ? openOutbox(settings) : openElsewhere(settings, to)

async function findEvents(settings: Settings, event: string, to: string | undefined): Promise<Found[]> {
  if (isFile(event)) return readFile(event, Date.now())
  const access = await openAccess(settings, to)
  try {
    const found = await findEvent(access, event)
    if (found === undefined) throw new CliError(`What ${event} was is stored no longer, or cannot be read.`)
    return [found]
  } finally {
    access.close()
  }
}

async function openPreview(
  settings: Settings,
  { destinations }: Known,
): Promise<(event: MappableEvent) => Previewed[]> {
  const configs = toDestinationConfigs(settings)
  const mapping = toMapping(settings)
  const tags = new Map(planRows(configs, destinations).map(({ name, tag }) => [name, tag]))
  const made = configs.map(config =>
    createDestination(config, mapping, () => tags.get(config.name) ?? '', {
      ...idle,
      hashKey: settings.HASH_KEY,
    }),
  )
  return createPreview(configs, await Promise.all(made), mapping)
}

const never = () => Promise.reject(new Error('a preview sends nothing'))
const idle = { keyedHash, send: never, writeFile: never, now: Date.now, showDryRun: () => undefined }

type Compare = (event: MappableEvent, previewed: readonly Previewed[]) => [Outcome, Outcome]

/** Undefined when there is nothing to compare with. */
function toCompare(
  configs: readonly DestinationConfig[],
  before: ((event: MappableEvent) => Previewed[]) | undefined,
  { applied }: Known,
  mapping: Mapping,
): Compare | undefined {
  if (before) return (event, previewed) => [toOutcome(before(event)), toOutcome(previewed)]
  if (!applied) return undefined
  const [old, next] = [toNaming(applied, mapping), toNaming(configs, mapping)]
  const named = (names: ReadonlyMap<string, string>): Outcome =>
    new Map([...names].map(([name, event]) => [name, JSON.stringify({ event })]))
  return event => [named(old(event)), named(next(event))]
}

const toOutcome = (previewed: readonly Previewed[]): Outcome =>
  new Map(previewed.flatMap(one => (one.sent ? [[one.name, one.payload] as const] : [])))

function show(terminal: Terminal, { key }: Found, previewed: readonly Previewed[], json: boolean): void {
  for (const one of previewed) {
    const { name } = one
    if (json) {
      const about = one.sent ? { sent: true, dryRun: one.isDryRun } : { sent: false, reason: one.reason }
      const line = JSON.stringify({ event: key, destination: name, ...about })
      // The payload is a text already, with its numbers as they were written.
      terminal.out(one.sent ? `${line.slice(0, -1)},"payload":${one.payload}}` : line)
    } else if (one.sent) {
      terminal.out(`${name}: ${one.isDryRun ? 'a dry run, shown and not sent' : 'sent'}`)
      terminal.out(JSON.stringify(parseExactly(one.payload), undefined, 2))
    } else terminal.out(`${name}: not sent: ${onOneLine(one.text)}`)
  }
}

function summarize(
  terminal: Terminal,
  previewed: readonly (readonly Previewed[])[],
  changes: ReadonlyMap<string, Changes> | undefined,
  json: boolean,
): void {
  if (json) {
    const counts = toCounts(previewed)
    const compared = changes && { changes: Object.fromEntries(changes) }
    terminal.out(JSON.stringify({ events: previewed.length, destinations: counts, ...compared }))
    return
  }
  for (const line of toCountLines(previewed)) terminal.out(line)
  for (const line of changes ? toChangeLines(changes) : []) terminal.out(line)
}
