/** `check`: what is right and what is wrong, line by line, with a remedy for each fault. */
import { Command } from 'commander'
import { checkBridge } from './check/bridge.ts'
import { checkFolder } from './check/folder.ts'
import { checkOutbox } from './check/outbox.ts'
import { checkPublicUrl } from './check/public-url.ts'
import { type Finding, formatFinding, isWarning, isWrong } from './check/result.ts'
import { checkSegment } from './check/segment.ts'
import { checkSettings } from './check/settings.ts'
import { checkTwilio } from './check/twilio.ts'
import { findRunning, order } from './running.ts'
import { type Connect, connect } from './sink/api.ts'
import { createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'
import { toSettings } from './twilio-credentials.ts'

type Options = {
  readonly offline?: boolean
  readonly strict?: boolean
  readonly confirmArrival?: boolean
  readonly json?: boolean
}

export function createCheckCommand(
  terminal: Terminal = createTerminal(),
  connectTo: Connect = connect,
  now: () => number = Date.now,
): Command {
  return new Command('check')
    .description(
      'Check the settings, the data folder, the running bridge, Segment, Twilio and the way between them.',
    )
    .option('--offline', 'skip checks that need the network')
    .option('--strict', 'exit 1 on warnings too')
    .option('--confirm-arrival', 'record that you saw events arrive in Segment under this write key')
    .option('--json', 'output JSON')
    .addHelpText(
      'after',
      `
Run it where the bridge runs. It creates no event, and changes nothing but what --confirm-arrival records: Segment gets a HEAD
without a key, the webhook an empty array, signed as Twilio signs. The running bridge is asked how delivery does, as by "npx twilio-segment-bridge status". With
TWILIO_ACCOUNT_SID and credentials (see "npx twilio-segment-bridge sink --help") the sink is checked too.
Exit codes: 0 nothing is wrong, 1 something is (with --strict: or there is a warning), 2 wrong use.

Examples:
  npx twilio-segment-bridge check
  npx twilio-segment-bridge check --offline --strict
  npx twilio-segment-bridge check --confirm-arrival      # after you saw an event at Segment → Sources → Debugger
  npx twilio-segment-bridge check --json | jq -r '.findings[] | select(.state == "wrong") | .remedy'`,
    )
    .action(toAction(terminal, check))

  async function check(options: Options): Promise<ExitCode> {
    const { offline = false, strict = false, confirmArrival = false, json = false } = options
    if (confirmArrival) {
      await order(findRunning(toSettings(terminal.environment()), undefined), '/confirm-arrival')
      terminal.say('Recorded: events arrive under this write key.')
    }
    const findings: Finding[] = []
    for await (const finding of look(offline)) {
      findings.push(finding)
      if (!json) terminal.out(formatFinding(finding, terminal.hasColours))
    }
    const faults = findings.filter(isWrong).length
    const warnings = findings.filter(isWarning).length
    const isGood = faults === 0 && !(strict && warnings > 0)
    if (json) terminal.out(JSON.stringify({ ok: isGood, findings }))
    else {
      const more = warnings === 0 ? '' : `; ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`
      terminal.say(`${faults === 0 ? 'Nothing is wrong' : `${faults} wrong`}${more}.`)
    }
    return isGood ? 0 : 1
  }

  async function* look(offline: boolean): AsyncGenerator<Finding> {
    const { findings, settings } = checkSettings(terminal.environment())
    yield* findings
    yield* checkFolder(settings.DATA_DIR)
    terminal.progress('checking the pages of the outbox…')
    const local = await checkOutbox(settings)
    yield* local.findings
    if (local.origin !== undefined) yield* await checkBridge(settings, local.origin)
    if (offline) return
    terminal.progress('asking Segment…')
    yield* await checkSegment(settings, now)
    terminal.progress('trying PUBLIC_URL…')
    yield* await checkPublicUrl(settings, local.origin)
    terminal.progress('asking Twilio…')
    yield* await checkTwilio(settings, connectTo)
  }
}
