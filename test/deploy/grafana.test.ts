/** deploy/grafana/dashboard.json: a real Prometheus scrapes a real bridge, and answers the query of each panel. */
// @module-tag long
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import * as z from 'zod'
import { type Bridge, startBridge } from '../support/bridge.ts'
import { until } from '../support/patience.ts'
import { startSegment } from '../support/segment.ts'
import { inboundMessage, messageStatus, sendBody, sendEvents } from '../support/twilio.ts'
import { lacks, read, readYaml, root } from './tools.ts'

const isMissing = lacks('prometheus', 'apt-get install prometheus')
const token = 'the-token-of-the-scraper'

const Panel = z.looseObject({
  id: z.int(),
  type: z.enum(['row', 'stat', 'timeseries']),
  title: z.string(),
  gridPos: z.strictObject({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
  targets: z.array(z.looseObject({ expr: z.string() })).default([]),
})
const Dashboard = z.looseObject({
  uid: z.string(),
  templating: z.object({ list: z.array(z.looseObject({ name: z.string() })) }),
  panels: z.array(Panel),
})
const dashboard = Dashboard.parse(JSON.parse(read('deploy/grafana/dashboard.json')))
const queries = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })))

it('[ME212] no two panels of the dashboard overlap, and each has a query', () => {
  const { panels, templating } = dashboard
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  for (const { type, title, targets } of panels) if (type !== 'row') expect(targets, title).not.toEqual([])
  const variables = new Set(templating.list.map(({ name }) => name))
  for (const { expr } of queries)
    for (const [, name = ''] of expr.matchAll(/\$(\w+)/g))
      expect(name.startsWith('__') || variables.has(name), expr).toBe(true)
})

it('[ME212] the dashboard uses only metrics that the bridge has', () => {
  const known = readFileSync(join(root, 'test/frozen/metrics.txt'), 'utf8')
  const used = queries.flatMap(({ expr }) => expr.match(/\b(?:bridge|process)_\w+/g) ?? [])
  for (const name of used) expect(known).toContain(`# HELP ${name.replace(/_(bucket|sum|count)$/, '')} `)
})

it.skipIf(isMissing)('[ME212] Prometheus answers the query of each panel', async () => {
  await using segment = await startSegment()
  segment.fail({ kind: 'poison', messageIds: { prefix: 'EZpoison' } })
  await using bridge = await startBridge({
    METRICS_TOKEN: token,
    SEGMENT_WRITE_KEY: 'key',
    SEGMENT_HOST: segment.url,
  })
  await using prometheus = await startPrometheus(bridge)
  const waiting = new Map(queries.map(query => [query.expr, query.title]))
  await until(
    () => `answers to the queries of ${[...waiting.values()].join(', ')}: ${[...waiting.keys()].join('\n')}`,
    async () => {
      await sendSome(bridge)
      for (const expr of waiting.keys()) if (await prometheus.answers(expr)) waiting.delete(expr)
      return waiting.size === 0
    },
  )
  // What a person who meets an empty panel would want to know first.
  expect(await prometheus.answers('bridge_no_such_metric{job=~"$job"}')).toBe(false)
})

/** Something of everything that a panel shows. */
async function sendSome({ webhook }: Bridge): Promise<void> {
  const copy = messageStatus()
  await sendEvents(webhook, [copy, copy, inboundMessage(), messageStatus({ data: { to: 7 } })])
  await sendEvents(webhook, [messageStatus({ id: `EZpoison-${crypto.randomUUID()}` })])
  await sendBody(webhook, 'no JSON')
}

type Prometheus = { answers(expr: string): Promise<boolean> } & AsyncDisposable
const Answer = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
})

/** With the configuration of deploy/, but for addresses and pace. */
async function startPrometheus({ origin }: Bridge): Promise<Prometheus> {
  const work = mkdtempSync(join(tmpdir(), 'prometheus-'))
  const Config = z.looseObject({ scrape_configs: z.tuple([z.looseObject({ job_name: z.string() })]) })
  const given = Config.parse(readYaml('deploy/prometheus/prometheus.yml')[0])
  const [scrape] = given.scrape_configs
  const config = {
    ...given,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [join(root, 'deploy/prometheus/rules.yml')],
    alerting: {},
    scrape_configs: [{ ...scrape, static_configs: [{ targets: [new URL(origin).host] }] }],
  }
  writeFileSync(join(work, 'prometheus.yml'), stringify(config))
  writeFileSync(join(work, 'metrics-token'), token)
  const address = `127.0.0.1:${await findPort()}`
  const options = [
    `--config.file=${join(work, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(work, 'data')}`,
    `--web.listen-address=${address}`,
  ]
  const child = spawn('prometheus', options, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', text => (said += text))
  await until(
    () => `Prometheus: ${said}`,
    async () => (await fetch(`http://${address}/-/ready`).catch(() => undefined))?.ok,
  )
  return {
    async answers(expr) {
      const query = expr
        .replaceAll('$job', scrape.job_name)
        // Four scrapes at least, as Grafana chooses it.
        .replaceAll('$__rate_interval', '5s')
      const response = await fetch(`http://${address}/api/v1/query?${new URLSearchParams({ query })}`)
      const text = await response.text()
      if (!response.ok) throw new Error(`${expr}: ${text}`)
      const { result } = Answer.parse(JSON.parse(text)).data
      return result.length > 0 && result.every(({ value: [, value] }) => value !== 'NaN')
    },
    async [Symbol.asyncDispose]() {
      await end(child)
      rmSync(work, { recursive: true, force: true })
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
