/** The command line. */
import { parseArgs } from 'node:util'
import type { Sizes } from './bench.ts'

export const sectionNames = [
  'throughput',
  'latency',
  'sustained',
  'drain',
  'mapping',
  'memory',
  'rows',
  'page',
  'workers',
] as const
export type SectionName = (typeof sectionNames)[number]

export type Arguments = {
  readonly help: boolean
  readonly json: boolean
  readonly markdown: boolean
  readonly only: readonly SectionName[]
  readonly dataFolder: string
  readonly sizes: Sizes
}

export const help = `npm run bench -- [options]       (figures are ratios within one run; a busy machine changes them little)

Starts each server by turns on one core, a loader and a stand-in for Segment on another, and compares. It stops by
itself, ends only what it started, and removes its folders, after Ctrl-C too.

  --quick              a look of about a minute: one short round of throughput
  --only <a,b>         some of: ${sectionNames.join(', ')}
  --rounds <n>         rounds of throughput, latency, page and rows [5]
  --seconds <n>        seconds of each run, after a warm-up [3]
  --batches <a,b>      events a request [1,10,100]
  --rows <n>           stored events in "rows", and a tenth of them in "page" [10000000]
  --minutes <n>        how long "sustained" lasts [10]
  --backlog <n>        events that wait in "memory", and a tenth of them in "drain" [1000000]
  --dir <folder>       where data folders go; a real disk, not tmpfs [node_modules/.cache/bench]
  --json               the results as JSON on stdout, instead of tables
  --markdown           writes bench/results.json, the tables in docs/performance.md and README.md, and docs/throughput.svg
  --help

  throughput  events a second, latency, CPU, memory, drain: floor, bridge (without a rate, and at the default one), Express + SDK,
              Express + BullMQ + Redis
  latency     p99 at half the highest rate; from the webhook to Segment's 2xx at 500 events/s
  sustained   1,000 events/s, 1 a request, for ten minutes at the default rate: share of a core, p99, memory
  drain       events a second through the SDK, out of a backlog
  memory      idle, intake, backlog, restart, drain
  mapping     judging and mapping alone: messages, and a mixed stream of all families
  rows        CPU an event with 1,000 and with 10,000,000 stored events (needs some 10 GB of disk, and time)
  page        intake while the debugger page looks on
  workers     the same bridge in local workerd: CPU, requests, rows written, and what a million would cost

Example:  npm run bench -- --only throughput,latency --batches 10 --rounds 3`

export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      batches: { type: 'string', default: '1,10,100' },
      rows: { type: 'string' },
      backlog: { type: 'string' },
      minutes: { type: 'string' },
      dir: { type: 'string', default: 'node_modules/.cache/bench' },
    },
  })
  const { quick } = values
  return {
    help: values.help,
    json: values.json,
    markdown: values.markdown,
    only: values.only ? values.only.split(',').map(toSection) : quick ? ['throughput'] : sectionNames,
    dataFolder: values.dir,
    sizes: {
      rounds: toNumber('--rounds', values.rounds ?? (quick ? '1' : '5')),
      seconds: toNumber('--seconds', values.seconds ?? (quick ? '1.5' : '3')),
      warmUpSeconds: quick ? 0.5 : 4,
      drainSeconds: quick ? 3 : 240,
      batches: values.batches.split(',').map(one => toNumber('--batches', one)),
      rows: toNumber('--rows', values.rows ?? (quick ? '100000' : '10000000')),
      minutes: toNumber('--minutes', values.minutes ?? (quick ? '0.2' : '10')),
      backlog: toNumber('--backlog', values.backlog ?? (quick ? '50000' : '1000000')),
    },
  }
}

function toSection(name: string): SectionName {
  const known = sectionNames.find(section => section === name)
  if (!known) throw new Error(`--only takes some of ${sectionNames.join(', ')}, not "${name}"`)
  return known
}

function toNumber(option: string, text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new Error(`${option} takes a number above 0, not "${text}"`)
  return number
}
