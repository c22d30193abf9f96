/** The package as its users get it: packed from a copy of this checkout, then installed into an empty folder. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import * as z from 'zod'
import { root } from './tools.ts'

const Packed = z.tuple([z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })])

export type Installed = {
  /** The user's. */
  readonly folder: string
  /** What the tarball holds. */
  readonly files: readonly string[]
  /** With the Node of the tests in front. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Throws with what it said, unless it ends with 0. */
  run(command: string, ...args: readonly string[]): string
  remove(): void
}

const env = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) }

/** `npm pack` in place would replace dist/ below the feet of the tests that run it. */
export function installPacked(): Installed {
  const work = mkdtempSync(join(tmpdir(), 'packed-'))
  const remove = () => rmSync(work, { recursive: true, force: true })
  try {
    const source = join(work, 'source')
    const folder = join(work, 'user')
    mkdirSync(source)
    mkdirSync(folder)
    const leftOut = new Set(['node_modules', 'dist', 'data', '.git', '.env', 'test'])
    for (const name of readdirSync(root).filter(name => !leftOut.has(name)))
      cpSync(join(root, name), join(source, name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'))
    const said = run(source, 'npm', ['pack', '--json', '--pack-destination', work])
    // The build speaks first.
    const [{ filename, files }] = Packed.parse(JSON.parse(said.slice(said.indexOf('[\n'))))
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
    run(folder, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(work, filename)])
    return {
      folder,
      env,
      files: files.map(({ path }) => path),
      run: (command, ...args) => run(folder, command, args),
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

function run(cwd: string, command: string, args: readonly string[]): string {
  const ended = spawnSync(command, args, { cwd, encoding: 'utf8', env })
  if (ended.status === 0) return ended.stdout
  throw new Error(`${command} ${args.join(' ')}: exit code ${ended.status}\n${ended.stdout}\n${ended.stderr}`)
}
