/**
 * Secrets in files, as Docker, Kubernetes and systemd hand them over: `ADMIN_TOKEN_FILE=/run/secrets/admin-token` in place of
 * `ADMIN_TOKEN`. Part of config.ts. Pure: the host brings what reads a file.
 */
import type { SettingFault } from './misspelt.ts'

/** The text of a file. Throws when it cannot be read. */
export type ReadFile = (path: string) => string

export type SecretFiles = {
  /** By the name of the setting. */
  readonly values: ReadonlyMap<string, string>
  readonly faults: readonly SettingFault[]
}

export const toFileName = (setting: string): string => `${setting}_FILE`

/** `read` is undefined where there are no files. */
export function readSecretFiles(
  given: ReadonlyMap<string, string>,
  secrets: readonly string[],
  read: ReadFile | undefined,
): SecretFiles {
  const values = new Map<string, string>()
  const faults: SettingFault[] = []
  for (const setting of secrets) {
    const name = toFileName(setting)
    const path = given.get(name)
    if (path === undefined) continue
    const fail = (received: string, expected: string) => faults.push({ name, received, expected })
    if (read === undefined) fail('a path', `nothing: it applies on Node only; set ${setting} as a secret`)
    else if (given.has(setting)) fail(`a path, and ${setting} as well`, `${setting} or ${name}, not both`)
    else {
      const text = tryToRead(read, path)
      if (typeof text !== 'string') fail(`"${path}": ${text.cause}`, 'the path of a file that can be read')
      else if (text === '') fail(`"${path}": an empty file`, `a file with the value of ${setting} in it`)
      else values.set(setting, text)
    }
  }
  return { values, faults }
}

/** A line break at the end is no part of a secret. */
function tryToRead(read: ReadFile, path: string): string | { readonly cause: string } {
  try {
    return read(path).trim()
  } catch (error) {
    return { cause: error instanceof Error ? error.message : String(error) }
  }
}
