/** How a user starts the bridge: what `npm start` does, without npm, so that signals reach the process and its id is known. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'

const Manifest = z.object({ scripts: z.object({ start: z.string() }) })

export type StartCommand = {
  readonly env: Readonly<Record<string, string>>
  /** V8's. */
  readonly flags: readonly string[]
  readonly script: string
}

/** Reads the `NAME=value… node --flag… script serve` of that folder's package.json. */
export function readStartCommand(folder: string): StartCommand {
  const { scripts } = Manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
  const words = scripts.start.split(' ')
  const node = words.indexOf('node')
  const rest = words.slice(node + 1)
  const flags = rest.filter(word => word.startsWith('--'))
  const [script, command, ...more] = rest.slice(flags.length)
  if (node < 0 || !script || command !== 'serve' || more.length > 0)
    throw new Error(`Not a start command: ${scripts.start}`)
  const env = words.slice(0, node).map(word => {
    const [name = '', value = ''] = word.split('=')
    return [name, value] as const
  })
  return { env: Object.fromEntries(env), flags, script: join(folder, script) }
}

/** What `npm start` does first. */
export function buildPackage(folder: string): void {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: folder, stdio: 'inherit' })
}
