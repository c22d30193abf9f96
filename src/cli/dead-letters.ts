/** `dead-letters list|show|retry|drop|edit`: what a person does about events that cannot go as they are. What is said stands here. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { toTime } from './arguments.ts'
import { type Action, type Changed, changeByFilter, changeByKey, countAll } from './dead-letters/change.ts'
import { edit } from './dead-letters/edit.ts'
import { type Filter, findAll, findOne, type Summary } from './dead-letters/find.ts'
import { toPage, toTable } from './dead-letters/show.ts'
import { type OutboxAccess, openOutbox } from './outbox-access.ts'
import { count } from './replay/summary.ts'
import { CliError, createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'
import { toSettings } from './twilio-credentials.ts'

type ListOptions = Filter & { readonly held?: boolean } & { readonly limit: number; readonly json?: boolean }
type ChangeOptions = Filter & { readonly held?: boolean } & {
  readonly all?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

const WHERE = `
Works on the bridge that runs on DATA_DIR, or, while none does, on the folder itself.`
const CODES = `
Exit codes: 0 done, 1 failed, 2 wrong settings or use, 3 done, but some stay dead letters.`

export function createDeadLettersCommand(terminal: Terminal = createTerminal()): Command {
  const command = new Command('dead-letters')
    .description(
      'List, show, retry, drop or edit dead letters: events rejected (invalid) or refused (undeliverable).',
    )
    .addHelpText(
      'after',
      `${WHERE}\n\nExample:\n  npx twilio-segment-bridge dead-letters list --reason schema_rejected --since 1d`,
    )

  withFilter(command.command('list'))
    .description('List dead letters, newest first.')
    .option('--limit <n>', 'at most this many', toCount, 50)
    .option('--json', 'NDJSON')
    .addHelpText(
      'after',
      `${WHERE}\n\nExamples:\n  npx twilio-segment-bridge dead-letters list\n  npx twilio-segment-bridge dead-letters list --json --state refused | jq -r .key\n  npx twilio-segment-bridge dead-letters list --held`,
    )
    .action(toAction(terminal, (options: ListOptions) => withOutbox(access => list(access, options))))

  command
    .command('show')
    .argument('<key>', 'as "list" shows it')
    .description(
      'Show one event: its faults, every attempt with its answer, and the track call it would become.',
    )
    .option('--json', 'as JSON')
    .addHelpText('after', `${WHERE}\n\nExample:\n  npx twilio-segment-bridge dead-letters show 1042-0`)
    .action(
      toAction(terminal, (key: string, { json }: { json?: boolean }) =>
        withOutbox(access => show(access, key, json ?? false)),
      ),
    )

  withFilter(command.command('retry'), ['rejected', 'refused', 'skipped'])
    .argument('[keys...]', 'these; or give a filter, or --all')
    .description(
      'Send dead letters again, or what was skipped and could go now. Those that still fail validation stay.',
    )
    .option('--all', 'every dead letter')
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      `${WHERE}${CODES}\n\nExamples:\n  npx twilio-segment-bridge dead-letters retry 1042-0\n  npx twilio-segment-bridge dead-letters retry --reason segment_refused --since 1d
  npx twilio-segment-bridge dead-letters retry --state skipped --reason type_unmapped --type 'com.twilio.voice.*'`,
    )
    .action(
      toAction(terminal, (keys: string[], options: ChangeOptions) =>
        withOutbox(access => change(access, 'retry', keys, options)),
      ),
    )

  withFilter(command.command('drop'))
    .argument('[keys...]', 'these; or give a filter, or --all')
    .description('Drop dead letters; they are marked skipped and deleted after RETENTION_DAYS.')
    .option('--all', 'every dead letter')
    .option('--yes', 'do not ask')
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      `${WHERE}${CODES}\n\nExamples:\n  npx twilio-segment-bridge dead-letters drop 1042-0\n  npx twilio-segment-bridge dead-letters drop --reason body_not_json --until 7d --yes`,
    )
    .action(
      toAction(terminal, (keys: string[], options: ChangeOptions) =>
        withOutbox(access => change(access, 'drop', keys, options)),
      ),
    )

  command
    .command('edit')
    .argument('<key>', 'as "list" shows it')
    .description('Edit one in $EDITOR; it is validated and sent under the same id.')
    .addHelpText(
      'after',
      `${WHERE}\n\nExample:\n  EDITOR=nano npx twilio-segment-bridge dead-letters edit 1042-0`,
    )
    .action(
      toAction(terminal, (key: string) =>
        withOutbox(async access => {
          await edit(access, key, terminal)
          return 0
        }),
      ),
    )
  return command

  async function withOutbox(work: (access: OutboxAccess) => Promise<ExitCode>): Promise<ExitCode> {
    const access = await openOutbox(toSettings(terminal.environment()))
    try {
      return await work(access)
    } finally {
      access.close()
    }
  }

  async function list(access: OutboxAccess, { limit, json, ...options }: ListOptions): Promise<ExitCode> {
    const filter = toFilter(options)
    const found: Summary[] = []
    const states = filter.state ? [filter.state] : (['rejected', 'refused'] as const)
    let more = false
    let unsorted = 0
    for (const state of states) {
      let left = limit
      for await (const event of findAll(access, { ...filter, state }, events => (unsorted = events))) {
        more ||= left === 0
        if (left-- === 0) break
        found.push(event)
      }
    }
    const newest = found.sort((a, b) => b.receivedAt.localeCompare(a.receivedAt)).slice(0, limit)
    if (json) for (const event of newest) terminal.out(JSON.stringify(event))
    else if (newest.length > 0) for (const line of toTable(newest)) terminal.out(line)
    if (newest.length === 0) terminal.say(`No dead letters in ${access.name}.`)
    else if (more || found.length > limit) terminal.say(`Only the newest ${limit}; --limit shows more.`)
    if (unsorted > 0)
      terminal.say(
        `${count(unsorted)} stored event${unsorted === 1 ? ' is' : 's are'} not indexed yet, so this list may lack some.`,
      )
    return 0
  }

  async function show(access: OutboxAccess, key: string, json: boolean): Promise<ExitCode> {
    const event = await findOne(access, key)
    if (json) terminal.out(JSON.stringify(event))
    else for (const line of toPage(event)) terminal.out(line)
    return 0
  }

  async function change(
    access: OutboxAccess,
    action: Action,
    keys: readonly string[],
    options: ChangeOptions,
  ): Promise<ExitCode> {
    const { all, yes, json, ...rest } = options
    const filter = toFilter(rest)
    const { destination, ...others } = filter
    // Of events that are named by their keys it says which delivery.
    const isFiltered = Object.keys(keys.length > 0 ? others : filter).length > 0
    if ([keys.length > 0, isFiltered, all].filter(Boolean).length !== 1) {
      throw new CliError(
        'Which ones? Give keys, or filters (--destination, --state, --reason, --type, --since, --until), or --all.',
        2,
      )
    }
    if (action === 'drop' && !yes && !(await mayDrop(keys.length || (await countAll(access, filter)))))
      return 1
    const changed: Changed =
      keys.length > 0
        ? await changeByKey(access, action, keys, destination)
        : await changeByFilter(access, action, filter)
    const { matched, done, left, notDone = [] } = changed
    for (const { key, why } of left) terminal.say(`${key} not retried: ${why}`)
    terminal.say(`${count(done)} of ${count(matched)} ${action === 'retry' ? 'queued' : 'dropped'}.`)
    for (const part of notDone) terminal.say(`Not done: ${part}. Run it again.`)
    if (json) terminal.out(JSON.stringify(changed))
    return done < matched || notDone.length > 0 ? 3 : 0
  }

  async function mayDrop(events: number): Promise<boolean> {
    if (events === 0) return true
    if (!terminal.isInteractive) throw new CliError('Not a terminal: pass --yes to confirm.', 2)
    const answer = await terminal.ask(
      `Drop ${count(events)} dead letters? They will not be sent, and are deleted after RETENTION_DAYS. [y/N] `,
    )
    return /^y(es)?$/i.test(answer.trim())
  }
}

/** Held back is a state of its own here, though such an event is pending. */
function toFilter({ held, ...filter }: Filter & { readonly held?: boolean }): Filter {
  if (!held) return filter
  if (filter.state !== undefined)
    throw new CliError(`--held and --state ${filter.state} exclude each other: give one of them.`, 2)
  return { ...filter, state: 'held' }
}

function withFilter(command: Command, states: readonly string[] = ['rejected', 'refused']): Command {
  return command
    .addOption(new Option('--state <state>', 'only these').choices(states))
    .addOption(new Option('--held', 'events held back instead: still pending, tried again alone'))
    .option('--destination <name>', 'only those of this destination, as they stand there')
    .option('--reason <reason>', 'only those for this reason, such as schema_rejected')
    .option('--type <type>', 'only this event type; com.twilio.voice.* for all that begin so')
    .option(
      '--since <time>',
      'only received from then on: 2026-11-22, 2026-11-22T02:00Z, or 4h ago (s, m, h, d)',
      toTime,
    )
    .option('--until <time>', 'only received before then', toTime)
}

function toCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1 on.')
  return Number(text)
}
