/** `sink create|status|test|delete` against a stand-in of Twilio's API and a real bridge. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSinkCommand } from '../../src/cli/sink.ts'
import { startBridge } from '../support/bridge.ts'
import { type RunOptions, runCommand } from '../support/cli-terminal.ts'
import { accountSid, authToken } from '../support/twilio.ts'
import { apiKey, startTwilioApi, type TwilioApi } from '../support/twilio-api.ts'

const adminToken = 'admin-token-of-the-tests'
const ZEROS = '0'.repeat(32)
const destination = 'https://bridge.example/webhooks/twilio'
const delivered = 'com.twilio.messaging.message.delivered'
const inbound = 'com.twilio.messaging.inbound-message.received'
const allTypes = {
  'com.twilio.messaging.message.queued': 8,
  'com.twilio.messaging.message.sent': 8,
  [delivered]: 8,
  'com.twilio.messaging.message.failed': 8,
  'com.twilio.messaging.message.undelivered': 8,
  'com.twilio.messaging.message.read': 8,
  [inbound]: 6,
}
/** Of those that the stand-in offers. */
const defaultTypes = {
  ...allTypes,
  'com.twilio.daptbt.link-shortening.link-clicked': 3,
  'com.twilio.taskrouter.task.created': 4,
}

/** Settings as in a .env; `change` with '' leaves one out. */
function toEnvironment(change: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: authToken,
    PUBLIC_URL: 'https://bridge.example',
    ADMIN_TOKEN: adminToken,
    ...change,
  }
}

function run(
  api: TwilioApi,
  args: readonly string[],
  change: Readonly<Record<string, string>> = {},
  more: RunOptions = {},
) {
  return runCommand(terminal => createSinkCommand(terminal, api.connect), args, {
    environment: toEnvironment(change),
    ...more,
  })
}

/** The bridge that Twilio knows by `destination`. */
let bridge: Awaited<ReturnType<typeof startBridge>>
beforeAll(async () => {
  bridge = await startBridge({ ADMIN_TOKEN: adminToken, PUBLIC_URL: 'https://bridge.example' })
})
afterAll(() => bridge[Symbol.asyncDispose]())

/** An API whose test events reach a bridge. */
function startReaching(webhook = bridge.webhook) {
  return startTwilioApi({ reach: () => webhook })
}

const posts = ({ requests }: TwilioApi) => requests.filter(({ method }) => method !== 'GET')
const ownSink = {
  sink_configuration: { destination, method: 'post', batch_events: true },
  description: 'twilio-segment-bridge',
}

