/**
 * bin/ with real processes. The command runs in its own process or says which Node it needs; run.mjs, for the scripts of a
 * checkout, takes the pinned Node where PATH has an older one.
 */
// @module-tag long
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const bin = join(import.meta.dirname, '../../../bin')
const launcher = join(bin, 'run.mjs')
const folder = mkdtempSync(join(tmpdir(), 'launcher-'))
const tell = script(
  'tell.ts',
  `const told: object = { version: process.version, execPath: process.execPath, argv: process.argv.slice(1),
     env: Object.keys(process.env).filter(name => name.includes('LAUNCHED')) }
   console.log(JSON.stringify(told))
   process.exitCode = 7`,
)
const wait = script(
  'wait.ts',
  `const graceful: boolean = process.argv[2] === 'graceful'
   if (graceful) process.on('SIGTERM', () => { console.log('SIGTERM'); setTimeout(() => process.exit(5), 200) })
   setInterval(() => {}, 1000)
   console.log('ready')`,
)
const sqlite = script(
  'sqlite.ts',
  `await import('node:sqlite')\nprocess.emitWarning('kept', 'ExperimentalWarning')`,
)

const onPath = spawnSync('node', ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout?.trim() ?? ''
const [major = 99, minor = 0] = onPath.split('.').map(Number)
const older = process.platform === 'linux' && (major < 22 || (major === 22 && minor < 18))
if (!older)
  console.info(
    `Not tried: a Node too old. The node of PATH is ${onPath || 'missing'}, on ${process.platform}.`,
  )

afterAll(() => rmSync(folder, { recursive: true }))

describe('a script under a Node new enough', () => {
  it('runs the script itself, with its arguments and its exit code', () => {
    const { status, stdout, stderr } = run(process.execPath, [tell, 'a', '--b=c d'])
    expect(JSON.parse(stdout)).toEqual({
      version: process.version,
      execPath: process.execPath,
      argv: [tell, 'a', '--b=c d'],
      env: [],
    })
    expect({ status, stderr }).toEqual({ status: 7, stderr: '' })
  })

  it('finds a script from the folder of the package, wherever it is called', () => {
    const { stderr } = run(process.execPath, ['test/support/there-is-no-such.ts'])
    expect(stderr).toContain(join(import.meta.dirname, '../../support/there-is-no-such.ts'))
  })

  it('says nothing about node:sqlite, and drops no other warning', () => {
    const { stderr } = run(process.execPath, [sqlite])
    expect(stderr).not.toContain('SQLite')
    expect(stderr).toContain('ExperimentalWarning: kept')
  })

  it('leaves signals to the script', async () => {
    expect(await end(process.execPath, 'graceful', 'SIGTERM')).toEqual({
      said: 'ready SIGTERM',
      code: 5,
      signal: null,
    })
    expect(await end(process.execPath, 'plain', 'SIGTERM')).toEqual({
      said: 'ready',
      code: null,
      signal: 'SIGTERM',
    })
  })
})

describe('the command', () => {
  it('runs its sources, or what was built from them, never an older build', () => {
    const copy = join(folder, 'copy')
    for (const file of ['here.mjs', 'twilio-segment-bridge.mjs'])
      cpSync(join(bin, file), join(copy, 'bin', file))
    writeFileSync(join(copy, 'package.json'), '{"type":"module"}')
    const source = write(
      join(copy, 'src/cli'),
      'main.ts',
      `const from: string = 'sources'\nconsole.log(from)`,
    )
    const other = write(join(copy, 'src/cli'), 'other.ts', '')
    const says = () =>
      spawnSync(process.execPath, [join(copy, 'bin/twilio-segment-bridge.mjs')], { encoding: 'utf8' }).stdout
    expect(says()).toBe('sources\n')

    const built = write(join(copy, 'dist/cli'), 'main.js', `console.log('built', process.argv[1])`)
    expect(says()).toBe(`built ${built}\n`)
    utimesSync(other, new Date(), new Date(Date.now() + 60_000))
    expect(says()).toBe('sources\n')
    rmSync(source)
    rmSync(join(copy, 'src'), { recursive: true })
    expect(says()).toBe(`built ${built}\n`)
  })

  it.runIf(older)('[SV170] says which Node it needs, exits 2, and downloads nothing', () => {
    const npx = write(join(folder, 'no-npx'), 'npx', '#!/bin/sh\ntouch "$0.was-called"')
    chmodSync(npx, 0o755)
    const PATH = join(folder, 'no-npx') + delimiter + process.env.PATH
    const command = join(bin, 'twilio-segment-bridge.mjs')
    for (const args of [['serve'], ['--help']]) {
      const options = { encoding: 'utf8', env: { ...process.env, PATH } } as const
      const { status, stdout, stderr } = spawnSync('node', [command, ...args], options)
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(stderr).toMatch(/^twilio-segment-bridge: Node \S+ is too old: install Node 24 .*22\.18/)
      expect(existsSync(`${npx}.was-called`)).toBe(false)
    }
  })
})

describe.runIf(older)('a script under a Node too old', () => {
  // The first start may have to fetch the pinned Node.
  beforeAll(() => void run('node', [tell]), 180_000)

  it('runs the script under the pinned Node, with its arguments and its exit code', () => {
    const { status, stdout, stderr } = run('node', [tell, 'a', '--b=c d'])
    expect(JSON.parse(stdout)).toMatchObject({ version: 'v24.21.0', argv: [tell, 'a', '--b=c d'], env: [] })
    expect({ status, stderr }).toEqual({ status: 7, stderr: '' })
  })

  it('works inside `npx -c`, whose settings npx hands down', () => {
    const { stdout } = run('node', [tell], { npm_config_call: 'node --version' })
    expect(JSON.parse(stdout)).toMatchObject({ version: 'v24.21.0' })
  })

  it('passes SIGTERM in, once, and the exit code out', async () => {
    expect(await end('node', 'graceful', 'SIGTERM')).toEqual({ said: 'ready SIGTERM', code: 5, signal: null })
  })

  it('ends by the signal that ended the script', async () => {
    expect(await end('node', 'plain', 'SIGTERM')).toEqual({ said: 'ready', code: null, signal: 'SIGTERM' })
    expect(await end('node', 'plain', 'SIGINT')).toEqual({ said: 'ready', code: null, signal: 'SIGINT' })
  })

  it('takes the script along when it is killed', async () => {
    // `end` waits until nobody holds the script's end of stdout any more: it would hang on an orphan.
    expect(await end('node', 'graceful', 'SIGKILL')).toEqual({ said: 'ready', code: null, signal: 'SIGKILL' })
  })

  it('says which Node to install when the pinned one cannot be had', () => {
    const npx = script('npx', '#!/bin/sh\necho "npm error no network" >&2\nexit 1')
    chmodSync(npx, 0o755)
    const { status, stdout, stderr } = run('node', [tell], { PATH: folder + delimiter + process.env.PATH })
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/fetching Node 24\.21\.0 .*no network.*install Node 24/s)
  })
})

function script(name: string, text: string): string {
  return write(folder, name, text)
}

function write(under: string, name: string, text: string): string {
  mkdirSync(under, { recursive: true })
  writeFileSync(join(under, name), text)
  return join(under, name)
}

function run(node: string, args: string[], env: Record<string, string> = {}) {
  const options = { encoding: 'utf8', cwd: folder, env: { ...process.env, ...env } } as const
  return spawnSync(node, [launcher, ...args], options)
}

/** Starts the waiting script, sends the launcher a signal once it is ready, and tells how both came to an end. */
async function end(node: string, manner: 'graceful' | 'plain', signal: NodeJS.Signals) {
  // In a group of its own: a test run in a terminal must not be taken for that terminal's foreground.
  const child: ChildProcess = spawn(node, [launcher, wait, manner], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said: string[] = []
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.push(...text.trim().split('\n'))
    if (text.includes('ready')) child.kill(signal)
  })
  const [code, endedBy] = await once(child, 'close')
  return { said: said.join(' '), code, signal: endedBy }
}
