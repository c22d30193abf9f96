/** A command run in this process, with a terminal that keeps what was written and answers what is asked. */
import type { Command } from 'commander'
import { CommanderError } from 'commander'
import type { Terminal } from '../../src/cli/terminal.ts'

export type Run = {
  readonly code: number
  /** stdout, line by line. */
  readonly out: readonly string[]
  /** stderr, as one text. */
  readonly said: string
  /** The last line of stdout, parsed. */
  json<T>(): T
}

export type RunOptions = {
  readonly environment?: Readonly<Record<string, string>>
  /** What a person at the terminal answers; without one nobody sits there. */
  readonly answer?: string
  readonly stop?: AbortSignal
}

export async function runCommand(
  toCommand: (terminal: Terminal) => Command,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Run> {
  const { environment = {}, answer, stop = new AbortController().signal } = options
  const out: string[] = []
  const said: string[] = []
  let code = 0
  const utf8 = new TextDecoder()
  /** A line that has not come to its end. */
  let rest = ''
  const terminal: Terminal = {
    environment: () => environment,
    out: line => void out.push(...line.split('\n')),
    async pour(data) {
      const lines = (rest + (typeof data === 'string' ? data : utf8.decode(data, { stream: true }))).split(
        '\n',
      )
      rest = lines.pop() ?? ''
      out.push(...lines)
    },
    say: line => void said.push(line),
    progress: () => undefined,
    showsProgress: false,
    isInteractive: answer !== undefined,
    hasColours: false,
    async ask(question) {
      said.push(question)
      return answer ?? ''
    },
    interrupted: () => stop,
    exit(given) {
      code = given
    },
  }
  const command = toCommand(terminal)
  prepare(command)
  function prepare(one: Command): void {
    one
      .exitOverride()
      .configureOutput({ writeOut: text => out.push(text), writeErr: text => said.push(text) })
    one.commands.forEach(prepare)
  }
  try {
    await command.parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    code = error.exitCode === 0 ? 0 : 2
  }
  return { code, out, said: said.join('\n'), json: () => JSON.parse(out.at(-1) ?? '') }
}