describe('sink create', () => {
  it('[SK1] makes the sink and one subscription with pinned versions, and sees the test event come in', async () => {
    await using api = await startReaching()
    const { code, out, said } = await run(api, ['create', '--bridge', bridge.origin])
    expect(said).toContain('arrived at the webhook')
    expect(code).toBe(0)
    const [sink] = api.sinks.values()
    expect(sink).toMatchObject({
      sink_type: 'webhook',
      sink_configuration: { destination, method: 'post', batch_events: true },
    })
    expect(out).toEqual([`SINK_SID=${sink?.sid}`])
    const [subscription] = api.subscriptions.values()
    expect(Object.fromEntries(subscription?.types ?? [])).toEqual(defaultTypes)
    expect(api.testAnswers).toEqual([200])
    // One JSON object a key, as Twilio wants it.
    const { form } = posts(api).find(({ path }) => path === '/v1/Subscriptions') ?? {}
    expect(form?.getAll('Types')[0]).toBe('{"type":"com.twilio.messaging.message.queued","schema_version":8}')
  })

  it('[SK2] run again it finds its own, changes nothing and says what is there', async () => {
    await using api = await startReaching()
    const first = await run(api, ['create', '--bridge', bridge.origin])
    const made = posts(api).length
    const second = await run(api, ['create', '--bridge', bridge.origin])
    expect(second).toMatchObject({ code: 0, out: first.out })
    expect(second.said).toContain('subscribed to 9 types already')
    expect(api.sinks.size).toBe(1)
    // Nothing but the test.
    expect(
      posts(api)
        .slice(made)
        .map(({ path }) => path.split('/').at(-1)),
    ).toEqual(['Test'])
  })

  it('[SK2] finds it among many, over several pages', async () => {
    await using api = await startTwilioApi({ pageSize: 2 })
    for (let i = 0; i < 5; i++)
      api.addSink({ sink_configuration: { destination: `https://other.example/${i}` } })
    const own = api.addSink(ownSink)
    const { out } = await run(api, ['create', '--no-test'])
    expect(out).toEqual([`SINK_SID=${own.sid}`])
    expect(api.sinks.size).toBe(6)
  })

  it('[SK2] adds the types that are missing; --repin moves the old versions too', async () => {
    await using api = await startTwilioApi()
    const { sid } = api.addSink(ownSink)
    const { types } = api.subscribe(sid, { [delivered]: 6, 'com.twilio.error-logs.error.logged': 2 })
    const first = await run(api, ['create', '--no-test'])
    expect(first.said).toContain(`subscribed to ${inbound}, version 6`)
    expect(Object.fromEntries(types)).toEqual({
      ...defaultTypes,
      [delivered]: 6,
      'com.twilio.error-logs.error.logged': 2,
    })
    await run(api, ['create', '--no-test', '--repin'])
    expect(types.get(delivered)).toBe(8)
  })

  it('[SK3] --dry-run says each step and changes nothing', async () => {
    await using api = await startTwilioApi()
    const { code, out, said } = await run(api, ['create', '--dry-run'])
    expect(code).toBe(0)
    expect(out).toEqual([])
    expect(said).toContain(`create a webhook sink: POST to ${destination}`)
    expect(said).toContain(`subscribe to ${inbound} (version 6)`)
    expect(posts(api)).toEqual([])
    api.subscribe(api.addSink(ownSink).sid, defaultTypes)
    expect((await run(api, ['create', '--dry-run'])).said).toContain('Nothing is missing')
  })

  it('[SK1] --types takes some; one that no family maps is refused before anything is made', async () => {
    await using api = await startTwilioApi()
    const wrong = await run(api, ['create', '--no-test', '--types', `${delivered},com.twilio.nothing`])
    expect(wrong).toMatchObject({ code: 2 })
    expect(wrong.said).toContain('Unsupported event type: com.twilio.nothing')
    expect(api.requests).toEqual([])
    await run(api, ['create', '--no-test', '--types', `${inbound}, ${delivered}`])
    const [subscription] = api.subscriptions.values()
    expect(Object.fromEntries(subscription?.types ?? [])).toEqual({ [delivered]: 8, [inbound]: 6 })
  })

  it('[FM13] without --types: what tells of a customer; the reason against any other is said when it is asked for', async () => {
    await using api = await startTwilioApi()
    const first = await run(api, ['create', '--no-test'])
    expect(first.said).not.toContain('Note: com.twilio')
    // Twilio does not have it.
    expect(first.said).toContain('left out com.twilio.studio.flow.execution.started: Twilio calls it unknown')
    const second = await run(api, ['create', '--no-test', '--types', 'taskrouter.*'])
    expect(second.said).toContain('Note: com.twilio.taskrouter.reservation.created: one of 10 to 20 events')
    expect(second.said).toContain('com.twilio.taskrouter.worker.created: about an employee')
    const [subscription] = api.subscriptions.values()
    expect(Object.fromEntries(subscription?.types ?? [])).toEqual({
      ...defaultTypes,
      'com.twilio.taskrouter.reservation.created': 4,
      'com.twilio.taskrouter.worker.created': 4,
    })
  })

  it('[FM13] a wildcard does not ask for error logs, their whole name does', async () => {
    await using api = await startTwilioApi()
    const typesOf = () => [...([...api.subscriptions.values()][0]?.types.keys() ?? [])]
    await run(api, ['create', '--no-test', '--types', '*'])
    expect(typesOf()).toContain(delivered)
    expect(typesOf().filter(type => type.includes('error-logs'))).toEqual([])
    const { said } = await run(api, ['create', '--no-test', '--types', 'error-logs.error.logged'])
    expect(said).toContain('a failing sink logs an error')
    expect(typesOf()).toContain('com.twilio.error-logs.error.logged')
  })

  it("[FM16] --own-numbers prints the account's numbers as a line for .env", async () => {
    await using api = await startTwilioApi({ phoneNumbers: ['+15550100100', '+15550100101'] })
    const { out, code } = await run(api, ['create', '--no-test', '--own-numbers'])
    expect({ out: out.at(-1), code }).toEqual({ out: 'OWN_NUMBERS=+15550100100,+15550100101', code: 0 })
    await using none = await startTwilioApi()
    const empty = await run(none, ['create', '--no-test', '--own-numbers'])
    expect(empty.out.join('\n')).not.toContain('OWN_NUMBERS')
  })

  it('[SK1] leaves out a type that Twilio restricts, and says so', async () => {
    await using api = await startTwilioApi({
      statuses: { 'com.twilio.messaging.message.read': 'restricted' },
    })
    const { code, said } = await run(api, ['create', '--no-test'])
    expect(code).toBe(0)
    expect(said).toContain('left out com.twilio.messaging.message.read: Twilio calls it restricted')
    expect([...api.subscriptions.values()][0]?.types.size).toBe(8)
  })

  it('[SK1] never pins a version that Twilio does not have yet', async () => {
    await using api = await startTwilioApi({ latest: { 'Messaging.MessageStatus': 7 } })
    await run(api, ['create', '--no-test'])
    expect([...api.subscriptions.values()][0]?.types.get(delivered)).toBe(7)
  })

  it('[SK1] the destination is PUBLIC_URL to the letter, query and userinfo too, and no password is printed', async () => {
    await using api = await startTwilioApi()
    const { out, said } = await run(api, ['create', '--no-test'], {
      PUBLIC_URL: 'https://me:hunter2@Bridge.example/in?a=1',
    })
    expect([...api.sinks.values()][0]?.sink_configuration).toMatchObject({
      destination: 'https://me:hunter2@Bridge.example/in?a=1',
    })
    expect(out.join() + said).not.toContain('hunter2')
  })

  it('[SK4] a sink of ours that is set to GET or failed is not used: it says to delete it', async () => {
    await using api = await startTwilioApi()
    const { sid } = api.addSink({ sink_configuration: { destination, method: 'get' } })
    const { code, said } = await run(api, ['create', '--no-test'])
    expect(code).toBe(1)
    expect(said).toContain(`sink delete ${sid}`)
    expect(posts(api)).toEqual([])
  })

  it('[SK4] points at a sink that differs by a slash, and at a former one', async () => {
    await using api = await startTwilioApi()
    const near = api.addSink({ sink_configuration: { destination: `${destination}/` } })
    const former = api.addSink({ ...ownSink, sink_configuration: { destination: 'https://old.example/in' } })
    const { said } = await run(api, ['create', '--no-test'])
    expect(said).toContain(`${near.sid} delivers nearly there (it differs by a slash at the end)`)
    expect(said).toContain(`${former.sid} "twilio-segment-bridge" delivers to https://old.example/in`)
    expect(api.sinks.size).toBe(3)
  })

  it('[SK5] a test event that does not come in is exit 1, the SID is told all the same', async () => {
    await using other = await startBridge({
      ADMIN_TOKEN: adminToken,
      PUBLIC_URL: 'https://elsewhere.example',
    })
    await using api = await startReaching(other.webhook)
    const { code, out, said } = await run(api, ['create', '--bridge', other.origin, '--wait', '1'])
    expect(code).toBe(1)
    expect(out[0]).toMatch(/^SINK_SID=DG/)
    // The bridge has turned it away, and says why.
    expect(api.testAnswers).toEqual([503])
    expect(said).toContain('The signature fits none of the configured keys')
  })

  it('[SK5] sees the test event also where skipped events are not kept', async () => {
    await using other = await startBridge({
      ADMIN_TOKEN: adminToken,
      PUBLIC_URL: 'https://bridge.example',
      RETENTION_DAYS: '0',
    })
    await using api = await startReaching(other.webhook)
    const { code } = await run(api, ['create', '--bridge', other.origin])
    expect(code).toBe(0)
  })

  it('[SK5] says what to do when the bridge cannot be asked, and sends no test', async () => {
    await using api = await startReaching()
    const noToken = await run(api, ['create', '--bridge', bridge.origin], {
      ADMIN_TOKEN: '',
      DATA_DIR: '/nonexistent',
    })
    expect(noToken).toMatchObject({ code: 1 })
    expect(noToken.said).toContain('Set ADMIN_TOKEN')
    const wrongToken = await run(api, ['test', '--bridge', bridge.origin], { ADMIN_TOKEN: 'not-the-token' })
    expect(wrongToken.said).toContain('rejects this admin token')
    const nobody = await run(api, ['test', '--bridge', 'http://127.0.0.1:9'])
    expect(nobody.said).toContain('Start the bridge')
    expect(api.testAnswers).toEqual([])
  })

  it('[SK6] takes an API key; the auth token is then not needed', async () => {
    await using api = await startTwilioApi()
    const key = { TWILIO_AUTH_TOKEN: '', TWILIO_API_KEY: apiKey.sid, TWILIO_API_SECRET: apiKey.secret }
    expect(await run(api, ['create', '--no-test'], key)).toMatchObject({ code: 0 })
    const half = await run(api, ['create'], { ...key, TWILIO_API_SECRET: '' })
    expect(half).toMatchObject({ code: 2 })
    expect(half.said).toContain('TWILIO_API_SECRET is not')
  })

  it.each([
    [{ TWILIO_ACCOUNT_SID: '' }, 'TWILIO_ACCOUNT_SID is not set'],
    [{ TWILIO_AUTH_TOKEN: '' }, 'neither TWILIO_AUTH_TOKEN nor TWILIO_API_KEY'],
    [{ PUBLIC_URL: '' }, 'PUBLIC_URL is not set'],
    [{ PUBLIC_URL: 'ftp://x' }, 'PUBLIC_URL: got "ftp://x"'],
  ])('[SK6] %j is exit 2 with its name', async (change, expected) => {
    await using api = await startTwilioApi()
    const { code, said } = await run(api, ['create'], change)
    expect(code).toBe(2)
    expect(said).toContain(expected)
    expect(api.requests).toEqual([])
  })

  it('--json gives one object', async () => {
    await using api = await startReaching()
    const result = await run(api, ['create', '--json', '--bridge', bridge.origin])
    expect(result.out).toHaveLength(1)
    expect(result.json()).toMatchObject({
      sink: { created: true, destination },
      subscription: { created: true },
      test: { arrived: true },
    })
  })
})

