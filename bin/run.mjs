// `node bin/run.mjs <script> [args…]` runs a script of this package (its path counts from the package's folder).
// A Node new enough runs it in this very process: signals, exit code and stdio are its own. An older one, on Linux, runs
// it under the pinned Node of the npm registry; this process then only passes signals in and the exit code out.
// PATH is left alone: no other Node is ever put in front of the one the user chose. Node 16 must be able to parse this.
// The service itself, `serve`, gets the flags that keep it small; on Linux this process replaces itself to set them.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const pinned = '24.21.0'
/**
 * What `serve` runs with. None is a limit: V8 only collects sooner. An intake at full speed peaks at 245 MB instead of 360 and
 * is no slower; a drain at 220 instead of 365, and an eighth slower. Smaller still, and a moment's delay makes it collect all the time.
 */
const lean = [
  // Young generations of 8 MB instead of 32, in both threads.
  '--max-semi-space-size=8',
  // A heap collects when it has grown by 150 %, where V8 would let a small one grow fourfold.
  '--heap-growing-percent=150',
  // Else what V8 once saw survive is made among the old from then on, and keeps all it points to: a crowd at the start is enough.
  '--no-allocation-site-pretenuring',
]
const own = fileURLToPath(import.meta.url)
const script = resolve(own, '../..', process.argv[2])
const isService = process.argv[3] === 'serve'
const [major, minor] = process.versions.node.split('.').map(Number)
const launched = 'TWILIO_SEGMENT_BRIDGE_LAUNCHED'
const underLauncher = process.env[launched] !== undefined
delete process.env[launched]

if (underLauncher) dieWithLauncher()
if (major > 22 || (major === 22 && minor >= 18)) await runHere()
else if (process.platform === 'linux' && !underLauncher) runUnderPinnedNode()
else giveUp()

function runHere() {
  if (isService) replaceSelf()
  if (!underLauncher) endWithNpm(() => process.kill(process.pid, 'SIGTERM'))
  const { emitWarning } = process
  // Node 22 calls node:sqlite experimental on stderr. The flag against it would need a second process.
  process.emitWarning = (warning, ...rest) => {
    if (!(rest[0] === 'ExperimentalWarning' && /SQLite/.test(warning)))
      emitWarning.call(process, warning, ...rest)
  }
  process.argv.splice(1, 2, script)
  return import(pathToFileURL(script).href)
}

/** The same process, by id, signals and stdio, begins anew with the flags. Who talks to it over IPC would lose it: not then. */
function replaceSelf() {
  if (process.platform !== 'linux' || !process.execve) return
  if (process.execArgv.includes(lean[0]) || process.channel) return
  const args = [process.argv0, ...lean, ...process.execArgv, own, ...process.argv.slice(2)]
  process.execve(process.execPath, args, leanEnvironment(process.execPath))
}

function leanEnvironment(node) {
  // One pool of malloc for all threads instead of one each: 20 MB. What a large body needed goes back to the system: 14 MB.
  const env = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536', ...process.env }
  if (!script.endsWith('.ts')) return env
  // Sources once stripped of their types stay so: what strips them would hold 35 MB.
  env.NODE_COMPILE_CACHE ??= resolve(own, '../../node_modules/.cache/twilio-segment-bridge')
  if (!existsSync(env.NODE_COMPILE_CACHE)) fillCache(node, env)
  return env
}

/** Loads, in a process of its own, what both threads will: the outbox's, which fails outside a thread, and the command. */
function fillCache(node, env) {
  const thread = pathToFileURL(resolve(script, '../../hosts/node/outbox-worker.ts'))
  const load = `await import('${thread}').catch(() => {}); await import('${pathToFileURL(script)}')`
  const args = [...lean, '--input-type=module', '-e', load, '--', script, 'serve', '--help']
  spawnSync(node, args, { env, stdio: 'ignore' })
}

function runUnderPinnedNode() {
  let found = findPinnedNode('--no')
  if (found.status !== 0) {
    say(`this is Node ${process.versions.node}: fetching Node ${pinned} from the npm registry, once`)
    found = findPinnedNode('--yes')
  }
  if (found.status !== 0) giveUp(found.stderr || `${found.error}\n`)
  const node = found.stdout.trim().split('\n').pop()
  const args = [...(isService ? lean : []), ...process.execArgv, own, ...process.argv.slice(2)]
  const child = spawn(node, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...(isService ? leanEnvironment(node) : process.env), [launched]: '1' },
  })
  child.on('error', error => giveUp(`${error}\n`))
  endWithNpm(() => child.kill('SIGTERM'))

  // A terminal sends Ctrl-C to the whole foreground group, the child included: passed on as well, one Ctrl-C would be two,
  // and the second means "at once" to many programs. So SIGINT goes on only where no terminal can have sent it.
  process.on('SIGINT', () => inForeground() || child.kill('SIGINT'))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGHUP', () => child.kill('SIGHUP'))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** npx puts the package into npm's cache and tells where its binary is; it has ended before the script starts. */
function findPinnedNode(consent) {
  const wanted = ['-p', `node-linux-${process.arch}@${pinned}`, '-c', 'node -p process.execPath']
  return spawnSync('npx', [consent, ...wanted], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Is this the foreground group of a terminal? Compares pgrp and tpgid of proc(5), counted from behind the name. */
function inForeground() {
  const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8').split(') ').pop().split(' ')
  return group === foreground
}

/** A SIGTERM ends npm, and npm leaves its script behind on the port: then the script is asked to end as well, once. */
function endWithNpm(end) {
  if (process.env.npm_lifecycle_event === undefined) return
  const npm = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === npm) return
    clearInterval(watch)
    end()
  }, 500)
  watch.unref()
}

/** The channel breaks when the launcher goes, however it goes: else a SIGKILL would leave an orphan on the port. */
function dieWithLauncher() {
  const die = () => process.kill(process.pid, 'SIGKILL')
  if (process.connected === false) die()
  process.on('disconnect', die)
  if (process.channel) process.channel.unref()
}

function giveUp(cause = '') {
  say(
    `${cause}Node ${process.versions.node} is too old: install Node 24 (or any from 22.18 on) and run this again.`,
  )
  process.exit(1)
}

function say(text) {
  process.stderr.write(`twilio-segment-bridge: ${text}\n`)
}
