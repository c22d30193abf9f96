/**
 * Every setting: type, default, one-line meaning, secret or not. The one source of docs/configuration.md, of
 * schemas/settings.json and of every message about a wrong setting. Pure: environment in, settings or faults out.
 */

import * as z from 'zod'
import type { DestinationConfig } from './config/destination-config.ts'
import { destinationSettings, nameSecrets, readDestinationSettings } from './config/destination-settings.ts'
import { origin } from './config/destinations-schema.ts'
import { mappingSettings } from './config/mapping-settings.ts'
import type { SettingFault } from './config/misspelt.ts'
import { findMisspelt } from './config/misspelt.ts'
import { monitoringSettings } from './config/monitoring-settings.ts'
import { hostOf } from './config/receivers.ts'
import { type ReadFile, readSecretFiles, toFileName } from './config/secret-files.ts'
import { sharedKey } from './config/shared-key.ts'
import { twilioApiSettings } from './config/twilio-api-settings.ts'

const SECRET = { secret: true } as const
const ON_NODE = { host: 'node' } as const
const ON_WORKERS = { host: 'workers' } as const
const flag = z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'], error: 'true or false' })
const url = z.url({ protocol: /^https?$/, error: 'an http(s) URL' })
const integer = (min: number, max: number) => {
  const error = `a whole number from ${min} to ${max}`
  return z.coerce.number(error).int(error).min(min, error).max(max, error)
}
const token = (least: number) =>
  z
    .string()
    .regex(
      new RegExp(`^[\\x21-\\x7e]{${least},}$`),
      `${least > 1 ? `at least ${least} ` : ''}printable characters without spaces`,
    )
const toList = (text: string) =>
  text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
const YEAR_DAYS = 3650
const WORKERS_BODY_BYTES = 1_048_576

