/** Settings: what is taken, what stops the start, and that nothing of it is secret, silent or stale. */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { formatSettings } from '../src/cli/settings-table.ts'
import type { SettingFault } from '../src/config/misspelt.ts'
import { isSecret, readSettings, type Settings, segmentHost, settingNames } from '../src/config.ts'
import { configurationPage, envExample, envExampleFile, withSettingsTable } from './support/schemas.ts'

type Environment = Readonly<Record<string, string | undefined>>
const token = { TWILIO_AUTH_TOKEN: 'the-auth-token' }

function accept(environment: Environment): Settings {
  const read = readSettings({ ...token, ...environment })
  if (!read.ok) throw new Error(JSON.stringify(read.faults))
  return read.settings
}

function refuse(environment: Environment): readonly SettingFault[] {
  const read = readSettings(environment)
  return read.ok ? [] : read.faults
}

describe('settings', () => {
  it('[CF1] are all defaults but for the auth token', () => {
    expect(accept({})).toMatchObject({
      ...{
        TWILIO_AUTH_TOKEN: ['the-auth-token'],
        TRUST_PROXY: false,
        ALLOW_UNSIGNED: false,
        MAX_BODY_BYTES: 1_048_576,
      },
      ...{ SEGMENT_REGION: 'us', SEGMENT_PATH: '/v1/batch', SEGMENT_RATE: 1_000, NOTIFY_EVERY_MINUTES: 20 },
      ...{
        PORT: 8787,
        HOST: '0.0.0.0',
        DATA_DIR: './data',
        MAX_BACKLOG: 0,
        RETENTION_DAYS: 7,
        DEDUPE_HOURS: 72,
      },
      ...{ LOG_LEVEL: 'info' },
    })
  })

  it('[CF1] count as not set when empty or blank, and blanks around a value do not count', () => {
    const blank = Object.fromEntries(settingNames.map((name, index) => [name, index % 2 ? '' : ' \t']))
    expect(accept({ ...blank, ...token })).toEqual(accept({}))
    expect(accept({ PORT: ' 80 ', SEGMENT_WRITE_KEY: 'key\n' })).toMatchObject({
      PORT: 80,
      SEGMENT_WRITE_KEY: 'key',
    })
    expect(accept({ PORT: undefined }).PORT).toBe(8787)
  })

  it.each<[string, Environment, Partial<Settings>]>([
    ['several auth tokens', { TWILIO_AUTH_TOKEN: 'new, old ,' }, { TWILIO_AUTH_TOKEN: ['new', 'old'] }],
    ['flags', { TRUST_PROXY: 'TRUE', ALLOW_UNSIGNED: '0' }, { TRUST_PROXY: true, ALLOW_UNSIGNED: false }],
    ['1 for true', { TRUST_PROXY: '1' }, { TRUST_PROXY: true }],
    [
      'a destination with a user',
      { PUBLIC_URL: 'https://u:p@x.example/a?b' },
      { PUBLIC_URL: 'https://u:p@x.example/a?b' },
    ],
    ['the least and the most', { PORT: '65535', MAX_BODY_BYTES: '1' }, { PORT: 65_535, MAX_BODY_BYTES: 1 }],
    [
      'no time to keep anything',
      { RETENTION_DAYS: '0', DEDUPE_HOURS: '0' },
      { RETENTION_DAYS: 0, DEDUPE_HOURS: 0 },
    ],
    ['SIDs', { SINK_SID: `DG${'0a'.repeat(16)}` }, { SINK_SID: `DG${'0a'.repeat(16)}` }],
    ['longer silence', { NOTIFY_EVERY_MINUTES: '60' }, { NOTIFY_EVERY_MINUTES: 60 }],
  ])('[CF2] take %s', (_, environment, expected) => {
    expect(accept(environment)).toMatchObject(expected)
  })

  it('[CF2] choose the region of Segment, unless a host is named', () => {
    expect(segmentHost(accept({}))).toBe('https://api.segment.io')
    expect(segmentHost(accept({ SEGMENT_REGION: 'eu' }))).toBe('https://events.eu1.segmentapis.com')
    const named = accept({ SEGMENT_REGION: 'eu', SEGMENT_HOST: 'http://127.0.0.1:9' })
    expect(segmentHost(named)).toBe('http://127.0.0.1:9')
  })

  const number = ['many', '-1', '1.5', 'NaN', 'Infinity', '1,000', '99999999999999999999', '10 MB', 'true']
  it.each<[string, readonly string[]]>([
    [
      'TWILIO_ACCOUNT_SID',
      ['AC0', `SK${'0'.repeat(32)}`, `AC${'0'.repeat(31)}`, `AC${'g'.repeat(32)}`, `xAC${'0'.repeat(32)}`],
    ],
    ['SINK_SID', ['DG', `AC${'0'.repeat(32)}`, `DG${'0'.repeat(33)}`]],
    [
      'PUBLIC_URL',
      [
        'bridge.example.com',
        'ftp://bridge.example.com',
        '/webhooks/twilio',
        'https://',
        'https:x',
        'localhost:8787',
      ],
    ],
    ['TRUST_PROXY', ['yes', 'on', '2', 'truth', 'null']],
    ['ALLOW_UNSIGNED', ['yes', 'off', '-1']],
    ['MAX_BODY_BYTES', [...number, '0', '16777217', '1MiB']],
    ['SEGMENT_WRITE_KEY', ['two words', 'ключ', 'a\tb']],
    ['SEGMENT_REGION', ['US', 'europe', 'eu1']],
    [
      'SEGMENT_HOST',
      ['api.segment.io', 'ftp://x', 'https://u:p@x', 'https://x/v1/batch', 'https://x/?a', 'https://x#a'],
    ],
    ['SEGMENT_PATH', ['v1/batch', 'https://x/v1', '/a b']],
    ['SEGMENT_RATE', [...number, '1000001']],
    ['NOTIFY_URL', ['ops@example.com', 'mailto:ops@example.com']],
    ['NOTIFY_EVERY_MINUTES', [...number, '19', '0', '10081']],
    ['ADMIN_TOKEN', ['short', 'with a space', 'pässwörter']],
    ['PORT', [...number, '65536']],
    ['MAX_BACKLOG', number],
    ['RETENTION_DAYS', [...number, '3651']],
    ['DEDUPE_HOURS', [...number, '87601']],
    ['LOG_LEVEL', ['INFO', 'trace', 'warning']],
  ])('[CF3] a wrong %s stops the start, and is named once with what is allowed', (name, values) => {
    for (const value of values) {
      const faults = refuse({ ...token, [name]: value })
      expect([value, faults.map(fault => fault.name)]).toEqual([value, [name]])
      expect(faults[0]?.expected).toMatch(/\S/)
    }
  })

  it('[CF3] NOTIFY_EVERY_MINUTES below 20 is refused: never two notices within 20 minutes', () => {
    expect(refuse({ ...token, NOTIFY_EVERY_MINUTES: '19' })).toEqual([
      { name: 'NOTIFY_EVERY_MINUTES', received: '"19"', expected: 'a whole number from 20 to 10080' },
    ])
  })

  it('[CF3] tells of several faults at once', () => {
    const faults = refuse({ PORT: 'x', SEGMENT_REGION: 'x', LOG_LEVEL: 'x', SEGMENT_KEY: 'x' })
    expect(faults.map(({ name }) => name).sort()).toEqual(
      ['LOG_LEVEL', 'PORT', 'SEGMENT_KEY', 'SEGMENT_REGION', 'TWILIO_AUTH_TOKEN'].sort(),
    )
  })

  it.each([{}, { TWILIO_AUTH_TOKEN: '' }, { TWILIO_AUTH_TOKEN: ' , ,' }, { ALLOW_UNSIGNED: 'false' }])(
    '[CF4] without an auth token there is no start, unless ALLOW_UNSIGNED says so: %j',
    environment => {
      const [fault, ...others] = refuse(environment)
      expect(others).toEqual([])
      expect(fault).toMatchObject({
        name: 'TWILIO_AUTH_TOKEN',
        expected: expect.stringContaining('ALLOW_UNSIGNED=true'),
      })
    },
  )

  it('[CF4] warns of ALLOW_UNSIGNED, and of nothing else', () => {
    const open = readSettings({ ALLOW_UNSIGNED: 'true' })
    expect(open).toMatchObject({ ok: true, warnings: [expect.stringContaining('anybody')] })
    expect(readSettings(token)).toMatchObject({ ok: true, warnings: [] })
  })

  it('[CF8] a setting of the other host is refused: it would be without effect', () => {
    const elsewhere = [{ name: 'OUTBOX_SHARDS', expected: expect.stringContaining('on Workers only') }]
    expect(refuse({ ...token, OUTBOX_SHARDS: '2' })).toMatchObject(elsewhere)
    expect(readSettings({ ...token, OUTBOX_SHARDS: '2' }, 'workers')).toMatchObject({ ok: true })
    const here = [{ name: 'DATA_DIR', expected: expect.stringContaining('on Node only') }]
    expect(readSettings({ ...token, DATA_DIR: './data' }, 'workers')).toMatchObject({
      ok: false,
      faults: here,
    })
  })

  it.each(settingNames.filter(isSecret))('[CF5] a wrong %s is told without its value', name => {
    const value = 'secret value\u0000☃'
    expect(JSON.stringify(refuse({ ...token, [name]: value }))).not.toContain('secret value')
  })

  it('[CF5] auth token, write key, admin token and the URL of notices are secrets', () => {
    expect(settingNames.filter(isSecret)).toEqual(
      expect.arrayContaining(['TWILIO_AUTH_TOKEN', 'SEGMENT_WRITE_KEY', 'NOTIFY_URL', 'ADMIN_TOKEN']),
    )
  })

  it.each([
    ['PUBLIC_URL', 'ftp://user:p@ss@bridge.example.com'],
    ['SEGMENT_HOST', 'https://user:p@ss@segment.example.com/x'],
  ])('[CF5] a password in a wrong %s is not told', (name, value) => {
    const [fault] = refuse({ ...token, [name]: value })
    expect(fault?.received).toContain('example.com')
    expect(fault?.received).not.toMatch(/user|ss/)
  })

  it.each([
    ['TWILIO_AUTHTOKEN', 'TWILIO_AUTH_TOKEN'],
    ['TWILIO_AUTH_TOKENS', 'TWILIO_AUTH_TOKEN'],
    ['twilio_auth_token', 'TWILIO_AUTH_TOKEN'],
    ['TWILO_AUTH_TOKEN', 'TWILIO_AUTH_TOKEN'],
    ['TWILIO_ACOUNT_SID', 'TWILIO_ACCOUNT_SID'],
    ['SINK-SID', 'SINK_SID'],
    ['PUBLIC_URI', 'PUBLIC_URL'],
    ['PUBLICURL', 'PUBLIC_URL'],
    ['TRUST_PROXYS', 'TRUST_PROXY'],
    ['ALLOW_UNSINGED', 'ALLOW_UNSIGNED'],
    ['MAX_BODY_BYTE', 'MAX_BODY_BYTES'],
    ['SEGMENT_WRITEKEY', 'SEGMENT_WRITE_KEY'],
    ['SEGMENT_WRIET_KEY', 'SEGMENT_WRITE_KEY'],
    ['NOTIFY_URLS', 'NOTIFY_URL'],
    ['NOTIFY_EVERY_MINUTE', 'NOTIFY_EVERY_MINUTES'],
    ['ADMIN_TOKENS', 'ADMIN_TOKEN'],
    ['DATADIR', 'DATA_DIR'],
    ['MAX_BACKLOGS', 'MAX_BACKLOG'],
    ['RETENTION_DAY', 'RETENTION_DAYS'],
    ['DEDUP_HOURS', 'DEDUPE_HOURS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
  ])('[CF6] %s is taken for a misspelt %s', (given, meant) => {
    expect(refuse({ ...token, [given]: 'a value' })).toEqual([
      { name: given, received: 'a value', expected: `no such setting: did you mean ${meant}?` },
    ])
  })

  it.each(['SEGMENT_KEY', 'SEGMENT_URL', 'segment_timeout'])(
    '[CF6] %s is in a namespace that is all ours',
    name => {
      expect(refuse({ ...token, [name]: 'a value' })).toMatchObject([
        { name, expected: expect.stringContaining('SEGMENT_WRITE_KEY') },
      ])
    },
  )

  it.each([
    ...[
      'PATH',
      'HOME',
      'PWD',
      'OLDPWD',
      'SHLVL',
      'SHELL',
      'USER',
      'LOGNAME',
      'LANG',
      'LC_ALL',
      'TERM',
      'TZ',
      'TMPDIR',
      '_',
    ],
    ...[
      'HOSTNAME',
      'HOSTTYPE',
      'NODE_ENV',
      'NODE_OPTIONS',
      'NODE_VERSION',
      'NO_COLOR',
      'FORCE_COLOR',
      'CI',
      'DEBUG',
      'EDITOR',
    ],
    ...[
      'NOTIFY_SOCKET',
      'INVOCATION_ID',
      'JOURNAL_STREAM',
      'MAINPID',
      'LISTEN_FDS',
      'WATCHDOG_USEC',
      'STATE_DIRECTORY',
    ],
    ...[
      'npm_config_user_agent',
      'npm_config_loglevel',
      'npm_lifecycle_event',
      'npm_package_name',
      'INIT_CWD',
    ],
    ...[
      'KUBERNETES_SERVICE_HOST',
      'SEGMENT_PROXY_SERVICE_HOST',
      'SEGMENT_PROXY_SERVICE_PORT',
      'SEGMENT_PROXY_PORT',
    ],
    ...['SEGMENT_PROXY_PORT_8080_TCP_ADDR', 'SEGMENT_SERVICE_PORT_HTTP', 'SEGMENT_PORT'],
    ...[
      'XDG_DATA_DIRS',
      'XDG_RUNTIME_DIR',
      'DBUS_SESSION_BUS_ADDRESS',
      'SSH_AUTH_SOCK',
      'http_proxy',
      'HTTPS_PROXY',
      'NO_PROXY',
    ],
    ...[
      'TWILIO_REGION',
      'TWILIO_EDGE',
      'TWILIO_PHONE_NUMBER',
      'AWS_REGION',
      'GITHUB_TOKEN',
      'DATABASE_URL',
      'REDIS_URL',
    ],
    ...[
      'DYNO',
      'FLY_REGION',
      'RENDER',
      'WEBSITE_HOSTNAME',
      'ProgramFiles(x86)',
      'ComSpec',
      'windir',
      'LogonServer',
    ],
  ])('[CF6] %s is none of our business', name => {
    expect(refuse({ ...token, [name]: 'a value' })).toEqual([])
  })
})

describe('secrets in files', () => {
  const files = new Map([
    ['/run/secrets/token', 'from-a-file\n'],
    ['/run/secrets/short', 'abc\n'],
    ['/run/secrets/empty', '\n'],
  ])
  const readFile = (path: string): string => {
    const text = files.get(path)
    if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`)
    return text
  }
  const read = (environment: Environment) => readSettings(environment, 'node', readFile)

  it.each(settingNames.filter(isSecret))('[DY20] %s may stand in a file, on Node', name => {
    const fileName = `${name}_FILE`
    const environment = { ...(name !== 'TWILIO_AUTH_TOKEN' && token) }
    const value = name.endsWith('_URL') ? 'https://example.com' : 'id=from-a-secret-file'
    files.set('/run/secrets/any', `${value}\n`)
    const expected = readSettings({ ...environment, [name]: value })
    expect(expected.ok).toBe(true)
    expect(read({ ...environment, [fileName]: '/run/secrets/any' })).toEqual(expected)
    expect(readSettings({ ...token, [fileName]: '/run/secrets/any' }, 'workers')).toMatchObject({
      ok: false,
      faults: [{ name: fileName, expected: expect.stringContaining('on Node only') }],
    })
    for (const text of [formatSettings(), readFileSync(configurationPage, 'utf8')])
      expect(text).toContain(fileName)
  })

  it.each([
    ['missing', { ADMIN_TOKEN_FILE: '/run/secrets/none' }, 'ADMIN_TOKEN_FILE', 'no such file'],
    ['empty', { ADMIN_TOKEN_FILE: '/run/secrets/empty' }, 'ADMIN_TOKEN_FILE', 'an empty file'],
    ['wrong', { ADMIN_TOKEN_FILE: '/run/secrets/short' }, 'ADMIN_TOKEN_FILE', 'a secret of 3 characters'],
    [
      'one of two values',
      { ADMIN_TOKEN_FILE: '/run/secrets/token', ADMIN_TOKEN: 'in-the-environment' },
      'ADMIN_TOKEN_FILE',
      'ADMIN_TOKEN as well',
    ],
    ['misspelt', { ADMIN_TOKN_FILE: '/run/secrets/token' }, 'ADMIN_TOKN_FILE', 'a value'],
    ['misspelt', { SEGMENT_WRITEKEY_FILE: '/run/secrets/token' }, 'SEGMENT_WRITEKEY_FILE', 'a value'],
  ])('[DY21] a file that is %s is named with what is wrong', (_, environment, name, received) => {
    const result = read({ ...token, ...environment })
    expect(result).toMatchObject({
      ok: false,
      faults: [{ name, received: expect.stringContaining(received) }],
    })
    expect(JSON.stringify(result)).not.toContain('from-a-file')
  })
})

describe('the list of settings', () => {
  it('[CF7] describes each in one line', () => {
    for (const line of formatSettings().split('\n')) expect(line).toMatch(/^ {2}[A-Z_]+ +\S.+$/)
    expect(formatSettings().split('\n')).toHaveLength(settingNames.length)
  })

  it('[CF7] stands in docs/configuration.md as the code has it; `npm run schemas` writes it', () => {
    const text = readFileSync(configurationPage, 'utf8')
    expect(text, 'docs/configuration.md is stale: npm run schemas').toBe(withSettingsTable(text))
  })

  it('[DY60] stands in .env.example as the code has it; `npm run schemas` writes it', () => {
    expect(readFileSync(envExampleFile, 'utf8'), '.env.example is stale: npm run schemas').toBe(envExample)
  })

  it('[DY61] .env.example, but for the token, is a valid .env, and so it is with every comment taken off', () => {
    expect(
      accept(parseEnv(envExample.replace('TWILIO_AUTH_TOKEN=', 'TWILIO_AUTH_TOKEN=the-auth-token'))),
    ).toEqual(accept({}))
    const all = envExample.replaceAll(/^# (?=[A-Z_]+=)/gm, '')
    expect(accept({ ...parseEnv(all), ...token })).toEqual(accept({}))
    const names = Object.keys(parseEnv(all))
    expect(settingNames.filter(name => !names.includes(name))).toEqual(['OUTBOX_SHARDS'])
  })
})