describe("Twilio's errors", () => {
  it.each([
    [401, 20003, 'Authenticate', 'Check TWILIO_ACCOUNT_SID'],
    [400, 91003, 'maximum number of sinks reached', 'delete those that are not in use'],
    [400, 91000, 'Sink could not be created', 'public https URL'],
    [429, 20429, 'Too Many Requests', 'Wait a moment'],
    [503, undefined, 'Service Unavailable', 'status.twilio.com'],
  ])('[SK7] %i, code %s comes out as one sentence with the remedy', async (status, code, message, remedy) => {
    await using api = await startTwilioApi()
    api.fail({ status, body: { code, message, status } })
    const { code: exit, said } = await run(api, ['create'])
    expect(exit).toBe(1)
    expect(said).toContain(message)
    expect(said).toContain(remedy)
    expect(said).not.toMatch(/\n {4}at /)
  })

  it('[SK7] an answer that is not JSON, and a cut connection, too', async () => {
    await using api = await startTwilioApi()
    api.fail({ status: 502, body: undefined })
    expect((await run(api, ['status'])).said).toContain('HTTP 502')
    api.fail('cut')
    const cut = await run(api, ['status'])
    expect(cut).toMatchObject({ code: 1 })
    expect(cut.said).toContain('Twilio cannot be reached')
  })

  it('[SK7] wrong credentials name the settings to look at', async () => {
    await using api = await startTwilioApi()
    const { said } = await run(api, ['status'], { TWILIO_AUTH_TOKEN: 'not-the-token' })
    expect(said).toContain('error 20003')
    expect(said).not.toContain('not-the-token')
  })
})

