/** `sink create|status|test|delete`: sets up the way from Twilio to this bridge. Options in; run.ts does it and speaks. */
import { Command } from 'commander'
import { toNumber, toUrl } from './arguments.ts'
import { type Connect, connect } from './sink/api.ts'
import { DESCRIPTION } from './sink/find.ts'
import { createSinkActions } from './sink/run.ts'
import { createTerminal, type Terminal, toAction } from './terminal.ts'
import { NEEDS_CREDENTIALS } from './twilio-credentials.ts'

export function createSinkCommand(
  terminal: Terminal = createTerminal(),
  connectTo: Connect = connect,
): Command {
  const { create, status, test, remove } = createSinkActions(terminal, connectTo)
  const command = new Command('sink')
    .description("Set up, look at, test or delete Twilio's Event Streams sink for this bridge.")
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS}
Exit codes: 0 done, 1 failed or something is wrong, 2 wrong settings or use.

Example, the first time:\n  npx twilio-segment-bridge sink create --dry-run\n  npx twilio-segment-bridge sink create`,
    )

  withTest(command.command('create'))
    .description('Create the sink for PUBLIC_URL and its subscription; existing ones are left alone.')
    .option(
      '--types <list>',
      'event types, comma-separated; * for any characters, "default" for the default ones (docs/mapping.md)',
    )
    .option('--description <text>', 'name of the sink at Twilio', DESCRIPTION)
    .option('--repin', 'also move types that are pinned to an older schema version')
    .option('--own-numbers', "also print the account's numbers as the setting OWN_NUMBERS")
    .option('--no-test', 'send no test event')
    .option('--dry-run', 'print what would be done; change nothing')
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS} The bridge should run: it is asked whether the test event came in.
Exit codes: 0 the sink is there and its test came in, 1 not so, 2 wrong settings or use.
stdout gets the line SINK_SID=… for .env, and with --own-numbers the line OWN_NUMBERS=….
Without --types: the types that tell of a customer, and each thing once. Others can be asked for; what they bring is said.

Examples:
  npx twilio-segment-bridge sink create
  npx twilio-segment-bridge sink create --types com.twilio.messaging.message.delivered,com.twilio.messaging.message.failed
  npx twilio-segment-bridge sink create --types 'default,com.twilio.taskrouter.reservation.*' --own-numbers
  npx twilio-segment-bridge sink create --bridge http://localhost:8787     # ask here whether the test came in`,
    )
    .action(toAction(terminal, create))

  command
    .command('status')
    .description('Show the sinks, the subscription, its schema versions, and problems with them.')
    .option('--json', 'output JSON')
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS}\nExit codes: 0 no problem, 1 a problem, 2 wrong settings or use.\n\nExample:\n  npx twilio-segment-bridge sink status --json | jq '.findings[] | select(.state == "wrong")'`,
    )
    .action(toAction(terminal, status))

  withTest(command.command('test'))
    .argument('[sid]', 'SID of the sink (default: the one that delivers to PUBLIC_URL)')
    .description('Have Twilio send its test event, and wait until it arrives.')
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS}\nExit codes: 0 received, 1 not received, 2 wrong settings or use.\n\nExample:\n  npx twilio-segment-bridge sink test --wait 60`,
    )
    .action(toAction(terminal, test))

  command
    .command('delete')
    .argument('[sid]', 'SID of the sink (default: the one that delivers to PUBLIC_URL)')
    .description('Delete the subscription, then the sink. Asks first.')
    .option('--yes', 'do not ask')
    .option('--json', 'output JSON')
    .addHelpText(
      'after',
      `${NEEDS_CREDENTIALS}\nExit codes: 0 deleted, 1 not, 2 wrong settings or use (off a terminal --yes is needed).\n\nExample:\n  npx twilio-segment-bridge sink delete --yes`,
    )
    .action(toAction(terminal, remove))

  return command
}

function withTest(command: Command): Command {
  return command
    .option(
      '--bridge <url>',
      "where to ask the bridge whether the test came in (default: PUBLIC_URL's origin)",
      toUrl,
    )
    .option('--wait <seconds>', 'how long to wait for the test event', toNumber(0.1, 3_600), 30)
    .option('--json', 'output JSON')
}
