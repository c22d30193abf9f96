/** `resend`: accepted events sent again, for when a destination answered 200 and kept nothing. */
import { Command } from 'commander'
import { toTime, toUrl } from './arguments.ts'
import { type OutboxAccess, openOutbox } from './outbox-access.ts'
import { count } from './replay/summary.ts'
import { type ResendQuery, type Resent, walkResend } from './resend-walk.ts'
import { openElsewhere } from './running.ts'
import { CliError, createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'
import { toSettings } from './twilio-credentials.ts'

type Options = {
  /** Milliseconds since 1970. */
  readonly since: number
  readonly until?: number
  readonly type?: string
  readonly destination?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly json?: boolean
  readonly to?: string
}

const HELP = `
Events keep their ids: Segment drops those it received in the last 24 hours, and takes what it never kept. --since and
--until go by the time an event was accepted. Works on the bridge that runs on DATA_DIR, on the folder itself while none
does, or with --to on any bridge, which needs its ADMIN_TOKEN.

Exit codes: 0 done, 1 failed or not confirmed, 2 wrong settings or use, 3 done, but some events are no longer stored.

Examples:
  npx twilio-segment-bridge resend --since 6h --dry-run      # how many there are
  npx twilio-segment-bridge resend --since 6h                # asks, then sends them
  npx twilio-segment-bridge resend --since 2026-11-22T02:00Z --until 2026-11-22T08:00Z --yes`

export function createResendCommand(
  terminal: Terminal = createTerminal(),
  now: () => number = Date.now,
): Command {
  return new Command('resend')
    .description('Send accepted events again, under the same ids: for example after a wrong write key.')
    .requiredOption(
      '--since <time>',
      'accepted from then on: 2026-11-22, 2026-11-22T02:00Z, or 6h ago (s, m, h, d)',
      toTime,
    )
    .option('--until <time>', 'accepted before then; now if left out', toTime)
    .option('--type <type>', 'only this event type; com.twilio.voice.* for all that begin so')
    .option('--destination <name>', 'only to this destination, of what it accepted')
    .option('--dry-run', 'count them and change nothing')
    .option('--yes', 'do not ask')
    .option('--to <url>', 'a bridge that runs elsewhere, such as https://bridge.example.com', toUrl)
    .option('--json', 'output the result as JSON')
    .addHelpText('after', HELP)
    .action(toAction(terminal, run))

  async function run(options: Options): Promise<ExitCode> {
    const { to, json, dryRun = false } = options
    const settings = toSettings(terminal.environment())
    const access = to === undefined ? await openOutbox(settings) : openElsewhere(settings, to)
    try {
      // Fixed here, so that what is accepted meanwhile is not sent a third time.
      const { since, until = now(), type, destination } = options
      const query = { since, until, type, destination }
      const found = await walk(access, { ...query, preview: true })
      tell(found)
      const ready = found.matched - found.pruned
      if (dryRun || ready === 0 || !(await isConfirmed(ready, options))) {
        if (json) terminal.out(JSON.stringify(found))
        return dryRun || ready === 0 ? 0 : 1
      }
      const resent = await walk(access, { ...query, preview: false })
      terminal.say(`Pending again: ${count(resent.done)} of ${count(resent.matched)} events.`)
      if (json) terminal.out(JSON.stringify(resent))
      return resent.pruned > 0 ? 3 : 0
    } finally {
      access.close()
    }
  }

  function walk(access: OutboxAccess, query: ResendQuery): Promise<Resent> {
    return walkResend(access, query, ({ matched, done }) =>
      terminal.progress(
        query.preview ? `${count(matched)} accepted events found…` : `${count(done)} pending again…`,
      ),
    )
  }

  function tell({ matched, pruned }: Resent): void {
    terminal.say(`Accepted in this time: ${count(matched)} events.`)
    if (pruned > 0) terminal.say(`No longer stored, or damaged, so not sent again: ${count(pruned)} of them.`)
  }

  async function isConfirmed(
    events: number,
    { yes = false, destination = 'Segment' }: Options,
  ): Promise<boolean> {
    if (yes) return true
    if (!terminal.isInteractive) throw new CliError('Not a terminal: pass --yes to confirm.', 2)
    const answer = await terminal.ask(`Send ${count(events)} events to ${destination} again? [y/N] `)
    return /^y(es)?$/i.test(answer.trim())
  }
}
