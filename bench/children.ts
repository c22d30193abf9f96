/** Processes and folders of this bench: started on a core, ended by their own id, removed whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Machine } from './machine.ts'

/** A process that has not ended by then is killed. */
const END_WITHIN_MS = 12_000
const READY_WITHIN_MS = 60_000
const LINES_KEPT = 20
/** A process just killed may still have a file to close. */
const removal = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }

/** Server under test on one core; load, and Segment, on the other. */
export type Core = 'server' | 'load'

export type Child = { readonly pid: number; readonly process: ChildProcess; end(): Promise<void> }

export type Children = {
  start(core: Core, command: readonly string[], options?: StartOptions): Child
  /** Until it prints something that matches; gives what the first bracket caught. */
  startUntil(core: Core, command: readonly string[], ready: RegExp, options?: StartOptions): Promise<Ready>
  newFolder(): string
  removeFolder(folder: string): void
  /** Everything, at once; for the very end and for Ctrl-C. */
  endAll(): void
}
export type StartOptions = {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Messages between the two processes; it takes the place of what a user would start. */
  readonly channel?: boolean
}
export type Ready = Child & { readonly found: string }

export function createChildren(machine: Machine, dataFolder: string): Children {
  const running = new Set<ChildProcess>()
  const folders = new Set<string>()

  function start(core: Core, command: readonly string[], options: StartOptions = {}): Child {
    const { env = {}, cwd, channel = false } = options
    const [name = '', ...args] = [...machine.pin[core], ...command]
    const child = spawn(name, args, {
      stdio: channel ? ['ignore', 'inherit', 'inherit', 'ipc'] : ['ignore', 'pipe', 'pipe'],
      serialization: 'advanced',
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      ...(cwd && { cwd }),
    })
    running.add(child)
    const exited = once(child, 'exit').finally(() => running.delete(child))
    return {
      pid: child.pid ?? 0,
      process: child,
      async end() {
        child.kill('SIGTERM')
        const late = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS)
        await exited
        clearTimeout(late)
      },
    }
  }

  async function startUntil(
    core: Core,
    command: readonly string[],
    ready: RegExp,
    options?: StartOptions,
  ): Promise<Ready> {
    const child = start(core, command, options)
    const last: string[] = []
    const found = await new Promise<string>((resolve, reject) => {
      const fail = (why: string) => reject(new Error([`${command.join(' ')} ${why}`, ...last].join('\n')))
      const late = setTimeout(() => fail('did not get ready'), READY_WITHIN_MS)
      for (const stream of [child.process.stdout, child.process.stderr]) {
        if (!stream) continue
        createInterface(stream).on('line', line => {
          last.push(line)
          if (last.length > LINES_KEPT) last.shift()
          const match = ready.exec(line)
          if (match) {
            clearTimeout(late)
            resolve(match[1] ?? '')
          }
        })
      }
      child.process.once('exit', code => {
        clearTimeout(late)
        fail(`ended with ${code}`)
      })
    })
    return { ...child, found }
  }

  return {
    start,
    startUntil,
    newFolder() {
      mkdirSync(dataFolder, { recursive: true })
      const folder = mkdtempSync(join(dataFolder, 'bench-'))
      folders.add(folder)
      return folder
    },
    removeFolder(folder) {
      rmSync(folder, removal)
      folders.delete(folder)
    },
    endAll() {
      for (const child of running) child.kill('SIGKILL')
      for (const folder of folders) rmSync(folder, removal)
      folders.clear()
    },
  }
}