describe('sink status', () => {
  it('[SK8] all green: the sink, its types, pinned against latest', async () => {
    await using api = await startTwilioApi()
    const { sid } = api.addSink(ownSink)
    api.subscribe(sid, allTypes)
    const { code, out } = await run(api, ['status'], { SINK_SID: sid })
    expect(code).toBe(0)
    const text = out.join('\n')
    expect(text).toContain(`* ${sid}  active`)
    expect(text).toContain(`${delivered}: pinned 8, the bridge knows up to 8, Twilio's latest 8`)
    expect(text).not.toMatch(/WRONG|note/)
  })

  it.each<[string, (api: TwilioApi) => Record<string, string> | undefined, string]>([
    ['no sink', () => undefined, 'Run "npx twilio-segment-bridge sink create"'],
    [
      'method GET',
      api => void api.addSink({ sink_configuration: { destination, method: 'get' } }),
      'is set to GET',
    ],
    ['failed', api => void api.addSink({ ...ownSink, status: 'failed' }), 'has the status failed'],
    [
      'a slash',
      api => void api.addSink({ sink_configuration: { destination: `${destination}/` } }),
      `Set PUBLIC_URL=${destination}/`,
    ],
    [
      'http',
      api => void api.addSink({ sink_configuration: { destination: destination.replace('https', 'http') } }),
      'http:// instead of https://',
    ],
    ['no subscription', api => void api.addSink(ownSink), 'has no subscribed types'],
    [
      'another SINK_SID',
      api => {
        api.subscribe(api.addSink(ownSink).sid, allTypes)
        return { SINK_SID: `DG${ZEROS}` }
      },
      `the setting names DG${ZEROS}`,
    ],
    [
      'error logs',
      api =>
        void api.subscribe(api.addSink(ownSink).sid, {
          ...allTypes,
          'com.twilio.error-logs.error.logged': 2,
        }),
      'feedback loop',
    ],
  ])('[SK8] %s is wrong, with a remedy, and exit 1', async (_, arrange, expected) => {
    await using api = await startTwilioApi()
    const { code, out } = await run(api, ['status'], arrange(api) ?? {})
    expect(out.join('\n')).toContain('WRONG')
    expect(out.join('\n')).toContain(expected)
    expect(code).toBe(1)
  })

  it('[SK8] old pins, missing types, types without family, batches off and twins are notes', async () => {
    await using api = await startTwilioApi()
    const { sid } = api.addSink({ sink_configuration: { destination, method: 'post', batch_events: false } })
    api.subscribe(sid, {
      [delivered]: 5,
      'com.twilio.engagement-intelligence.transcript.finished': 1,
      'com.twilio.nothing': 1,
    })
    const twin = api.addSink({ sink_configuration: { destination } })
    const result = await run(api, ['status', '--json'], { SINK_SID: sid })
    const { ok, findings } = result.json<{
      ok: boolean
      findings: { state: string; name: string; detail: string }[]
    }>()
    expect({ ok, code: result.code }).toEqual({ ok: true, code: 0 })
    const notes = findings.filter(({ state }) => state === 'note')
    expect(new Set(notes.map(({ name }) => name))).toEqual(
      new Set(['batches', 'version', 'not subscribed', 'on request', 'unsupported type', 'twin']),
    )
    expect(notes.find(({ name }) => name === 'twin')?.detail).toContain(twin.sid)
  })
})

