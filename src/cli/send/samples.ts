/**
 * Plausible events of any type in a family, made from the family's own schema: a new family needs nothing here. Numbers are
 * +1555…, which nobody has. In: a type and what is fixed about it. Out: a CloudEvent as Twilio would send it.
 */
import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import type { JsonObject } from '../../event/event.ts'
import { type EventType, type Family, schemaOf } from '../../families/family.ts'
import { eventTypeOf } from '../../families/index.ts'
import type { CustomerRule } from '../../families/rules.ts'
import { type About, BUSINESS, nested, nestedByPrefix, newSid } from './nested-samples.ts'

export type SampleOptions = {
  /** Of the schema; the newest known by default. */
  readonly version?: number | undefined
  readonly customer?: string | undefined
  readonly accountSid?: string | undefined
  /** The message it is about: events of one message share it. */
  readonly messageSid?: string | undefined
  readonly at?: number | undefined
  /** Merged into the data. */
  readonly data?: JsonObject | undefined
}

export type Sample = {
  readonly specversion: '1.0'
  readonly type: string
  readonly source: string
  readonly id: string
  readonly dataschema: string
  readonly datacontenttype: 'application/json'
  readonly time: string
  readonly data: JsonObject
}

const CUSTOMER = '+15550100199'
export const NO_ACCOUNT = `AC${'0'.repeat(32)}`

export const newMessageSid = () => newSid('SM')

/** Throws for a type that no family has. */
export function toSample(type: string, options: SampleOptions = {}): Sample {
  const eventType = eventTypeOf(type)
  if (!eventType) throw new Error(`Unsupported event type ${type}`)
  const {
    customer = CUSTOMER,
    accountSid = NO_ACCOUNT,
    messageSid = newMessageSid(),
    at = Date.now(),
  } = options
  const { family } = eventType
  const version = options.version ?? newestVersion(family)
  const about = { type, customer, accountSid, messageSid, time: new Date(at).toISOString() }
  const isTest = family.skip === 'sink_test'
  return {
    specversion: '1.0',
    type,
    source: isTest ? 'Sink' : toSource(family, about),
    // Every test event of an account has the same id, its SID.
    id: isTest ? accountSid : newSid('EZ'),
    dataschema: `https://events-schemas.twilio.com/${family.schema}/${version}${isTest ? '.json' : ''}`,
    datacontenttype: 'application/json',
    time: about.time,
    data: { ...toData(eventType, version, about), ...options.data },
  }
}

export function newestVersion({ versions }: Family): number {
  return Math.max(...versions.keys())
}

/** What is known of Twilio's; of other families it is only something of the account. */
function toSource({ group }: Family, { accountSid, messageSid }: About): string {
  const account = `/2010-04-01/Accounts/${accountSid}`
  return group === 'Messaging' ? `${account}/Messages/${messageSid}.json` : `${account}/${newSid('XX')}`
}

type JsonSchema = z.core.JSONSchema.BaseSchema

const jsonSchemas = new WeakMap<z.ZodObject, JsonSchema>()

function toData({ family, customer }: EventType, version: number, about: About): JsonObject {
  const schema = schemaOf(family, version)
  const json = jsonSchemas.get(schema) ?? z.toJSONSchema(schema, { io: 'input' })
  jsonSchemas.set(schema, json)
  const [, byPrefix] =
    Object.entries(nestedByPrefix).find(([prefix]) => family.schema.startsWith(prefix)) ?? []
  const own = (nested[family.schema] ?? byPrefix)?.(about) ?? {}
  const data = toObject(json, about, toField(customer))
  // Only what the schema knows: some are shared by several schemas.
  const known = Object.entries(own).filter(([name]) => name in (json.properties ?? {}))
  return { ...data, ...Object.fromEntries(known) }
}

