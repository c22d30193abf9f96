/** `demo`: the bridge with a fake Segment and sample events, no account needed. Options in; demo/run.ts does it and speaks. */
import { Command } from 'commander'
import { toInteger } from './arguments.ts'
import type { DemoOptions } from './demo/run.ts'
import { createTerminal, toAction } from './terminal.ts'

export function createDemoCommand(): Command {
  const terminal = createTerminal()
  return new Command('demo')
    .description('Show the bridge at work: a fake Segment, sample events, the debugger. No account needed.')
    .option('--once', 'stop when the sample events have arrived')
    .option('--port <n>', 'port of the bridge (default: any that is free)', toInteger(0, 65_535), 0)
    .addHelpText(
      'after',
      `
Settings and .env are ignored; everything is stored in a temporary folder, which is removed at the end (Ctrl-C).
Exit codes: 0 shown, 1 the sample events did not arrive, 2 wrong use.

Examples:
  npx twilio-segment-bridge demo
  npx twilio-segment-bridge demo --once`,
    )
    .action(
      toAction(terminal, async (options: DemoOptions) => {
        const stop = new AbortController()
        // On, not once: a terminal and npm may both send it, and the second must not cut the tidying short.
        process.on('SIGINT', () => stop.abort())
        process.on('SIGTERM', () => stop.abort())
        // The modules take a second or more on a small machine.
        terminal.say('  Loading the bridge…')
        const { createDemo } = await import('./demo/run.ts')
        return createDemo(terminal, stop.signal)(options)
      }),
    )
}
