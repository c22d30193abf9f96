/** `proxy sessions …`: Twilio Proxy's sessions. Options in; proxy/ does it and speaks. */
import { Command } from 'commander'
import { toInteger, toUrl } from './arguments.ts'
import { type ConnectProxy, connectProxy } from './proxy/api.ts'
import { createSessionActions } from './proxy/sessions.ts'
import { runSync, type SyncOptions } from './proxy/sync.ts'
import { createTerminal, type Terminal, toAction } from './terminal.ts'
import { NEEDS_CREDENTIALS } from './twilio-credentials.ts'

const CODES = `
Exit codes: 0 done, 1 failed, 2 wrong settings or use.`
const YEARS_SECONDS = 3_153_600_000

export function createProxyCommand(
  terminal: Terminal = createTerminal(),
  connectTo: ConnectProxy = connectProxy,
  send: typeof fetch = fetch,
): Command {
  const command = new Command('proxy').description("Twilio Proxy's sessions (docs/proxy.md).")
  addSessions(command, terminal, connectTo)
  addSync(command, terminal, send)
  return command
}

function addSessions(parent: Command, terminal: Terminal, connectTo: ConnectProxy): void {
  const { list, get, create, update, remove } = createSessionActions(terminal, connectTo)
  const command = parent
    .command('sessions')
    .description("List, show, create, change or delete sessions through Twilio's API.")
    .addHelpText('after', `${NEEDS_CREDENTIALS}${CODES}`)

  named(command.command('list'))
    .description('List the sessions of a service.')
    .option('--page-size <n>', 'sessions a request, up to 1000', toInteger(1, 1_000), 50)
    .option('--limit <n>', 'at most this many', toInteger(1, Number.MAX_SAFE_INTEGER))
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS}${CODES}\n\nExamples:\n  npx twilio-segment-bridge proxy sessions list --limit 20\n  npx twilio-segment-bridge proxy sessions list --page-size 1000 --json | jq -r 'select(.status == "open") | .sid'`,
    )
    .action(toAction(terminal, list))

  named(command.command('get'))
    .argument('<sid>', 'SID of the session (KC…)')
    .description('Show a session with its participants: their real numbers are printed.')
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS}${CODES}\n\nExample:\n  npx twilio-segment-bridge proxy sessions get KC00000000000000000000000000000000`,
    )
    .action(toAction(terminal, get))

  withLife(named(command.command('create')))
    .description('Create a session.')
    .option('--unique-name <name>', 'up to 191 characters, no personal data; it cannot be changed')
    .option('--mode <mode>', 'message-only, voice-only or voice-and-message; it cannot be changed')
    .option('--status <status>', 'open, in-progress or closed')
    .option('--participant <identifier>', 'a number, or number=name; at most two', collect)
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS}${CODES}\n\nExample:\n  npx twilio-segment-bridge proxy sessions create --unique-name ride-42 --ttl 3600 --participant +15551230001=Ann --participant +15551230002`,
    )
    .action(toAction(terminal, create))

  withLife(named(command.command('update')))
    .argument('<sid>', 'SID of the session (KC…)')
    .description('Change when a session expires, close it, or reopen it.')
    .option('--status <status>', 'closed, or in-progress to reopen a closed one')
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS}${CODES}
Twilio changes nothing else. A closed session takes no change but --status in-progress: its participants and masked numbers
stay, its end and closed reason are cleared.

Examples:
  npx twilio-segment-bridge proxy sessions update KC00000000000000000000000000000000 --ttl 3600
  npx twilio-segment-bridge proxy sessions update KC00000000000000000000000000000000 --status closed`,
    )
    .action(toAction(terminal, update))

  named(command.command('delete'))
    .argument('<sid>', 'SID of the session (KC…)')
    .description('Delete a session with its participants and interactions. Asks first.')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS}
Exit codes: 0 deleted, 1 not, 2 wrong settings or use (off a terminal --yes is needed).\n\nExample:\n  npx twilio-segment-bridge proxy sessions delete KC00000000000000000000000000000000 --yes`,
    )
    .action(toAction(terminal, remove))
}

function addSync(parent: Command, terminal: Terminal, send: typeof fetch): void {
  parent
    .command('sync')
    .description('Look at all sessions once: what has changed since the last time becomes events.')
    .option('--to <url>', 'a bridge that runs elsewhere, such as https://bridge.example.com', toUrl)
    .option('--json', 'output the result as JSON')
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS}
Works on the bridge that runs on DATA_DIR, on the folder itself while none does, or with --to on any bridge, which needs its
ADMIN_TOKEN. What was seen is noted in DATA_DIR/proxy-sync.db. Interrupted, it goes on when it is run again. To have it run
by itself, set PROXY_SYNC_MINUTES.
${CODES}

Example:
  npx twilio-segment-bridge proxy sync`,
    )
    .action(toAction(terminal, (options: SyncOptions) => runSync(terminal, options, send)))
}

function named(command: Command): Command {
  return command
    .option('--service <name>', 'SID (KS…) or unique name of the service; not needed if there is only one')
    .option('--json', 'for machines')
}

function withLife(command: Command): Command {
  return command
    .option('--expiry <time>', 'when it expires, such as 2026-12-01T18:00:00Z; overrides --ttl')
    .option(
      '--ttl <seconds>',
      'seconds since creation or the last interaction after which it expires',
      toInteger(0, YEARS_SECONDS),
    )
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
