/** The person or script at the other end: data goes to stdout, talk to stderr. Tests hand in one of their own. */
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { readEnvironment } from './settings.ts'

/** 0 done, 1 failed, 2 wrong settings or wrong use, 3 done, but some of it was bad. */
export type ExitCode = 0 | 1 | 2 | 3

export type Terminal = {
  /** The settings as given, faults and all. */
  environment(): Readonly<Record<string, string | undefined>>
  /** Data, line by line. */
  out(line: string): void
  /** Data as it is, when the reader at the other end has taken what came before. */
  pour(data: string | Uint8Array): Promise<void>
  /** Talk, line by line. */
  say(line: string): void
  /** A line that the next one writes over. Nowhere but on a terminal. */
  progress(line: string): void
  /** What `progress` says can be seen. */
  readonly showsProgress: boolean
  /** A person reads what is said, and can be asked. */
  readonly isInteractive: boolean
  /** Data may be coloured. */
  readonly hasColours: boolean
  ask(question: string): Promise<string>
  /** Ctrl-C ends the work and not the process, once somebody has asked for this. */
  interrupted(): AbortSignal
  exit(code: ExitCode): void
}

/** Ends a command with a sentence for a person, and no stack. */
export class CliError extends Error {
  readonly exitCode: ExitCode

  constructor(sentence: string, exitCode: ExitCode = 1) {
    super(sentence)
    this.exitCode = exitCode
  }
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

const CLEAR_LINE = '\r\x1b[2K'

export function createTerminal(): Terminal {
  const { stdin, stdout, stderr } = process
  // Whoever reads has had enough, as `head` does; that is no fault.
  stdout.on('error', error => {
    if ('code' in error && error.code === 'EPIPE') process.exit()
    throw error
  })
  let isDirty = false
  function clear(): void {
    if (isDirty) stderr.write(CLEAR_LINE)
    isDirty = false
  }
  return {
    environment: readEnvironment,
    out(line) {
      clear()
      stdout.write(`${line}\n`)
    },
    async pour(data) {
      clear()
      if (!stdout.write(data)) await once(stdout, 'drain')
    },
    say(line) {
      clear()
      stderr.write(`${line}\n`)
    },
    progress(line) {
      if (!stderr.isTTY) return
      stderr.write(CLEAR_LINE + line.slice(0, stderr.columns - 1))
      isDirty = true
    },
    showsProgress: Boolean(stderr.isTTY),
    isInteractive: Boolean(stdin.isTTY && stderr.isTTY),
    hasColours: stdout.isTTY && stdout.hasColors(),
    async ask(question) {
      clear()
      const lines = createInterface({ input: stdin, output: stderr })
      try {
        return await lines.question(question)
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
