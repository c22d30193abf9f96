/** Commands of this bridge as a person runs them: in this process with a made-up terminal, or as a process to be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stats } from '../../src/admin/figures.ts'
import { createDeadLettersCommand } from '../../src/cli/dead-letters.ts'
import { createExportCommand } from '../../src/cli/export.ts'
import { openOutbox } from '../../src/cli/outbox-access.ts'
import type { Summary } from '../../src/cli/replay/summary.ts'
import { createReplayCommand } from '../../src/cli/replay.ts'
import { toSettings } from './bridge.ts'
import { type Run, runCommand } from './cli-terminal.ts'
import { authToken } from './twilio.ts'

export type Workplace = Disposable & {
  readonly folder: string
  readonly dataDir: string
  /** Writes a file and gives its path. */
  file(name: string, content: string | Uint8Array): string
  replay(args: readonly string[], more?: More): Promise<Run>
  /** With `--json`: the summary. */
  replayed(args: readonly string[], more?: More): Promise<Summary & { readonly code: number }>
  export(args?: readonly string[], more?: More): Promise<Run>
  deadLetters(args: readonly string[], more?: More): Promise<Run>
  /** Of the folder's outbox, or of the bridge that runs on it. */
  stats(): Promise<Stats>
  /** A process of its own, as `npx twilio-segment-bridge` starts it. */
  spawn(args: readonly string[]): ChildProcess & { said(): string; ended: Promise<number | string> }
}

export type More = {
  readonly environment?: Readonly<Record<string, string>>
  readonly answer?: string
  readonly stop?: AbortSignal
}

export function openWorkplace(): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'replay-'))
  const dataDir = join(folder, 'data')
  const options = ({ environment, ...more }: More = {}) => ({
    environment: { DATA_DIR: dataDir, TWILIO_AUTH_TOKEN: authToken, ...environment },
    ...more,
  })
  const workplace: Workplace = {
    folder,
    dataDir,
    file(name, content) {
      const path = join(folder, name)
      writeFileSync(path, content)
      return path
    },
    // Bad records go to the working directory, which is none of the test's.
    replay: (args, more) =>
      runCommand(createReplayCommand, ['--rejected-to', folder, ...args], options(more)),
    async replayed(args, more) {
      const run = await workplace.replay([...args, '--json'], more)
      if (run.out.length === 0) throw new Error(`No summary: ${run.said}`)
      return { ...run.json<Summary>(), code: run.code }
    },
    export: (args = [], more) => runCommand(createExportCommand, args, options(more)),
    deadLetters: (args, more) => runCommand(createDeadLettersCommand, args, options(more)),
    async stats() {
      const access = await openOutbox(toSettings({ TWILIO_AUTH_TOKEN: authToken, DATA_DIR: dataDir }))
      try {
        return (await (await access.request('/stats')).json()) as Stats
      } finally {
        access.close()
      }
    },
    spawn(args) {
      const main = join(import.meta.dirname, '../../src/cli/main.ts')
      const env = { PATH: process.env.PATH, DATA_DIR: dataDir, TWILIO_AUTH_TOKEN: authToken }
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
        cwd: folder,
        env,
      })
      let said = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (said += text))
      const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
      return Object.assign(child, { said: () => said, ended })
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
  return workplace
}

/** The lines of a file of bad records. */
export function readLines<T>(path: string): T[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

export const toNdjson = (events: readonly unknown[]): string =>
  events.map(event => `${JSON.stringify(event)}\n`).join('')
