/** destinations.json: what it means, and that each mistake in it is named with its path and what is allowed. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { toDestinationConfigs } from '../../src/config/destinations.ts'
import { secretNames } from '../../src/config/destinations-file.ts'
import { readFilter } from '../../src/config/fql.ts'
import { readSettings } from '../../src/config.ts'

const secrets = {
  SEGMENT_WRITE_KEY: 'key-of-segment',
  ACME_EU_KEY: 'key-of-acme',
  S3_ID: 's3-id',
  S3_SECRET: 's3-secret-value',
}
const HASH_KEY = '0123456789abcdef'
const segment = { type: 'segment', writeKey: `\${SEGMENT_WRITE_KEY}` }
const s3 = {
  type: 'files',
  to: 's3://acme-facts/twilio/',
  accessKeyId: `\${S3_ID}`,
  secretAccessKey: `\${S3_SECRET}`,
}

type Environment = Readonly<Record<string, string>>

function read(destinations: object | string, more: Environment = {}, host: 'node' | 'workers' = 'node') {
  const text = typeof destinations === 'string' ? destinations : JSON.stringify({ destinations })
  return readSettings({ TWILIO_AUTH_TOKEN: 'token', ...secrets, DESTINATIONS: text, ...more }, host)
}

function accept(...args: Parameters<typeof read>) {
  const settings = read(...args)
  if (!settings.ok) throw new Error(JSON.stringify(settings.faults))
  return settings
}

const configsOf = (...args: Parameters<typeof read>) => toDestinationConfigs(accept(...args).settings)

/** As they are printed. */
function refuse(...args: Parameters<typeof read>): string[] {
  const settings = read(...args)
  if (settings.ok) throw new Error('accepted')
  return settings.faults.map(
    ({ name, received, expected }) => `${name}: got ${received}, expected ${expected}`,
  )
}

/** The example of docs/destinations.md in short. */
const example = {
  segment: { ...segment, messageId: 'verbatim' },
  'acme-eu': {
    ...{ type: 'segment', region: 'eu', writeKey: `\${ACME_EU_KEY}`, workspace: 'acme', rate: 500 },
    when: 'properties.accountSid = "AC00000000000000000000000000000000" and match(event, "com.twilio.messaging.*")',
    events: { 'com.twilio.messaging.message.delivered': 'Message Delivered', '*': 'verbatim' },
    properties: { deny: ['body'], hash: ['to', 'from'] },
    ...{ identity: 'hash', consent: { Analytics: true, Advertising: false } },
  },
  facts: { ...s3, every: 300 },
}

