/** Settings from the environment and `.env`, or the end of the process with every fault named. */
import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { type ReadSettings, readSettings, type Settings } from '../config.ts'
import { CliError } from './cli-error.ts'

const WRONG_SETTINGS = 2

/** As given, faults and all; the environment goes before the file. */
export function readEnvironment(): Readonly<Record<string, string | undefined>> {
  const file = existsSync('.env') ? parseEnv(toText(readFileSync('.env'))) : {}
  return { ...file, ...process.env }
}

/** What editors of Windows put before the text is no part of the first setting's name. Throws CliError. */
function toText(bytes: Buffer): string {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  if (isUtf16 || bytes.includes(0))
    throw new CliError(
      `The file .env is ${isUtf16 ? 'UTF-16' : 'no text, or UTF-16 without its mark'}: save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8).`,
      WRONG_SETTINGS,
    )
  return new TextDecoder('utf-8', { ignoreBOM: false }).decode(bytes)
}

/** Ends the process. */
function loadEnvironment(): ReturnType<typeof readEnvironment> {
  try {
    return readEnvironment()
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(error.exitCode)
  }
}

/** With the secrets that stand in files. */
export function readNodeSettings(environment: ReturnType<typeof readEnvironment>): ReadSettings {
  return readSettings(environment, 'node', path => new TextDecoder().decode(readFileSync(path)))
}

export function loadSettings(): Settings {
  const read = readNodeSettings(loadEnvironment())
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
