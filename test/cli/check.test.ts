/** `check`: each fault of settings, folder, outbox, Segment, Twilio and the way in between is one red line with its remedy. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Finding } from '../../src/cli/check/result.ts'
import { createCheckCommand } from '../../src/cli/check.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { newDataDir, startBridge } from '../support/bridge.ts'
import { runCommand } from '../support/cli-terminal.ts'
import { type Meddle, startProxy, type TestProxy } from '../support/proxy.ts'
import { type SegmentStandIn, startSegment } from '../support/segment.ts'
import { accountSid, authToken, messageStatus, sendEvents } from '../support/twilio.ts'
import { startTwilioApi, type TwilioApi } from '../support/twilio-api.ts'

type Environment = Readonly<Record<string, string>>

let segment: SegmentStandIn
let api: TwilioApi
/** In front of the bridge. The bridge knows it by this address. */
let proxy: TestProxy
let bridge: Awaited<ReturnType<typeof startBridge>>
let here: Environment

beforeAll(async () => {
  segment = await startSegment()
  api = await startTwilioApi()
  proxy = await startProxy()
  bridge = await startBridge({ PUBLIC_URL: proxy.origin })
  here = {
    TWILIO_AUTH_TOKEN: authToken,
    DATA_DIR: bridge.dataDir,
    PUBLIC_URL: proxy.origin,
    SEGMENT_HOST: segment.url,
    SEGMENT_WRITE_KEY: 'write-key',
  }
})
beforeEach(() => {
  proxy.target = bridge.origin
  proxy.meddle = () => undefined
})
afterAll(async () => {
  await bridge[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
  await segment.close()
})

async function check(change: Environment = {}, args: readonly string[] = [], now = Date.now) {
  const environment = { ...here, ...change }
  const run = await runCommand(
    terminal => createCheckCommand(terminal, api.connect, now),
    [...args, '--json'],
    { environment },
  )
  const { ok, findings } = run.json<{ ok: boolean; findings: Finding[] }>()
  expect(run.code).toBe(ok ? 0 : 1)
  const wrong = findings.filter(({ state }) => state === 'wrong')
  return {
    ok,
    findings,
    wrong,
    text: wrong.map(({ name, detail, remedy }) => `${name}: ${detail} → ${remedy}`).join('\n'),
  }
}

describe('check', () => {
  it('[CK1] all is well: nothing is wrong, nothing changed, exit 0', async () => {
    const before = await bridge.stats()
    const { ok, findings } = await check()
    expect(findings.filter(({ state }) => state === 'wrong')).toEqual([])
    expect(ok).toBe(true)
    const said = findings.map(({ name, detail }) => `${name}: ${detail}`).join('\n')
    expect(said).toContain('accepts a signed request: path, query, body and signature arrive unchanged')
    expect(said).toContain(`it is the bridge at ${bridge.origin}`)
    expect(said).not.toContain(authToken)
    expect(await bridge.stats()).toMatchObject({ received: before.received })
    expect(await bridge.api('/api/notices')).toEqual({ notices: [] })
    // No body, no key: no event.
    expect(segment.requests.map(({ method, bytes }) => ({ method, bytes }))).toEqual([
      { method: 'HEAD', bytes: 0 },
    ])
  })

  it('[CK1] line by line for people: a word as well as a colour, the remedy below', async () => {
    const { code, out, said } = await runCommand(
      terminal => createCheckCommand(terminal, api.connect),
      ['--offline'],
      {
        environment: { ...here, SEGMENT_RATE: 'fast' },
      },
    )
    expect(code).toBe(1)
    expect(out[0]).toMatch(/^WRONG settings +SEGMENT_RATE: got "fast"$/)
    expect(out[1]).toMatch(/^ +→ Expected a whole number/)
    expect(out.some(line => line.startsWith('ok    data folder'))).toBe(true)
    expect(said).toBe('1 wrong.')
  })

  it('[CK2] every wrong setting by name, secrets untold, and the rest is looked at all the same', async () => {
    const { wrong, findings } = await check(
      { PUBLIC_URL: 'bridge.example', SEGMENT_WRITEKEY: 'x', ADMIN_TOKEN: 'short', TWILIO_AUTH_TOKEN: '' },
      ['--offline'],
    )
    const names = wrong.map(({ detail }) => detail.split(':')[0])
    expect(names).toEqual(expect.arrayContaining(['ADMIN_TOKEN', 'PUBLIC_URL', 'SEGMENT_WRITEKEY']))
    expect(JSON.stringify(findings)).not.toContain('short')
    expect(findings.some(({ name }) => name === 'data folder')).toBe(true)
    const { text } = await check({ TWILIO_AUTH_TOKEN: '' }, ['--offline'])
    expect(text).toContain('TWILIO_AUTH_TOKEN: got nothing')
  })

  it('[CK1] --offline asks nobody but the bridge of this machine', async () => {
    const seen = segment.requests.length
    const { findings } = await check({}, ['--offline'])
    expect(segment.requests).toHaveLength(seen)
    expect(findings.find(({ name }) => name === 'bridge')?.detail).toContain('accepts events')
  })
})

describe('the data folder and the outbox', () => {
  /** Each fault is made on a folder of its own, where no bridge runs. */
  async function checkDir(arrange: (dir: string) => void) {
    const dir = newDataDir()
    try {
      arrange(dir)
      return await check({ DATA_DIR: dir }, ['--offline'])
    } finally {
      chmodSync(dir, 0o700)
      rmSync(dir, { recursive: true, force: true })
    }
  }
  const toFile = (dir: string) => join(dir, 'outbox.db')

  it('[CK3] one that others may read is wrong', async () => {
    const { text } = await checkDir(dir => chmodSync(dir, 0o755))
    expect(text).toMatch(/mode 0755.*chmod 700/)
  })

  // To root every folder is open.
  it.skipIf(process.getuid?.() === 0)('[CK3] one that cannot be written is wrong', async () => {
    const { text } = await checkDir(dir => chmodSync(dir, 0o500))
    expect(text).toContain('cannot be written (EACCES)')
  })

  it.runIf(process.platform === 'linux')('[CK3] one that cannot be made is wrong', async () => {
    const { text } = await check({ DATA_DIR: '/proc/no/such' }, ['--offline'])
    expect(text).toContain('/proc/no/such cannot be created')
  })

  it('[CK3] a file in its place is wrong; none yet is not', async () => {
    const file = await checkDir(dir => {
      rmSync(dir, { recursive: true })
      writeFileSync(dir, '')
    })
    expect(file.text).toContain('is not a folder')
    const none = await check({ DATA_DIR: join(bridge.dataDir, 'new', 'folder') }, ['--offline'])
    expect(none.ok).toBe(true)
  })

  it('[CK4] a sound outbox opens; it is left as it was', async () => {
    const { ok, findings } = await checkDir(dir => {
      const sql = openSqlite(toFile(dir))
      createOutbox(sql, { retentionMs: 0, dedupeMs: 0 })
      sql.close()
    })
    expect(ok).toBe(true)
    expect(findings.find(({ name }) => name === 'outbox')).toMatchObject({ state: 'ok', detail: 'opens' })
  })

  it('[CK4] one that is none, and one of a newer version, are wrong', async () => {
    const none = await checkDir(dir =>
      writeFileSync(toFile(dir), 'not a database, but long enough to be read as one'.repeat(99)),
    )
    expect(none.text).toContain('cannot be opened')
    const newer = await checkDir(dir => {
      const database = new DatabaseSync(toFile(dir))
      database.exec(
        'CREATE TABLE migrations (id INTEGER PRIMARY KEY); INSERT INTO migrations VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9)',
      )
      database.close()
    })
    expect(newer.text).toContain('was written by a newer version')
  })

  it('[CK4] of a bridge that runs, /readyz is asked', async () => {
    await using full = await startBridge({
      MAX_BACKLOG: '1',
      PUBLIC_URL: proxy.origin,
      SEGMENT_HOST: 'http://127.0.0.1:9',
      SEGMENT_WRITE_KEY: 'k',
    })
    await sendEvents(full.webhook, [messageStatus()], { publicUrl: `${proxy.origin}/webhooks/twilio` })
    await full.until(({ pending }) => pending === 1)
    const { text } = await check({ DATA_DIR: full.dataDir }, ['--offline'])
    expect(text).toContain('backlog_full: The backlog has reached MAX_BACKLOG')
  })
})

describe('Segment', () => {
  it('[CK5] out of reach, failing or redirecting is wrong', async () => {
    const gone = await check({ SEGMENT_HOST: 'http://127.0.0.1:1' })
    expect(gone.text).toContain('Check DNS, the firewall and SEGMENT_HOST')
    segment.fail({ kind: 'status', status: 503 })
    const failing = await check()
    segment.heal()
    expect(failing.text).toContain('answers 503')
    await using redirect = await startProxy('', (_, response) => {
      response.writeHead(301, { location: 'https://www.example.com/' }).end()
    })
    const moved = await check({ SEGMENT_HOST: redirect.origin })
    expect(moved.text).toContain('redirects to https://www.example.com/')
  })

  it("[CK5] a clock that is off is wrong, by Segment's own date", async () => {
    const { text } = await check({}, [], () => Date.now() - 60_000)
    expect(text).toMatch(/clock: (59|60|61)\.\d s behind Segment's.*NTP/)
  })

  it('[CK5] no write key is a note: a dry run', async () => {
    const { ok, findings } = await check({ SEGMENT_WRITE_KEY: '' })
    expect(ok).toBe(true)
    expect(findings.find(({ name }) => name === 'write key')).toMatchObject({
      state: 'note',
      detail: expect.stringContaining('dry run'),
    })
  })
})

describe('the public URL', () => {
  it.each<[string, Meddle, RegExp]>([
    [
      'drops the query',
      passing => {
        passing.query = ''
      },
      /body_hash_missing.*drops the query string/,
    ],
    [
      'drops the signature',
      passing => {
        delete passing.headers['x-twilio-signature']
      },
      /signature_missing.*header X-Twilio-Signature/,
    ],
    [
      'changes the method',
      passing => {
        passing.method = passing.path === '/healthz' ? 'GET' : 'PUT'
      },
      /method_not_allowed.*changes the method/,
    ],
    [
      'changes the body',
      passing => {
        passing.body = Buffer.from('[ ]')
      },
      /not these 3 bytes of body.*changes the body/s,
    ],
    [
      'adds a parameter',
      passing => {
        passing.query += '&via=proxy'
      },
      /made to .* directly, is accepted.*changes the query string/s,
    ],
    [
      'asks for a login',
      (_, response) => {
        response.writeHead(401).end('<h1>Login</h1>')
      },
      /answers 401.*asks for a login/,
    ],
    [
      'redirects',
      (passing, response) => {
        response.writeHead(308, { location: `https://www.bridge.example${passing.path}` }).end()
      },
      /redirects to https:\/\/www\.bridge\.example\/webhooks\/twilio/,
    ],
    [
      'is somebody else',
      (_, response) => {
        response.writeHead(200).end('Welcome')
      },
      /answers 200, not as a bridge does/,
    ],
  ])('[CK6] a proxy that %s is found out', async (_, meddle, expected) => {
    proxy.meddle = meddle
    expect((await check()).text).toMatch(expected)
  })

  it('[CK6] a proxy that lets only the webhook through is fine', async () => {
    proxy.meddle = ({ path }, response) => {
      if (path !== '/webhooks/twilio') response.writeHead(404).end()
    }
    const { ok, findings } = await check()
    expect(ok).toBe(true)
    expect(
      findings.some(({ state, detail }) => state === 'note' && detail.includes('/healthz answers 404')),
    ).toBe(true)
  })

  it('[CK7] the bridge has another PUBLIC_URL: what was signed, what it checks, which one matches', async () => {
    // It goes by the Host header, which the proxy changes.
    await using other = await startBridge()
    proxy.target = other.origin
    proxy.meddle = ({ headers }) => {
      headers.host = 'internal.example:8787'
    }
    const { wrong } = await check({ DATA_DIR: other.dataDir })
    const [finding] = wrong
    expect(finding?.detail).toContain(`signed:  ${proxy.origin}/webhooks/twilio?bodySHA256=`)
    expect(finding?.detail).toContain('checked: http://internal.example:8787/webhooks/twilio?bodySHA256=')
    expect(finding?.detail).toContain(
      'matches: a signature over http://internal.example:8787/webhooks/twilio',
    )
    expect(finding?.remedy).toContain(`Set PUBLIC_URL=${proxy.origin}/webhooks/twilio where that bridge runs`)
  })

  it('[CK6] a password in PUBLIC_URL is sent, signed, and not shown', async () => {
    const publicUrl = proxy.origin.replace('//', '//me:hunter2@')
    await using other = await startBridge({ PUBLIC_URL: publicUrl })
    proxy.target = other.origin
    let authorization: string | undefined
    proxy.meddle = ({ headers }) => {
      authorization ??= headers.authorization
    }
    const { ok, findings } = await check({ PUBLIC_URL: publicUrl, DATA_DIR: other.dataDir })
    expect(ok).toBe(true)
    expect(authorization).toBe(`Basic ${btoa('me:hunter2')}`)
    expect(JSON.stringify(findings)).not.toContain('hunter2')
  })

  it('[CK7] a proxy that changes the path is fine for a bridge with PUBLIC_URL, and found out without', async () => {
    await using other = await startBridge()
    const meddle: Meddle = passing => {
      if (passing.method === 'POST') passing.path = `/api2${passing.path}`
    }
    proxy.meddle = meddle
    expect((await check()).ok).toBe(true)
    proxy.target = other.origin
    const { text } = await check({ DATA_DIR: other.dataDir })
    expect(text).toContain(`matches: a signature over ${proxy.origin}/api2/webhooks/twilio`)
  })

  it('[CK7] the bridge has another token', async () => {
    await using other = await startBridge({ TWILIO_AUTH_TOKEN: 'another-token', PUBLIC_URL: proxy.origin })
    proxy.target = other.origin
    const { text } = await check()
    // The one of this machine takes it, so it is either another bridge or the query.
    expect(text).toContain('leads to another bridge')
    const { text: alone } = await check({ DATA_DIR: join(bridge.dataDir, 'none') })
    expect(alone).toContain('the token differs')
    expect(alone + text).not.toContain('another-token')
  })

  it('[CK8] another bridge with the same token is not this one', async () => {
    await using other = await startBridge({ PUBLIC_URL: proxy.origin })
    proxy.target = other.origin
    expect((await check()).text).toContain('another bridge received it')
  })

  it('[CK6] nobody there, or the bridge behind is down', async () => {
    expect((await check({ PUBLIC_URL: 'http://127.0.0.1:1' })).text).toContain('cannot be reached')
    proxy.target = 'http://127.0.0.1:1'
    expect((await check()).text).toContain('Is the bridge running')
  })

  it('[CK6] not set is a note', async () => {
    const { ok, findings } = await check({ PUBLIC_URL: '' })
    expect(ok).toBe(true)
    expect(findings.find(({ name }) => name === 'public URL')?.state).toBe('note')
  })
})

describe('Twilio', () => {
  const credentials = { TWILIO_ACCOUNT_SID: accountSid }

  it('[CK9] with credentials the sink is looked at, as by sink status', async () => {
    const none = await check(credentials)
    expect(none.text).toContain('Run "npx twilio-segment-bridge sink create"')
    const sink = api.addSink({
      sink_configuration: { destination: `${proxy.origin}/webhooks/twilio`, method: 'get' },
    })
    const get = await check(credentials)
    expect(get.text).toContain('is set to GET')
    api.sinks.delete(sink.sid)
  })

  it('[CK9] wrong credentials, and a Twilio out of reach, are wrong', async () => {
    const refused = await check({
      ...credentials,
      TWILIO_API_KEY: `SK${'1'.repeat(32)}`,
      TWILIO_API_SECRET: 'wrong',
    })
    expect(refused.text).toContain('error 20003')
    api.fail('cut')
    const cut = await check(credentials)
    api.fail(undefined)
    expect(cut.text).toContain('Twilio cannot be reached')
  })

  it('[CK9] without credentials it says so', async () => {
    const { findings } = await check()
    expect(findings.at(-1)).toMatchObject({ state: 'note', name: 'Twilio' })
  })
})
