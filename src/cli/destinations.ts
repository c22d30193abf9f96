/** `destinations list|pause|resume|deliver-now|confirm|preview`: what a person does about one destination of several. */
import { Command } from 'commander'
import type { Status } from '../admin/status-schema.ts'
import { toUrl } from './arguments.ts'
import { createPreviewCommand } from './destinations/preview.ts'
import { findRunning, order, readStatus } from './running.ts'
import { CliError, createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'
import { toSettings } from './twilio-credentials.ts'

type Options = { readonly to?: string; readonly json?: boolean }
type Destination = Status['destinations'][number]

const WHERE = `
Asks the bridge that runs on DATA_DIR, or with --to any other, which needs its ADMIN_TOKEN.
Exit codes: 0 done, 1 failed, 2 wrong settings or use.`
const TO = 'a bridge that runs elsewhere, such as https://bridge.example.com'

export function createDestinationsCommand(terminal: Terminal = createTerminal()): Command {
  const command = new Command('destinations')
    .description(
      'List the destinations; pause, resume or hurry one; preview and confirm a change of the destinations file.',
    )
    .addHelpText(
      'after',
      `${WHERE}

Examples:
  npx twilio-segment-bridge destinations list
  npx twilio-segment-bridge destinations pause acme-eu`,
    )
  const find = ({ to }: Options) => findRunning(toSettings(terminal.environment()), to)

  command
    .command('list')
    .description('Show each destination: its state and why, what waits, what was sent.')
    .option('--to <url>', TO, toUrl)
    .option('--json', 'output JSON')
    .addHelpText(
      'after',
      `${WHERE}\n\nExample:\n  npx twilio-segment-bridge destinations list --json | jq '.[] | {name, state, waiting}'`,
    )
    .action(
      toAction(terminal, async (options: Options): Promise<ExitCode> => {
        const { destinations } = await readStatus(find(options))
        if (options.json) terminal.out(JSON.stringify(destinations))
        else for (const line of toTable(destinations)) terminal.out(line)
        return 0
      }),
    )

  const orders = {
    pause: [
      'Stop sending to a destination; its events wait.',
      'is paused; its events wait until you resume it.',
    ],
    resume: ['Go on sending to a destination that was paused.', 'gets events again.'],
    'deliver-now': [
      'End the wait after a failure: the next attempt starts at once.',
      'gets its next attempt now.',
    ],
  } as const
  for (const [name, [description, done]] of Object.entries(orders)) {
    command
      .command(name)
      .argument('<name>', 'as "list" shows it')
      .description(description)
      .option('--to <url>', TO, toUrl)
      .addHelpText('after', `${WHERE}\n\nExample:\n  npx twilio-segment-bridge destinations ${name} acme-eu`)
      .action(
        toAction(terminal, async (destination: string, options: Options): Promise<ExitCode> => {
          await order(find(options), `/destinations/${encodeURIComponent(destination)}/${name}`)
          terminal.say(`${destination} ${done}`)
          return 0
        }),
      )
  }

  command
    .command('confirm')
    .argument('[hash]', 'as "list" shows it; may be left out when one change waits')
    .description('Confirm a change of the destinations file that could send events twice, or lose some.')
    .option('--to <url>', TO, toUrl)
    .addHelpText(
      'after',
      `${WHERE}\n\nExample:\n  npx twilio-segment-bridge destinations confirm 3f9a0c1e5b7d2468`,
    )
    .action(
      toAction(terminal, async (hash: string | undefined, options: Options): Promise<ExitCode> => {
        const bridge = find(options)
        const { destinations } = await readStatus(bridge)
        const changes = destinations.flatMap(({ unconfirmed }) => unconfirmed ?? [])
        const hashes = [...new Set(changes.map(change => change.hash))]
        if (hashes.length === 0) throw new CliError('No change waits to be confirmed.')
        if (hash === undefined && hashes.length > 1)
          throw new CliError(`Several changes wait: name one of ${hashes.join(', ')}.`)
        const asked = hash ?? hashes[0] ?? ''
        for (const { hash, text } of changes) if (hash === asked) terminal.say(text)
        await order(bridge, '/destinations/confirm', { hash: asked })
        terminal.say('Confirmed: the destination gets events again.')
        return 0
      }),
    )
  command.addCommand(createPreviewCommand(terminal))
  return command
}

/** Columns as wide as what stands in them; what a person must know stands below the destination it is about. */
function toTable(destinations: readonly Destination[]): string[] {
  const rows = destinations.map(({ name, state, reason, waiting, held, accepted, host }) => [
    name,
    reason === null ? state : `${state} (${reason})`,
    String(waiting),
    String(held),
    String(accepted),
    host,
  ])
  const all = [['NAME', 'STATE', 'WAITING', 'HELD BACK', 'ACCEPTED', 'WHERE'], ...rows]
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)))
  const lines = all.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return lines.flatMap((line, index) => {
    const { unconfirmed } = destinations[index - 1] ?? {}
    return unconfirmed
      ? [
          line,
          `  ${unconfirmed.text}`,
          `  → npx twilio-segment-bridge destinations confirm ${unconfirmed.hash}`,
        ]
      : [line]
  })
}
