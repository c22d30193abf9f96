/** `status` and `deliver-now`: what the running bridge is doing on one screen, and the end of any wait. */
import { Command } from 'commander'
import * as z from 'zod'
import type { Status } from '../admin/status-schema.ts'
import { toUrl } from './arguments.ts'
import { type Finding, formatFinding } from './check/result.ts'
import { findRunning, order, readStatus } from './running.ts'
import { createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'
import { toSettings } from './twilio-credentials.ts'

type Options = { readonly to?: string; readonly strict?: boolean; readonly json?: boolean }

const WHERE = `
Asks the bridge that runs on DATA_DIR, or with --to any other, which needs its ADMIN_TOKEN.`
const TO = 'a bridge that runs elsewhere, such as https://bridge.example.com'
const levels = { ok: 'ok', warning: 'warn', error: 'wrong' } as const

export function createStatusCommand(terminal: Terminal = createTerminal()): Command {
  return new Command('status')
    .description(
      'Show whether each destination is accepting events, what waits and since when, and what needs you.',
    )
    .option('--to <url>', TO, toUrl)
    .option('--strict', 'exit 1 on warnings too')
    .option('--json', 'output JSON')
    .addHelpText(
      'after',
      `${WHERE}

Exit codes: 0 nothing is red, 1 something is red (with --strict: or there is a warning) or no bridge answers, 2 wrong settings
or use.

Examples:
  npx twilio-segment-bridge status
  ADMIN_TOKEN=… npx twilio-segment-bridge status --to https://bridge.example.com
  npx twilio-segment-bridge status --json | jq '.destinations[] | {state, reason, waiting, waitingSince}'`,
    )
    .action(toAction(terminal, show))

  async function show({ to, strict = false, json }: Options): Promise<ExitCode> {
    const bridge = findRunning(toSettings(terminal.environment()), to)
    const status = await readStatus(bridge)
    if (json) terminal.out(JSON.stringify(status))
    else {
      terminal.say(bridge.name.replace(/^./, first => first.toUpperCase()))
      for (const finding of toFindings(status)) terminal.out(formatFinding(finding, terminal.hasColours))
    }
    const hasWarning = status.lines.some(({ level }) => level === 'warning')
    return status.ok && !(strict && hasWarning) ? 0 : 1
  }
}

const Delivering = z.object({ notDone: z.array(z.string()).default([]) })

export function createDeliverNowCommand(terminal: Terminal = createTerminal()): Command {
  return new Command('deliver-now')
    .description('End the wait after a failure: the next delivery attempt starts at once.')
    .option('--to <url>', TO, toUrl)
    .addHelpText(
      'after',
      `${WHERE}

Exit codes: 0 done, 1 failed, 2 wrong settings or use.

Example:
  npx twilio-segment-bridge deliver-now && npx twilio-segment-bridge status`,
    )
    .action(toAction(terminal, deliver))

  async function deliver({ to }: Pick<Options, 'to'>): Promise<ExitCode> {
    const bridge = findRunning(toSettings(terminal.environment()), to)
    const { notDone } = Delivering.parse(await order(bridge, '/deliver-now'))
    for (const part of notDone) terminal.say(`Not done: ${part}. Run it again.`)
    terminal.say('The next delivery attempt starts now.')
    return notDone.length > 0 ? 1 : 0
  }
}

export function toFindings({ lines }: Status): Finding[] {
  return lines.map(({ name, level, text, remedy }) => ({
    state: levels[level],
    name,
    detail: text,
    ...(remedy !== null && { remedy }),
  }))
}