export const Settings = z
  .object({
    TWILIO_AUTH_TOKEN: z
      .string()
      .transform(toList)
      .optional()
      .meta({
        description: "Auth token of the sink's account; during a rotation several, comma-separated",
        ...SECRET,
      }),
    TWILIO_SHARED_KEYS: z
      .string()
      .transform(toList)
      .pipe(z.array(sharedKey))
      .optional()
      .meta({
        description:
          'SharedKeys that Twilio may sign webhooks with, as `id=secret`; several, comma-separated. They count beside the auth token or instead of it',
        ...SECRET,
      }),
    TWILIO_ACCOUNT_SID: z
      .string()
      .regex(/^AC[0-9a-fA-F]{32}$/, 'AC and 32 hex digits')
      .optional()
      .meta({ description: 'Account SID, named in notices; required by `sink`' }),
    ...twilioApiSettings,
    SINK_SID: z
      .string()
      .regex(/^DG[0-9a-fA-F]{32}$/, 'DG and 32 hex digits')
      .optional()
      .meta({ description: 'SID of the Event Streams sink, named in notices' }),
    PUBLIC_URL: url.optional().meta({
      description:
        "The sink's destination exactly as Twilio has it; a bare origin stands for origin + `/webhooks/twilio`",
    }),
    TRUST_PROXY: flag.default(false).meta({
      description:
        'Without PUBLIC_URL: trust X-Forwarded-Proto and X-Forwarded-Host (only behind a proxy that sets both)',
    }),
    ALLOW_UNSIGNED: flag.default(false).meta({
      description:
        'Accept unsigned requests: for local use only, anyone who reaches the port can send events',
    }),
    MAX_BODY_BYTES: integer(1, 16_777_216)
      .default(1_048_576)
      .meta({ description: 'Max request body, bytes' }),
    SEGMENT_WRITE_KEY: token(1)
      .optional()
      .meta({
        description: 'Write key of the Segment source; without one the bridge runs dry',
        ...SECRET,
      }),
    SEGMENT_REGION: z
      .enum(['us', 'eu'], 'us or eu')
      .default('us')
      .meta({ description: 'Region of the Segment workspace' }),
    SEGMENT_HOST: origin.optional().meta({
      description: "Origin of any receiver of Segment's protocol, instead of the region's",
    }),
    SEGMENT_PATH: z
      .string()
      .regex(/^\/\S*$/, 'a path that starts with /')
      .default('/v1/batch')
      .meta({
        description: 'Path of the batch route there',
      }),
    SEGMENT_RATE: integer(0, 1_000_000).default(1_000).meta({
      description: 'Max events per second sent to Segment (its limit per workspace is 1,000); 0 = unlimited',
    }),
    ...destinationSettings,
    ...mappingSettings,
    NOTIFY_URL: url.optional().meta({
      description: "Where notices are posted, as Twilio's Debugger webhook posts or as NOTIFY_FORMAT says",
      ...SECRET,
    }),
    NOTIFY_EVERY_MINUTES: integer(20, 10_080).default(20).meta({
      description:
        'Least minutes between two notices of one component (delivery, outbox, webhook), 20 at the least',
    }),
    ADMIN_TOKEN: token(8)
      .optional()
      .meta({
        description: 'Admin token for the page and API; generated on first start if unset (Node)',
        ...SECRET,
      }),
    ...monitoringSettings,
    PORT: integer(0, 65_535)
      .default(8787)
      .meta({ description: 'Port to listen on; 0 = any free port', ...ON_NODE }),
    HOST: z
      .string()
      .min(1)
      .default('0.0.0.0')
      .meta({ description: 'Address to listen on', ...ON_NODE }),
    KEEP_ALIVE_SECONDS: integer(1, 86_400)
      .default(620)
      .meta({
        description:
          'Seconds that an idle connection is kept open; must be longer than the idle timeout of the load balancer in front',
        ...ON_NODE,
      }),
    DATA_DIR: z
      .string()
      .min(1)
      .default('./data')
      .meta({ description: 'Folder of the outbox; contains phone numbers and message texts', ...ON_NODE }),
    DRY_RUN_STDOUT: flag.default(false).meta({
      description: 'Write the track calls of a dry run to standard output as well as to the file',
      ...ON_NODE,
    }),
    MAX_BACKLOG: integer(0, Number.MAX_SAFE_INTEGER).default(0).meta({
      description:
        'Max events waiting for delivery; beyond it requests get 503 and Twilio retries; 0 = unlimited',
    }),
    RETENTION_DAYS: integer(0, YEAR_DAYS).default(7).meta({
      description: 'Days to store accepted and skipped events; 0 = delete immediately',
    }),
    DEDUPE_HOURS: integer(0, YEAR_DAYS * 24)
      .default(72)
      .meta({
        description: 'Hours to remember the ids of accepted events for deduplication',
      }),
    OUTBOX_SHARDS: integer(1, 64)
      .default(1)
      .meta({
        description:
          'Workers: number of Durable Objects that share the outbox; more of them carry more events per second (over 46 need the paid plan)',
        ...ON_WORKERS,
      }),
    LOG_LEVEL: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'], 'debug, info, warn, error or silent')
      .default('info')
      .meta({
        description: 'Log level',
      }),
  })
  .meta({ $id: 'urn:twilio-segment-bridge:settings', title: 'Settings of twilio-segment-bridge' })
/** As read: the destinations with their secrets. */
export type Settings = Omit<z.infer<typeof Settings>, 'DESTINATIONS'> & {
  readonly DESTINATIONS?: readonly DestinationConfig[] | undefined
}
export type SettingName = keyof typeof Settings.shape
export const settingNames = z.keyof(Settings).options

export const segmentHost = ({ SEGMENT_HOST, SEGMENT_REGION }: Settings): string =>
  SEGMENT_HOST ?? hostOf('segment', SEGMENT_REGION) ?? ''

/** Where track calls go; without a write key they go nowhere, and the SDK wants one all the same. */
export const toTarget = (settings: Settings): { writeKey: string; host: string; path: string } => ({
  writeKey: settings.SEGMENT_WRITE_KEY ?? 'dry-run',
  host: segmentHost(settings),
  path: settings.SEGMENT_PATH,
})

const HOUR_MS = 3_600_000
/** How long the outbox keeps what is finished, in milliseconds. */
export const toPruning = (settings: Settings): { retentionMs: number; dedupeMs: number } => ({
  retentionMs: settings.RETENTION_DAYS * 24 * HOUR_MS,
  dedupeMs: settings.DEDUPE_HOURS * HOUR_MS,
})

export const isSecret = (name: SettingName): boolean => Settings.shape[name].meta()?.secret === true

const secretNames = settingNames.filter(isSecret)
const knownNames: readonly string[] = [...settingNames, ...secretNames.map(toFileName)]

export type Host = 'node' | 'workers'

