/** The document of the admin API: every route is in it, real answers fit it to the field, a linter finds nothing. */
// @module-tag long
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { toDocument } from '../../src/http/openapi/document.ts'
import { ask, describeHosts, type Hosted, newestEvent, someNotices } from '../support/hosts.ts'
import { withRoutesTable } from '../support/routes-table.ts'
import { messageStatus, sendBody, sendEvents } from '../support/twilio.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

const Document = z.looseObject({
  openapi: z.string(),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ responses: z.record(z.string(), z.unknown()) })),
  ),
})
const document = Document.parse(toDocument())

/** The page's own files, which are no API. */
const pages = ['GET /', 'GET /debugger', 'GET /debugger/*']
/** Answered before the routes, at whatever path PUBLIC_URL has. */
const webhooks = ['POST /webhooks/twilio', 'POST /webhooks/proxy']

it('[AP210] every route is in the document, and nothing else', () => {
  const routes = read('test/frozen/routes.txt').trim().split('\n')
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  )
  const expected = [...routes.filter(route => !pages.includes(route)), ...webhooks]
  expect(described.sort(), 'src/http/openapi/operations.ts has them').toEqual(expected.sort())
})

it('[AP213] docs/api.md has the table of the document: npm run schemas', () => {
  expect(read('docs/api.md')).toBe(withRoutesTable(read('docs/api.md')))
})

it('[AP212] the linter of OpenAPI finds no error', () => {
  const work = mkdtempSync(join(tmpdir(), 'openapi-'))
  try {
    const file = join(work, 'openapi.json')
    const lint = (text: string) => {
      writeFileSync(file, text)
      const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
      const redocly = join(root, 'node_modules/@redocly/cli/bin/cli.js')
      return spawnSync(process.execPath, [redocly, 'lint', file], { cwd: work, env, encoding: 'utf8' })
    }
    const { status, stdout, stderr } = lint(JSON.stringify(document))
    expect(status, stdout + stderr).toBe(0)
    expect(lint(JSON.stringify({ ...document, info: {} })).status, 'a fault would be found').toBe(1)
  } finally {
    rmSync(work, { recursive: true })
  }
})

/** As the document says it, but for this: a field that it does not name is an error, so that it names all. */
function close(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(close)
  if (typeof part !== 'object' || part === null) return part
  const closed = Object.fromEntries(Object.entries(part).map(([name, value]) => [name, close(value)]))
  return closed.type === 'object' && closed.properties && !('additionalProperties' in closed)
    ? { ...closed, additionalProperties: false }
    : closed
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
ajv.addSchema(z.record(z.string(), z.unknown()).parse(close(document)), 'api')

const toPointer = (...parts: readonly string[]) =>
  parts.map(part => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** Fails when the answer is not as the document says. `path` as the document spells it. */
function expectFits(method: string, path: string, status: number, json: unknown): void {
  const pointer = toPointer('paths', path, method, 'responses', String(status))
  expect(
    document.paths[path]?.[method]?.responses[status],
    `${method} ${path} answers ${status}`,
  ).toBeDefined()
  const validate = ajv.getSchema(`api#${encodeURI(pointer)}/content/application~1json/schema`)
  if (!validate) throw new Error(`${pointer} has no schema`)
  const fits = validate(json)
  expect(fits ? [] : validate.errors, `${method} ${path}: ${JSON.stringify(json)?.slice(0, 2_000)}`).toEqual(
    [],
  )
}

describeHosts('the document of the API', host => {
  it('[AP211] real answers are as the document says, to the field', async () => {
    await using bridge = await host.start({ RETENTION_DAYS: '1' })
    const check = async (path: string, { body, at = path, method }: Asked = {}) => {
      const { status, json } = await ask(bridge, at, {
        ...(method && { method }),
        ...(body !== undefined && { body }),
      })
      expectFits(method?.toLowerCase() ?? (body === undefined ? 'get' : 'post'), path, status, json)
      return status
    }
    await fill(bridge)
    const { key } = await newestEvent(bridge)
    const { events } = await bridge.api<{ events: { key: string; state: string }[] }>('/api/events?limit=50')
    for (const path of ['/healthz', '/readyz']) await check(path)
    for (const name of ['openapi.json', 'status', 'stats', 'events', 'dead-letters', 'destinations'])
      expect(await check(`/api/${name}`), name).toBe(200)
    for (const name of ['quality', 'rates', 'notices', 'reasons', 'about', 'session'])
      expect(await check(`/api/${name}`), name).toBe(200)
    expect(await check('/api/rates', { at: '/api/rates?window=24h' })).toBe(200)
    expect(await check('/api/events', { at: '/api/events?limit=2&state=rejected' })).toBe(200)
    expect(await check('/api/events', { at: '/api/events?limit=0&stat=x' })).toBe(400)
    expect(await check('/api/events/search', { body: { q: '+15550100199' } })).toBe(200)
    for (const event of events)
      expect(await check('/api/events/{key}', { at: `/api/events/${event.key}` })).toBe(200)
    expect(await check('/api/events/{key}', { at: '/api/events/9999-9' })).toBe(404)
    for (const action of ['retry', 'drop', 'resend']) {
      const path = `/api/events/{key}/${action}`
      for (const { key } of events) await check(path, { at: `/api/events/${key}/${action}`, method: 'POST' })
      expect(await check(path, { at: `/api/events/9999-9/${action}`, method: 'POST' })).toBe(404)
    }
    expect(
      await check('/api/events/resend', { body: { since: '2026-01-01T00:00:00Z', preview: true } }),
    ).toBe(200)
    expect(await check('/api/events/resend', { body: { since: 'yesterday' } })).toBe(400)
    for (const action of ['retry', 'drop'])
      expect(await check(`/api/dead-letters/${action}`, { body: { preview: true } })).toBe(200)
    expect(await check('/api/deliver-now', { method: 'POST' })).toBe(200)
    for (const action of ['pause', 'resume', 'deliver-now']) {
      const path = `/api/destinations/{name}/${action}`
      expect(await check(path, { at: `/api/destinations/segment/${action}`, method: 'POST' })).toBe(200)
      expect(await check(path, { at: `/api/destinations/none/${action}`, method: 'POST' })).toBe(404)
    }
    expect(await check('/api/destinations/confirm', { body: { hash: 'none' } })).toBe(409)
    expect(await check('/api/confirm-arrival', { method: 'POST' })).toBe(200)
    expect(await check('/api/import', { body: [messageStatus()] })).toBe(200)
    expect(await check('/api/login', { body: { token: 1 } })).toBe(415)
    const stranger = await fetch(`${bridge.origin}/api/openapi.json`)
    expect(stranger.status).toBe(401)
    expectFits('get', '/api/openapi.json', 401, await stranger.json())
    expect(key).toBeDefined()
  })
})

type Asked = { readonly at?: string; readonly method?: string; readonly body?: unknown }

/** Something of every state, a failure that led to a notice, and a body that is no JSON. */
async function fill(bridge: Hosted): Promise<void> {
  bridge.segment.fail({ kind: 'poison', messageIds: { prefix: 'EZpoison' } })
  await sendEvents(bridge.webhook, [messageStatus({ id: 'EZpoison' }), messageStatus(), messageStatus()])
  await sendEvents(bridge.webhook, [
    messageStatus({ data: { to: 7 } }),
    { ...messageStatus(), type: 'com.example.x' },
  ])
  await sendBody(bridge.webhook, 'no JSON')
  await bridge.until(({ refused, pending }) => refused === 1 && pending === 0)
  await sendEvents(bridge.webhook, [messageStatus()], { token: 'another token' })
  await someNotices(bridge)
}
