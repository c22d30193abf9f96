/** The person or script at the other end: data goes to stdout, talk to stderr. Tests hand in one of their own. */
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { toVisible } from '../event/visible.ts'
import { CliError, type ExitCode } from './cli-error.ts'
import { readEnvironment } from './settings.ts'

export { CliError, type ExitCode } from './cli-error.ts'

export type Terminal = {
  /** The settings as given, faults and all. */
  environment(): Readonly<Record<string, string | undefined>>
  /** Data, line by line. */
  out(line: string): void
  /** Data in pieces, when the reader at the other end has taken what came before. Bytes go as they are, but to a terminal. */
  pour(data: string | Uint8Array): Promise<void>
  /** Talk, line by line. */
  say(line: string): void
  /** A line that the next one writes over. Nowhere but on a terminal. */
  progress(line: string): void
  /** What `progress` says can be seen. */
  readonly showsProgress: boolean
  /** A person reads what is said, and can be asked. */
  readonly isInteractive: boolean
  /** How much of `progress` can be seen. */
  readonly columns?: number | undefined
  /** Data may be coloured. */
  readonly hasColours: boolean
  ask(question: string): Promise<string>
  /** Ctrl-C ends the work and not the process, once somebody has asked for this. */
  interrupted(): AbortSignal
  exit(code: ExitCode): void
}

/** What commander is given as a command's action. */
export function toAction<Args extends readonly unknown[]>(
  terminal: Terminal,
  work: (...args: Args) => Promise<ExitCode>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    try {
      terminal.exit(await work(...args))
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      terminal.say(error.message)
      terminal.exit(error.exitCode)
    }
  }
}

const ESCAPE = '\x1b'
const CLEAR_LINE = `\r${ESCAPE}[2K`
/** What formatFinding begins with on a terminal: the one escape sequence that is ours. */
const MARK = new RegExp(`^${ESCAPE}\\[3[123]m(?:ok|note|warn|WRONG) *${ESCAPE}\\[39m`)

/** Whoever reads has had enough, as `head` does; that is no fault. */
function endWithReader(error: Error): void {
  if ('code' in error && error.code === 'EPIPE') process.exit()
  throw error
}

export function createTerminal(): Terminal {
  const { stdin, stdout, stderr } = process
  const utf8 = new TextDecoder()
  // Each command makes a terminal of its own; once is enough.
  if (!stdout.listeners('error').includes(endWithReader)) stdout.on('error', endWithReader)
  let isDirty = false
  function clear(): void {
    if (isDirty) stderr.write(CLEAR_LINE)
    isDirty = false
  }
  return {
    environment: readEnvironment,
    out(line) {
      clear()
      const mark = MARK.exec(line)?.[0] ?? ''
      stdout.write(`${mark}${toVisible(line.slice(mark.length))}\n`)
    },
    async pour(data) {
      clear()
      const isRaw = typeof data !== 'string' && !stdout.isTTY
      const text = isRaw
        ? ''
        : toVisible(typeof data === 'string' ? data : utf8.decode(data, { stream: true }))
      if (!stdout.write(isRaw ? data : text)) await once(stdout, 'drain')
    },
    say(line) {
      clear()
      stderr.write(`${toVisible(line)}\n`)
    },
    progress(line) {
      if (!stderr.isTTY) return
      stderr.write(CLEAR_LINE + toVisible(line).slice(0, stderr.columns - 1))
      isDirty = true
    },
    showsProgress: Boolean(stderr.isTTY),
    get columns() {
      return stderr.columns
    },
    isInteractive: Boolean(stdin.isTTY && stderr.isTTY),
    hasColours: stdout.isTTY && stdout.hasColors(),
    async ask(question) {
      clear()
      const lines = createInterface({ input: stdin, output: stderr })
      try {
        return await lines.question(toVisible(question))
      } finally {
        lines.close()
      }
    },
    interrupted() {
      const stop = new AbortController()
      process.once('SIGINT', () => stop.abort())
      process.once('SIGTERM', () => stop.abort())
      return stop.signal
    },
    exit(code) {
      process.exitCode = code
    },
  }
}