describe('docs/destinations.md', () => {
  const page = readFileSync(new URL('../../docs/destinations.md', import.meta.url), 'utf8')

  it('[RO1] its example is accepted', () => {
    const [, text = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? []
    const configs = configsOf(text, { HASH_KEY, RUDDER_KEY: 'key-of-rudder' })
    expect(configs.map(({ name }) => name)).toEqual(['segment', 'acme-eu', 'rudder', 'facts'])
  })

  it('[RO11] its filters are accepted', () => {
    const filters = [...page.matchAll(/`([^`\n]*(?:=|match\(|contains\(|!match|!contains)[^`\n]*)`/g)]
      .map(([, text = '']) => text)
      .filter(
        text => /^(event|match\(event|contains\(prop|properties\.|\(a) ?/.test(text) && !text.includes('…'),
      )
    expect(filters.length).toBeGreaterThan(4)
    for (const text of filters) {
      const filter = text.replace(/\b([abc]) =/g, 'properties.$1 =')
      expect(readFilter(filter), text).toMatchObject({ ok: true })
    }
  })
})

describe('destinations.json', () => {
  it('[RO1] becomes destinations with their defaults and secrets', () => {
    const configs = configsOf(JSON.stringify({ $schema: 'x', destinations: example }), { HASH_KEY })
    expect(configs).toMatchObject([
      {
        ...{ name: 'segment', type: 'segment', writeKey: 'key-of-segment', receiver: 'segment' },
        ...{ host: 'https://api.segment.io', path: '/v1/batch', rate: 1_000, scope: 'segment' },
        ...{ messageId: 'verbatim', identity: 'full', paused: false, when: undefined },
      },
      {
        ...{
          name: 'acme-eu',
          writeKey: 'key-of-acme',
          host: 'https://events.eu1.segmentapis.com',
          rate: 500,
        },
        ...{ scope: 'segment', identity: 'hash', consent: { Analytics: true, Advertising: false } },
        properties: { deny: ['body'], allow: undefined, hash: ['to', 'from'] },
      },
      {
        ...{ name: 'facts', type: 'files', everySeconds: 300, scope: 'files:facts' },
        to: {
          ...{ bucket: 'acme-facts', prefix: 'twilio', region: 'us-east-1' },
          endpoint: 'https://s3.us-east-1.amazonaws.com',
          ...{ accessKeyId: 's3-id', secretAccessKey: 's3-secret-value' },
        },
      },
    ])
  })

  it('[RO2] without it the SEGMENT_ settings make the one destination `segment`', () => {
    const only = (environment: Environment) => {
      const settings = readSettings({ TWILIO_AUTH_TOKEN: 'token', ...environment })
      if (!settings.ok) throw new Error(JSON.stringify(settings.faults))
      return toDestinationConfigs(settings.settings)
    }
    expect(
      only({ SEGMENT_WRITE_KEY: 'k', SEGMENT_REGION: 'eu', SEGMENT_RATE: '7', SEGMENT_PATH: '/x' }),
    ).toMatchObject([
      {
        ...{ name: 'segment', type: 'segment', writeKey: 'k', rate: 7, path: '/x', scope: 'segment' },
        ...{ host: 'https://events.eu1.segmentapis.com', identity: 'full', events: {}, headers: {} },
        properties: { deny: [], hash: [] },
      },
    ])
    expect(only({ SEGMENT_HOST: 'http://127.0.0.1:9' })).toMatchObject([
      { writeKey: undefined, scope: '127.0.0.1:9', receiver: 'other' },
    ])
  })

  it('[RO3] knows a receiver by its host, and its scope of messageIds', () => {
    const receiver = (more: object) => {
      const [one] = configsOf({ one: { ...segment, ...more } })
      return one?.type === 'segment' ? [one.receiver, one.host, one.scope] : []
    }
    expect(receiver({ region: 'eu' })).toEqual(['segment', 'https://events.eu1.segmentapis.com', 'segment'])
    expect(receiver({ receiver: 'customerio', region: 'eu' })).toEqual([
      ...['customerio', 'https://cdp-eu.customer.io', 'cdp-eu.customer.io'],
    ])
    expect(receiver({ host: 'https://acme.dataplane.rudderstack.com' })[0]).toBe('rudderstack')
    expect(receiver({ host: 'https://cdp.customer.io' })[0]).toBe('customerio')
    expect(receiver({ host: 'https://notsegment.io' })).toEqual([
      'other',
      'https://notsegment.io',
      'notsegment.io',
    ])
    expect(receiver({ host: 'https://proxy.acme.com', receiver: 'segment' })[2]).toBe('segment')
  })

  it('[RO3] of one workspace the smallest rate counts, and shards share it', () => {
    const rates = (destinations: object, more: Environment = {}, host: 'node' | 'workers' = 'node') =>
      configsOf(destinations, more, host).map(one => one.type === 'segment' && one.rate)
    const two = {
      a: { ...segment, workspace: 'w', rate: 400 },
      b: { ...segment, workspace: 'w' },
      c: { ...segment, rate: 0 },
    }
    expect(rates(two)).toEqual([400, 400, 0])
    expect(rates(two, { OUTBOX_SHARDS: '4' }, 'workers')).toEqual([100, 100, 0])
  })

  const acme = example['acme-eu']
  const type = 'com.twilio.messaging.message.delivered'
  it.each<[string, object, RegExp]>([
    [
      'an unknown key',
      { a: { ...segment, wehn: 'x' } },
      /"wehn" at destinations\.a, expected only type, writeKey, .*when/,
    ],
    [
      'an unknown key of rules',
      { a: { ...segment, properties: { block: [] } } },
      /"block" at destinations\.a\.properties, expected only deny, allow, hash/,
    ],
    [
      'an unknown type',
      { a: { type: 'kafka' } },
      /"kafka" at destinations\.a\.type, expected segment or files/,
    ],
    ['no type', { a: {} }, /got nothing at destinations\.a\.type, expected segment or files/],
    ['no object', { a: 7 }, /got 7 at destinations\.a, expected an object/],
    ['a name with capitals', { Acme: segment }, /the name at destinations\.Acme, expected a-z, 0-9 and -/],
    ['a long name', { ['a'.repeat(21)]: segment }, /at most 20/],
    ['no destination', {}, /at least one destination/],
    [
      'a rate',
      { a: { ...segment, rate: 1.5 } },
      /got 1\.5 at destinations\.a\.rate, expected a whole number from 0 to 1000000/,
    ],
    [
      'a region',
      { a: { ...segment, region: 'asia' } },
      /"asia" at destinations\.a\.region, expected us or eu/,
    ],
    [
      'a region beside a host',
      { a: { ...segment, region: 'eu', host: 'https://x.example' } },
      /expected nothing beside host/,
    ],
    [
      'a region of Jitsu',
      { a: { ...segment, receiver: 'jitsu', region: 'eu' } },
      /expected nothing beside host/,
    ],
    [
      'no host of RudderStack',
      { a: { ...segment, receiver: 'rudderstack' } },
      /got nothing at destinations\.a\.host, expected an http\(s\) origin/,
    ],
    [
      'a host with a path',
      { a: { ...segment, host: 'https://x.example/v1' } },
      /destinations\.a\.host, expected an http\(s\) origin/,
    ],
    [
      'a filter',
      { a: { ...segment, when: 'event = "a" and event = "b" or event = "c"' } },
      /destinations\.a\.when, expected .*[Aa]dd brackets/,
    ],
    [
      'an unknown event type',
      { a: { ...segment, events: { 'com.twilio.messaging.message.deliverd': 'X' } } },
      /did you mean com\.twilio\.messaging\.message\.delivered/,
    ],
    ['an empty name', { a: { ...segment, events: { [type]: '' } } }, /expected a text that is not empty/],
    ['a name in files', { a: { ...s3, events: { [type]: 'Delivered' } } }, /expected verbatim or drop/],
    [
      'consent for files',
      { a: { ...s3, consent: {} } },
      /"consent" at destinations\.a, expected only type, to/,
    ],
    [
      'a path that is none',
      { a: { ...segment, properties: { deny: ['a..b'] } } },
      /"a\.\.b" at destinations\.a\.properties\.deny\.0, expected a path/,
    ],
    [
      'two verbatim',
      { a: { ...segment, messageId: 'verbatim' }, b: { ...segment, region: 'eu', messageId: 'verbatim' } },
      /destinations\.b\.messageId, expected tagged: a has it at the same receiver/,
    ],
    [
      'its own old name',
      { a: { ...segment, was: 'b' }, b: segment },
      /"b" at destinations\.a\.was, expected the name of a destination that is gone/,
    ],
    ['two successors', { a: { ...segment, was: 'z' }, b: { ...segment, was: 'z' } }, /a was z, too/],
    [
      'S3 without keys',
      { a: { type: 'files', to: 's3://acme' } },
      /got nothing at destinations\.a\.accessKeyId/,
    ],
    [
      'keys for a folder',
      { a: { type: 'files', to: './facts', accessKeyId: `\${S3_ID}` } },
      /destinations\.a\.accessKeyId, expected nothing beside a folder/,
    ],
    [
      'too often',
      { a: { ...s3, every: 5 } },
      /got 5 at destinations\.a\.every, expected a whole number from 10 to 3600/,
    ],
    [
      'a header of the bridge',
      { a: { ...segment, headers: { 'Content-Type': 'x' } } },
      /destinations\.a\.headers\.Content-Type, expected nothing: the bridge sets/,
    ],
  ])('[RO4] %s is named with its path and what is allowed', (_, destinations, expected) => {
    const faults = refuse(destinations)
    expect(faults).toContainEqual(expect.stringMatching(expected))
    expect(faults.every(fault => fault.startsWith('DESTINATIONS: got '))).toBe(true)
  })

  it('[RO4] names several mistakes at once, beside those of other settings', () => {
    const faults = refuse({ a: { ...segment, rate: -1, region: 'x' } }, { PORT: 'x' })
    expect(faults.map(fault => fault.slice(0, fault.indexOf(':')))).toEqual([
      'PORT',
      'DESTINATIONS',
      'DESTINATIONS',
    ])
  })

  it('[RO4] a text that is no JSON, a path that cannot be read and a key that stands twice are named', () => {
    expect(refuse('{"destinations": }')).toEqual([
      expect.stringMatching(/no JSON, expected JSON: look for a comma/),
    ])
    expect(refuse('./missing.json')).toEqual([
      expect.stringMatching(/"\.\/missing\.json", expected the path of a JSON file that can be read/),
    ])
    expect(refuse('./d.json', {}, 'workers')).toEqual([expect.stringMatching(/a Worker has no files/)])
    const twice = `{"destinations":{"a":${JSON.stringify(segment)},"b":{"type":"segment","rate":1,"r\\u0061te":2},"a":{}}}`
    expect(refuse(twice)).toEqual([
      expect.stringMatching(/the same key twice at destinations\.b\.rate, expected each key once/),
    ])
    expect(refuse(twice.replace('r\\u0061te', 'path":"/x", "x'))).toEqual([
      expect.stringMatching(/twice at destinations\.a,/),
    ])
  })

  it('[RO1] is read from a file, and so are its secrets', () => {
    const destinations = { a: { ...segment, writeKey: `\${A_KEY}` } }
    const files = new Map([
      ['./d.json', `\n${JSON.stringify({ destinations })}\n`],
      ['/run/a', 'key-of-a\n'],
    ])
    const readFile = (path: string) => {
      const text = files.get(path)
      if (text === undefined) throw new Error('ENOENT')
      return text
    }
    const environment = { TWILIO_AUTH_TOKEN: 'token', A_KEY_FILE: '/run/a' }
    const settings = readSettings({ ...environment, DESTINATIONS: './d.json' }, 'node', readFile)
    expect(settings.ok && settings.settings.DESTINATIONS).toMatchObject([{ writeKey: 'key-of-a' }])
    expect(readSettings({ ...environment, DESTINATIONS: './e.json' }, 'node', readFile)).toMatchObject({
      faults: [{ name: 'DESTINATIONS', received: '"./e.json"' }],
    })
  })

  it('[RO5] a secret stands in the environment: one in the file, or an unknown variable, is refused and never printed', () => {
    const inline = 'abcdefghijklmnopqrstuvwxyz'
    const faults = [
      ...refuse({ a: { ...segment, writeKey: inline } }),
      ...refuse({ a: { ...s3, secretAccessKey: inline } }),
      ...refuse({ a: { ...segment, headers: { 'X-Api-Key': inline } } }),
      ...refuse({ a: { ...segment, headers: { Authorization: `Bearer ${inline}` } } }),
    ]
    expect(faults).toHaveLength(4)
    for (const fault of faults) {
      expect(fault).toMatch(/a text of \d+ characters at destinations\.a\.\S+, expected \$\{NAME\}/)
      expect(fault).not.toContain(inline)
    }
    expect(refuse({ a: { ...segment, writeKey: `\${MISSING_KEY}` } })).toEqual([
      `DESTINATIONS: got \${MISSING_KEY} at destinations.a.writeKey, expected MISSING_KEY to be set in the environment`,
    ])
    const blanks = refuse({ a: { ...segment, writeKey: `\${BAD}` } }, { BAD: 'two words' })
    expect(blanks.join()).toMatch(/BAD to hold printable characters/)
    expect(blanks.join()).not.toContain('two words')
  })

  it('[RO5] a header may hold a secret, and variables that the file names are no misspelt settings', () => {
    const headers = { Authorization: `Bearer \${SEGMENT_EU_TOKEN}`, 'X-Team': 'crm' }
    const [one] = configsOf({ a: { ...segment, headers } }, { SEGMENT_EU_TOKEN: 't0ken' })
    expect(one).toMatchObject({ headers: { authorization: 'Bearer t0ken', 'x-team': 'crm' } })
    expect(secretNames(`{"a":"\${ONE}","b":"Bearer \${TWO}"}`)).toEqual(['ONE', 'TWO'])
  })

  it('[RO6] a folder as target is refused on Workers', () => {
    const files = { a: { type: 'files', to: './facts' } }
    expect(configsOf(files)).toMatchObject([{ to: { folder: './facts' } }])
    expect(refuse(files, {}, 'workers')).toEqual([
      expect.stringMatching(/"\.\/facts" at destinations\.a\.to, expected s3:/),
    ])
    expect(configsOf({ a: s3 }, {}, 'workers')).toHaveLength(1)
  })

  it('[RO7] identity hash or none is refused while a field of what is routed there holds the customer', () => {
    const { identity: _, ...full } = acme
    const open = (properties: object, more: object = {}, environment: Environment = { HASH_KEY }) =>
      refuse({ a: { ...acme, properties, ...more } }, environment).join()
    expect(open({ hash: ['from'] })).toMatch(
      /"hash" at destinations\.a\.identity, expected every field .*; missing: to$/,
    )
    expect(open({ deny: ['from', 'body'] }, { identity: 'none' })).toMatch(/missing: to$/)
    expect(open({ allow: ['to'] })).toMatch(/missing: to$/)
    // All that can be routed there counts, and nothing else.
    expect(open({ hash: ['to', 'from'] }, { when: undefined })).toMatch(
      /missing: .*request\.parameters\.From/,
    )
    expect(
      open(
        { hash: ['to'] },
        { events: { 'com.twilio.messaging.inbound-message.received': 'X', '*': 'drop' } },
      ),
    ).toMatch(/missing: from$/)
    expect(
      accept({ a: { ...acme, properties: { hash: ['to'] }, when: `event = "${type}"` } }, { HASH_KEY }).ok,
    ).toBe(true)
    expect(
      accept({ a: { ...acme, properties: { allow: ['messageSid'] }, when: undefined, identity: 'none' } }).ok,
    ).toBe(true)
    expect(accept({ a: { ...full, properties: {} } }).ok).toBe(true)
    // A rule for an object covers what is in it, and lists have no steps.
    const task = { when: 'match(event, "com.twilio.taskrouter.*")', events: {} }
    expect(open({ deny: ['payload.task_attributes.from'] }, task)).toMatch(
      /missing: payload\.task_attributes\.customerAddress/,
    )
    expect(
      accept({ a: { ...acme, ...task, properties: { deny: ['payload.task_attributes'] } } }, { HASH_KEY }).ok,
    ).toBe(true)
    // A userId says who somebody is, too.
    expect(open({ hash: ['to', 'from'] }, {}, { HASH_KEY, USER_ID_FROM: 'data.tags.userId' })).toMatch(
      /missing: tags\.userId$/,
    )
  })

  it('[RO7] what else may hold an address is a warning', () => {
    const { warnings } = accept({ a: acme }, { HASH_KEY })
    expect(warnings).toEqual([
      expect.stringMatching(/a has identity hash, and gets other addresses in recipients, phonenumber:/),
    ])
    expect(
      accept(
        { a: { ...acme, properties: { hash: ['to', 'from', 'recipients', 'phonenumber'] } } },
        { HASH_KEY },
      ).warnings,
    ).toEqual([])
  })

  it('[RO9] a field that holds the customer, hidden while the identity is full, is a warning', () => {
    const { warnings } = accept({ a: { ...acme, identity: 'full' } }, { HASH_KEY })
    expect(warnings).toEqual([expect.stringMatching(/a hides .*to.*, but its identity is full: anonymousId/)])
    expect(accept({ a: { ...acme, identity: 'full', properties: { deny: ['body'] } } }).warnings).toEqual([])
  })

  it('[RO8] whatever hashes needs HASH_KEY', () => {
    expect(refuse({ a: acme })).toEqual([
      expect.stringMatching(/destinations\.a\.properties\.hash, expected HASH_KEY to be set/),
    ])
    const identity = { identity: 'hash', properties: { deny: ['to', 'from'] } }
    expect(refuse({ a: { ...acme, ...identity } })).toEqual([
      expect.stringMatching(/destinations\.a\.identity, expected HASH_KEY/),
    ])
    expect(refuse({ a: acme }, { HASH_KEY: 'short' }).join()).toMatch(
      /HASH_KEY: got a secret of 5 characters, expected at least 16/,
    )
  })

  it('[RO2] says which SEGMENT_ settings have no effect beside it', () => {
    const { warnings } = accept({ a: segment }, { SEGMENT_RATE: '5', SEGMENT_HOST: 'https://x.example' })
    expect(warnings).toEqual([
      'SEGMENT_HOST has no effect: DESTINATIONS says where events go.',
      'SEGMENT_RATE has no effect: DESTINATIONS says where events go.',
    ])
  })
})
