/** Settings from the environment and `.env`, or the end of the process with every fault named. */
import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { readSettings, type Settings } from '../config.ts'

const WRONG_SETTINGS = 2

/** As given, faults and all; the environment goes before the file. */
export function readEnvironment(): Readonly<Record<string, string | undefined>> {
  const file = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}
  return { ...file, ...process.env }
}

export function loadSettings(): Settings {
  const read = readSettings(readEnvironment())
  if (!read.ok) {
    const lines = read.faults.map(
      ({ name, received, expected }) => `  ${name}: got ${received}, expected ${expected}`,
    )
    process.stderr.write(`Invalid settings:\n${lines.join('\n')}\ndocs/configuration.md lists them all.\n`)
    process.exit(WRONG_SETTINGS)
  }
  for (const warning of read.warnings) process.stderr.write(`Warning: ${warning}\n`)
  return read.settings
}
