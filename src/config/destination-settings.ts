/** The settings about several destinations. Part of config.ts. Pure. */
import * as z from 'zod'
import type { FileContext, ReadDestinations } from './destinations-file.ts'
import { readDestinations, secretNames } from './destinations-file.ts'
import { defaultAddressKeys, type MappingSettings } from './mapping-settings.ts'
import type { ReadFile } from './secret-files.ts'

const LEAST_KEY = 16

export const destinationSettings = {
  DESTINATIONS: z.string().optional().meta({
    description:
      'Where events go, instead of the SEGMENT_ settings: the path of a JSON file (Node), or its text. docs/destinations.md',
  }),
  DESTINATIONS_CONFIRM: z
    .string()
    .regex(/^[0-9a-f]{8,64}$/, 'the code that the notice shows')
    .optional()
    .meta({
      description:
        'Confirms a change of DESTINATIONS that is paused as `change_unconfirmed`: the code in its notice',
    }),
  HASH_KEY: z
    .string()
    .regex(
      new RegExp(`^[\\x21-\\x7e]{${LEAST_KEY},}$`),
      `at least ${LEAST_KEY} printable characters without spaces`,
    )
    .optional()
    .meta({
      description:
        'Key of the HMAC-SHA-256 that DESTINATIONS hashes fields and identities with; a new key makes everybody somebody else',
      secret: true,
    }),
} as const

type Given = ReadonlyMap<string, string>

/**
 * Puts the text of the file that DESTINATIONS names in place of its path, and returns the secrets that it asks for. A file that
 * cannot be read leaves its path; what was expected is said when it is read as JSON.
 */
export function nameSecrets(given: Map<string, string>, readFile: ReadFile | undefined): readonly string[] {
  const setting = given.get('DESTINATIONS')
  if (setting === undefined) return []
  if (readFile !== undefined && !setting.startsWith('{'))
    try {
      given.set('DESTINATIONS', readFile(setting).trim())
    } catch {
      return []
    }
  return secretNames(given.get('DESTINATIONS') ?? '')
}

/** `given`: the environment. `data`: the other settings as parsed; undefined where one of them is wrong. */
export function readDestinationSettings(
  given: Given,
  data: MappingSettings | undefined,
  host: FileContext['host'],
): ReadDestinations | undefined {
  const text = given.get('DESTINATIONS')
  if (text === undefined) return undefined
  const read = readDestinations(text, {
    environment: given,
    host,
    hashKey: given.get('HASH_KEY'),
    eventNames: data?.EVENT_NAMES ?? 'verbatim',
    userIdFrom: (data?.USER_ID_FROM ?? []).map(path => path.replace(/^(\$\.)?data\./, '')),
    taskAddressKeys: data?.TASK_ADDRESS_KEYS ?? defaultAddressKeys,
  })
  return read.ok ? { ...read, warnings: [...read.warnings, ...warnOfSegment(given)] } : read
}

/** They would be without effect, and their owner would think otherwise. SEGMENT_WRITE_KEY may be a secret that the file names. */
function warnOfSegment(given: Given): string[] {
  const idle = ['SEGMENT_REGION', 'SEGMENT_HOST', 'SEGMENT_PATH', 'SEGMENT_RATE'].filter(name =>
    given.has(name),
  )
  return idle.map(name => `${name} has no effect: DESTINATIONS says where events go.`)
}
