/** `send`: samples and loads to a real bridge, and Twilio's manners against a webhook that answers badly. */
import { describe, expect, it } from 'vitest'
import { createFeed } from '../../src/cli/send/event-generator.ts'
import { type Manners, twilioManners } from '../../src/cli/send/post.ts'
import { toSample } from '../../src/cli/send/samples.ts'
import type { Summary } from '../../src/cli/send/tally.ts'
import { toTypes } from '../../src/cli/send/types.ts'
import { createSendCommand } from '../../src/cli/send.ts'
import { toEvent } from '../../src/event/event.ts'
import { eventTypeOf, families } from '../../src/families/index.ts'
import { startBridge } from '../support/bridge.ts'
import { type RunOptions, runCommand } from '../support/cli-terminal.ts'
import { PATIENCE_MS, until } from '../support/patience.ts'
import { startSegment } from '../support/segment.ts'
import { authToken } from '../support/twilio.ts'
import { startWebhook } from '../support/webhook-stand-in.ts'

const hasty: Manners = { ...twilioManners, firstWaitMs: 5, timeoutMs: PATIENCE_MS / 4 }
const delivered = 'com.twilio.messaging.message.delivered'

function run(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  manners = hasty,
  more: RunOptions = {},
) {
  return runCommand(terminal => createSendCommand(terminal, manners), args, {
    environment: { TWILIO_AUTH_TOKEN: authToken, ...environment },
    ...more,
  })
}

/** Without it the bridge would make a dry run. */
const toSegment = (url: string) => ({ SEGMENT_HOST: url, SEGMENT_WRITE_KEY: 'write-key' })

/** Requests to the API say as a rule nothing of whom they are about. */
const namesCustomer = (type: string) =>
  eventTypeOf(type)?.customer.rule !== 'nobody' &&
  !/\.api-request\.(call\.modified|conference\.|conference-participant\.(modified|deleted))/.test(type)