export type ReadSettings =
  | { readonly ok: true; readonly settings: Settings; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly faults: readonly SettingFault[] }

/**
 * An empty value counts as not set, as in a `.env` file with nothing behind the `=`; blanks around one do not count. `readFile`:
 * for secrets in files (`ADMIN_TOKEN_FILE`) and the file that DESTINATIONS names, where there are files.
 */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
  host: Host = 'node',
  readFile?: ReadFile,
): ReadSettings {
  const given = new Map<string, string>()
  for (const [name, value = ''] of Object.entries(environment)) {
    if (value.trim() !== '') given.set(name, value.trim())
  }
  const named = nameSecrets(given, readFile)
  const files = readSecretFiles(given, [...secretNames, ...named], readFile)
  for (const [name, value] of files.values) given.set(name, value)
  const parsed = Settings.safeParse(Object.fromEntries(settingNames.map(name => [name, given.get(name)])))
  const wrong = new Map(parsed.error?.issues.map(({ path, message }) => [String(path[0]), message]))
  const faults = [
    ...[...given.keys()].flatMap(name => findMisspelt(name, [...knownNames, ...named])),
    ...files.faults,
    ...[...given].flatMap(([name, value]) => outOfPlace(name, value, host)),
    // Named as in the environment.
    ...[...wrong].map(([name, expected]) => {
      const fault = toFault(name, given.get(name), expected)
      return files.values.has(name) ? { ...fault, name: toFileName(name) } : fault
    }),
  ]
  const bodyBytes = parsed.data?.MAX_BODY_BYTES ?? 0
  if (host === 'workers' && bodyBytes > WORKERS_BODY_BYTES) {
    faults.push(
      toFault(
        'MAX_BODY_BYTES',
        String(bodyBytes),
        `at most ${WORKERS_BODY_BYTES}: a Durable Object's row ends at 2 MB`,
      ),
    )
  }
  const { TWILIO_AUTH_TOKEN, TWILIO_SHARED_KEYS, ALLOW_UNSIGNED } = parsed.data ?? Object.fromEntries(given)
  if (!TWILIO_AUTH_TOKEN?.length && !TWILIO_SHARED_KEYS?.length && !ALLOW_UNSIGNED) faults.push(noAuthToken)
  const destinations = readDestinationSettings(given, parsed.data, host)
  if (destinations?.ok === false) faults.push(...destinations.faults)
  const metricsToken = given.get('METRICS_TOKEN')
  if (metricsToken !== undefined && metricsToken === given.get('ADMIN_TOKEN'))
    faults.push(
      toFault('METRICS_TOKEN', metricsToken, 'another token than ADMIN_TOKEN, which opens everything'),
    )
  if (!parsed.success || faults.length > 0) return { ok: false, faults }
  const read = destinations?.ok ? destinations : undefined
  const settings = { ...parsed.data, DESTINATIONS: read?.destinations }
  const warnings = settings.ALLOW_UNSIGNED
    ? ['ALLOW_UNSIGNED=true: anybody who reaches this port can send events. For local use only.']
    : []
  return { ok: true, settings, warnings: [...warnings, ...(read?.warnings ?? [])] }
}

/** A setting of the other host would be without effect, and its owner would think otherwise. */
function outOfPlace(name: string, value: string, host: Host): SettingFault[] {
  const known = settingNames.find(setting => setting === name)
  const only = known && Settings.shape[known].meta()?.host
  if (only === undefined || only === host) return []
  const where =
    only === 'node' ? 'on Node only: take it out of the variables of the Worker' : 'on Workers only'
  return [toFault(name, value, `nothing: it applies ${where}`)]
}

const noAuthToken: SettingFault = {
  name: 'TWILIO_AUTH_TOKEN',
  received: 'nothing',
  expected:
    'the auth token of your Twilio account (Console, Account Info); or TWILIO_SHARED_KEYS; or ALLOW_UNSIGNED=true to try the bridge locally',
}

function toFault(name: string, value: string | undefined, expected: string): SettingFault {
  if (value === undefined) return { name, received: 'nothing', expected }
  const known = settingNames.find(setting => setting === name)
  if (known && isSecret(known)) return { name, received: `a secret of ${value.length} characters`, expected }
  // The user and password in a URL are a secret too.
  return { name, received: `"${value.replace(/\/\/[^/]*@/, '//***@')}"`, expected }
}
