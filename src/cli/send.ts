/** `send`: signed sample events, or a steady load, to a bridge, as Twilio would send them. Options in; run.ts does it and speaks. */
import { Command } from 'commander'
import { toInteger, toMs, toNumber, toShare, toUrl } from './arguments.ts'
import { type Manners, twilioManners } from './send/post.ts'
import { createSend, RATE } from './send/run.ts'
import { toPrefixes } from './send/types.ts'
import { createTerminal, type Terminal, toAction } from './terminal.ts'

export function createSendCommand(
  terminal: Terminal = createTerminal(),
  manners: Manners = twilioManners,
): Command {
  return new Command('send')
    .description('Send signed sample events, or a steady load, to a bridge, as Twilio would.')
    .argument(
      '[types...]',
      'event types, or their ends ("delivered"), or with * for any characters, or "all"',
    )
    .option(
      '--to <url>',
      'webhook (default: the bridge that runs here); a bare origin gets /webhooks/twilio',
      toUrl,
    )
    .option(
      '--signed-for <url>',
      "destination to sign (default: PUBLIC_URL for this machine's bridge, else --to)",
      toUrl,
    )
    .option('--count <n>', 'samples of each type', toInteger(1, 100), 1)
    .option('--schema-version <n>', "version in dataschema (default: the family's newest)", toInteger(1, 999))
    .option('--customer <number>', "the customer's address, +1555…")
    .option('--print', 'print the events as NDJSON; send nothing')
    .option('--rate <n>', `a load of so many events a second (${RATE})`, toNumber(0.1, 100_000))
    .option('--for <duration>', 'how long: 30s, 5m, 1h (10s)', toMs)
    .option('--batch <n>', 'events a request', toInteger(1, 1_000), 1)
    .option('--duplicates <percent>', 'events that come a second time', toShare, 0)
    .option('--out-of-order', 'events overtake each other')
    .option(
      '--retry-for <duration>',
      'how long an event is tried again (a load: 4h, as Twilio does; samples: 10s)',
      toMs,
    )
    .option('--i-own-this-bridge', 'allow a load to a bridge that is not on this machine')
    .option('--json', 'output JSON')
    .addHelpText(
      'after',
      `
Sent as Twilio sends: 5 s for an answer; 429, 5xx and no answer are tried again with backoff and jitter; any other 4xx is lost.
The bridge forwards what it takes: without a dry run Segment gets these events. TWILIO_AUTH_TOKEN signs them (without one, the first of TWILIO_SHARED_KEYS).
Exit codes: 0 all acknowledged, 1 some lost or given up, or stopped by Ctrl-C, 2 wrong settings or use.

Types (docs/mapping.md has them one by one):
${toPrefixes()
  .map(prefix => `  ${prefix}`)
  .join('\n')}

Examples:
  npx twilio-segment-bridge send
  npx twilio-segment-bridge send delivered inbound-message.received --customer +15550100142
  npx twilio-segment-bridge send 'com.twilio.voice.*' 'com.twilio.taskrouter.task.*'
  npx twilio-segment-bridge send --rate 500 --for 1m --batch 10 --duplicates 5 --out-of-order
  npx twilio-segment-bridge send all --print > samples.ndjson`,
    )
    .action(toAction(terminal, createSend(terminal, manners)))
}
