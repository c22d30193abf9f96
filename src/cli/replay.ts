/** `replay`: captured events → an outbox, as if they came once more. Options in, a plan out; what is said stands here. */

import { setTimeout as sleep } from 'node:timers/promises'
import { Command, InvalidArgumentError } from 'commander'
import type { Settings } from '../config.ts'
import { toMapping } from '../event/mapping.ts'
import { onOneLine } from '../event/visible.ts'
import { openOutbox, openRemote } from './outbox-access.ts'
import { backfill, checkDestination } from './replay/backfill.ts'
import { type Destination, toBridge, toOutbox, toReader } from './replay/destination.ts'
import { findSources } from './replay/files.ts'
import { stayFlat } from './replay/heap-flags.ts'
import { openJournal } from './replay/journal.ts'
import { createProgress } from './replay/progress.ts'
import { createPace } from './replay/rate-limiter.ts'
import type { Bad } from './replay/rejected.ts'
import { type Ran, replay } from './replay/run.ts'
import { type Condition, createSelect, parseCondition, parseTime } from './replay/select.ts'
import { type Summary, toLines } from './replay/summary.ts'
import { toWebhook } from './replay/webhook.ts'
import { toSigningKey } from './signing-key.ts'
import { CliError, createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'
import { toSettings } from './twilio-credentials.ts'

type Options = {
  readonly to?: string
  readonly asAdmin?: boolean
  readonly dryRun?: boolean
  readonly type?: readonly string[]
  /** As given: `4h` means another time at each run, and the same choice. */
  readonly since?: string
  readonly until?: string
  readonly where?: readonly Condition[]
  readonly limit?: number
  readonly rate?: number
  readonly again?: boolean
  /** A destination. */
  readonly only?: string
  readonly newIds?: string
  readonly fromStart?: boolean
  readonly rejectedTo?: string
  readonly strict?: boolean
  readonly json?: boolean
}

/** Larger groups are hardly faster, and more is sent twice after a crash. */
const GROUP_EVENTS = 1_000
/** The others are in the file. */
const BAD_TOLD = 5

const HELP = `
Reads what you have, known by its content and not by its name: one JSON object, an array, NDJSON, objects run together
(what Firehose writes to S3), pretty-printed; plain, gzip or zstd; CSV with a header; the bridge's own export, which keeps
state and reason. Events inside SQS, SNS, Kinesis and other wrappers are found, base64 included. Folders are read recursively in the order of names; - is stdin. Each event keeps its own time.

Where to: the outbox in DATA_DIR, and from there to Segment by the bridge that runs on it, now or at the next "serve". With
--to the webhook of any bridge, signed with TWILIO_AUTH_TOKEN; it then has to be what PUBLIC_URL is there.

Replaying a file twice stores nothing twice. After Ctrl-C or a crash the same command goes on where it was.
Bad records go to <name>.rejected.ndjson in the working directory (--rejected-to), with their byte offset and the reason; the
rest goes on.

Exit codes: 0 all is well, 1 failed or stopped, 2 wrong settings or use, 3 done, but some records were bad or there was none.

Examples:
  npx twilio-segment-bridge replay captured.ndjson.gz
  npx twilio-segment-bridge replay --dry-run --since 4h s3-copy/ | jq .timestamp
  aws s3 cp s3://bucket/2026/11/22/02/part-1.gz - | npx twilio-segment-bridge replay -
  npx twilio-segment-bridge replay --type 'com.twilio.messaging.message.*' --where data.to=+15550100199 --limit 10 captured/
  npx twilio-segment-bridge replay --only acme --since 7d             # what is stored, to a new destination
  npx twilio-segment-bridge replay --to https://bridge.example.com --rate 200 captured/`

export function createReplayCommand(terminal: Terminal = createTerminal()): Command {
  return new Command('replay')
    .description('Replay captured events, from files, folders or stdin.')
    .argument('[paths...]', 'files, folders, or - for stdin; with --only also none: what is stored')
    .usage('[options] <file|folder|->...')
    .option('--to <url>', 'the bridge to send to, instead of the outbox here')
    .option('--as-admin', 'with --to: through its admin API, with ADMIN_TOKEN; keeps states, allows --again')
    .option('--dry-run', 'print the track calls as NDJSON; send and store nothing')
    .option(
      '--type <type>',
      'only this event type; * stands for anything; can be repeated',
      collect(text => text),
    )
    .option(
      '--since <time>',
      'only events from then on: 2026-11-22, 2026-11-22T02:00Z, or 4h ago (s, m, h, d)',
      checkTime,
    )
    .option('--until <time>', 'only events before then', checkTime)
    .option(
      '--where <test>',
      'only events with path=value, or != ~ < <= > >=; a path alone: it is there; can be repeated',
      collect(toCondition),
    )
    .option('--limit <n>', 'at most so many events; a Kinesis record that holds several is finished', toCount)
    .option('--rate <n>', 'at most so many events a second', toCount)
    .option(
      '--again',
      'send also what was accepted already: same messageId, Segment drops it for about 24 hours',
    )
    .option(
      '--only <destination>',
      'to this destination alone, also what is known already and never went there; without paths: what is stored',
    )
    .option('--new-ids <suffix>', 'behind each id, so that Segment takes each for a new event', toSuffix)
    .option('--from-start', 'do not go on where an earlier run of the same command stopped')
    .option('--rejected-to <folder>', 'where bad records are written; by default the working directory')
    .option('--strict', 'stop at the first bad record')
    .option('--json', 'the summary as JSON on stdout')
    .addHelpText('after', HELP)
    .action(toAction(terminal, (names: string[], options: Options) => run(terminal, names, options)))
}

async function run(terminal: Terminal, names: readonly string[], options: Options): Promise<ExitCode> {
  checkTogether(options, names.length > 0)
  stayFlat()
  const settings = toSettings(terminal.environment())
  if (names.length === 0) return await backfill(terminal, settings, options)
  const { sources, empty, faults } = findSources(names, () => process.stdin)
  for (const folder of empty) terminal.say(`${folder} holds no files`)
  for (const fault of faults) terminal.say(fault)
  const signal = terminal.interrupted()
  const { destination, close } = await openDestination(terminal, settings, options, signal)
  const { since, until, again, newIds, only, dryRun, fromStart, type = [], where = [], rate = 0 } = options
  const choices = [
    options.to ?? '',
    type,
    since,
    until,
    where,
    again,
    newIds,
    ...(only === undefined ? [] : [only]),
  ]
  const journal = dryRun
    ? undefined
    : openJournal(settings.DATA_DIR, choices, { fromStart: fromStart ?? false })
  const sizes = sources.map(({ size }) => size)
  const total = sizes.includes(undefined) ? undefined : sizes.reduce((sum = 0, size = 0) => sum + size, 0)
  const progress = createProgress(terminal, total, Date.now)
  if (newIds)
    terminal.say(
      `Each id gets "${newIds}" behind it: for Segment, and for the outbox, these are other events.`,
    )
  const began = Date.now()
  try {
    const ran = await replay({
      sources,
      unreadable: faults,
      rejectedTo: options.rejectedTo ?? process.cwd(),
      destination,
      changes: { again, newIds, isAnew: only !== undefined },
      isSelected: createSelect({ types: type, since: toTime(since), until: toTime(until), where }),
      limit: options.limit ?? Number.POSITIVE_INFINITY,
      isStrict: options.strict ?? false,
      journal,
      pace: createPace(rate),
      groupEvents: rate > 0 ? Math.min(GROUP_EVENTS, Math.ceil(rate / 4)) : GROUP_EVENTS,
      signal,
      sleep: ms => sleep(ms, undefined, { signal }).catch(() => undefined),
      onBad: createBadReporter(terminal),
      onResume: ({ name }, end) => terminal.say(`${name}: goes on at byte ${end} (--from-start begins anew)`),
      onEmpty: ({ name }) => terminal.say(`${name} holds no events`),
      onProgress: progress.update,
    })
    if (ran.fault !== undefined) terminal.say(ran.fault)
    const summary = toSummary(ran, destination.name, (Date.now() - began) / 1_000)
    const isResumable = sources.some(({ path }) => path !== undefined) && !dryRun
    const told = { isDryRun: dryRun ?? false, isResumable, newIds: newIds !== undefined }
    for (const line of toLines(summary, told)) terminal.say(line)
    if (options.json) terminal.out(JSON.stringify(summary))
    return toExitCode(ran)
  } finally {
    close()
  }
}

function toExitCode({ end, tally }: Ran): ExitCode {
  if (end !== 'done' && end !== 'limit') return 1
  return tally.bad > 0 || tally.read === 0 ? 3 : 0
}

function toSummary({ tally, end, fault, rejectedFiles }: Ran, to: string, seconds: number): Summary {
  const { bytes, old, ...figures } = tally
  const eventsPerSecond = Math.round(tally.read / Math.max(seconds, 0.001))
  return {
    end,
    to,
    ...figures,
    olderThan24h: old,
    seconds,
    eventsPerSecond,
    rejectedFiles,
    fault: fault ?? null,
  }
}

async function openDestination(
  terminal: Terminal,
  settings: Settings,
  { to, asAdmin, dryRun, again = false, only }: Options,
  signal: AbortSignal,
): Promise<{ destination: Destination; close(): void }> {
  const close = () => undefined
  if (dryRun) return { destination: toReader(terminal.pour, toMapping(settings)), close }
  if (to && asAdmin) {
    if (!settings.ADMIN_TOKEN) throw new CliError(`ADMIN_TOKEN is not set: --as-admin needs that of ${to}`, 2)
    const access = openRemote(new URL(to).origin, settings.ADMIN_TOKEN)
    await checkDestination(access, only)
    return { destination: toBridge(access, { again, only }, signal), close }
  }
  if (to) {
    const key = toSigningKey(settings)
    if (!key) throw new CliError('TWILIO_AUTH_TOKEN is not set: --to signs with it, as Twilio does', 2)
    return { destination: toWebhook(to, key, signal), close }
  }
  const access = await openOutbox(settings, { isNew: true })
  await checkDestination(access, only).catch(error => {
    access.close()
    throw error
  })
  const destination = access.transfer
    ? toOutbox(access.name, access.transfer, toMapping(settings), only)
    : toBridge(access, { again, only }, signal)
  return { destination, close: access.close }
}

/** Throws CliError. */
function checkTogether({ to, again, only, asAdmin, dryRun, json }: Options, hasPaths: boolean): void {
  if (to && !URL.canParse(to)) throw new CliError(`--to: "${to}" is no URL`, 2)
  if (asAdmin && !to) throw new CliError('--as-admin goes with --to', 2)
  if (again && only !== undefined) throw new CliError('--again and --only exclude each other', 2)
  if (only !== undefined && hasPaths && to && !asAdmin)
    throw new CliError('--only is not possible through a webhook: use --as-admin with it', 2)
  if (again && to && !asAdmin) {
    throw new CliError(
      '--again is not possible through a webhook, which drops what it knows: use --as-admin with it, or --new-ids.',
      2,
    )
  }
  if (dryRun && json && hasPaths)
    throw new CliError('--dry-run prints track calls on stdout, where --json has no place', 2)
}

function createBadReporter(terminal: Terminal): (bad: Bad) => void {
  let left = BAD_TOLD
  return ({ file, offset, reason }) => {
    left -= 1
    if (left >= 0) terminal.say(onOneLine(`${file}, byte ${offset}: ${reason}`))
    else if (left === -1) terminal.say('Further bad records are not shown here.')
  }
}

function toTime(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseTime(text, Date.now())
}

function checkTime(text: string): string {
  if (toTime(text) === undefined) {
    throw new InvalidArgumentError(
      'Give a day, a time with its zone (2026-11-22T02:00Z), or how long ago (4h).',
    )
  }
  return text
}

function toCondition(text: string): Condition {
  const condition = parseCondition(text)
  if (!condition) throw new InvalidArgumentError('Give a path and a value, such as data.to=+15550100199.')
  return condition
}

function toCount(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1 on.')
  return Number(text)
}

function toSuffix(text: string): string {
  if (!/^[\w.:~-]{1,40}$/.test(text))
    throw new InvalidArgumentError('Give 1 to 40 letters, digits or . : ~ _ -')
  return text
}

function collect<T>(parse: (text: string) => T): (text: string, before?: readonly T[]) => readonly T[] {
  return (text, before = []) => [...before, parse(text)]
}
