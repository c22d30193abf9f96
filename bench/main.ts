/** `npm run bench`: see arguments.ts, or `npm run bench -- --help`. */
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { buildPackage } from '../test/support/start-command.ts'
import { type Arguments, help, readArguments } from './arguments.ts'
import type { Bench } from './bench.ts'
import { createChildren } from './children.ts'
import { startLoader } from './load/loader.ts'
import { describeMachine, lookAround } from './machine.ts'
import { installPeers } from './peers.ts'
import { createProgress } from './progress.ts'
import { writeMarkdown } from './report/markdown.ts'
import { toReport } from './report/report.ts'
import { type Results, runSections } from './sections.ts'
import { startSink } from './sink/sink.ts'

/** Of the last minute: a machine at rest is far below. */
const BUSY_MACHINE = 0.7
const root = join(import.meta.dirname, '..')

async function run(args: Arguments): Promise<void> {
  const progress = createProgress()
  const machine = lookAround(args.dataFolder)
  if (machine.disk.type === 'tmpfs')
    throw new Error(`${args.dataFolder} is in memory (tmpfs): name a real disk with --dir`)
  const children = createChildren(machine, args.dataFolder)
  const stop = (): void => {
    children.endAll()
    process.exit(130)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  process.once('exit', children.endAll)

  const about = describeMachine(machine)
  progress.line(about)
  const [load = 0] = loadavg()
  if (load > BUSY_MACHINE)
    progress.line(`this machine is busy (load ${load.toFixed(1)}): trust the ratios, and those little`)
  if (args.only.includes('throughput') || args.only.includes('latency')) installPeers(root, progress.line)
  buildPackage(root)
  const loader = startLoader(children)
  const sink = await startSink(children)
  const bench: Bench = { root, machine, children, loader, sink, sizes: args.sizes, say: progress.say }
  const results: Results = {
    at: new Date().toISOString().slice(0, 10),
    machine: about,
    ...(await runSections(bench, args.only)),
  }
  progress.clear()
  await loader.end()
  await sink.end()

  console.log(args.json ? JSON.stringify(results, null, 2) : toReport(results))
  if (args.markdown) for (const file of writeMarkdown(root, results)) progress.line(`wrote ${file}`)
}

try {
  const args = readArguments(process.argv.slice(2))
  if (args.help) console.log(help)
  else await run(args)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
