/** The commands as a person starts them: exit codes, which stream says what, Ctrl-C, and help that teaches. */
// @module-tag long
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createCheckCommand } from '../../src/cli/check.ts'
import { createSendCommand } from '../../src/cli/send.ts'
import { createSinkCommand } from '../../src/cli/sink.ts'
import { runCommand } from '../support/cli-terminal.ts'
import { until } from '../support/patience.ts'
import { authToken } from '../support/twilio.ts'
import { startWebhook } from '../support/webhook-stand-in.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
const env = { PATH: process.env.PATH, TWILIO_AUTH_TOKEN: authToken }
const options = { env, cwd: tmpdir(), encoding: 'utf8' } as const

function run(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], options)
}

describe('sink, send and check', () => {
  const commands = [createSinkCommand, createSendCommand, createCheckCommand]
  const pages = commands.flatMap(create => {
    const command = create()
    const inner = command.commands.map(sub => [create, [sub.name()]] as const)
    return [[create, []] as const, ...inner].map(([of, path]) => ({
      of,
      path,
      title: [command.name(), ...path].join(' '),
    }))
  })

  it.each(pages)('$title --help has an example and the exit codes', async ({ of, path, title }) => {
    const { code, out } = await runCommand(of, [...path, '--help'])
    expect(code).toBe(0)
    const page = out.join('')
    expect(page).toMatch(new RegExp(`Example[^]*twilio-segment-bridge ${title}`))
    expect(page).toContain('Exit codes')
  })

  it('wrong use and wrong settings are exit 2, told on stderr without a stack', () => {
    for (const args of [
      ['send', '--rate', 'fast'],
      ['sink', 'create'],
    ]) {
      const { status, stdout, stderr } = run(...args)
      expect({ args, status, stdout }).toEqual({ args, status: 2, stdout: '' })
      expect(stderr).not.toMatch(/\n {4}at /)
    }
  })

  it('[SE5] Ctrl-C ends a load with its table on stdout, and exit code 1: it did not come to its end', async () => {
    await using webhook = await startWebhook([200])
    const args = ['send', '--rate', '20', '--for', '1h', '--to', webhook.origin]
    const child = spawn(process.execPath, [main, ...args], {
      ...options,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [out] = await Promise.all([
      text(child.stdout),
      (async () => {
        await until('some requests', () => webhook.bodies.length >= 3)
        child.kill('SIGINT')
      })(),
    ])
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(1)
    expect(out).toMatch(/^sent +\d+ in \d+ requests\nacknowledged +\d+/)
  })
})
