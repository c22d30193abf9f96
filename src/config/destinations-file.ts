/**
 * The setting DESTINATIONS: the JSON of destinations.json → where events go, with the secrets it names in place; or every mistake
 * in it, with its path and what is allowed. Pure.
 */
import type { DestinationConfig, FilesConfig, FilesTarget, SegmentConfig } from './destination-config.ts'
import { noRules } from './destination-config.ts'
import { findConflicts } from './destination-conflicts.ts'
import { DestinationsFile } from './destinations-schema.ts'
import { findDuplicateKey } from './duplicate-keys.ts'
import { atPath, type FileFault, toFileFaults } from './file-faults.ts'
import { type IdentitySettings, judgeIdentity } from './identity-check.ts'
import type { SettingFault } from './misspelt.ts'
import { hostOf, receiverAt, scopeAt } from './receivers.ts'

export type FileContext = IdentitySettings & {
  /** Where `${NAME}` is looked up. */
  readonly environment: ReadonlyMap<string, string>
  readonly host: 'node' | 'workers'
  readonly hashKey: string | undefined
}

export type ReadDestinations =
  | {
      readonly ok: true
      readonly destinations: readonly DestinationConfig[]
      readonly warnings: readonly string[]
    }
  | { readonly ok: false; readonly faults: readonly SettingFault[] }

const SETTING = 'DESTINATIONS'
const NAME = /\$\{([A-Z][A-Z0-9_]*)\}/g

/** The environment variables that a text of DESTINATIONS asks for. */
export function secretNames(text: string): readonly string[] {
  return [...text.matchAll(NAME)].flatMap(([, name]) => name ?? [])
}

export function readDestinations(text: string, context: FileContext): ReadDestinations {
  const value = parse(text)
  if (value === undefined) return refuse([notJson(text, context.host)])
  const twice = findDuplicateKey(text)
  if (twice !== undefined)
    return refuse([{ path: twice, received: 'the same key twice', expected: 'each key once' }])
  const parsed = DestinationsFile.safeParse(value)
  if (!parsed.success) return refuse(toFileFaults(parsed.error.issues, value))
  const faults: FileFault[] = []
  const destinations = Object.entries(parsed.data.destinations).map(([name, written]) =>
    written.type === 'segment'
      ? toSegment(name, written, context, faults)
      : toFiles(name, written, context, faults),
  )
  faults.push(...findConflicts(destinations))
  const judged = judgeIdentity(destinations, context)
  faults.push(...judged.faults, ...findMissingHashKey(destinations, context.hashKey))
  return faults.length > 0
    ? refuse(faults)
    : { ok: true, destinations: shareRates(destinations), warnings: judged.warnings }
}

type Written<Type> = Extract<DestinationsFile['destinations'][string], { type: Type }>

function toSegment(
  name: string,
  written: Written<'segment'>,
  context: FileContext,
  faults: FileFault[],
): SegmentConfig {
  const at = `destinations.${name}`
  const receiver = written.receiver ?? (written.host === undefined ? 'segment' : receiverAt(written.host))
  const known = hostOf(receiver, written.region)
  const host = written.host ?? known ?? ''
  if (written.region !== undefined && (written.host !== undefined || known === undefined))
    faults.push({
      path: `${at}.region`,
      received: `"${written.region}"`,
      expected: 'nothing beside host: a region stands for a host of Segment or Customer.io',
    })
  else if (host === '')
    faults.push({
      path: `${at}.host`,
      received: undefined,
      expected: `an http(s) origin: each user of ${receiver} has one of their own`,
    })
  const { writeKey, headers = {} } = written
  return {
    ...toShared(name, written),
    type: 'segment',
    ...{ receiver, host, path: written.path, scope: scopeAt(receiver, host) },
    writeKey: writeKey && resolve(writeKey, `${at}.writeKey`, context, faults),
    headers: Object.fromEntries(
      Object.entries(headers).map(([header, text]) => [
        header.toLowerCase(),
        toHeader(header, text, `${at}.headers.${header}`, context, faults),
      ]),
    ),
    ...{ workspace: written.workspace, rate: written.rate },
    ...{ consent: written.consent, messageId: written.messageId },
  }
}

const SET_BY_BRIDGE = /^(content-(type|length|encoding)|host|connection|transfer-encoding)$/i
const HOLDS_SECRET = /authorization|cookie|token|secret|key|password|signature/i
/** Such as `Bearer ${NAME}`. */
const SECRET_VALUE = /^(?:[A-Za-z]+ )?\$\{[A-Z][A-Z0-9_]*\}$/

