/** `schemas --tracking-plan`: what this configuration sends, for the tools that watch over it. */
import { Command, Option } from 'commander'
import type { SegmentConfig } from '../config/destination-config.ts'
import { toDestinationConfigs } from '../config/destinations.ts'
import { toMapping } from '../event/mapping.ts'
import { toPlan, toRudderStackPlan, toSegmentPlan } from '../send/tracking-plan.ts'
import { CliError, createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'
import { toSettings } from './twilio-credentials.ts'

type Options = {
  readonly trackingPlan?: boolean
  readonly destination?: string
  readonly format?: 'segment' | 'rudderstack'
}

const HELP = `
One rule an event name, with the names and fields that the destination gets by its filter, its table and its rules. It changes
only when the configuration, or this bridge, does: keep it in version control, and let CI compare.

  segment       the body of PUT /tracking-plans/{id}/rules of Segment's Public API
  rudderstack   the events of a tracking plan, as RudderStack's Data Catalog API takes them

Exit codes: 0 done, 1 failed, 2 wrong settings or use.

Examples:
  npx twilio-segment-bridge schemas --tracking-plan > tracking-plan.json
  npx twilio-segment-bridge schemas --tracking-plan --destination acme-eu | diff tracking-plan.json -`

export function createSchemasCommand(terminal: Terminal = createTerminal()): Command {
  return new Command('schemas')
    .description('Write what is sent to a destination as a tracking plan.')
    .option('--tracking-plan', 'a tracking plan, to stdout')
    .option('--destination <name>', 'which one, if there are several')
    .addOption(
      new Option('--format <format>', 'whose; by default that of the receiver').choices([
        'segment',
        'rudderstack',
      ]),
    )
    .addHelpText('after', HELP)
    .action(toAction(terminal, async (options: Options) => run(terminal, options)))
}

function run(terminal: Terminal, { trackingPlan, destination, format }: Options): ExitCode {
  if (!trackingPlan) throw new CliError('Give --tracking-plan.', 2)
  const settings = toSettings(terminal.environment())
  const configs = toDestinationConfigs(settings).filter(config => config.type === 'segment')
  const config = find(configs, destination)
  const events = toPlan(config, toMapping(settings))
  const own = format ?? (config.receiver === 'rudderstack' ? 'rudderstack' : 'segment')
  const plan = own === 'rudderstack' ? toRudderStackPlan(events) : toSegmentPlan(events)
  terminal.out(JSON.stringify(plan, undefined, 2))
  terminal.say(`${events.length} events of ${config.name}`)
  return 0
}

function find(configs: readonly SegmentConfig[], name: string | undefined): SegmentConfig {
  const found =
    name === undefined && configs.length === 1 ? configs[0] : configs.find(one => one.name === name)
  if (found) return found
  const names = configs.map(one => one.name).join(', ')
  throw new CliError(
    names === ''
      ? 'No destination gets track calls.'
      : `${name === undefined ? 'Give' : `There is no ${name}: give`} --destination, one of ${names}.`,
    2,
  )
}