/** Where the customer stands, when it is a field of the data itself. */
function toField(rule: CustomerRule): string | undefined {
  if (rule.rule === 'awaited') return rule.path
  return rule.rule === 'address' && rule.channel === undefined ? rule.paths[0] : undefined
}

/** Optional fields that most events go without. */
const rare = new Set([
  'body',
  'messagingServiceSid',
  'optOutType',
  'participantDeleted',
  'rawDlrDoneDate',
  'referralCtwaClid',
  'statusCallBackUrl',
])

function toObject(schema: JsonSchema, about: About, customerField?: string): JsonObject {
  const required = new Set(schema.required ?? [])
  const fields = Object.entries(schema.properties ?? {}).filter(
    ([name]) => required.has(name) || isUsual(name, about.type),
  )
  return Object.fromEntries(
    fields.map(([name, field]) => [
      name,
      name === customerField ? about.customer : toValue(name, typeof field === 'object' ? field : {}, about),
    ]),
  )
}

function isUsual(name: string, type: string): boolean {
  if (name === 'errorCode') return /\.(failed|undelivered)$/.test(type)
  if (name === 'body') return type.includes('inbound')
  return !rare.has(name)
}

function toValue(name: string, schema: JsonSchema, about: About): unknown {
  const known = toKnownValue(name, about)
  if (known !== undefined) return known
  if (schema.enum) return schema.enum[0]
  if (schema.const !== undefined) return schema.const
  const [first] = schema.anyOf ?? []
  if (typeof first === 'object') return toValue(name, first, about)
  switch (schema.type) {
    case 'integer':
    case 'number':
      return /(date|timestamp)$/.test(name) ? Date.parse(about.time) : 1
    case 'boolean':
      return true
    case 'array':
      return []
    case 'object':
      return toObject(schema, about)
    default:
      if (/(time|timestamp|date|_at)$|^date/i.test(name)) return about.time
      if (/sid$/i.test(name)) return newSid(prefixes[name.toLowerCase().replaceAll('_', '')] ?? 'XX')
      return schema.type === 'string' ? `sample ${name}` : null
  }
}

function toKnownValue(name: string, { type, accountSid, messageSid, time }: About): unknown {
  switch (name) {
    case 'eventName':
      return type
    case 'messageStatus':
      return type.split('.').at(-1)?.toUpperCase()
    case 'accountSid':
    case 'account_sid':
    case 'accountsid':
    case 'AccountSid':
      return accountSid
    case 'messageSid':
    case 'message_sid':
    case 'downstream_id':
      return messageSid
    case 'timestamp':
    case 'dateUpdated':
      return time
    case 'from':
    case 'to':
      return BUSINESS
    case 'errorCode':
      return 30005
    case 'test_id':
      return randomUUID()
    default:
      return usual[name]
  }
}

/** What the SIDs of a field start with. */
const prefixes: Readonly<Record<string, string>> = {
  ...{ callsid: 'CA', conferencesid: 'CF', executionsid: 'FN', flowsid: 'FW', stepsid: 'FT' },
  ...{ conversationsid: 'CH', verificationsid: 'VE', attemptsid: 'VL', brandsid: 'BN', campaignsid: 'CM' },
  ...{ messagingservicesid: 'MG', phonenumbersid: 'PN', tollfreeverificationsid: 'HH', roomsid: 'RM' },
  ...{ jobsid: 'JW', transcriptsid: 'GT', requestsid: 'RQ', usersid: 'US', rolesid: 'RL', namespace: 'WS' },
}

const usual: Readonly<Record<string, unknown>> = {
  apiVersion: '2010-04-01',
  body: 'Thanks, got it!',
  mcc: '310',
  mnc: '090',
  numMedia: 0,
  tags: {},
  ...Object.fromEntries(
    ['to', 'from'].flatMap(end => [
      [`${end}Country`, 'US'],
      [`${end}State`, 'NH'],
      [`${end}City`, 'NASHUA'],
      [`${end}Zip`, '03049'],
    ]),
  ),
}
