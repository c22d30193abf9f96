/** `twilio-segment-bridge <command>`. One file a command; this one only lists them. */
import { Command } from 'commander'
import { name, version } from '../version.ts'

/** Only the one that is asked for is loaded: all together need half the memory that a command may have. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./demo.ts')).createDemoCommand(),
  serve: async () => (await import('./serve.ts')).serveCommand,
  status: async () => (await import('./status.ts')).createStatusCommand(),
  tail: async () => (await import('./tail.ts')).createTailCommand(),
  replay: async () => (await import('./replay.ts')).createReplayCommand(),
  export: async () => (await import('./export.ts')).createExportCommand(),
  'dead-letters': async () => (await import('./dead-letters.ts')).createDeadLettersCommand(),
  sink: async () => (await import('./sink.ts')).createSinkCommand(),
  proxy: async () => (await import('./proxy.ts')).createProxyCommand(),
  send: async () => (await import('./send.ts')).createSendCommand(),
  resend: async () => (await import('./resend.ts')).createResendCommand(),
  'deliver-now': async () => (await import('./status.ts')).createDeliverNowCommand(),
  destinations: async () => (await import('./destinations.ts')).createDestinationsCommand(),
  schemas: async () => (await import('./schemas.ts')).createSchemasCommand(),
  check: async () => (await import('./check.ts')).createCheckCommand(),
  completion: async () => (await import('./completion.ts')).createCompletionCommand(loadAll),
}

/** Without `completion` itself, which asks for them. */
async function loadAll(): Promise<Command[]> {
  const { completion: _, ...others } = commands
  return Promise.all(Object.values(others).map(load => load()))
}

const program = new Command(name)
  .description(
    'Self-hosted bridge from Twilio Event Streams to Segment: every event verified, stored, forwarded, never lost.',
  )
  .version(version)
  .addHelpText(
    'after',
    `
Exit codes: 0 done, 1 failed, 2 wrong settings or wrong use, 3 done, but some of it was bad.
Settings come from the environment, or from a file .env in the working directory; "serve --help" lists them.`,
  )

const asked = commands[process.argv[2] ?? '']
for (const load of asked ? [asked] : Object.values(commands)) program.addCommand(await load())
endOnWrongUse(program)
await program.parseAsync()

/** Commander ends with 1 what is wrong use, and a command does not hand its manners down to those added to it. */
function endOnWrongUse(command: Command): void {
  command
    .showHelpAfterError('(--help shows how to use it)')
    .exitOverride(error => process.exit(error.exitCode === 0 ? 0 : 2))
  command.commands.forEach(endOnWrongUse)
}
