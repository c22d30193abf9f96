/** `npm run torture`: breaks everything around a real bridge, and counts. Exit 0: all held; 1: something did not; 2: wrong arguments. */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildPackage } from '../support/start-command.ts'
import { callers } from './callers/index.ts'
import { type Row, runScenario } from './context.ts'
import { seedOf } from './random.ts'
import { type Skipped, toFaults, toMarkdown, toTable } from './report.ts'
import type { Scenario } from './scenario.ts'
import { faults } from './scenarios/index.ts'

const scenarios: readonly Scenario[] = [...faults, ...callers]

const help = `npm run torture [-- options]

Breaks everything around a real bridge, one fault at a time and then several together, lets hostile callers at it, and
counts: what Twilio was told is kept must be in exactly one state and at Segment; nothing may be invented; notices must keep
their clock.

  --short            the selection that CI runs, under 3 minutes
  --long             every scenario, with more of everything; some 15 minutes
  --only <name>      only these: names or their beginnings, comma-separated
  --seed <number>    the same faults in the same order as the run that printed it (default: a new one)
  --markdown <file>  writes table, figures and legend: all of docs/torture.md
  --verbose          each step as a line with its second
  --list             the scenarios, each in a sentence
  --help             this

Without --short and --long: every scenario, at its short length.

Examples
  npm run torture -- --short
  npm run torture -- --only kill,disk --seed 7
  npm run torture -- --long --markdown docs/torture.md

Only loopback is used. What needs root (mounts) is skipped with a line where it cannot be had. Ctrl-C ends it, tidies up and
prints what there is. Exit codes: 0 all held, 1 something did not, 2 wrong arguments.
`

const out = process.stdout
const options = {
  seed: { type: 'string' },
  only: { type: 'string' },
  markdown: { type: 'string' },
  short: { type: 'boolean' },
  long: { type: 'boolean' },
  verbose: { type: 'boolean' },
  list: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

function read() {
  try {
    const { values } = parseArgs({ options })
    const { seed = String(Math.floor(Math.random() * 2 ** 31)), only } = values
    if (!/^\d{1,10}$/.test(seed)) throw new Error('--seed: a whole number')
    if (values.short && values.long) throw new Error('--short or --long, not both')
    const wanted = only?.split(',').map(part => part.trim())
    const unknown = wanted?.find(part => !scenarios.some(({ name }) => name.startsWith(part)))
    if (unknown !== undefined) throw new Error(`--only: no scenario begins with ${unknown} (see --list)`)
    const chosen = scenarios
      .filter(({ short }) => short || !values.short)
      .filter(({ name }) => wanted?.some(part => name.startsWith(part)) ?? true)
    return { ...values, seed: Number(seed), chosen }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\nSee npm run torture -- --help\n`)
    process.exit(2)
  }
}

const { chosen, seed, long = false, short = false, list, markdown, ...rest } = read()
if (rest.help) {
  out.write(help)
  process.exit(0)
}
if (list) {
  for (const { name, short, does } of scenarios)
    out.write(`${name.padEnd(26)} ${short ? 'short' : '     '}  ${does}\n`)
  process.exit(0)
}

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => stopping.abort(new Error(`stopped by ${name}`)))
}

let strays = 0
// A socket or a child that breaks when nobody waits for it: to be told, and no reason to leave mounts behind.
process.on('unhandledRejection', error => {
  strays += 1
  process.stderr.write(`unexpected: ${error instanceof Error ? error.stack : error}\n`)
})

/** On a terminal the line of the scenario under way is written over; elsewhere only its verdict is a line. */
function progress(title: string, startedAt: number): { say(text: string): void; end(): void } {
  const seconds = () => Math.round((performance.now() - startedAt) / 1_000)
  if (rest.verbose)
    return { say: text => void out.write(`  ${seconds()} s  ${text}\n`), end: () => undefined }
  if (!out.isTTY) return { say: () => undefined, end: () => undefined }
  let doing = 'starts'
  const show = () => {
    out.write(`\r\x1b[2K${`${title}  ${seconds()} s  ${doing}`.slice(0, out.columns - 1)}`)
  }
  const timer = setInterval(show, 500)
  return {
    say(text) {
      doing = text
      show()
    },
    end() {
      clearInterval(timer)
      out.write('\r\x1b[2K')
    },
  }
}

buildPackage(join(import.meta.dirname, '../..'))
out.write(`seed ${seed}, ${chosen.length} scenarios\n`)
const rows: Row[] = []
const skipped: Skipped[] = []
for (const [at, scenario] of chosen.entries()) {
  if (stopping.signal.aborted) break
  const why = scenario.unfit?.()
  if (why !== undefined) {
    skipped.push({ name: scenario.name, why })
    out.write(`skip   ${scenario.name}: ${why}\n`)
    continue
  }
  const line = progress(`${at + 1}/${chosen.length} ${scenario.name}`, performance.now())
  const run = { seed: seedOf(seed, scenario.name), isLong: long, stop: stopping.signal, say: line.say }
  const row = await runScenario(scenario, run)
  line.end()
  rows.push(row)
  const verdict = row.faults.length === 0 ? 'holds' : 'FAILS'
  out.write(`${verdict}  ${row.name}  ${row.seconds.toFixed(1)} s  ${toFaults(row.injected)}\n`)
  for (const fault of row.faults) out.write(`         ${fault}\n`)
}

out.write(`\n${toTable(rows)}\n`)
if (markdown !== undefined) {
  const only = rest.only === undefined ? '' : ` --only ${rest.only}`
  const command = `npm run torture --${long ? ' --long' : short ? ' --short' : ''}${only} --seed ${seed} --markdown ${markdown}`
  const machine = { node: process.versions.node, cores: availableParallelism(), seed, command }
  writeFileSync(markdown, toMarkdown(rows, skipped, chosen, machine))
}
const failed = rows.filter(row => row.faults.length > 0)
const isGood = failed.length === 0 && strays === 0 && !stopping.signal.aborted
out.write(
  isGood
    ? `\nAll ${rows.length} hold${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}. Seed ${seed}.\n`
    : `\n${failed.length} of ${rows.length} fail: npm run torture -- --seed ${seed} --only ${failed.map(row => row.name).join(',')}\n`,
)
process.exit(isGood ? 0 : 1)
