/** The image that the Dockerfile makes, made and run here: as a user without privileges, on a tree that is read-only. */
// @module-tag long
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/patience.ts'
import { authToken, messageStatus, sendEvents } from '../support/twilio.ts'
import { buildImage, type Image } from './dockerfile.ts'

describe('the image', () => {
  let image: Image
  beforeAll(() => {
    image = buildImage(join(import.meta.dirname, '../..'))
    return image.remove
  })

  it('[DY5] takes an event, is healthy, and stops with 0, though its tree is read-only', async () => {
    const port = await findPort()
    const settings = { TWILIO_AUTH_TOKEN: authToken, PORT: port, HOST: '127.0.0.1' }
    const options = image.options(settings)
    const execute = ([command = '', ...args]: readonly string[]) =>
      spawnSync(command, args, { ...options, encoding: 'utf8' })

    expect(execute(image.healthcheck).status, 'before it runs').toBe(1)
    const [command = '', ...args] = image.cmd
    const bridge = spawn(command, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
    const exited = once(bridge, 'exit')
    let said = ''
    bridge.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    try {
      await until(
        () => `"ready" in ${said}`,
        () => said.includes('is ready') || bridge.exitCode !== null,
      )
      expect(execute(image.healthcheck), said).toMatchObject({ status: 0 })

      const event = messageStatus()
      const answer = await sendEvents(`http://127.0.0.1:${port}/webhooks/twilio`, [event])
      expect(await answer.json()).toMatchObject({ received: 1, rejected: 0 })
      await until('the dry run', () => readDryRun().includes(event.id))
      expect(execute(['twilio-segment-bridge', 'status'])).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('dry run'),
      })
      const { stderr } = execute(['node', '-e', 'require("fs").writeFileSync("dist/new", "")'])
      expect(stderr, 'the tree is read-only').toContain('EACCES')
    } finally {
      bridge.kill('SIGTERM')
    }
    expect(await exited, said).toEqual([0, null])
    expect(existsSync(join(image.root, 'data/outbox.db'))).toBe(true)

    function readDryRun(): string {
      const file = join(image.root, 'data/dry-run.ndjson')
      return existsSync(file) ? readFileSync(file, 'utf8') : ''
    }
  })

  it('[DY6] holds no tests, no sources, no settings and no development dependencies', () => {
    const has = (path: string) => existsSync(join(image.root, 'app', path))
    expect(['dist/cli/main.js', 'node_modules/uplot', 'package.json'].filter(path => !has(path))).toEqual([])
    expect(
      ['src', 'test', '.env', 'data', 'node_modules/vitest', 'node_modules/typescript'].filter(has),
    ).toEqual([])
  })
})

async function findPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return String(typeof address === 'object' ? address?.port : '')
}
