/** Every setting: right, or its name and what is wrong with it. The rest of `check` goes on with those that are right. */
import { toFileName } from '../../config/secret-files.ts'
import { isSecret, type Settings, settingNames } from '../../config.ts'
import { readNodeSettings } from '../settings.ts'
import { type Finding, note, ok, wrong } from './result.ts'

type Environment = Readonly<Record<string, string | undefined>>

export function checkSettings(environment: Environment): { findings: Finding[]; settings: Settings } {
  const set = settingNames.filter(name => environment[name] || environment[toFileName(name)])
  const read = readNodeSettings(environment)
  if (read.ok) {
    const shown = set.map(name =>
      isSecret(name)
        ? `${environment[name] ? name : toFileName(name)} (set)`
        : `${name}=${toShown(environment[name])}`,
    )
    return {
      settings: read.settings,
      findings: [
        ok(
          'settings',
          `${set.length} of ${settingNames.length} set, all right${shown.length > 0 ? `: ${shown.join(', ')}` : ''}`,
        ),
        ...read.warnings.map(warning => note('settings', warning)),
      ],
    }
  }
  const findings = read.faults.map(({ name, received, expected }) =>
    wrong('settings', `${name}: got ${received}`, `Expected ${expected}.`),
  )
  return {
    settings: readRest(
      environment,
      read.faults.map(({ name }) => name),
    ),
    findings,
  }
}

/** Without the wrong ones, and without an auth token if need be. */
function readRest(environment: Environment, wrongNames: readonly string[]): Settings {
  const rest = Object.entries(environment).filter(([name]) => !wrongNames.includes(name))
  const read = readNodeSettings({ ...Object.fromEntries(rest), ALLOW_UNSIGNED: 'true' })
  if (!read.ok) throw new Error(`There are faults behind faults: ${JSON.stringify(read.faults)}`)
  return read.settings
}

const SHOWN = 200

/** A URL may hold a password. */
function toShown(value = ''): string {
  const shown = value.replace(/\/\/[^/?#]*@/, '//…@').replaceAll(/\s+/g, ' ')
  return shown.length > SHOWN ? `${shown.slice(0, SHOWN)}…` : shown
}
