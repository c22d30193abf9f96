/** deploy/prometheus/: each alert fires at what it is for and at nothing else, as promtool sees it. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { lacks, readYaml, root } from './tools.ts'

const folder = 'deploy/prometheus'
const isMissing = lacks('promtool', 'apt-get install prometheus')

const Rule = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string() }),
})
const Rules = z.strictObject({
  groups: z.tuple([z.strictObject({ name: z.string(), rules: z.array(Rule) })]),
})
const [{ rules }] = Rules.parse(readYaml(`${folder}/rules.yml`)[0]).groups

type Case = {
  /** Series → values, in promtool's notation; all of the job `bridge`. */
  readonly series: Readonly<Record<string, string>>
  readonly quietAt: string
  /** The alerts that fire then: of so many series. */
  readonly firesAt?: string
  readonly firing?: number
  /** Between two values and two looks. @default 1m */
  readonly interval?: string
}

const cases: Readonly<Record<string, Case>> = {
  BridgeAbsent: { series: { up: '0x10' }, quietAt: '4m', firesAt: '5m' },
  BridgeNotReady: { series: { bridge_ready: '1 0x10' }, quietAt: '2m', firesAt: '3m' },
  BridgeDeliveryBehind: {
    series: { bridge_oldest_pending_seconds: '0+60x30' },
    quietAt: '20m',
    firesAt: '21m',
  },
  BridgeRejectingRequests: {
    series: {
      'bridge_requests_total{reason="signature_mismatch"}': '0+2x60',
      'bridge_requests_total{reason="stored"}': '0+6x10 60x50',
    },
    quietAt: '15m',
    firesAt: '30m',
  },
  BridgeIndexLag: { series: { bridge_events_unsorted: '0 5+5x40' }, quietAt: '12m', firesAt: '20m' },
  BridgeDeadLetters: {
    series: {
      'bridge_events{state="rejected"}': '0x200',
      // A series that begins with the first event of its reason.
      'bridge_events{state="rejected", reason="schema_rejected"}': '_x70 3x130',
    },
    quietAt: '65m',
    firesAt: '80m',
  },
  BridgeEventsHeld: { series: { bridge_events_held: '0x9 2x120' }, quietAt: '60m', firesAt: '80m' },
  BridgeDiskFilling: {
    series: {
      'bridge_disk_size_bytes{instance="filling"}': '100e9x60',
      'bridge_disk_free_bytes{instance="filling"}': '20e9x60',
      'bridge_disk_full_in_seconds{instance="filling"}': '80000x60',
      'bridge_disk_size_bytes{instance="small"}': '100e9x60',
      'bridge_disk_free_bytes{instance="small"}': '4e9x60',
    },
    quietAt: '9m',
    firesAt: '10m',
    firing: 2,
  },
  BridgeNoEvents: {
    series: { bridge_events_received_total: '0+1x340 340x100' },
    interval: '30m',
    quietAt: '7d',
    firesAt: '8d12h',
  },
  BridgeOpenFiles: {
    series: {
      bridge_build_info: '1x10',
      process_open_fds: '900x10',
      process_max_fds: '1024x10',
      'process_open_fds{instance="of another program"}': '900x10',
      'process_max_fds{instance="of another program"}': '1024x10',
    },
    quietAt: '4m',
    firesAt: '5m',
  },
}

/** A bridge that works: a hiccup, an old dead letter, strangers at the webhook, a roomy disk that another program fills. */
const healthy: Case = {
  series: {
    bridge_build_info: '1x300',
    bridge_ready: '1x300',
    bridge_oldest_pending_seconds: '0 3 1 0x297',
    bridge_events_unsorted: '0 40 0x298',
    bridge_events_held: '0x300',
    'bridge_events{state="rejected", reason="schema_rejected"}': '7x300',
    bridge_events_received_total: '0+60x300',
    'bridge_requests_total{reason="stored"}': '0+6x300',
    'bridge_requests_total{reason="signature_mismatch"}': '0+1x300',
    bridge_disk_free_bytes: '50e9x300',
    bridge_disk_size_bytes: '100e9x300',
    bridge_disk_full_in_seconds: '3600x300',
    process_open_fds: '40x300',
    process_max_fds: '1024x300',
  },
  quietAt: '5h',
}

const toSeries = ([name, values]: [string, string]) => ({
  series: name.includes('{') ? name.replace('{', '{job="bridge", ') : `${name}{job="bridge"}`,
  values,
})

function toTest(alert: string, { series, interval = '1m', quietAt, firesAt, firing = 1 }: Case) {
  const expr = `count(ALERTS{alertname=~"${alert}", alertstate="firing"})`
  const fires = { expr, eval_time: firesAt, exp_samples: [{ labels: '{}', value: firing }] }
  return {
    name: alert,
    interval,
    input_series: Object.entries(series).map(toSeries),
    promql_expr_test: [{ expr, eval_time: quietAt, exp_samples: [] }, ...(firesAt ? [fires] : [])],
  }
}

/** What promtool says of the case, which is nothing when it is right. */
function judge(alert: string, one: Case): string {
  const work = mkdtempSync(join(tmpdir(), 'alerts-'))
  try {
    cpSync(join(root, folder, 'rules.yml'), join(work, 'rules.yml'))
    const file = join(work, 'tests.yml')
    const evaluation_interval = one.interval ?? '1m'
    writeFileSync(
      file,
      JSON.stringify({ rule_files: ['rules.yml'], evaluation_interval, tests: [toTest(alert, one)] }),
    )
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })
    return status === 0 ? '' : stdout + stderr
  } finally {
    rmSync(work, { recursive: true })
  }
}

describe.skipIf(isMissing)('the alerts', () => {
  it('[ME210] promtool finds rules and configuration valid', () => {
    const work = mkdtempSync(join(tmpdir(), 'prometheus-'))
    try {
      cpSync(join(root, folder), work, { recursive: true })
      writeFileSync(join(work, 'metrics-token'), 'token')
      const { status, stdout, stderr } = spawnSync(
        'promtool',
        ['check', 'config', join(work, 'prometheus.yml')],
        {
          encoding: 'utf8',
        },
      )
      expect(status, stdout + stderr).toBe(0)
      expect(stdout).toContain(`${rules.length} rules found`)
    } finally {
      rmSync(work, { recursive: true })
    }
  })

  it.each(rules.map(({ alert }) => alert))('[ME210] %s fires at what it is for, and not before', alert => {
    const one = cases[alert]
    if (!one) throw new Error('It has no case here')
    expect(judge(alert, one)).toBe('')
  })

  it('[ME210] none fires on a bridge that works', () => {
    expect(judge('.+', healthy)).toBe('')
  })
})

it('[ME211] the alerts use only metrics that the bridge has', () => {
  const known = readFileSync(join(root, 'test/frozen/metrics.txt'), 'utf8')
  const used = rules.flatMap(({ expr }) => expr.match(/\b(?:bridge|process)_\w+/g) ?? [])
  expect(used.length).toBeGreaterThan(rules.length)
  for (const name of used) expect(known).toContain(`# HELP ${name} `)
})
