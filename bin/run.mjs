// `node bin/run.mjs <script> [args…]` runs a script of a checkout (its path counts from the package's folder): the demo, the
// tests. It is no part of the published package. A Node new enough runs the script in this very process. An older one, on
// Linux, runs it under the pinned Node of the npm registry; this process then only passes signals in and the exit code out.
// PATH is left alone: no other Node is ever put in front of the one the user chose. Node 16 must be able to parse this.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endWithNpm, giveUp, isNewEnough, runHere, say } from './here.mjs'

const pinned = '24.21.0'
const own = fileURLToPath(import.meta.url)
const script = resolve(own, '../..', process.argv[2])
const launched = 'TWILIO_SEGMENT_BRIDGE_LAUNCHED'
const underLauncher = process.env[launched] !== undefined
delete process.env[launched]
// Read by each process and thread that is started from here on: a file's types are stripped once, not once a thread.
process.env.NODE_COMPILE_CACHE ??= resolve(own, '../../node_modules/.cache/node')

if (underLauncher) dieWithLauncher()
if (isNewEnough) {
  if (!underLauncher) endWithNpm(() => process.kill(process.pid, 'SIGTERM'))
  process.argv.splice(1, 2, script)
  await runHere(script)
} else if (process.platform === 'linux' && !underLauncher) runUnderPinnedNode()
else giveUp()

function runUnderPinnedNode() {
  let found = findPinnedNode('--no')
  if (found.status !== 0) {
    say(`this is Node ${process.versions.node}: fetching Node ${pinned} from the npm registry, once`)
    found = findPinnedNode('--yes')
  }
  if (found.status !== 0) giveUp(found.stderr || `${found.error}\n`)
  const node = found.stdout.trim().split('\n').pop()
  const child = spawn(node, [...process.execArgv, own, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [launched]: '1' },
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

/** The channel breaks when the launcher goes, however it goes: else a SIGKILL would leave an orphan on the port. */
function dieWithLauncher() {
  const die = () => process.kill(process.pid, 'SIGKILL')
  if (process.connected === false) die()
  process.on('disconnect', die)
  if (process.channel) process.channel.unref()
}