describe('samples', () => {
  const all = families.flatMap(family =>
    family.types.flatMap(type => [...family.versions.keys()].map(version => ({ type, version, family }))),
  )

  it.each(all)('[SE1] $type, version $version is an event the webhook takes', ({ type, version, family }) => {
    const sample = toSample(type, { version })
    const reading = toEvent(JSON.parse(JSON.stringify(sample)))
    const isFound = namesCustomer(type)
    expect(reading).toMatchObject(
      isFound
        ? { ok: true, customer: { address: { value: '+15550100199' } } }
        : { ok: false, reason: family.skip ?? 'no_customer' },
    )
    expect(sample.dataschema).toContain(`${family.schema}/${version}`)
  })

  it('[SE1] every number in them is a +1555 one, and no two ids are alike', () => {
    const samples = [...all, ...all].map(({ type, version }) => toSample(type, { version }))
    const numbers = JSON.stringify(samples).match(/"\+\d+"/g) ?? []
    expect(numbers.filter(found => !found.startsWith('"+1555'))).toEqual([])
    const ids = samples.filter(({ source }) => source !== 'Sink').map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('[SE1] a failed message has an error code, a delivered one has none', () => {
    expect(toSample('com.twilio.messaging.message.failed').data).toMatchObject({
      errorCode: 30005,
      messageStatus: 'FAILED',
    })
    expect(toSample(delivered).data).not.toHaveProperty('errorCode')
  })

  it('[SE2] a type may be named by its end, all of them by "all"', () => {
    expect(toTypes(['delivered'])).toEqual({ ok: true, types: [delivered] })
    expect(toTypes(['all'])).toEqual({ ok: true, types: families.flatMap(({ types }) => types) })
    expect(toTypes(['livered'])).toMatchObject({ ok: false })
    expect(toTypes(['task.created'])).toEqual({ ok: true, types: ['com.twilio.taskrouter.task.created'] })
    expect(toTypes(['com.twilio.studio.*', 'verify.*x'])).toMatchObject({ ok: false })
    expect(toTypes(['studio.*'])).toMatchObject({ ok: true, types: { length: 3 } })
    // The end of two, and of no message.
    expect(toTypes(['added'])).toMatchObject({ ok: false })
  })
})

describe('send to a bridge', () => {
  it('[SE2] one of each type goes through the webhook, signed', async () => {
    await using segment = await startSegment()
    await using bridge = await startBridge(toSegment(segment.url))
    const types = families.flatMap(family => family.types).length
    const { code, out } = await run(['all', '--to', bridge.origin])
    expect(code).toBe(0)
    expect(out[0]).toMatch(new RegExp(`^sent +${types} in ${types} requests$`))
    const { received, rejected } = await bridge.stats()
    expect({ received, rejected }).toEqual({ received: types, rejected: 0 })
  })

  it('[SE3] without --to it goes to the bridge of this machine, signed for PUBLIC_URL', async () => {
    await using segment = await startSegment()
    await using bridge = await startBridge({
      PUBLIC_URL: 'https://bridge.example/in/hook',
      ...toSegment(segment.url),
    })
    const port = new URL(bridge.origin).port
    const here = { PORT: port, HOST: '127.0.0.1', PUBLIC_URL: 'https://bridge.example/in/hook' }
    expect(await run([], here)).toMatchObject({ code: 0 })
    const wrong = await run(['--signed-for', 'https://other.example', '--retry-for', '100ms'], here)
    expect(wrong).toMatchObject({ code: 1 })
    // The bridge's own words say what to do.
    expect(wrong.said).toContain('503: signature_mismatch')
    expect(wrong.out.join('\n')).toContain('given up      1')
  })

  it('[SE5] a load: every event acknowledged, each duplicate recognised by the bridge', async () => {
    await using segment = await startSegment()
    await using bridge = await startBridge(toSegment(segment.url))
    const args = [
      '--rate',
      '400',
      '--for',
      '1s',
      '--batch',
      '5',
      '--duplicates',
      '20%',
      '--out-of-order',
      '--json',
    ]
    const result = await run(
      [...args, '--to', bridge.origin],
      {},
      { ...twilioManners, timeoutMs: PATIENCE_MS / 4 },
    )
    const summary = result.json<Summary>()
    expect(result.code).toBe(0)
    expect(summary).toMatchObject({ sent: 400, acknowledged: 400, lost: 0, waiting: 0, requests: 80 })
    const { received, duplicates, rejected } = await bridge.stats()
    expect(rejected).toBe(0)
    expect(duplicates).toBe(summary.duplicates)
    expect(received + duplicates).toBe(summary.sent)
    expect(summary.duplicates).toBeGreaterThan(0)
    expect(summary.latencyMs?.max).toBeGreaterThanOrEqual(summary.latencyMs?.p50 ?? Number.NaN)
  })

  it('[SE6] a load goes nowhere but to this machine', async () => {
    const refused = await run(['--rate', '10', '--to', 'https://bridge.example'])
    expect(refused).toMatchObject({ code: 2 })
    expect(refused.said).toContain('--i-own-this-bridge')
    const also = await run(['--for', '1s', '--to', 'http://192.0.2.1:8787'])
    expect(also).toMatchObject({ code: 2 })
  })

  it('--print gives NDJSON and sends nothing', async () => {
    const { code, out } = await run(['delivered', '--count', '2', '--customer', '+15550100142', '--print'])
    expect(code).toBe(0)
    expect(out.map(line => JSON.parse(line).data.to)).toEqual(['+15550100142', '+15550100142'])
  })

  it('[SE220] of an unsupported type it tells the nearest five, and how to see all', async () => {
    const { said } = await run(['voice.*.nothing'])
    expect(said.split('\n').filter(line => line.startsWith('  com.twilio.')).length).toBe(5)
    expect((await run(['delivred'])).said).toContain('  com.twilio.messaging.message.delivered\n')
    expect(said).toContain('send all --print')
  })

  it.each([
    [['nothing'], 'Unsupported event type nothing'],
    [['--rate', 'fast'], 'Expected a number'],
    [['--for', '3 days'], 'Expected a duration'],
    [['--batch', '0'], 'Expected a number'],
    [['--duplicates', '120'], 'Expected a number'],
    [['--to', 'localhost:8787'], 'Expected an http(s) URL'],
  ])('%j is wrong use: exit 2', async (args, expected) => {
    const { code, said } = await run(args)
    expect(code).toBe(2)
    expect(said).toContain(expected)
  })
})

describe("Twilio's manners", () => {
  it('[SE4] 429, 5xx, a cut connection and silence are tried again until it works', async () => {
    await using webhook = await startWebhook([429, 503, 'cut', 'hang', 200])
    const result = await run(['--to', webhook.origin, '--json'], {}, { ...hasty, timeoutMs: 2_000 })
    expect(result.code).toBe(0)
    expect(result.json<Summary>()).toMatchObject({
      sent: 1,
      acknowledged: 1,
      lost: 0,
      retries: 4,
      answers: { 429: 1, 503: 1, 200: 1 },
    })
    // The same bytes each time.
    expect(new Set(webhook.bodies).size).toBe(1)
  })

  it.each([400, 401, 404, 413, 302])('[SE4] %i is lost at once', async status => {
    await using webhook = await startWebhook([status, 200])
    const result = await run(['--to', webhook.origin, '--json'])
    expect(result.code).toBe(1)
    expect(result.json<Summary>()).toMatchObject({ acknowledged: 0, lost: 1, retries: 0 })
    expect(result.said).toContain('told_so: As the test told')
  })

  it('[SE4] nobody there: tried again for a while, then given up', async () => {
    const { origin } = await startWebhook([200]).then(async webhook => {
      await webhook[Symbol.asyncDispose]()
      return webhook
    })
    const result = await run(['--to', origin, '--retry-for', '200ms'])
    expect(result.code).toBe(1)
    expect(result.said).toMatch(/no answer: .*ECONNREFUSED/)
    expect(result.out.join('\n')).toContain('given up      1')
  })

  it('[SE5] Ctrl-C ends a load: nothing new, no more tries, and the table', async () => {
    await using webhook = await startWebhook([503])
    const stop = new AbortController()
    void until('some requests', () => webhook.bodies.length >= 3).finally(() => stop.abort())
    const result = await run(
      ['--rate', '20', '--for', '1h', '--to', webhook.origin, '--json'],
      {},
      { ...hasty, firstWaitMs: 60_000 },
      { stop: stop.signal },
    )
    const { sent, givenUp, waiting } = result.json<Summary>()
    expect(result.code).toBe(1)
    expect({ givenUp, waiting }).toEqual({ givenUp: sent, waiting: 0 })
    expect(sent).toBeLessThan(200)
  })
})

describe('the feed', () => {
  const dice = { types: [], duplicates: 0, isOutOfOrder: false, random: Math.random, now: Date.now }
  const toKey = ({ data, type }: { data: { readonly messageSid?: unknown }; type: string }) =>
    `${data.messageSid} ${type.split('.').at(-1)}`

  it('[SE5] in order: sent before delivered, message by message', () => {
    const { events } = createFeed(dice).take(500)
    const keys = events.map(toKey)
    for (const key of keys.filter(key => key.endsWith(' delivered'))) {
      const sent = keys.indexOf(key.replace(' delivered', ' sent'))
      expect(sent).toBeGreaterThanOrEqual(0)
      expect(sent).toBeLessThan(keys.indexOf(key))
    }
  })

  it('[SE5] out of order: some are delivered before they are sent, none twice', () => {
    const { events } = createFeed({ ...dice, isOutOfOrder: true }).take(2_000)
    const keys = events.map(toKey)
    const early = keys.filter(
      key =>
        key.endsWith(' delivered') && keys.indexOf(key.replace(' delivered', ' sent')) > keys.indexOf(key),
    )
    expect(early.length).toBeGreaterThan(0)
    expect(new Set(events.map(({ id }) => id)).size).toBe(2_000)
  })

  it('[SE5] duplicates are the very same events', () => {
    const { events, duplicates } = createFeed({ ...dice, duplicates: 0.3 }).take(2_000)
    expect(2_000 - new Set(events).size).toBe(duplicates)
    expect(duplicates).toBeGreaterThan(200)
  })
})