it('[SK6] the `twilio` package is loaded by the sink commands only, when they need it', () => {
  const src = join(import.meta.dirname, '../../src')
  const eager = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .filter(file =>
      /^(import|export) (?!type )[^;]*? from 'twilio/m.test(readFileSync(join(src, file), 'utf8')),
    )
  expect(eager).toEqual([])
})

describe('sink test and delete', () => {
  it('[SK5] test sends one and sees it come in', async () => {
    await using api = await startReaching()
    const { sid } = api.addSink(ownSink)
    const { code } = await run(api, ['test', '--bridge', bridge.origin])
    expect(code).toBe(0)
    expect(api.requests.some(({ path }) => path === `/v1/Sinks/${sid}/Test`)).toBe(true)
  })

  it('[SK9] delete asks, then deletes the subscription and the sink', async () => {
    await using api = await startTwilioApi()
    const { sid } = api.addSink(ownSink)
    api.subscribe(sid, allTypes)
    const no = await run(api, ['delete'], {}, { answer: 'n' })
    expect(no).toMatchObject({ code: 1 })
    expect(no.said).toContain('Nothing was deleted')
    expect(api.sinks.size).toBe(1)
    const yes = await run(api, ['delete'], {}, { answer: 'yes' })
    expect(yes).toMatchObject({ code: 0 })
    expect([api.sinks.size, api.subscriptions.size]).toEqual([0, 0])
    expect(posts(api).map(({ path }) => path.split('/')[2])).toEqual(['Subscriptions', 'Sinks'])
  })

  it('[SK9] off a terminal it needs --yes', async () => {
    await using api = await startTwilioApi()
    const { sid } = api.addSink(ownSink)
    const other = api.addSink()
    api.sinks.get(other.sid)
    expect(await run(api, ['delete', sid])).toMatchObject({ code: 2 })
    expect(api.sinks.size).toBe(2)
    expect(await run(api, ['delete', sid, '--yes'], { PUBLIC_URL: '' })).toMatchObject({ code: 0 })
    expect([...api.sinks.keys()]).toEqual([other.sid])
  })

  it('[SK9] a sink that is not there is exit 1', async () => {
    await using api = await startTwilioApi()
    expect((await run(api, ['delete', `DG${ZEROS}`, '--yes'])).said).toContain(`no sink DG${ZEROS}`)
    expect(await run(api, ['delete', '--yes'])).toMatchObject({ code: 1 })
  })
})
