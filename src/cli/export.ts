/** `export`: the outbox's events, with state and reason, in the form that `replay` reads. What is said stands here. */
import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { Readable, type Transform } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import { Command, InvalidArgumentError } from 'commander'
import { readUnreadableLine } from '../admin/export-format.ts'
import { states } from '../reasons.ts'
import { toTime } from './arguments.ts'
import { check } from './outbox-access.ts'
import { openReader } from './reader.ts'
import { stayFlat } from './replay/heap-flags.ts'
import { count } from './replay/summary.ts'
import { CliError, createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'
import { toSettings } from './twilio-credentials.ts'

type Options = {
  readonly state?: string
  readonly type?: string
  readonly reason?: string
  readonly since?: string
  readonly until?: string
  readonly gzip?: boolean
  readonly zstd?: boolean
  readonly output?: string
}

const HELP = `
One line an event, oldest first, as it is at that moment; on a running bridge too (found by DATA_DIR):
  {"bridge":1,"state":"rejected","reason":"schema_rejected","receivedAt":"…","detail":"…","event":{…as received…}}
A body that was no JSON is "raw" (with its "encoding") instead of "event". --since and --until go by the time of receipt.
Whoever reads it reads phone numbers and texts: files are made for their owner's eyes only.

It only reads: a full or read-only disk does not matter, and what is damaged is left out and counted.

Exit codes: 0 done, 1 failed, 2 wrong settings or use, 3 done, but some events could not be read.

Examples:
  npx twilio-segment-bridge export --zstd -o outbox.ndjson.zst       # all of it: "replay outbox.ndjson.zst" elsewhere
  npx twilio-segment-bridge export --state rejected,refused | jq -c .event.id
  npx twilio-segment-bridge export --since 4h -o lost.ndjson && npx twilio-segment-bridge replay --again lost.ndjson
  npx twilio-segment-bridge export | npx twilio-segment-bridge replay --to https://bridge.example.com -`

export function createExportCommand(terminal: Terminal = createTerminal()): Command {
  return new Command('export')
    .description('Write events with their state and reason as NDJSON, in the form that replay reads.')
    .option('--state <states>', `only ${states.join(', ')}; several with commas`, toStates)
    .option('--type <type>', 'only this event type; com.twilio.voice.* for all that begin so')
    .option('--reason <reason>', 'only what stopped for this reason, such as schema_rejected')
    .option(
      '--since <time>',
      'only received from then on: 2026-11-22, 2026-11-22T02:00Z, or 4h ago (s, m, h, d)',
      toIso,
    )
    .option('--until <time>', 'only received before then', toIso)
    .option('--gzip', 'packed with gzip')
    .option('--zstd', 'packed with zstd')
    .option('-o, --output <file>', 'into this file instead of stdout')
    .addHelpText('after', HELP)
    .action(toAction(terminal, (options: Options) => run(terminal, options)))
}

async function run(terminal: Terminal, options: Options): Promise<ExitCode> {
  const { gzip, zstd, output, ...filters } = options
  if (gzip && zstd) throw new CliError('--gzip or --zstd, not both', 2)
  stayFlat()
  const access = await openReader(toSettings(terminal.environment()))
  try {
    const response = await check(access, await access.request(`/export?${new URLSearchParams(filters)}`))
    const tally = { events: 0, unreadable: 0 }
    const lines = counted(response.body ?? new ReadableStream(), tally)
    const packed = pack(lines, gzip ? createGzip() : zstd ? createZstdCompress() : undefined)
    if (output) await writeFile(output, packed)
    else for await (const chunk of packed) await terminal.pour(chunk)
    terminal.say(`${count(tally.events)} events from ${access.name}${output ? ` in ${output}` : ''}`)
    if (tally.unreadable === 0) return 0
    terminal.say(
      `At least ${count(tally.unreadable)} more could not be read: the outbox is damaged. Keep a copy of the data folder.`,
    )
    return 3
  } finally {
    access.close()
  }
}

type Tally = { events: number; unreadable: number }

/** The last line is held back: it may say how many events are not among the others. */
async function* counted(lines: ReadableStream<Uint8Array>, tally: Tally): AsyncGenerator<Uint8Array, void> {
  let held = Buffer.alloc(0)
  for await (const chunk of lines) {
    const bytes = Buffer.concat([held, chunk])
    const lastLine = bytes.lastIndexOf(LINE_FEED, -2) + 1
    held = bytes.subarray(lastLine)
    const whole = bytes.subarray(0, lastLine)
    for (let at = whole.indexOf(LINE_FEED); at >= 0; at = whole.indexOf(LINE_FEED, at + 1)) tally.events += 1
    if (whole.length > 0) yield whole
  }
  const unreadable = readUnreadableLine(held.toString())
  tally.unreadable = unreadable ?? 0
  if (unreadable !== undefined || held.length === 0) return
  tally.events += 1
  yield held
}

const LINE_FEED = 0x0a

function pack(lines: AsyncIterable<Uint8Array>, engine: Transform | undefined): AsyncIterable<Uint8Array> {
  if (!engine) return lines
  const source = Readable.from(lines)
  // A pipe does not hand the fault on.
  source.on('error', error => engine.destroy(error))
  return source.pipe(engine)
}

/** Half an export, after a fault, must not look like a whole one. */
async function writeFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const draft = `${path}.part`
  const file = createWriteStream(draft, { mode: 0o600 })
  try {
    Readable.from(chunks)
      .on('error', error => file.destroy(error))
      .pipe(file)
    await finished(file)
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw new CliError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function toStates(text: string): string {
  const unknown = text.split(',').filter(state => !states.some(known => known === state))
  if (unknown.length > 0) throw new InvalidArgumentError(`Known are ${states.join(', ')}.`)
  return text
}

const toIso = (text: string): string => new Date(toTime(text)).toISOString()
