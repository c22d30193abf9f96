/** What `sink create|status|test|delete` do, and all that they say. */
import type { Settings } from '../../config.ts'
import { formatFinding, isWrong } from '../check/result.ts'
import { toNearest } from '../nearest.ts'
import { CliError, type ExitCode, type Terminal } from '../terminal.ts'
import { toCredentials, toDestination, toSettings } from '../twilio-credentials.ts'
import { readAccount } from './account.ts'
import type { Connect, EventsApi } from './api.ts'
import { type Arrival, awaitTest, toBridge } from './arrival.ts'
import { createSink } from './create.ts'
import { defaultPins, knownTypes, toPins } from './pins.ts'
import { chooseSink, confirm, deleteSink } from './remove.ts'
import { readStatus, toLine } from './status.ts'

export type TestOptions = { readonly bridge?: string; readonly wait: number; readonly json?: boolean }
export type CreateOptions = TestOptions & {
  readonly types?: string
  readonly description: string
  readonly repin?: boolean
  readonly dryRun?: boolean
  readonly ownNumbers?: boolean
  readonly test: boolean
}
export type DeleteOptions = { readonly yes?: boolean; readonly json?: boolean }

export function createSinkActions(terminal: Terminal, connectTo: Connect) {
  async function open(): Promise<{ settings: Settings; api: EventsApi }> {
    const settings = toSettings(terminal.environment())
    const credentials = toCredentials(settings)
    if ('missing' in credentials)
      throw new CliError(`Twilio's API needs credentials: ${credentials.missing}.`, 2)
    return { settings, api: await connectTo(credentials) }
  }

  function requireDestination(settings: Settings): string {
    const destination = toDestination(settings)
    if (!destination) {
      throw new CliError('PUBLIC_URL is not set: where should Twilio deliver to? (docs/quickstart.md)', 2)
    }
    return destination
  }

  async function create(options: CreateOptions): Promise<ExitCode> {
    const { pins, unknown } =
      options.types === undefined ? { pins: defaultPins(), unknown: [] } : toPins(options.types)
    if (unknown.length > 0 || pins.length === 0) {
      const wrong = unknown.join(', ') || 'an empty list'
      throw new CliError(
        `Unsupported event type: ${wrong}. ${toNearest(unknown[0] ?? '', [...knownTypes])}`,
        2,
      )
    }
    const { settings, api } = await open()
    const destination = requireDestination(settings)
    if (!destination.startsWith('https:')) {
      terminal.say('Note: PUBLIC_URL is not https; Twilio delivers to public https addresses.')
    }
    const { description, repin = false, dryRun = false, json = false } = options
    const created = await createSink(
      api,
      { destination, sinkSid: settings.SINK_SID, description, pins, repin, dryRun },
      terminal,
    )
    const { sid } = created.sink
    // At once: it is true whatever becomes of the test.
    if (sid !== null && !json) {
      if (settings.SINK_SID !== sid) terminal.say('For your .env (notices name the sink):')
      terminal.out(`SINK_SID=${sid}`)
    }
    const ownNumbers = options.ownNumbers ? await api.ownNumbers() : undefined
    if (ownNumbers && !json) tellOwnNumbers(ownNumbers)
    const arrival =
      sid === null || dryRun || !options.test
        ? undefined
        : await runTest(settings, destination, api, sid, options)
    if (json)
      terminal.out(JSON.stringify({ ...created, ...(ownNumbers && { ownNumbers }), test: arrival ?? null }))
    return arrival?.arrived === false ? 1 : 0
  }

  function tellOwnNumbers(numbers: readonly string[]): void {
    if (numbers.length === 0) {
      terminal.say('The account has no numbers of its own.')
      return
    }
    terminal.say(
      'For your .env (never the customer). Add what the account does not list: ported numbers, short codes, senders:',
    )
    terminal.out(`OWN_NUMBERS=${numbers.join(',')}`)
  }

  async function status({ json }: { readonly json?: boolean }): Promise<ExitCode> {
    const { settings, api } = await open()
    const { sinks, findings } = await readStatus(api, requireDestination(settings), settings.SINK_SID)
    if (json) terminal.out(JSON.stringify({ ok: !findings.some(isWrong), sinks, findings }))
    else {
      terminal.out(sinks.length > 0 ? 'Sinks of this account (* this bridge):' : 'This account has no sink.')
      for (const sink of sinks) terminal.out(toLine(sink))
      for (const finding of findings) terminal.out(formatFinding(finding, terminal.hasColours))
    }
    return findings.some(isWrong) ? 1 : 0
  }

  async function test(sid: string | undefined, options: TestOptions): Promise<ExitCode> {
    const { settings, api } = await open()
    const destination = requireDestination(settings)
    const sink = chooseSink(await readAccount(api), sid, destination, settings.SINK_SID)
    const arrival = await runTest(settings, destination, api, sink.sid, options)
    if (options.json) terminal.out(JSON.stringify({ sink: sink.sid, ...arrival }))
    return arrival.arrived ? 0 : 1
  }

  async function runTest(
    settings: Settings,
    destination: string,
    api: EventsApi,
    sid: string,
    { bridge, wait }: TestOptions,
  ): Promise<Arrival> {
    terminal.say(`Sending Twilio's test event through ${sid}…`)
    const running = toBridge(settings, destination, bridge)
    const arrival = await awaitTest(running, () => api.test(sid), wait * 1_000, terminal)
    if (arrival.arrived) {
      terminal.say(`It arrived at the webhook after ${(arrival.afterMs / 1_000).toFixed(1)} s.`)
    } else terminal.say(`Failed: ${arrival.cause}.\n→ ${arrival.remedy}`)
    return arrival
  }

  async function remove(
    sid: string | undefined,
    { yes = false, json = false }: DeleteOptions,
  ): Promise<ExitCode> {
    const { settings, api } = await open()
    const account = await readAccount(api)
    const sink = chooseSink(account, sid, toDestination(settings), settings.SINK_SID)
    const subscriptions = account.subscriptions.filter(({ sinkSid }) => sinkSid === sink.sid)
    if (!(await confirm(sink, subscriptions, yes, terminal))) {
      terminal.say('Nothing was deleted.')
      return 1
    }
    await deleteSink(api, sink, subscriptions, terminal)
    if (json)
      terminal.out(JSON.stringify({ sink: sink.sid, subscriptions: subscriptions.map(({ sid }) => sid) }))
    return 0
  }

  return { create, status, test, remove }
}
