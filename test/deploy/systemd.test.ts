/** The unit: known to systemd, hardened, and with the start command of package.json. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readStartCommand } from '../support/start-command.ts'
import { foreignNames, knownNames, lacks, read, root } from './tools.ts'

const name = 'twilio-segment-bridge.service'
const unit = read(`deploy/systemd/${name}`)
const valuesOf = (key: string) =>
  [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value)

it('[DY50] the unit starts the bridge with the flags and variables of the start command', () => {
  const { env, flags } = readStartCommand(root)
  const [, ...words] = valuesOf('ExecStart')[0]?.split(' ') ?? []
  expect(words).toEqual([...flags, '/opt/twilio-segment-bridge/bin/twilio-segment-bridge.mjs', 'serve'])
  const variables = valuesOf('Environment').flatMap(value => value.split(' '))
  for (const [key, value] of Object.entries(env)) expect(variables).toContain(`${key}=${value}`)
})

it('[DY51] the unit sets only settings that exist, and each secret from a credential that it loads', () => {
  const variables = valuesOf('Environment').flatMap(value => value.split(' ').map(pair => pair.split('=')))
  expect(
    variables.map(([key = '']) => key).filter(key => !knownNames.has(key) && !foreignNames.has(key)),
  ).toEqual([])
  const loaded = valuesOf('LoadCredential').map(value => value.split(':')[0])
  const used = variables.filter(([key]) => key?.endsWith('_FILE')).map(([, value]) => value)
  expect(used).toEqual(loaded.map(credential => `%d/${credential}`))
})

it('[DY52] the unit does not start again after wrong settings, and gives a stop the time that it takes', () => {
  expect(valuesOf('RestartPreventExitStatus')).toEqual(['2'])
  expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(10)
})

it.skipIf(lacks('systemd-analyze', 'apt-get install systemd'))(
  '[DY53] systemd knows each line of the unit and calls it hardened',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'unit-'))
    const file = join(folder, name)
    const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })
    try {
      cpSync(join(root, 'deploy/systemd', name), file)
      // Where node stands differs; that it stands somewhere is what `verify` looks at.
      writeFileSync(file, unit.replace('/usr/bin/node', process.execPath))
      expect(analyze('verify', '--man=no', file).stderr).toBe('')
      const { status, stdout } = analyze('security', '--offline=yes', '--threshold=20', file)
      expect(status, stdout).toBe(0)
      writeFileSync(file, unit.replace('ProtectHome', 'ProtectHomes'))
      expect(analyze('verify', '--man=no', file).stderr).toContain('ProtectHomes')
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)
