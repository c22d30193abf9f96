/** `tail`: events as they arrive and change. A list with keys on a terminal, one line a change elsewhere. */
import { Command, Option } from 'commander'
import { states } from '../reasons.ts'
import { toInteger, toUrl } from './arguments.ts'
import { changeByKey } from './dead-letters/change.ts'
import { findOne } from './dead-letters/find.ts'
import { toPage } from './dead-letters/show.ts'
import type { OutboxAccess } from './outbox-access.ts'
import { findRunning } from './running.ts'
import { type Filter, follow } from './tail/feed.ts'
import { type OpenScreen, openScreen } from './tail/screen.ts'
import { createView, MISSED, type Order, toLine } from './tail/view.ts'
import { CliError, createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'
import { toSettings } from './twilio-credentials.ts'

type Options = Omit<Filter, 'q'> & {
  readonly search?: string
  readonly to?: string
  readonly json?: boolean
  readonly lines: number
}

/** @param open for tests: another terminal */
export function createTailCommand(
  terminal: Terminal = createTerminal(),
  open: OpenScreen = openScreen,
): Command {
  return new Command('tail')
    .description('Show events as they arrive and as their states change, until you quit.')
    .addOption(new Option('--state <state>', 'only events that get into this state').choices(states))
    .option('--reason <reason>', 'only those for this reason, such as schema_rejected')
    .option('--type <type>', 'only this event type; com.twilio.voice.* for all that begin so')
    .option('--search <text>', 'only events that hold this text: an id, a SID, a phone number')
    .option(
      '-n, --lines <n>',
      'how many of the newest events to begin with, up to 200',
      toInteger(0, 200),
      10,
    )
    .option('--json', 'one JSON object a line, as the API lists events')
    .option('--to <url>', 'a bridge that runs elsewhere, such as https://bridge.example.com', toUrl)
    .addHelpText(
      'after',
      `
Asks the bridge that runs on DATA_DIR, or with --to any other, which needs its ADMIN_TOKEN. A lost connection is opened again.

On a terminal: j and k (or the arrows) select, d shows details, r sends a dead letter again, G goes to the newest, q quits.
In a pipe: one line for each new event and each change of a state.

Exit codes: 0 you quit, 1 no bridge answers, 2 wrong settings or use.

Examples:
  npx twilio-segment-bridge tail
  npx twilio-segment-bridge tail --state refused --json | jq -r .id`,
    )
    .action(toAction(terminal, tail))

  async function tail({ to, json = false, lines, search, ...options }: Options): Promise<ExitCode> {
    const filter = { ...options, ...(search !== undefined && { q: search }) }
    const bridge = findRunning(toSettings(terminal.environment()), to)
    return (
      (json ? undefined : await onScreen(bridge, filter, lines)) ??
      (await plainly(bridge, filter, lines, json))
    )
  }

  async function plainly(
    bridge: OutboxAccess,
    filter: Filter,
    lines: number,
    isJson: boolean,
  ): Promise<ExitCode> {
    let failures = 0
    for await (const update of follow(bridge, filter, lines, terminal.interrupted())) {
      if (update.kind === 'events')
        for (const row of update.events) terminal.out(isJson ? JSON.stringify(row) : toLine(row))
      else if (update.kind === 'missed') terminal.say(MISSED)
      else if (update.kind === 'live') {
        if (failures > 1) terminal.say('Connected again.')
        failures = 0
      } else if (++failures === 2) {
        // The first is no news: on Workers a stream ends from time to time, and is open again at once.
        terminal.say(`Connection lost (${update.why}); trying again until it is back.`)
      }
    }
    return 0
  }

  /** `undefined`: there is no terminal. */
  async function onScreen(
    bridge: OutboxAccess,
    filter: Filter,
    lines: number,
  ): Promise<ExitCode | undefined> {
    const stop = new AbortController()
    const filters = Object.entries(filter).map(([name, value]) => `${name}=${value}`)
    const view = createView([bridge.name, ...filters].join(' · '))
    const draw = () => screen?.draw(view.render(screen.rows))
    const screen = open({
      resized: draw,
      key(key) {
        const order = view.press(key)
        draw()
        if (order?.do === 'quit') stop.abort()
        else if (order) void carryOut(order).finally(draw)
      },
    })
    if (!screen) return undefined

    async function carryOut(order: Exclude<Order, { do: 'quit' }>): Promise<void> {
      try {
        if (order.do === 'details') return view.showDetails(toPage(await findOne(bridge, order.key)))
        const { done, left } = await changeByKey(bridge, 'retry', [order.key])
        view.say(done > 0 ? `${order.key} queued.` : `${order.key} not retried: ${left[0]?.why}.`)
      } catch (error) {
        view.say(error instanceof CliError ? error.message : String(error))
      }
    }

    const interrupted = terminal.interrupted()
    interrupted.addEventListener('abort', () => stop.abort())
    try {
      draw()
      for await (const update of follow(bridge, filter, lines, stop.signal)) {
        view.update(update)
        draw()
      }
    } finally {
      screen.close()
    }
    return 0
  }
}