function toHeader(
  header: string,
  text: string,
  path: string,
  context: FileContext,
  faults: FileFault[],
): string {
  if (SET_BY_BRIDGE.test(header))
    faults.push({ path, received: 'a header', expected: 'nothing: the bridge sets this header itself' })
  if (HOLDS_SECRET.test(header) && !SECRET_VALUE.test(text))
    faults.push({
      path,
      received: `a text of ${text.length} characters`,
      expected: `\${NAME}, the environment variable that holds it, alone or after a word such as Bearer: secrets do not stand in the file`,
    })
  return resolve(text, path, context, faults)
}

/** The text with the values of the variables that it names. */
function resolve(text: string, path: string, context: FileContext, faults: FileFault[]): string {
  return text.replaceAll(NAME, (named, name: string) => {
    const value = context.environment.get(name)
    if (value === undefined)
      faults.push({ path, received: named, expected: `${name} to be set in the environment` })
    else if (!/^[\x21-\x7e]+$/.test(value))
      faults.push({
        path,
        received: named,
        expected: `${name} to hold printable characters without spaces`,
      })
    return value ?? ''
  })
}

function toFiles(
  name: string,
  written: Written<'files'>,
  context: FileContext,
  faults: FileFault[],
): FilesConfig {
  const at = `destinations.${name}`
  return {
    ...toShared(name, written),
    type: 'files',
    scope: `files:${name}`,
    to: toTarget(at, written, context, faults),
    everySeconds: written.every,
  }
}

function toTarget(
  at: string,
  written: Written<'files'>,
  context: FileContext,
  faults: FileFault[],
): FilesTarget {
  const { to, region = 'us-east-1', endpoint = `https://s3.${region}.amazonaws.com` } = written
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(to) ?? []
  if (bucket === undefined) {
    if (context.host === 'workers')
      faults.push({
        path: `${at}.to`,
        received: `"${to}"`,
        expected: 's3://bucket/prefix: a Worker has no folders',
      })
    for (const key of ['endpoint', 'region', 'accessKeyId', 'secretAccessKey'] as const)
      if (written[key] !== undefined)
        faults.push({ path: `${at}.${key}`, received: 'a value', expected: 'nothing beside a folder' })
    return { folder: to }
  }
  const [accessKeyId = '', secretAccessKey = ''] = (['accessKeyId', 'secretAccessKey'] as const).map(key => {
    const text = written[key]
    if (text !== undefined) return resolve(text, `${at}.${key}`, context, faults)
    faults.push({
      path: `${at}.${key}`,
      received: undefined,
      expected: `\${NAME} of an environment variable`,
    })
    return ''
  })
  const slashless = prefix.replace(/^\/+|\/+$/g, '')
  return {
    bucket,
    prefix: slashless,
    endpoint: endpoint.replace(/\/$/, ''),
    region,
    accessKeyId,
    secretAccessKey,
  }
}

function toShared(name: string, written: Written<'segment' | 'files'>) {
  const { when, events = {}, properties = {}, identity, group, paused, was } = written
  const { deny = noRules.deny, allow, hash = noRules.hash } = properties
  return { name, when, events, properties: { deny, allow, hash }, identity, group, paused, was }
}

/** The rate is the workspace's: of several that are given the smallest counts. */
function shareRates(destinations: readonly DestinationConfig[]): readonly DestinationConfig[] {
  return destinations.map(one => {
    if (one.type !== 'segment' || one.workspace === undefined) return one
    const rates = destinations.flatMap(other =>
      other.type === 'segment' && other.workspace === one.workspace && other.rate > 0 ? other.rate : [],
    )
    return rates.length === 0 ? one : { ...one, rate: Math.min(...rates) }
  })
}

function findMissingHashKey(
  destinations: readonly DestinationConfig[],
  hashKey: string | undefined,
): FileFault[] {
  if (hashKey !== undefined) return []
  return destinations.flatMap(({ name, identity, properties }) => {
    const key = properties.hash.length > 0 ? 'properties.hash' : identity === 'hash' ? 'identity' : undefined
    if (key === undefined) return []
    const received = 'a rule that hashes'
    const expected = 'HASH_KEY to be set: a hash without a key is undone by trying all phone numbers'
    return { path: `destinations.${name}.${key}`, received, expected }
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A path that the host could read would have been replaced by the file's text. */
function notJson(text: string, host: FileContext['host']): FileFault {
  const isText = /^\s*\{/.test(text)
  return {
    path: '',
    received: isText ? `a text of ${text.length} characters that is no JSON` : `"${text}"`,
    expected:
      host === 'workers'
        ? 'the JSON text itself: a Worker has no files'
        : isText
          ? 'JSON: look for a comma too many or too few'
          : 'the path of a JSON file that can be read, or its text',
  }
}

function refuse(faults: readonly FileFault[]): ReadDestinations {
  return {
    ok: false,
    faults: faults.map(({ path, received = 'nothing', expected }) => ({
      name: SETTING,
      received: atPath(received, path),
      expected,
    })),
  }
}
