/** `check`: what is right and what is wrong, line by line, with a remedy for each fault. */
import { Command } from 'commander'
import { checkFolder } from './check/folder.ts'
import { checkOutbox } from './check/outbox.ts'
import { checkPublicUrl } from './check/public-url.ts'
import { checkSegment } from './check/segment.ts'
import { checkSettings } from './check/settings.ts'
import { checkTwilio } from './check/twilio.ts'
import { type Finding, formatFinding, isWrong } from './finding.ts'
import { type Connect, connect } from './sink/api.ts'
import { createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'

type Options = { readonly offline?: boolean; readonly json?: boolean }

export function createCheckCommand(
  terminal: Terminal = createTerminal(),
  connectTo: Connect = connect,
  now: () => number = Date.now,
): Command {
  return new Command('check')
    .description(
      'Look at the settings, the data folder, the outbox, Segment, Twilio and the way between them.',
    )
    .option('--offline', 'leave out what needs the network')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      `
Run it where the bridge runs. It changes nothing and creates no event: Segment gets a HEAD without a key, the webhook an empty
array, signed as Twilio signs. With TWILIO_ACCOUNT_SID and credentials (see "sink --help") the sink is looked at too.
Exit codes: 0 nothing is wrong, 1 something is, 2 wrong use.

Examples:
  twilio-segment-bridge check
  twilio-segment-bridge check --offline
  twilio-segment-bridge check --json | jq -r '.findings[] | select(.state == "wrong") | .remedy'`,
    )
    .action(toAction(terminal, check))

  async function check({ offline = false, json = false }: Options): Promise<ExitCode> {
    const findings: Finding[] = []
    for await (const finding of look(offline)) {
      findings.push(finding)
      if (!json) terminal.out(formatFinding(finding, terminal.hasColours))
    }
    const faults = findings.filter(isWrong).length
    if (json) terminal.out(JSON.stringify({ ok: faults === 0, findings }))
    else terminal.say(faults === 0 ? 'Nothing is wrong.' : `${faults} wrong.`)
    return faults === 0 ? 0 : 1
  }

  async function* look(offline: boolean): AsyncGenerator<Finding> {
    const { findings, settings } = checkSettings(terminal.environment())
    yield* findings
    yield* checkFolder(settings.DATA_DIR)
    terminal.progress('checking the pages of the outbox…')
    const local = await checkOutbox(settings)
    yield* local.findings
    if (offline) return
    terminal.progress('asking Segment…')
    yield* await checkSegment(settings, now)
    terminal.progress('trying PUBLIC_URL…')
    yield* await checkPublicUrl(settings, local.origin)
    terminal.progress('asking Twilio…')
    yield* await checkTwilio(settings, connectTo)
  }
}
