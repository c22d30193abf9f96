/**
 * Before any test: strips the types of all that a bridge's thread and process load, once, into Node's compile cache
 * (`NODE_COMPILE_CACHE`, set by `bin/run.mjs`).
 *
 * Without it each thread brings its own WebAssembly compiler of types (amaro), and threads that do so side by side can end
 * the whole process: V8 checks a table that they share (nodejs/node#64500: `jit_page.has_value()`, SIGTRAP or SIGSEGV).
 * A published package is JavaScript and has no such compiler.
 */
import { execFileSync } from 'node:child_process'

const root = new URL('../../src/', import.meta.url)
/** The worker refuses to run outside a thread, but all it imports is loaded by then; `--help` loads each command. */
const script = `await import('${root}hosts/node/outbox-worker.ts').catch(() => {}); await import('${root}cli/main.ts')`

export default function setup(): void {
  const args = ['--input-type=module', '-e', script, 'twilio-segment-bridge', '--help']
  execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
}
